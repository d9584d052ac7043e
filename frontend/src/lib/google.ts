/** Binds signing in with Google to this browser: only where it was begun does the way back sign somebody in. */
import { persistentAtom } from '@nanostores/persistent';

/** As long as the API remembers a begun sign-in, and a little for the way. */
const LIFETIME_MS = 11 * 60_000;

const $startedAt = persistentAtom<string | undefined>('vaultra_google_started_at');

export function rememberGoogleStart(now: number = Date.now()): void {
  $startedAt.set(String(now));
}

/** Whether a sign-in with Google was begun here lately; true once. A link that a stranger made is thus of no use. */
export function takeGoogleStart(now: number = Date.now()): boolean {
  const age = now - Number($startedAt.get() ?? Number.NaN);
  $startedAt.set(undefined);
  return age >= 0 && age <= LIFETIME_MS;
}
