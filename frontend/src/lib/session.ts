/** A session's life at the API: renewed while it is used, and ended on purpose. */
import { logout, refreshToken } from './api';
import { getToken, isRefreshDue, setToken, signOut } from './auth';

const LOGOUT_MS = 3_000;

/** Ends the session at the API, too, so that its token is dead; without an answer it is only forgotten here. */
export async function endSession(): Promise<void> {
  const token = getToken();
  if (token) {
    const patience = new Promise<void>((resolve) => setTimeout(resolve, LOGOUT_MS));
    await Promise.race([logout(token).catch(() => undefined), patience]);
  }
  signOut();
}

/** Gets a new token when a day of this one's life is over. A failure is silent: the old one is good for days. */
export async function refreshWhenDue(now: number = Date.now()): Promise<void> {
  const token = getToken();
  if (!token || !isRefreshDue(now)) return;
  const fresh = await refreshToken(token).catch(() => null);
  // Meanwhile somebody may have signed out, here or in another tab, or another tab may have been faster.
  if (fresh && getToken() === token) setToken(fresh.token);
}

/**
 * Begins the session of a token that came in an address, with another one in its place: browsers remember every
 * address, also those that a page takes back, and what they remember is dead at once.
 */
export async function beginSession(token: string): Promise<void> {
  const fresh = await refreshToken(token);
  void logout(token).catch(() => undefined);
  setToken(fresh.token);
}
