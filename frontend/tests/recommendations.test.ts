import { describe, expect, it } from 'vitest';
import {
  adviceOn,
  FILTERS,
  filtered,
  impactText,
  nextActions,
  outcomeText,
  SORTS,
  sorted,
} from '../src/lib/recommendations';
import type { Recommendation } from '../src/lib/types';
import { recommendation } from './api-answers';

const ids = (list: Recommendation[]) => list.map((each) => each.id).join(' ');

describe('the filter', () => {
  const list = (['pending', 'accepted', 'resolved', 'dismissed'] as const).map((status) =>
    recommendation(status, { status }),
  );
  it.each(FILTERS.filter((each) => each !== 'all'))('“%s” shows only such', (filter) => {
    expect(ids(filtered(list, filter))).toBe(filter);
  });
  it('“all” leaves nothing out', () => {
    expect(filtered(list, 'all')).toEqual(list);
  });
});

describe('the order', () => {
  const list = [
    recommendation('large', { effort: 'large', estimated_impact: 10, created_at: '2026-11-18T12:00:00Z' }),
    recommendation('unknown', { effort: null, estimated_impact: null, created_at: '2026-11-20T12:00:00Z' }),
    recommendation('small', { effort: 'small', estimated_impact: 2, created_at: '2026-11-19T12:00:00Z' }),
    recommendation('small-too', { effort: 'small', estimated_impact: 10, created_at: '2026-11-17T12:00:00Z' }),
  ];
  it.each([
    ['impact', 'large small-too small unknown'],
    ['effort', 'small-too small large unknown'],
    ['newest', 'unknown small large small-too'],
  ] as const)('by %s', (sort, order) => {
    expect(ids(sorted(list, sort))).toBe(order);
  });
  it('does not touch the list that is given', () => {
    const frozen = Object.freeze([...list]) as Recommendation[];
    for (const sort of SORTS) expect(() => sorted(frozen, sort)).not.toThrow();
  });
});

describe('what to do next', () => {
  const list = [
    recommendation('done', { status: 'resolved', metric_refs: ['chargeback_ratio'] }),
    recommendation('core', { metric_refs: ['chargeback_ratio', 'payout_reliability'] }),
    recommendation('disputes', { status: 'accepted', metric_refs: ['chargeback_ratio'] }),
    recommendation('away', { status: 'dismissed' }),
    recommendation('third'),
  ];
  it('is what still stands, in the order of the API', () => {
    expect(ids(nextActions(list, 2))).toBe('core disputes');
    expect(ids(nextActions(list, 9))).toBe('core disputes third');
  });
  it('on a metric is the one that is about little else', () => {
    expect(adviceOn('chargeback_ratio', list)?.id).toBe('disputes');
    expect(adviceOn('payout_reliability', list)?.id).toBe('core');
    expect(adviceOn('mrr', list)).toBeUndefined();
  });
});

describe('words', () => {
  it.each([
    [15, 'Worth 15 points'],
    [1, 'Worth 1 point'],
    [0, 'Keeps the score'],
    [null, 'Impact not known'],
  ])('an impact of %s reads “%s”', (impact, text) => {
    expect(impactText(impact)).toBe(text);
  });

  const proof = (before: number, after: number) => ({
    before: { score: before, currency: 'usd', metrics: {} },
    after: { score: after, currency: 'usd', metrics: {} },
  });
  it('sets what was predicted beside what came', () => {
    expect(outcomeText(recommendation('a', { estimated_impact: 15, proof: proof(68, 83) }))).toBe(
      'Predicted: 15 points. Since then, the score went from 68 to 83 (up 15), together with all else that changed.',
    );
    expect(outcomeText(recommendation('a', { estimated_impact: 0, proof: proof(68, 60) }))).toBe(
      'Since then, the score went from 68 to 60 (down 8).',
    );
    expect(outcomeText(recommendation('a', { estimated_impact: 3, proof: proof(68, 68) }))).toContain(
      'the score is 68, as before',
    );
  });
  it('says nothing of what is not done', () => {
    expect(outcomeText(recommendation('a'))).toBeNull();
  });
});
