/** Questions that a page asks before the scripts that show the answers are there. */
import { $businessId, isAuthenticated } from './auth';
import { $requestedId } from './business';
import { currentUserQuery, queryClient } from './query';

type Query = Parameters<typeof queryClient.query>[0];

/**
 * Asks who is signed in, and at the same time what the top of the page will show of the business that was looked at
 * last: nearly always it is that one again. Where the address names another one, nothing is asked about either.
 */
export function askEarly(ofBusiness: (businessId: string) => Query[]): void {
  if (!isAuthenticated()) return;
  const last = $businessId.get();
  const asked = $requestedId.get();
  const about = last && (asked === '' || asked === last) ? ofBusiness(last) : [];
  // What fails is asked again by what shows it, which also tells of it.
  for (const query of [currentUserQuery, ...about]) queryClient.query(query).catch(() => undefined);
}
