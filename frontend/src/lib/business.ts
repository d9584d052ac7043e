/** Which business a page is about: the address first, then the last choice, then the only one there is. */
import { atom } from 'nanostores';
import { $businessId } from './auth';
import type { Membership } from './types';

export type Choice =
  | { kind: 'none' }
  | { kind: 'chosen'; business: Membership }
  /** Several, and none chosen yet; `foreign` when the address names one that isn't the user's. */
  | { kind: 'choose'; foreign: boolean };

/** The business the address asks for; empty when it names none. */
export const $requestedId = atom(new URLSearchParams(globalThis.location?.search ?? '').get('business_id') ?? '');

export function chooseBusiness(businesses: Membership[], requested: string, stored: string | undefined): Choice {
  const find = (id: string | undefined) => businesses.find((business) => business.id === id);
  if (businesses.length === 0) return { kind: 'none' };
  const only = businesses.length === 1 ? businesses[0] : undefined;
  const business = requested ? find(requested) : (find(stored) ?? only);
  return business ? { kind: 'chosen', business } : { kind: 'choose', foreign: requested !== '' };
}

/** Makes a business the current one, in storage and in the address, without a new page load. */
export function switchBusiness(id: string): void {
  $businessId.set(id);
  const url = new URL(location.href);
  url.searchParams.set('business_id', id);
  history.replaceState(history.state, '', url);
  $requestedId.set(id);
}

/** Goes to whatever business there is besides the current one, which is no more, or no longer one's own. */
export function leaveBusiness(): void {
  $businessId.set(undefined);
  location.assign('/dashboard/');
}
