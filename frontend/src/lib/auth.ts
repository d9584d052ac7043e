/** The session: the token and the current business, kept in this browser and shared by all its tabs. */
import { persistentAtom } from '@nanostores/persistent';
import { INVITATION_PAGE } from './invitation';

const TOKEN_KEY = 'vaultra_token';
const BUSINESS_KEY = 'vaultra_current_business_id';
const DAY_MS = 24 * 3_600_000;

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

interface Claims {
  exp?: number;
  iat?: number;
  user_id?: string;
}

/** What a token says about itself; nothing when it cannot be read. Only the API knows whether it is true. */
function claimsOf(token: string): Claims {
  try {
    const payload = token.split('.')[1] ?? '';
    return JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
  } catch {
    return {};
  }
}

/** Whose token it is; null when it does not say. */
export function userOf(token: string): string | null {
  return claimsOf(token).user_id ?? null;
}

/** Whether there is a token that has not run out. The API has the last word. */
export function isAuthenticated(now: number = Date.now()): boolean {
  const token = getToken();
  if (!token) return false;
  const { exp } = claimsOf(token);
  return exp === undefined || exp * 1000 > now;
}

/** Whether a new token is due: this one is older than a day, and still good. */
export function isRefreshDue(now: number = Date.now()): boolean {
  const { iat } = claimsOf(getToken() ?? '');
  return iat !== undefined && now - iat * 1000 > DAY_MS && isAuthenticated(now);
}

export function getAuthHeaders(): HeadersInit {
  const token = getToken();
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/**
 * The page to return to after signing in: only a path of this site that is no part of signing in, nor an answer
 * of the API. The one exception is the page where an invitation waits.
 */
export function safeNext(next: string | null, fallback = '/dashboard/'): string {
  if (!next) return fallback;
  try {
    const url = new URL(next, location.origin);
    if (url.origin !== location.origin) return fallback;
    if (url.pathname === INVITATION_PAGE) return INVITATION_PAGE;
    return /^\/(auth|api)(\/|$)/.test(url.pathname) ? fallback : url.pathname + url.search + url.hash;
  } catch {
    return fallback;
  }
}

/** An address of the sign-in pages or the API that remembers where to go afterwards; itself when that is nowhere. */
export function withNext(href: string, next: string | null): string {
  const safe = safeNext(next, '');
  return safe ? `${href}?${new URLSearchParams({ next: safe })}` : href;
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
