import { describe, expect, it } from 'vitest';
import { addressWith, readChoice, readParam, writeParam } from '../src/lib/params';
import type { Metrics } from '../src/lib/types';
import { fromQuery, leversOf, toQuery } from '../src/lib/what-if';

function metrics(more: Record<string, number | null>, details: Record<string, number | null> = {}): Metrics {
  return { currency: 'usd', ...more, details: { buckets: [], ...details } } as unknown as Metrics;
}

const OF_A_SHOP = metrics(
  { chargeback_ratio: 0.0271, payout_reliability: 0.692, revenue_volatility: 0.62 },
  { refund_volume_ratio: 0.055, top_customer_share: 0.28, monthly_net_volume: 10_482.45 },
);

describe('the sliders', () => {
  it.each(leversOf(OF_A_SHOP, []))('$key reaches from its least over the present value to its most', (lever) => {
    expect(lever.min).toBeLessThanOrEqual(lever.now);
    expect(lever.now).toBeLessThanOrEqual(lever.max);
    expect((lever.max - lever.min) / lever.step).toBeGreaterThanOrEqual(30);
  });
  it('are those of what is measured', () => {
    const keys = leversOf(metrics({ chargeback_ratio: 0, payout_reliability: null }), []).map((lever) => lever.key);
    expect(keys).toEqual(['chargeback_ratio']);
  });
  it('reach beyond the usual where the business is beyond it', () => {
    const [lever] = leversOf(metrics({ chargeback_ratio: 0.2 }), []);
    expect(lever?.max).toBe(0.25);
  });
  it('never pass what a share can be', () => {
    const [lever] = leversOf(metrics({}, { top_customer_share: 1 }), []);
    expect([lever?.min, lever?.max]).toEqual([0, 1]);
  });
  it('go down with a share that is below the usual', () => {
    const [lever] = leversOf(metrics({ payout_reliability: 0.2 }), []);
    expect([lever?.min, lever?.max]).toEqual([0.2, 1]);
  });
  it('of an amount have round steps', () => {
    const [lever] = leversOf(metrics({}, { monthly_net_volume: 10_482.45 }), []);
    expect([lever?.min, lever?.max, lever?.step]).toEqual([0, 31_500, 500]);
  });
  it('of no amount are not there', () => {
    expect(leversOf(metrics({}, { monthly_net_volume: 0 }), [])).toEqual([]);
  });
});

describe('the address', () => {
  const levers = leversOf(OF_A_SHOP, []);
  it('keeps what is moved, and gives it back', () => {
    const values = { chargeback_ratio: 0.01, monthly_net_volume: 12_000 };
    expect(toQuery(values)).toBe('chargeback_ratio:0.01~monthly_net_volume:12000');
    expect(fromQuery(toQuery(values), levers)).toEqual(values);
  });
  it('writes no binary tails', () => {
    expect(toQuery({ chargeback_ratio: 0.1 + 0.2 })).toBe('chargeback_ratio:0.3');
  });
  it.each([null, '', 'mrr:5', 'chargeback_ratio', 'chargeback_ratio:', 'chargeback_ratio:x', 'chargeback_ratio:9'])(
    'that says “%s” moves nothing',
    (query) => {
      expect(fromQuery(query, levers)).toEqual({});
    },
  );
  it('keeps all else that stands in it', () => {
    history.replaceState(null, '', '/dashboard/?business_id=b1#here');
    writeParam('what_if', 'a:1');
    expect(location.href).toBe('https://vaultra.test/dashboard/?business_id=b1&what_if=a%3A1#here');
    expect(readParam('what_if')).toBe('a:1');
    expect(addressWith('what_if', '')).toBe('https://vaultra.test/dashboard/?business_id=b1#here');
    writeParam('what_if', '');
    expect(readParam('what_if')).toBeNull();
  });
  it('names one of the words that are allowed, or the first is meant', () => {
    history.replaceState(null, '', '/?sort=effort&status=open');
    expect(readChoice('sort', ['impact', 'effort'])).toBe('effort');
    expect(readChoice('status', ['pending', 'all'])).toBe('pending');
    expect(readChoice('missing', ['one', 'two'])).toBe('one');
  });
});
