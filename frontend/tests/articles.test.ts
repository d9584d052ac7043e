import { expect, it } from 'vitest';
import { withSiteLinks } from '../src/lib/articles';

it('turns the articles’ links to each other into the site’s, and leaves all others alone', () => {
  const html =
    '<a href="payout-timing.md#payout-reliability">1</a> <a href="payout-timing.md">2</a> ' +
    '<a href="https://docs.stripe.com/a.md#b">3</a> <a href="#here">4</a>';
  expect(withSiteLinks(html)).toBe(
    '<a href="/help/payout-timing/#payout-reliability">1</a> <a href="/help/payout-timing/">2</a> ' +
      '<a href="https://docs.stripe.com/a.md#b">3</a> <a href="#here">4</a>',
  );
});
