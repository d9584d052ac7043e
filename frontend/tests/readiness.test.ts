import { describe, expect, it } from 'vitest';
import { EXAMPLE_READINESS } from '../src/lib/example';
import { addUp, answerSentence, nextTier, nothingMeasured, TIERS } from '../src/lib/readiness';
import type { Readiness, Rule } from '../src/lib/types';

function rule(label: string, points: number, effect?: Rule['effect']): Rule {
  return {
    key: label,
    label,
    group: 'seed',
    value: 1,
    unit: 'ratio',
    currency: null,
    sample: null,
    points,
    best_points: 10,
    worst_points: -50,
    band: '',
    effect: effect ?? (points > 0 ? 'helps' : points < 0 ? 'hurts' : 'neutral'),
    reason: null,
    sentence: '',
  };
}

function readiness(score: number, rules: Rule[]): Readiness {
  return { ...EXAMPLE_READINESS, score, components: { ...EXAMPLE_READINESS.components, rules } };
}

describe('the sum', () => {
  it('runs from 50 to the score without a gap', () => {
    const sum = addUp(readiness(53, [rule('A', -2), rule('B', 10), rule('C', -5), rule('D', 0)]));
    expect(sum.exact).toBe(true);
    expect(sum.steps.map((step) => [step.rule.label, step.before, step.after])).toEqual([
      ['B', 50, 60],
      ['C', 60, 55],
      ['A', 55, 53],
    ]);
    expect(sum.neutral.map((each) => each.label)).toEqual(['D']);
  });

  it('shows what the lower limit gave back', () => {
    const sum = addUp(readiness(0, [rule('A', -40), rule('B', -25)]));
    expect([sum.total, sum.limited, sum.exact]).toEqual([-15, 15, true]);
  });

  it('admits when the parts do not reach the score', () => {
    expect(addUp(readiness(60, [rule('A', 5)])).exact).toBe(false);
  });

  it('keeps what was not measured apart', () => {
    const sum = addUp(readiness(50, [rule('A', 0, 'not_measured')]));
    expect([sum.notMeasured.length, sum.neutral.length, sum.exact]).toEqual([1, 0, true]);
  });

  it('holds for the example on the landing page', () => {
    expect(addUp(EXAMPLE_READINESS).exact).toBe(true);
    expect(
      EXAMPLE_READINESS.components.rules.filter((each) => each.group === 'seed').reduce((n, r) => n + r.points, 50),
    ).toBe(EXAMPLE_READINESS.seed_score);
  });
});

describe('the answer', () => {
  it('names what helps and what costs most', () => {
    const text = answerSentence(readiness(53, [rule('Payout reliability', 10), rule('MRR', -2), rule('Refunds', -5)]));
    expect(text).toBe(
      'Funding-ready, at 53 of 100: most points from payout reliability (+10), most lost to refunds (−5).',
    );
  });
  it('says so when nothing was measured', () => {
    const empty = readiness(50, [rule('A', 0, 'not_measured')]);
    expect(nothingMeasured(empty)).toBe(true);
    expect(answerSentence(empty)).toContain('nothing has moved it yet');
  });
});

describe('tiers', () => {
  it('cover 0 to 100 once', () => {
    const covered = TIERS.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
    expect(covered).toEqual(Array.from({ length: 101 }, (_, i) => i));
  });
  it.each([
    [0, 41],
    [40, 41],
    [41, 71],
    [70, 71],
    [85, 86],
  ])('above %d the next begins at %d', (score, from) => {
    expect(nextTier(score)?.from).toBe(from);
  });
  it('end at the highest', () => {
    expect(nextTier(86)).toBeNull();
  });
});
