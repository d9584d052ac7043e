import { describe, expect, it } from 'vitest';
import {
  type Granularity,
  gapsOf,
  isOpen,
  nearest,
  pointsOf,
  rowsOf,
  shifted,
  timeOf,
  timeTicks,
  valueTicks,
  within,
} from '../src/lib/chart-series';
import type { Bucket, PastMetrics } from '../src/lib/types';

const snapshot = (day: string, values: object = {}) =>
  ({
    period_end: day,
    revenue_total: 100,
    details: { net_volume: 90, ...values },
    ...values,
  }) as unknown as PastMetrics;
const bucket = (start: string, end: string, values: Partial<Bucket> = {}): Bucket => ({
  period_start: start,
  period_end: end,
  revenue_total: 200,
  net_volume: 180,
  transaction_count: 8,
  chargeback_count: 2,
  fraud_warnings: 0,
  ...values,
});
const NOW = Date.parse('2026-11-20T12:00:00Z');

describe('a metric’s points', () => {
  const history = [snapshot('2026-11-19'), snapshot('2026-11-20')];
  const buckets = [bucket('2026-09-21', '2026-10-20'), bucket('2026-10-21', '2026-11-19')];

  it('begin with the full periods before the first snapshot', () => {
    expect(pointsOf('revenue_total', history, buckets).map(({ day, value }) => [day, value])).toEqual([
      ['2026-10-20', 200],
      ['2026-11-19', 100],
      ['2026-11-20', 100],
    ]);
  });
  it('have a period’s ratios by the metrics’ own formulas', () => {
    expect(pointsOf('chargeback_ratio', [], buckets)[0]?.value).toBe(0.25);
    expect(pointsOf('average_transaction_size', [], buckets)[0]?.value).toBe(25);
    const empty = [bucket('2026-09-21', '2026-10-20', { transaction_count: 0, chargeback_count: 0 })];
    expect(pointsOf('chargeback_ratio', [], empty)[0]?.value).toBeNull();
  });
  it('are only snapshots where periods do not tell', () => {
    expect(pointsOf('payout_reliability', history, buckets)).toHaveLength(2);
  });
  it('are null where a metric was not measured or is a word', () => {
    expect(pointsOf('mrr', [snapshot('2026-11-20', { mrr: null })], [])[0]?.value).toBeNull();
    expect(pointsOf('revenue_trend', [snapshot('2026-11-20', { revenue_trend: 'stable' })], [])[0]?.value).toBeNull();
  });
  it('come from the details, too', () => {
    expect(pointsOf('net_volume', history, [])[0]?.value).toBe(90);
  });
});

describe('the range before', () => {
  const points = ['2025-11-24', '2025-11-25', '2026-11-19'].map((day, i) => ({ day, time: timeOf(day), value: i }));
  it('lies over this one, by its length', () => {
    const from = timeOf('2025-11-25');
    expect(shifted(points, from, 360)).toEqual([{ day: '2025-11-24', time: timeOf('2026-11-19'), value: 0 }]);
    expect(within(points, from, NOW).map(({ value }) => value)).toEqual([1, 2]);
  });
});

describe('gaps', () => {
  const days = (...all: string[]) => all.map((day) => snapshot(day));
  it.each<[Granularity, string[], number[]]>([
    ['day', ['2026-11-01', '2026-11-02', '2026-11-05'], [2]],
    ['week', ['2026-11-01', '2026-11-14', '2026-11-28'], [13]],
    ['month', ['2026-09-01', '2026-10-31', '2026-11-30'], []],
  ])('by %s', (granularity, all, missing) => {
    expect(gapsOf(days(...all), granularity).map((gap) => gap.days)).toEqual(missing);
  });
  it('break the line', () => {
    const points = [1, 2, 5].map((day) => ({ day: '', time: timeOf(`2026-11-0${day}`), value: day }));
    const gaps = gapsOf(days('2026-11-01', '2026-11-02', '2026-11-05'), 'day');
    expect(rowsOf(points, gaps, false).map(({ value }) => value)).toEqual([1, 2, null, 5]);
  });
});

describe('what is not over', () => {
  const at = (day: string) => ({ day, time: timeOf(day), value: 1 });
  it.each<[Granularity, string, boolean]>([
    ['day', '2026-11-20', true],
    ['day', '2026-11-19', false],
    ['week', '2026-11-16', true],
    ['week', '2026-11-15', false],
    ['month', '2026-11-01', true],
    ['month', '2026-10-31', false],
  ])('by %s, %s: %s', (granularity, day, open) => {
    expect(isOpen(at(day), granularity, NOW)).toBe(open);
  });
  it('is a stretch of its own, from the last point that is over', () => {
    const rows = rowsOf([at('2026-11-18'), at('2026-11-19'), at('2026-11-20')], [], true);
    expect(rows.map(({ value, open }) => [value, open])).toEqual([
      [1, null],
      [1, 1],
      [null, 1],
    ]);
  });
});

describe('the axes', () => {
  it.each([
    [0, 39_000, true, [0, 10_000, 20_000, 30_000, 40_000]],
    [0, 0.0271, false, [0, 0.01, 0.02, 0.03]],
    [0, 3, true, [0, 1, 2, 3]],
    [0, 0, true, [0, 1]],
    [-0.3, 0.1, false, [-0.3, -0.2, -0.1, 0, 0.1]],
  ])('of values from %s to %s hold zero and both ends', (low, high, whole, ticks) => {
    const found = valueTicks(low, high, whole).map((tick) => Math.round(tick * 1e6) / 1e6 + 0);
    expect(found).toEqual(ticks);
  });
  it('of time name at most so many days', () => {
    for (const days of [30, 90, 180, 360, 720]) {
      const from = timeOf('2026-11-20') - days * 86_400_000;
      const ticks = timeTicks(from, timeOf('2026-11-20'), 5);
      expect(ticks.length).toBeGreaterThan(2);
      expect(ticks.length).toBeLessThanOrEqual(5);
      expect(ticks.every((tick) => tick >= from && tick <= timeOf('2026-11-20'))).toBe(true);
    }
  });
});

it('finds the nearest point, and none that is too far', () => {
  const points = ['2026-11-01', '2026-11-10'].map((day) => ({ day, time: timeOf(day), value: 1 }));
  expect(nearest(points, timeOf('2026-11-06'))?.day).toBe('2026-11-10');
  expect(nearest(points, timeOf('2026-11-30'), 15)).toBeNull();
  expect(nearest([], 0)).toBeNull();
});
