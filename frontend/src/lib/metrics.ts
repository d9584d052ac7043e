/** The metric tiles: what each is called, how it reads, and what it means in plain words. */
import { formatCount, formatMoney, formatRatio, humanise, plural, toSentence } from './format';
import type { Metrics } from './types';

export type MetricKey =
  | 'revenue_total'
  | 'transaction_count'
  | 'average_transaction_size'
  | 'revenue_trend'
  | 'revenue_volatility'
  | 'chargeback_ratio'
  | 'refund_ratio'
  | 'payout_reliability'
  | 'mrr';

interface MetricText {
  key: MetricKey;
  label: string;
  /** The stretch of time the value covers. */
  span: string;
  meaning: string;
  counted: string;
  /** What its sample counts. */
  sampled: string;
}

export const METRIC_TEXTS: readonly MetricText[] = [
  {
    key: 'revenue_total',
    label: 'Revenue',
    span: '30 days',
    meaning: 'What successful charges brought in, before refunds and disputes.',
    counted: 'The captured amounts of successful charges, in the currency Stripe pays you in.',
    sampled: 'charge',
  },
  {
    key: 'transaction_count',
    label: 'Charges',
    span: '30 days',
    meaning: 'How many payments went through.',
    counted: 'Live charges that succeeded and were captured. Refunded charges still count.',
    sampled: 'charge',
  },
  {
    key: 'average_transaction_size',
    label: 'Average charge',
    span: '30 days',
    meaning: 'What a typical payment is worth.',
    counted: 'Revenue divided by the number of charges.',
    sampled: 'charge',
  },
  {
    key: 'revenue_trend',
    label: 'Revenue trend',
    span: 'up to 6 blocks of 30 days',
    meaning: 'The direction of revenue, once chance is set aside.',
    counted: 'The middle slope between complete 30-day blocks. It must be steady enough to rule out chance.',
    sampled: 'block',
  },
  {
    key: 'revenue_volatility',
    label: 'Revenue swings',
    span: 'up to 6 blocks of 30 days',
    meaning: 'How far revenue strays from its own average. Lower is steadier.',
    counted: 'The coefficient of variation: standard deviation divided by the average of complete 30-day blocks.',
    sampled: 'block',
  },
  {
    key: 'chargeback_ratio',
    label: 'Chargebacks',
    span: '30 days',
    meaning: 'Disputed payments for every 100 charges. Lower is better.',
    counted:
      'Disputes opened, divided by charges, both by number. Won, lost and open ones all count; inquiries do not.',
    sampled: 'charge',
  },
  {
    key: 'refund_ratio',
    label: 'Refunds',
    span: '30 days',
    meaning: 'Payments you gave back for every 100 charges.',
    counted: 'Successful refunds divided by charges, both by number.',
    sampled: 'charge',
  },
  {
    key: 'payout_reliability',
    label: 'Payout reliability',
    span: '90 days',
    meaning: 'Payouts that reached your bank in full and on time.',
    counted: 'Payouts paid by one business day after their arrival date, out of all that were due.',
    sampled: 'payout',
  },
  {
    key: 'mrr',
    label: 'Monthly recurring revenue',
    span: 'now',
    meaning: 'What your active subscriptions bring in a month (MRR).',
    counted:
      'Subscription prices brought to one month, after lasting discounts. Trials and metered prices are left out.',
    sampled: 'subscription',
  },
];

export interface Tile extends MetricText {
  /** The formatted value; null when it was not measured. */
  value: string | null;
  /** A second figure that belongs to the first, such as the count behind a ratio. */
  aside: string | null;
  /** Why there is no value. */
  reason: string | null;
  /** How many objects the value rests on; null when the API does not say. */
  sample: number | null;
  lowSample: boolean;
}

export function metricTiles(metrics: Metrics): Tile[] {
  const { details } = metrics;
  return METRIC_TEXTS.map((text) => {
    const value = metricValue(metrics, text.key);
    return {
      ...text,
      value,
      aside: value === null ? null : metricAside(metrics, text.key),
      reason: value === null ? toSentence(details.not_measured?.[text.key] ?? 'Not measured yet') : null,
      sample: details.samples?.[text.key] ?? null,
      lowSample: details.low_sample?.includes(text.key) ?? false,
    };
  });
}

function metricValue(metrics: Metrics, key: MetricKey): string | null {
  const raw = metrics[key];
  if (raw === null) return null;
  if (typeof raw === 'string') return humanise(raw);
  switch (key) {
    case 'revenue_total':
    case 'average_transaction_size':
    case 'mrr':
      return formatMoney(raw, metrics.currency);
    case 'transaction_count':
      return formatCount(raw);
    default:
      return formatRatio(raw);
  }
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
