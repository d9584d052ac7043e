/** The page to return to after signing in, kept on the way from one sign-in page to another. */
import { withNext } from '../lib/auth';

/** What the address asks for; null when it asks for nothing. Not yet checked: `safeNext` does. */
export const requestedNext = new URLSearchParams(location.search).get('next');

for (const link of document.querySelectorAll<HTMLAnchorElement>('a[data-keep-next]')) {
  link.href = withNext(link.pathname, requestedNext);
}
