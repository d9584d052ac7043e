/** All metrics as a list for readers: grouped, each with its value or the reason why there is none. */
import { toSentence } from './format';
import { formatMeasure } from './measures';
import type { Definition, Metrics } from './types';

export interface MetricRow {
  key: string;
  label: string;
  /** The formatted value; null when it was not measured. */
  value: string | null;
  /** Why there is no value. */
  reason: string | null;
  /** How many things the value rests on; null when that says nothing. */
  sample: number | null;
  lowSample: boolean;
  /** Whether it is a number, which a chart can show. */
  charted: boolean;
  definition: Definition;
}

export interface MetricGroup {
  title: string;
  rows: MetricRow[];
}

const GROUPS: readonly { title: string; keys: readonly string[] }[] = [
  {
    title: 'Revenue',
    keys: [
      'revenue_total',
      'net_volume',
      'monthly_net_volume',
      'transaction_count',
      'average_transaction_size',
      'revenue_trend',
      'revenue_slope',
      'revenue_volatility',
      'track_record',
      'active_weeks_ratio',
      'longest_gap_days',
      'history_days',
    ],
  },
  {
    title: 'Disputes, refunds and failures',
    keys: [
      'chargeback_count',
      'chargeback_ratio',
      'open_disputes',
      'dispute_win_rate',
      'fraud_warnings',
      'refund_count',
      'refund_ratio',
      'refund_volume_ratio',
      'payment_failure_rate',
    ],
  },
  { title: 'Payouts and account', keys: ['payout_reliability', 'negative_balance_days', 'account_standing'] },
  {
    title: 'Customers',
    keys: ['top_customer_share', 'payer_count', 'repeat_revenue_share', 'identified_volume_share'],
  },
  {
    title: 'Subscriptions',
    keys: [
      'mrr',
      'arr',
      'active_subscribers',
      'arpu',
      'subscriber_churn_rate',
      'net_revenue_retention',
      'subscription_revenue_share',
      'subscription_count',
    ],
  },
];
const OTHERS = 'Other';
const GROUPED = new Set(GROUPS.flatMap(({ keys }) => keys));

/** Every metric that is defined; one that belongs to no group stands at the end. */
export function metricGroups(metrics: Metrics, definitions: readonly Definition[]): MetricGroup[] {
  const rows = new Map(definitions.map((definition) => [definition.key, rowOf(metrics, definition)]));
  const groups = GROUPS.map(({ title, keys }) => ({
    title,
    rows: keys.flatMap((key) => rows.get(key) ?? []),
  }));
  const others = [...rows.values()].filter(({ key }) => !GROUPED.has(key));
  return [...groups, { title: OTHERS, rows: others }].filter((group) => group.rows.length > 0);
}

function rowOf(metrics: Metrics, definition: Definition): MetricRow {
  const { key, label, unit } = definition;
  const { details } = metrics;
  const own = (metrics as unknown as Record<string, unknown>)[key];
  const raw = own === undefined ? (details as unknown as Record<string, unknown>)[key] : own;
  const value = typeof raw === 'number' || typeof raw === 'string' ? formatMeasure(raw, unit, metrics.currency) : null;
  return {
    key,
    label,
    value,
    reason: value === null ? toSentence(details.not_measured[key] ?? 'it was not computed yet') : null,
    sample: value === null ? null : (details.samples[key] ?? null),
    lowSample: value !== null && details.low_sample.includes(key),
    charted: unit !== 'trend' && unit !== 'state',
    definition,
  };
}
