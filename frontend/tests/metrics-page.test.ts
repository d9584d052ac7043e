import { describe, expect, it } from 'vitest';
import { countsText, eventsFor, eventsOf } from '../src/lib/chart-events';
import { formatChange, formatMeasure, formatTick } from '../src/lib/measures';
import { metricGroups } from '../src/lib/metric-rows';
import { lastOfEach, scorePoints } from '../src/lib/metric-scores';
import { parseView, USUAL_VIEW, viewSearch } from '../src/lib/metrics-view';
import { bandsText, edgesOf } from '../src/lib/score-edges';
import type { Bucket, Changes, Definition, Metrics, MovedObject, Path } from '../src/lib/types';

describe('the address', () => {
  const keys = ['revenue_total', 'mrr', 'readiness'];
  it('says what is not as usual, and keeps what is not the page’s', () => {
    const view = parseView('?business_id=b&metric=mrr&days=90&by=week&view=table', keys);
    expect(view).toEqual({ metric: 'mrr', days: 90, granularity: 'week', table: true });
    expect(viewSearch(view, '?business_id=b')).toBe('?business_id=b&metric=mrr&days=90&by=week&view=table');
    expect(viewSearch(USUAL_VIEW, '?business_id=b&metric=mrr&view=table')).toBe('?business_id=b');
    expect(viewSearch(USUAL_VIEW, '')).toBe('');
  });
  it('with nonsense in it shows the usual', () => {
    expect(parseView('?metric=__proto__&days=7&by=second&view=x', keys)).toEqual(USUAL_VIEW);
  });
  it('never asks for more days than there are at once', () => {
    expect(parseView('?days=720', keys).granularity).toBe('week');
    expect(parseView('?days=360', keys).granularity).toBe('day');
  });
});

describe('numbers', () => {
  it.each([
    [110, 100, 'money', '+10%'],
    [90, 100, 'count', '−10%'],
    [3, 0, 'count', '+3'],
    [5, 5, 'count', 'unchanged'],
    [0.0271, 0.0061, 'ratio', '+2.1 percentage points'],
    [0.02, 0.03, 'ratio', '−1 percentage point'],
    [3, 5, 'days', '−2'],
  ] as const)('%s after %s is a change of %s', (value, before, unit, words) => {
    expect(formatChange(value, before, unit)).toBe(words);
  });
  it('read by their unit', () => {
    expect(formatMeasure(1, 'days', null)).toBe('1 day');
    expect(formatMeasure(1234.5, 'money', 'usd')).toBe('$1,234.50');
    expect(formatMeasure('past_due', 'state', null)).toBe('Past due');
    expect(formatTick(20_000, 'money', 'usd')).toBe('$20K');
    expect(formatTick(-1500, 'count', null)).toBe('−1.5K');
  });
});

describe('thresholds', () => {
  it('stand with their points in words', () => {
    expect(bandsText('chargeback_ratio', 'ratio')).toBe(
      'below 0.5%: +5 points; 0.5% to 2%: 0 points; above 2%: −15 points',
    );
    expect(bandsText('track_record', 'count')).toBe(
      'below 3: −5 points; 3 to 5: 0 points; 6 to 11: +2 points; 12 or more: +4 points',
    );
    expect(bandsText('mrr', 'money')).toBeNull();
    expect(edgesOf('readiness', 'count').map(({ at }) => at)).toEqual([41, 71, 86]);
    expect(edgesOf('mrr', 'money')).toEqual([]);
  });
});

