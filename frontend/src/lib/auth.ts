/** The session: the token and the current business, kept in this browser and shared by all its tabs. */
import { persistentAtom } from '@nanostores/persistent';

const TOKEN_KEY = 'vaultra_token';
const BUSINESS_KEY = 'vaultra_current_business_id';

export const $token = persistentAtom<string | undefined>(TOKEN_KEY);
export const $businessId = persistentAtom<string | undefined>(BUSINESS_KEY);

/** Whether this page load is already on its way to another page, so that two failing calls send only once. */
let leaving = false;

export function getToken(): string | null {
  return $token.get() || null;
}

export function setToken(token: string): void {
  $token.set(token);
}

export function removeToken(): void {
  $token.set(undefined);
}

/** Ends the session on purpose. The chosen business goes too: the next person at this browser may be another. */
export function signOut(): void {
  leaving = true;
  $token.set(undefined);
  $businessId.set(undefined);
}

export function getCurrentBusinessId(): string | null {
  return $businessId.get() || null;
}

export function setCurrentBusinessId(id: string): void {
  $businessId.set(id);
}

/** When the token runs out, in epoch milliseconds; null when it does not say. */
function expiresAt(token: string): number | null {
  try {
    const payload = token.split('.')[1] ?? '';
    const { exp } = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
    return typeof exp === 'number' ? exp * 1000 : null;
  } catch {
    return null;
  }
}

/** Whether there is a token that has not run out. The API has the last word. */
export function isAuthenticated(now: number = Date.now()): boolean {
  const token = getToken();
  if (!token) return false;
  const end = expiresAt(token);
  return end === null || end > now;
}

export function getAuthHeaders(): HeadersInit {
  const token = getToken();
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** The page to return to after signing in; only a path of this site, never another one. */
export function safeNext(next: string | null, fallback = '/dashboard/'): string {
  if (!next) return fallback;
  try {
    const url = new URL(next, location.origin);
    const here = url.origin === location.origin && !url.pathname.startsWith('/auth/');
    return here ? url.pathname + url.search + url.hash : fallback;
  } catch {
    return fallback;
  }
}

/** The sign-in page that leads back to where the visitor is now. */
function loginUrl(reason?: 'expired'): string {
  const query = new URLSearchParams({ next: location.pathname + location.search });
  if (reason) query.set('reason', reason);
  return `/auth/login/?${query}`;
}

/** Goes to the sign-in page, once, and leads back here afterwards. */
export function sendToLogin(reason?: 'expired'): void {
  if (leaving) return;
  leaving = true;
  const url = loginUrl(reason);
  removeToken();
  location.replace(url);
}
