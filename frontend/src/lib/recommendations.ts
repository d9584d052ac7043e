/** Reading recommendations: which are shown, in which order, and what came of those that are done. */
import { plural } from './format';
import type { Recommendation } from './types';

export const FILTERS = ['pending', 'accepted', 'resolved', 'dismissed', 'all'] as const;
export type Filter = (typeof FILTERS)[number];
export const FILTER_LABELS: Record<Filter, string> = {
  pending: 'To do',
  accepted: 'In your plan',
  resolved: 'Done',
  dismissed: 'Dismissed',
  all: 'All',
};

export const SORTS = ['impact', 'effort', 'newest'] as const;
export type Sort = (typeof SORTS)[number];
export const SORT_LABELS: Record<Sort, string> = {
  impact: 'Largest impact first',
  effort: 'Least effort first',
  newest: 'Newest first',
};

const EFFORT_RANK = { small: 0, medium: 1, large: 2 } as const;
const UNKNOWN_EFFORT = 3;
/** Below all that the API gives. */
const UNKNOWN_IMPACT = -1_000;
export const EFFORT_LABELS = {
  small: 'Small effort: some hours',
  medium: 'Medium effort: some days of attention',
  large: 'Large effort: months of selling differently',
} as const;

/** What an owner may say of a dismissal with one click. */
export const DISMISSAL_REASONS = [
  'It does not fit my business',
  'It is taken care of already',
  'It costs more than it brings',
  'I do not agree with the figures',
] as const;
/** For how long a dismissed recommendation stays away, as the API has it. */
export const QUIET_DAYS = 30;

export function filtered(recommendations: Recommendation[], filter: Filter): Recommendation[] {
  return filter === 'all' ? recommendations : recommendations.filter((each) => each.status === filter);
}

/** A new list in the order that is asked for; equals stay in the API's order, which is by weight. */
export function sorted(recommendations: Recommendation[], sort: Sort): Recommendation[] {
  return [...recommendations].sort(ORDERS[sort]);
}

const ORDERS: Record<Sort, (a: Recommendation, b: Recommendation) => number> = {
  impact: (a, b) => impactOf(b) - impactOf(a),
  effort: (a, b) => effortOf(a) - effortOf(b) || impactOf(b) - impactOf(a),
  newest: (a, b) => Date.parse(b.created_at) - Date.parse(a.created_at),
};

const impactOf = (item: Recommendation) => item.estimated_impact ?? UNKNOWN_IMPACT;
const effortOf = (item: Recommendation) => (item.effort ? EFFORT_RANK[item.effort] : UNKNOWN_EFFORT);

/** Those that still stand, the weightiest first, as the API orders them. */
export function nextActions(recommendations: Recommendation[], most: number): Recommendation[] {
  const live = recommendations.filter((each) => each.status === 'pending' || each.status === 'accepted');
  return live.slice(0, most);
}

/** The one that rests on a metric and still stands; the weightiest if there are several. */
export function adviceOn(metric: string, recommendations: Recommendation[]): Recommendation | undefined {
  const about = nextActions(recommendations, recommendations.length).filter((each) =>
    each.metric_refs.includes(metric),
  );
  // The one that rests on the fewest metrics is the one that is about this metric.
  return about.sort((a, b) => a.metric_refs.length - b.metric_refs.length)[0];
}

/** "Worth 15 points" of the score. */
export function impactText(impact: number | null): string {
  if (impact === null) return 'Impact not known';
  return impact > 0 ? `Worth ${plural(impact, 'point')}` : 'Keeps the score';
}

/** What was predicted beside what came, in a sentence; null without a proof. */
export function outcomeText(item: Recommendation): string | null {
  if (!item.proof) return null;
  const { before, after } = item.proof;
  const difference = after.score - before.score;
  const moved =
    difference === 0
      ? `the score is ${after.score}, as before`
      : `the score went from ${before.score} to ${after.score} (${difference > 0 ? 'up' : 'down'} ${Math.abs(difference)})`;
  if (item.estimated_impact === null || item.estimated_impact <= 0) return `Since then, ${moved}.`;
  return `Predicted: ${plural(item.estimated_impact, 'point')}. Since then, ${moved}, together with all else that changed.`;
}
