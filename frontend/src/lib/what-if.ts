/** The what-if sliders: which metrics they move, how far, and how a state of them reads in the address. */
import { numberOf } from './chart-series';
import type { Unit } from './measures';
import type { Definition, Metrics } from './types';

export type Values = Record<string, number>;

/** A slider. `now` is the present value; steps are counted from `min`. */
export interface Lever {
  key: string;
  label: string;
  unit: Unit;
  now: number;
  min: number;
  max: number;
  step: number;
}

interface Reach {
  unit: Unit;
  label: string;
  /** The largest value on the slider at least, where the present value is not beyond it. */
  most: number;
  step: number;
  min?: number;
  /** Whether a value above `most` makes no sense. */
  bounded?: boolean;
}

const REACH: Record<string, Reach> = {
  chargeback_ratio: { unit: 'ratio', label: 'Chargeback ratio', most: 0.04, step: 0.001 },
  refund_volume_ratio: { unit: 'ratio', label: 'Refunded share', most: 0.15, step: 0.005 },
  payout_reliability: { unit: 'ratio', label: 'Payouts in time', most: 1, step: 0.01, min: 0.5, bounded: true },
  revenue_volatility: { unit: 'ratio', label: 'Revenue volatility', most: 0.8, step: 0.01 },
  top_customer_share: { unit: 'ratio', label: 'Largest customer', most: 1, step: 0.01, bounded: true },
  monthly_net_volume: { unit: 'money', label: 'Monthly net volume', most: 0, step: 1 },
};
/** How far the volume's slider goes beyond the present volume. */
const VOLUME_FACTOR = 3;
const STEPS = 100;

/** The sliders of a business: only of what is measured, since a rule without a measure takes no part. */
export function leversOf(metrics: Metrics, definitions: Definition[]): Lever[] {
  return Object.entries(REACH).flatMap(([key, reach]): Lever[] => {
    const now = numberOf(metrics, key);
    if (now === null || (reach.unit === 'money' && now <= 0)) return [];
    const label = definitions.find((each) => each.key === key)?.label ?? reach.label;
    if (reach.unit === 'money') {
      const step = niceStep((now * VOLUME_FACTOR) / STEPS);
      const max = Math.ceil((now * VOLUME_FACTOR) / step) * step;
      return [{ key, label, unit: reach.unit, now, min: 0, max, step }];
    }
    const beyond = Math.ceil((now * 1.25) / reach.step) * reach.step;
    const max = reach.bounded ? reach.most : Math.max(reach.most, tidy(beyond));
    return [{ key, label, unit: reach.unit, now, min: Math.min(reach.min ?? 0, now), max, step: reach.step }];
  });
}

/** The next of 1, 2, 5, 10, 20, 50… above. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5].find((factor) => factor * power >= least) ?? 10) * power;
}

/** Without the tail that binary fractions leave. */
function tidy(value: number): number {
  return Number(value.toPrecision(10));
}

/** "chargeback_ratio:0.01~payout_reliability:1"; empty when nothing is moved. */
export function toQuery(values: Values): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}:${tidy(value)}`)
    .join('~');
}

/** What an address asks for, as far as there are such sliders and they reach so far. */
export function fromQuery(query: string | null, levers: Lever[]): Values {
  const values: Values = {};
  for (const part of (query ?? '').split('~')) {
    const [key, text] = part.split(':');
    const lever = levers.find((each) => each.key === key);
    const value = Number(text);
    if (lever && text && value >= lever.min && value <= lever.max) values[lever.key] = value;
  }
  return values;
}
