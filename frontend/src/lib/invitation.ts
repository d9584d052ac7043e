/** The invitation that waits in this tab while the invited person signs in or up. */
const KEY = 'vaultra_invitation';

export const INVITATION_PAGE = '/auth/invitation/';

/** What each role may do, and how it is said after "as". */
export const ROLES = {
  owner: { name: 'an owner', may: 'You can change everything, invite others and delete the business.' },
  admin: { name: 'an admin', may: 'You can change everything but the members.' },
  viewer: { name: 'a viewer', may: 'You can read everything and ask the assistant.' },
} as const;

/** The waiting invitation's token; null when none waits. */
export function waitingInvitation(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function keepInvitation(token: string): void {
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // Storage is blocked: whoever has to sign in first opens the link of the mail again.
  }
}

export function forgetInvitation(): void {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Then it never was kept.
  }
}
