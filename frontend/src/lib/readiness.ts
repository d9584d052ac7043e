/** Reading a score: its tier, the parts that add up to it, and the answer in one sentence. */
import { formatDay, formatPoints, lowerFirst, plural } from './format';
import type { Changes, Readiness, Rule } from './types';

/** Every score starts here; the rules' points are added to it. */
export const START_SCORE = 50;
export const MIN_SCORE = 0;
export const MAX_SCORE = 100;

/** The last score of each tier but the highest: where the gauge draws its edges. */
export const TIER_EDGES = [40, 70, 85] as const;
export const TIERS: readonly { key: string; label: string; from: number; to: number; meaning: string }[] = [
  {
    key: 'not_ready',
    label: 'Not ready',
    from: MIN_SCORE,
    to: TIER_EDGES[0],
    meaning: 'Several signals that lenders check first are weak.',
  },
  {
    key: 'improving',
    label: 'Improving',
    from: TIER_EDGES[0] + 1,
    to: TIER_EDGES[1],
    meaning: 'The basics are there; some signals still cost points.',
  },
  {
    key: 'funding_ready',
    label: 'Funding-ready',
    from: TIER_EDGES[1] + 1,
    to: TIER_EDGES[2],
    meaning: 'The record looks the way most lenders ask for.',
  },
  {
    key: 'highly_attractive',
    label: 'Highly attractive',
    from: TIER_EDGES[2] + 1,
    to: MAX_SCORE,
    meaning: 'A long, steady record with hardly a weak signal.',
  },
];

/** One line of the sum that ends at the score. `before` and `after` are running totals. */
export interface Step {
  rule: Rule;
  before: number;
  after: number;
}
export interface Sum {
  start: number;
  /** The rules that moved the score: gains first, the largest first; then losses, the largest first. */
  steps: Step[];
  /** Measured, in a band that earns nothing. */
  neutral: Rule[];
  /** Not measured, so they earn exactly 0. */
  notMeasured: Rule[];
  /** What start and points come to before the limits of 0 and 100. */
  total: number;
  /** What the limits of 0 and 100 took or gave; 0 in nearly every case. */
  limited: number;
  /** Whether the parts reach the published score exactly. */
  exact: boolean;
}

/** The parts of a score as a running sum from START_SCORE to the score. */
export function addUp(readiness: Readiness): Sum {
  const rules = readiness.components.rules;
  const moving = rules.filter((rule) => rule.points !== 0).sort((a, b) => order(a) - order(b));
  let total = START_SCORE;
  const steps = moving.map((rule) => {
    const before = total;
    total += rule.points;
    return { rule, before, after: total };
  });
  const bounded = Math.min(MAX_SCORE, Math.max(MIN_SCORE, total));
  return {
    start: START_SCORE,
    steps,
    neutral: rules.filter((rule) => rule.points === 0 && rule.effect !== 'not_measured'),
    notMeasured: rules.filter((rule) => rule.points === 0 && rule.effect === 'not_measured'),
    total,
    limited: bounded - total,
    exact: bounded === readiness.score,
  };
}

function order(rule: Rule): number {
  return rule.points > 0 ? -rule.points : MAX_SCORE + rule.points;
}

/** The next tier up and the points it takes; null in the highest tier. */
export function nextTier(score: number): { label: string; from: number; missing: number } | null {
  const tier = TIERS.find((each) => each.from > score);
  return tier ? { label: tier.label, from: tier.from, missing: tier.from - score } : null;
}

/** The score, its tier and what moves it most, in one sentence. */
export function answerSentence(readiness: Readiness): string {
  const { steps } = addUp(readiness);
  const help = steps.find((step) => step.rule.points > 0)?.rule;
  const hurt = steps.find((step) => step.rule.points < 0)?.rule;
  const name = (rule: Rule) => `${lowerFirst(rule.label)} (${formatPoints(rule.points)})`;
  const head = `${readiness.tier_label}, at ${readiness.score} of 100`;
  if (help && hurt) return `${head}: most points from ${name(help)}, most lost to ${name(hurt)}.`;
  if (help) return `${head}: most points from ${name(help)}, none lost.`;
  if (hurt) return `${head}: most points lost to ${name(hurt)}, none earned yet.`;
  return `${head}: the starting score, because nothing has moved it yet.`;
}

/** Whether no rule could be measured, as before the first charge. */
export function nothingMeasured(readiness: Readiness): boolean {
  return readiness.components.rules.every((rule) => rule.effect === 'not_measured');
}

/** The change against 30 days ago; the API calls up to 2 points either way stable. */
export function trendText(trend: string | null): string {
  switch (trend) {
    case 'improving':
      return 'Up by more than 2 points in 30 days';
    case 'declining':
      return 'Down by more than 2 points in 30 days';
    case 'stable':
      return 'Within 2 points of 30 days ago';
    default:
      return 'No score from 30 days ago to compare with';
  }
}

/** The change since the score of 30 days ago, or since the first one; null while there is only one score. */
export function changeText(changes: Changes | null | undefined): string | null {
  if (!changes || changes.before.created_at === changes.after.created_at) return null;
  const { before, after, difference } = changes;
  const since = before.scored_on === after.scored_on ? 'earlier today' : formatDay(before.scored_on);
  if (difference === 0) return `The same ${after.score} as ${since}`;
  return `${difference > 0 ? 'Up' : 'Down'} ${plural(Math.abs(difference), 'point')} from ${before.score}, since ${since}`;
}

/** The metric that a rule of the score looks at first. */
export const METRIC_OF_RULE: Partial<Record<string, string>> = {
  revenue_trend: 'revenue_trend',
  revenue_volatility: 'revenue_volatility',
  chargeback_ratio: 'chargeback_ratio',
  payout_reliability: 'payout_reliability',
  track_record: 'track_record',
  scale: 'monthly_net_volume',
  continuity: 'active_weeks_ratio',
  concentration: 'top_customer_share',
  refunds: 'refund_volume_ratio',
  durable_revenue: 'repeat_revenue_share',
  network_pressure: 'chargeback_count',
  account_standing: 'account_standing',
};

/** How far sampling alone could move the score, in words. */
export function rangeText(low: number, high: number): string {
  return low === high
    ? 'Chance in the counts would not change the points.'
    : `With few charges or payouts, chance alone could put it anywhere from ${low} to ${high}.`;
}
