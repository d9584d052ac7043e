/** How a figure came to where it is: the line of a tile, and the change against the 30 days before. */
import { DAY_MS, dayOf, numberOf, type Point, pointsOf, timeOf } from './chart-series';
import { formatPeriod } from './format';
import { formatChange, type Unit } from './measures';
import type { Metrics, PastMetrics } from './types';

export interface Change {
  /** "−12% against 21 Sep – 20 Oct 2026". */
  text: string;
  /** Good or bad by what the figure means, not by its direction; null when it is neither. */
  good: boolean | null;
}

const PERIOD_DAYS = 30;
/** How much older than 30 days a figure may be and still be the one before. */
const TOLERANCE_DAYS = 10;

/** Where a rise is good (1) and where it is bad (−1); of what is missing nobody can say. */
const GOOD_DIRECTION: Partial<Record<string, 1 | -1>> = {
  revenue_total: 1,
  transaction_count: 1,
  mrr: 1,
  payout_reliability: 1,
  chargeback_ratio: -1,
  refund_ratio: -1,
  revenue_volatility: -1,
};

/** The line of a figure, measured points only, oldest first; null when there are not two. */
export function lineOf(key: string, metrics: Metrics, history: readonly PastMetrics[]): Point[] | null {
  const line = pointsOf(key, history, metrics.details.buckets).filter((point) => point.value !== null);
  return line.length > 1 ? line : null;
}

/** Against the 30 days before; null where they were not measured. */
export function changeOf(key: string, unit: Unit, metrics: Metrics, history: readonly PastMetrics[]): Change | null {
  const now = numberOf(metrics, key);
  const wanted = timeOf(metrics.period_end) - PERIOD_DAYS * DAY_MS;
  const before = lineOf(key, metrics, history)?.findLast((point) => point.time <= wanted);
  if (now === null || !before || before.value === null || before.time < wanted - TOLERANCE_DAYS * DAY_MS) return null;
  const change = formatChange(now, before.value, unit);
  const period = formatPeriod(dayOf(before.time - (PERIOD_DAYS - 1) * DAY_MS), before.day, 'short');
  if (change === 'unchanged') return { text: `Unchanged against ${period}`, good: null };
  const direction = GOOD_DIRECTION[key];
  return {
    text: `${change} against ${period}`,
    good: direction === undefined ? null : (now - before.value) * direction > 0,
  };
}
