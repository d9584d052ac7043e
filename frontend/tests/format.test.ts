import { describe, expect, it } from 'vitest';
import {
  formatAgo,
  formatMoney,
  formatPeriod,
  formatPoints,
  formatRatio,
  humanise,
  toSentence,
} from '../src/lib/format';

describe('money', () => {
  it('follows the currency’s own exponent', () => {
    expect(formatMoney(1234.5, 'usd')).toBe('$1,234.50');
    expect(formatMoney(5000, 'jpy')).toBe('¥5,000');
    expect(formatMoney(5, 'kwd').replace(/\s/, ' ')).toBe('KWD 5.000');
  });
  it('uses a real minus sign', () => {
    expect(formatMoney(-3, 'usd')).toBe('−$3.00');
  });
});

describe('ratios', () => {
  it.each([
    [0, '0%'],
    [0.0042, '0.42%'],
    [0.283, '28.3%'],
    [20 / 21, '95.2%'],
    [1, '100%'],
    [0.9996, '100%'],
  ])('%d reads %s', (ratio, text) => {
    expect(formatRatio(ratio)).toBe(text);
  });
});

describe('values', () => {
  it('reads states and trends as words', () => {
    expect(humanise('past_due')).toBe('Past due');
  });
  it('signs points', () => {
    expect([formatPoints(10), formatPoints(-15), formatPoints(0)]).toEqual(['+10', '−15', '0']);
  });
  it('makes a reason a sentence', () => {
    expect(toSentence('no charges yet')).toBe('No charges yet.');
    expect(toSentence('Too few.')).toBe('Too few.');
  });
});

describe('time', () => {
  it('shows UTC days as they are, in every time zone', () => {
    expect(formatPeriod('2026-10-22', '2026-11-20').replace(/\s/g, ' ')).toBe('Oct 22 – Nov 20, 2026');
  });
  it('says how long ago', () => {
    const now = Date.parse('2026-11-20T12:00:00Z');
    expect(formatAgo('2026-11-20T11:59:30Z', now)).toBe('just now');
    expect(formatAgo('2026-11-20T11:56:00Z', now)).toBe('4 minutes ago');
    expect(formatAgo('2026-11-19T11:00:00Z', now)).toBe('yesterday');
  });
});
