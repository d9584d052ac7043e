import { describe, expect, it } from 'vitest';
import { changeOf, lineOf } from '../src/lib/trends';
import type { Bucket, Metrics, PastMetrics } from '../src/lib/types';

function bucket(start: string, end: string, revenue: number, charges: number, chargebacks = 0): Bucket {
  return {
    period_start: start,
    period_end: end,
    revenue_total: revenue,
    net_volume: revenue,
    transaction_count: charges,
    chargeback_count: chargebacks,
    fraud_warnings: 0,
  };
}

const BUCKETS = [
  bucket('2026-08-22', '2026-09-20', 1000, 10),
  bucket('2026-09-21', '2026-10-20', 2000, 20, 1),
  bucket('2026-10-21', '2026-11-19', 2500, 25),
];

function metrics(more: Partial<Metrics>, buckets = BUCKETS): Metrics {
  return { period_end: '2026-11-20', ...more, details: { buckets } } as Metrics;
}

function past(day: string, more: Partial<PastMetrics>): PastMetrics {
  return { period_end: day, ...more, details: {} } as PastMetrics;
}

/** With the thin spaces that dates have made plain. */
const text = (change: ReturnType<typeof changeOf>) => change?.text.replace(/\s/g, ' ');

describe('a change', () => {
  it('names the 30 days it is against', () => {
    const change = changeOf('revenue_total', 'money', metrics({ revenue_total: 2500 }), []);
    expect(text(change)).toBe('+25% against 21 Sep – 20 Oct 2026');
    expect(change?.good).toBe(true);
  });
  it('is good or bad by what the figure means', () => {
    const worse = changeOf('chargeback_ratio', 'ratio', metrics({ chargeback_ratio: 0.1 }), []);
    expect([text(worse), worse?.good]).toEqual(['+5 percentage points against 21 Sep – 20 Oct 2026', false]);
    const better = changeOf('chargeback_ratio', 'ratio', metrics({ chargeback_ratio: 0 }), []);
    expect(better?.good).toBe(true);
    expect(
      changeOf('average_transaction_size', 'money', metrics({ average_transaction_size: 50 }), [])?.good,
    ).toBeNull();
  });
  it('says so when there is none', () => {
    const change = changeOf('transaction_count', 'count', metrics({ transaction_count: 20 }), []);
    expect([text(change), change?.good]).toEqual(['Unchanged against 21 Sep – 20 Oct 2026', null]);
  });
  it('comes from what was computed 30 days ago where the periods do not tell it', () => {
    const history = [past('2026-10-21', { mrr: 100 }), past('2026-11-20', { mrr: 150 })];
    expect(text(changeOf('mrr', 'money', metrics({ mrr: 150 }), history))).toBe('+50% against 22 Sep – 21 Oct 2026');
  });
  it('is not told against something much older, nor without anything to compare', () => {
    const old = [past('2026-08-01', { mrr: 100 }), past('2026-08-02', { mrr: 100 })];
    expect(changeOf('mrr', 'money', metrics({ mrr: 150 }), old)).toBeNull();
    expect(changeOf('mrr', 'money', metrics({ mrr: 150 }), [])).toBeNull();
    expect(changeOf('revenue_total', 'money', metrics({ revenue_total: null }), [])).toBeNull();
  });
});

describe('a line', () => {
  it('goes from the stored periods on to the days that were computed', () => {
    const history = [past('2026-11-18', { revenue_total: 2400 }), past('2026-11-20', { revenue_total: 2500 })];
    const line = lineOf('revenue_total', metrics({}), history);
    expect(line?.map((point) => [point.day, point.value])).toEqual([
      ['2026-09-20', 1000],
      ['2026-10-20', 2000],
      ['2026-11-18', 2400],
      ['2026-11-20', 2500],
    ]);
  });
  it('leaves out what was not measured, and needs two points', () => {
    expect(lineOf('mrr', metrics({}), [past('2026-11-19', { mrr: null }), past('2026-11-20', { mrr: 5 })])).toBeNull();
    expect(lineOf('revenue_total', metrics({}, []), [])).toBeNull();
  });
});