describe('what happened', () => {
  const object = (id: string, on: string, more: Partial<MovedObject> = {}): MovedObject => ({
    kind: 'dispute',
    id,
    on,
    amount: 20,
    currency: 'usd',
    movement: 'left',
    outcome: 'needs_response',
    ...more,
  });
  const path = (...objects: MovedObject[]) =>
    ({ leaving: objects.map((each) => ({ rule: 'r', leaves_on: '2027-01-01', object: each })) }) as unknown as Path;
  const period = (start: string, end: string, count: number) =>
    ({ period_start: start, period_end: end, chargeback_count: count }) as Bucket;

  it('stands on its day, newest first, once whoever tells it', () => {
    const dispute = object('du_1', '2026-11-03');
    const payout = object('po_1', '2026-11-05', { kind: 'missed_payout', amount: 300, outcome: 'failed' });
    const changes = { rules: [{ moved: [{ objects: [dispute] }] }] } as unknown as Changes;
    expect(eventsOf([], path(dispute, payout), changes).map(({ when, text }) => [when, text])).toEqual([
      ['5 Nov 2026', 'Missed payout ($300.00), failed'],
      ['3 Nov 2026', 'Dispute ($20.00), needs response'],
    ]);
  });
  it('of one day and kind stands together', () => {
    const events = eventsOf([], path(object('du_1', '2026-11-03'), object('du_2', '2026-11-03')));
    expect(events.map(({ text }) => text)).toEqual(['2 disputes ($20.00, $20.00)']);
    const payout = eventsOf([], path(object('po_1', '2026-11-05', { kind: 'missed_payout' })));
    expect(countsText([...events, ...payout])).toBe('2 disputes, 1 missed payout');
    expect(countsText([])).toBe('');
  });
  it('is told of a period where not each dispute is known', () => {
    const known = period('2026-10-21', '2026-11-19', 1);
    const unknown = period('2026-09-21', '2026-10-20', 3);
    const events = eventsOf([unknown, known], path(object('du_1', '2026-11-03'), object('du_2', '2026-10-01')));
    expect(events.map(({ text }) => text)).toEqual(['Dispute ($20.00), needs response', '3 disputes']);
  });
  it('stands beside the metrics that it bears on', () => {
    const events = eventsOf(
      [],
      path(object('du_1', '2026-11-03'), object('po_1', '2026-11-05', { kind: 'missed_payout' })),
    );
    const kinds = (metric: string) => eventsFor(metric, events).map(({ kind }) => kind);
    expect(kinds('revenue_total')).toEqual(['missed_payout', 'dispute']);
    expect(kinds('chargeback_ratio')).toEqual(['dispute']);
    expect(kinds('payout_reliability')).toEqual(['missed_payout']);
  });
  it('leaves refunds to their own metrics', () => {
    expect(eventsOf([], path(object('re_1', '2026-11-03', { kind: 'refund' })))).toEqual([]);
  });
});

describe('the list of all metrics', () => {
  const definition = (key: string, unit: Definition['unit']): Definition => ({
    key,
    unit,
    label: key,
    meaning: '',
    formula: '',
    source: '',
    low_sample_below: null,
  });
  const metrics = {
    currency: 'usd',
    revenue_total: 0,
    mrr: null,
    details: {
      samples: { revenue_total: 0, mrr: 4 },
      low_sample: ['mrr'],
      not_measured: { mrr: 'there never was a subscription' },
      buckets: [],
      brand_new: 3,
    },
  } as unknown as Metrics;
  const groups = metricGroups(metrics, [
    definition('brand_new', 'count'),
    definition('mrr', 'money'),
    definition('revenue_total', 'money'),
  ]);

  it('has every metric once, the unknown ones at its end', () => {
    expect(groups.map(({ title, rows }) => [title, rows.map(({ key }) => key)])).toEqual([
      ['Revenue', ['revenue_total']],
      ['Subscriptions', ['mrr']],
      ['Other', ['brand_new']],
    ]);
  });
  it('tells a zero from what was not measured', () => {
    const [revenue, mrr] = groups.flatMap(({ rows }) => rows);
    expect(revenue).toMatchObject({ value: '$0.00', reason: null, sample: 0, lowSample: false });
    expect(mrr).toMatchObject({
      value: null,
      reason: 'There never was a subscription.',
      sample: null,
      lowSample: false,
    });
  });
});

describe('scores', () => {
  const score = (day: string, value: number) => ({
    score: value,
    tier: 'improving' as const,
    created_at: `${day}T23:00:00Z`,
  });
  const points = scorePoints([score('2026-11-16', 3), score('2026-11-15', 2), score('2026-11-09', 1)]);
  it('are points, oldest first', () => {
    expect(points.map(({ day, value }) => [day, value])).toEqual([
      ['2026-11-09', 1],
      ['2026-11-15', 2],
      ['2026-11-16', 3],
    ]);
  });
  it('are thinned to the last of each ISO week or month', () => {
    expect(lastOfEach(points, 'week').map(({ day }) => day)).toEqual(['2026-11-15', '2026-11-16']);
    expect(lastOfEach(points, 'month').map(({ day }) => day)).toEqual(['2026-11-16']);
    expect(lastOfEach(points, 'day')).toHaveLength(3);
  });
});
