/** The sign-in page's words for what brought somebody there. */
export interface Notice {
  text: string;
  tone: 'plain' | 'warn';
}

const ERRORS = new Map(
  Object.entries({
    google_denied: 'You did not allow Google to tell us who you are, so nobody was signed in.',
    google_expired: 'Signing in with Google took too long, or was begun in another browser. Please start again.',
    google_unfinished: 'Signing in with Google could not be finished. Please try again.',
    google_unverified:
      'Google has not verified your email address. Verify it at Google first, or sign in with a password.',
    google_account_exists:
      'There is an account with this email that has a password. Sign in with the password. To use Google as well, reset the password by mail first: that shows that the mailbox is yours.',
    google_use_password:
      'There is an account with this email. Sign in with its password, or choose a new one by mail: Google does not run this mailbox, so it cannot tell that it is still yours.',
    google_failed: 'Google did not confirm who you are. Please try again.',
    google_unavailable: 'Google cannot be reached right now. Try again in a moment, or sign in with a password.',
  }),
);

const REASONS = new Map<string, Notice>(
  Object.entries({
    expired: { text: 'Your session has ended. Sign in to go on where you were.', tone: 'warn' },
    reset: { text: 'Your password is changed. Sign in with the new one.', tone: 'plain' },
  }),
);

/** What to say above the form; null when somebody simply came to sign in. */
export function signInNotice(query: URLSearchParams): Notice | null {
  const error = query.get('error');
  if (error !== null) return { text: ERRORS.get(error) ?? 'Signing in did not work. Please try again.', tone: 'warn' };
  return REASONS.get(query.get('reason') ?? '') ?? null;
}
