/** A metric's past as the points of a chart: full 30-day periods out of Stripe's history, then what each day computed. */
import type { Bucket, PastMetrics } from './types';

export const DAY_MS = 86_400_000;

export type Granularity = 'day' | 'week' | 'month';

/** One metric as it stood at the end of a UTC day; `value` is null where it was not measured. */
export interface Point {
  day: string;
  time: number;
  value: number | null;
}

/** A stretch of days between two points in which nothing was computed; `days` counts them. */
export interface Gap {
  from: number;
  to: number;
  days: number;
}

/** A line of the chart, `null` where it breaks; `open` is the part whose last day, week or month is not over. */
export interface Row {
  time: number;
  value: number | null;
  open: number | null;
}

/** What a full 30-day period says of a metric; only what the API's periods hold can be told of the time before us. */
const OF_PERIOD: Record<string, (bucket: Bucket) => number | null> = {
  revenue_total: (bucket) => bucket.revenue_total,
  net_volume: (bucket) => bucket.net_volume,
  transaction_count: (bucket) => bucket.transaction_count,
  chargeback_count: (bucket) => bucket.chargeback_count,
  fraud_warnings: (bucket) => bucket.fraud_warnings,
  average_transaction_size: ({ revenue_total, transaction_count }) =>
    revenue_total === null || transaction_count === 0 ? null : revenue_total / transaction_count,
  chargeback_ratio: ({ chargeback_count, transaction_count }) =>
    transaction_count === 0 ? null : chargeback_count / transaction_count,
};

/** Days without a point that are no gap, because two neighbours may lie this far apart. */
const USUAL_DISTANCE: Record<Granularity, number> = { day: 1, week: 13, month: 61 };

export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

export function timeOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}

/** A metric's number among a snapshot's; null when it is a word or was not measured. */
export function numberOf(metrics: object & { details: object }, key: string): number | null {
  const own = (metrics as Record<string, unknown>)[key];
  const value = own === undefined ? (metrics.details as Record<string, unknown>)[key] : own;
  return typeof value === 'number' ? value : null;
}

/** Whether the time before the first snapshot can be told of this metric. */
export function hasPeriods(key: string): boolean {
  return key in OF_PERIOD;
}

/** The metric by its day, oldest first: the periods that ended before the first snapshot, then the snapshots. */
export function pointsOf(key: string, history: readonly PastMetrics[], buckets: readonly Bucket[]): Point[] {
  const computed = history.map((one) => ({
    day: one.period_end,
    time: timeOf(one.period_end),
    value: numberOf(one, key),
  }));
  const first = computed[0]?.time ?? Number.POSITIVE_INFINITY;
  const ofPeriod = OF_PERIOD[key];
  const before = ofPeriod
    ? buckets.map((bucket) => ({
        day: bucket.period_end,
        time: timeOf(bucket.period_end),
        value: ofPeriod(bucket),
      }))
    : [];
  return [...before.filter((point) => point.time < first), ...computed];
}

export function within(points: readonly Point[], from: number, to: number): Point[] {
  return points.filter((point) => point.time >= from && point.time <= to);
}

/** The points of the range before this one, moved on by its length, so that both lie over each other. */
export function shifted(points: readonly Point[], from: number, days: number): Point[] {
  const length = days * DAY_MS;
  return within(points, from - length, from - DAY_MS).map((point) => ({ ...point, time: point.time + length }));
}

/** Where snapshots are missing although there are earlier and later ones. */
export function gapsOf(history: readonly PastMetrics[], granularity: Granularity): Gap[] {
  const times = history.map((one) => timeOf(one.period_end));
  return times.slice(1).flatMap((to, i) => {
    const from = times[i] ?? to;
    const distance = Math.round((to - from) / DAY_MS);
    return distance > USUAL_DISTANCE[granularity] ? [{ from, to, days: distance - 1 }] : [];
  });
}

/** Whether a point's day, ISO week or month is still going on, so that its figure may yet change. */
export function isOpen(point: Point, granularity: Granularity, now: number): boolean {
  const today = timeOf(dayOf(now));
  if (granularity === 'day') return point.time >= today;
  if (granularity === 'month') return point.day.slice(0, 7) === dayOf(now).slice(0, 7);
  const monday = today - ((new Date(today).getUTCDay() + 6) % 7) * DAY_MS;
  return point.time >= monday;
}

/** The chart's line: broken in gaps, and its last stretch set apart while it is not over. */
export function rowsOf(points: readonly Point[], gaps: readonly Gap[], open: boolean): Row[] {
  const last = points.length - 1;
  return points.flatMap((point, i) => {
    const unfinished = open && i === last;
    const row = {
      time: point.time,
      value: unfinished ? null : point.value,
      open: open && i >= last - 1 ? point.value : null,
    };
    const gap = gaps.find((each) => each.from === point.time);
    return gap && i < last ? [row, { time: (gap.from + gap.to) / 2, value: null, open: null }] : [row];
  });
}

/** The point next to a time; null when there is none within `most` days. */
export function nearest(points: readonly Point[], time: number, most = Number.POSITIVE_INFINITY): Point | null {
  let best: Point | null = null;
  for (const point of points) {
    if (!best || Math.abs(point.time - time) < Math.abs(best.time - time)) best = point;
  }
  return best && Math.abs(best.time - time) <= most * DAY_MS ? best : null;
}

/** At most so many dates for the time axis: the first days of months, or evenly spread days over a short range. */
export function timeTicks(from: number, to: number, most: number): number[] {
  const days = Math.round((to - from) / DAY_MS);
  if (days <= 90) {
    const step = Math.max(1, Math.ceil(days / (most - 1)));
    return Array.from({ length: Math.floor(days / step) + 1 }, (_, i) => to - i * step * DAY_MS).reverse();
  }
  const starts: number[] = [];
  const first = new Date(from);
  for (let month = first.getUTCMonth(); ; month += 1) {
    const start = Date.UTC(first.getUTCFullYear(), month, 1);
    if (start > to) break;
    if (start >= from) starts.push(start);
  }
  const stride = Math.ceil(starts.length / most);
  return starts.filter((_, i) => (starts.length - 1 - i) % stride === 0);
}

/** Round numbers from the lowest to the highest, zero among them. */
export function valueTicks(low: number, high: number, whole: boolean): number[] {
  const bottom = Math.min(0, low);
  const top = Math.max(0, high);
  const span = top - bottom || 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const nice = [1, 2, 2.5, 5, 10].find((each) => each * power >= rough) ?? 10;
  const step = whole ? Math.max(1, Math.ceil(nice * power)) : nice * power;
  const first = Math.floor(bottom / step + 1e-9);
  const count = Math.ceil((top - first * step) / step - 1e-9);
  return Array.from({ length: Math.max(1, count) + 1 }, (_, i) => (first + i) * step);
}
