import { describe, expect, it } from 'vitest';
import {
  formatAgo,
  formatAxisDay,
  formatDate,
  formatDay,
  formatMoment,
  formatMoney,
  formatPeriod,
  formatPoints,
  formatRatio,
  humanise,
  lowerFirst,
  toSentence,
  withoutLabel,
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
  it('goes on in a sentence, but leaves acronyms alone', () => {
    expect(['Payout reliability', 'A quiet week', 'MRR'].map(lowerFirst)).toEqual([
      'payout reliability',
      'a quiet week',
      'MRR',
    ]);
  });
  it.each([
    ['Chargebacks: still low', 'Still low'],
    ['Chargebacks in the last 30 days: 2 on 221 charges.', 'In the last 30 days: 2 on 221 charges.'],
    ['Chargebacks cost more than they look.', 'Chargebacks cost more than they look.'],
    ['Of 12 payouts, 11 arrived in time.', 'Of 12 payouts, 11 arrived in time.'],
  ])('does not say a label twice: %s', (sentence, shown) => {
    expect(withoutLabel(sentence, 'Chargebacks')).toBe(shown);
  });
  it('makes a reason a sentence', () => {
    expect(toSentence('no charges yet')).toBe('No charges yet.');
    expect(toSentence('Too few.')).toBe('Too few.');
  });
});

describe('time', () => {
  const plain = (text: string) => text.replace(/\s/g, ' ');
  it('writes a day as the engine does, in every time zone', () => {
    expect(formatDay('2026-12-24')).toBe('24 December 2026');
    expect(formatDay('2026-09-05', 'short')).toBe('5 Sep 2026');
  });
  it.each([
    ['2026-10-22', '2026-11-20', '22 October – 20 November 2026', '22 Oct – 20 Nov 2026'],
    ['2026-09-01', '2026-09-30', '1 – 30 September 2026', '1 – 30 Sep 2026'],
    ['2026-12-20', '2027-01-18', '20 December 2026 – 18 January 2027', '20 Dec 2026 – 18 Jan 2027'],
  ])('writes the days from %s to %s', (start, end, long, short) => {
    expect([plain(formatPeriod(start, end)), plain(formatPeriod(start, end, 'short'))]).toEqual([long, short]);
  });
  it('names a month on a long axis, and a day on a short one', () => {
    const time = Date.parse('2026-09-05');
    expect([formatAxisDay(time, 30 * 86_400_000), formatAxisDay(time, 360 * 86_400_000)]).toEqual([
      '5 Sep',
      'Sep 2026',
    ]);
  });
  it('writes a moment in the reader’s time zone, by the 24-hour clock', () => {
    const moment = new Date(2026, 11, 24, 14, 5).toISOString();
    expect([formatDate(moment), formatMoment(moment)]).toEqual(['24 December 2026', '24 December 2026, 14:05']);
    expect(formatMoment(new Date(2026, 11, 24, 0, 5).toISOString())).toBe('24 December 2026, 00:05');
  });
  it('says how long ago', () => {
    const now = Date.parse('2026-11-20T12:00:00Z');
    expect(formatAgo('2026-11-20T11:59:30Z', now)).toBe('just now');
    expect(formatAgo('2026-11-20T11:56:00Z', now)).toBe('4 minutes ago');
    expect(formatAgo('2026-11-19T11:00:00Z', now)).toBe('yesterday');
  });
});
