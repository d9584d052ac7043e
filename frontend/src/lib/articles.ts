/** The help pages' order and names, and what the articles' own links become on the site. */
import type { CollectionEntry } from 'astro:content';

type Category = CollectionEntry<'articles'>['data']['category'];

/** The categories in the order in which an owner meets them, with the names a reader sees. */
export const CATEGORIES: Record<Category, string> = {
  'best-practices': 'The score',
  'lending-criteria': 'What lenders look at',
  chargebacks: 'Disputes and chargebacks',
  'cash-flow': 'Revenue, refunds and payouts',
  subscriptions: 'Subscriptions',
  privacy: 'Your data',
};

export function articleUrl(docId: string): string {
  return `/help/${docId}/`;
}

/** Articles name each other by their files, so that they can be read where they are written. */
export function withSiteLinks(html: string): string {
  return html.replace(/href="([a-z0-9-]+)\.md(#[a-z0-9-]+)?"/g, (_, docId: string, anchor = '') => {
    return `href="${articleUrl(docId)}${anchor}"`;
  });
}
