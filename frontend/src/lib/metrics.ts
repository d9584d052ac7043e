/** The metric tiles: which figures the overview shows, and how they read. What they mean is the API's to say. */
import { formatMoney, humanise, plural, toSentence } from './format';
import { formatMeasure, type Unit } from './measures';
import type { Definition, Metrics } from './types';

export const TILE_KEYS = [
  'revenue_total',
  'transaction_count',
  'average_transaction_size',
  'revenue_trend',
  'revenue_volatility',
  'chargeback_ratio',
  'refund_ratio',
  'payout_reliability',
  'mrr',
] as const;

type MetricKey = (typeof TILE_KEYS)[number];

const UNITS: Record<MetricKey, Unit> = {
  revenue_total: 'money',
  transaction_count: 'count',
  average_transaction_size: 'money',
  revenue_trend: 'trend',
  revenue_volatility: 'ratio',
  chargeback_ratio: 'ratio',
  refund_ratio: 'ratio',
  payout_reliability: 'ratio',
  mrr: 'money',
};

export interface Tile {
  key: MetricKey;
  label: string;
  unit: Unit;
  /** The formatted value; null when it was not measured. */
  value: string | null;
  /** A second figure that belongs to the first, such as the count behind a ratio. */
  aside: string | null;
  /** Why there is no value. */
  reason: string | null;
  /** What it means and how it is computed; null until the definitions have arrived. */
  meaning: string | null;
  formula: string | null;
  /** How many things the value rests on; null when that says nothing. */
  sample: number | null;
  lowSample: boolean;
}

export function metricTiles(metrics: Metrics, definitions: Definition[]): Tile[] {
  const { details } = metrics;
  return TILE_KEYS.map((key) => {
    const definition = definitions.find((each) => each.key === key);
    const value = metricValue(metrics, key);
    return {
      key,
      label: definition?.label ?? humanise(key),
      unit: UNITS[key],
      value,
      aside: value === null ? null : metricAside(metrics, key),
      reason: value === null ? toSentence(details.not_measured[key] ?? 'not measured yet') : null,
      meaning: definition?.meaning ?? null,
      formula: definition ? toSentence(definition.formula) : null,
      sample: details.samples[key] ?? null,
      lowSample: details.low_sample.includes(key),
    };
  });
}

function metricValue(metrics: Metrics, key: MetricKey): string | null {
  const raw = metrics[key];
  if (raw === null) return null;
  return formatMeasure(raw, UNITS[key], metrics.currency);
}

function metricAside(metrics: Metrics, key: MetricKey): string | null {
  const net = metrics.details.net_volume;
  if (key === 'revenue_total' && typeof net === 'number') {
    return `${formatMoney(net, metrics.currency)} after refunds and disputes`;
  }
  if (key === 'chargeback_ratio' && metrics.chargeback_count !== null) {
    return plural(metrics.chargeback_count, 'dispute');
  }
  if (key === 'refund_ratio' && metrics.refund_count !== null) return plural(metrics.refund_count, 'refund');
  return null;
}
