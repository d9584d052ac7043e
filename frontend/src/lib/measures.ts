/** How a metric's number reads by its unit: in full, on an axis, and as a change. */
import { formatCount, formatMoney, formatRatio, humanise, plural } from './format';
import type { Definition } from './types';

export type Unit = Definition['unit'];

const COMPACT = { notation: 'compact', maximumFractionDigits: 1 } as const;

export function formatMeasure(value: number | string, unit: Unit, currency: string | null): string {
  if (typeof value === 'string') return humanise(value);
  switch (unit) {
    case 'money':
      return formatMoney(value, currency);
    case 'ratio':
      return formatRatio(value);
    case 'days':
      return plural(value, 'day');
    default:
      return formatCount(value);
  }
}

/** As short as an axis needs it: "$20K", "2.5%". */
export function formatTick(value: number, unit: Unit, currency: string | null): string {
  if (unit === 'ratio') return formatRatio(value);
  const money = unit === 'money' && currency ? { style: 'currency' as const, currency: currency.toUpperCase() } : {};
  return new Intl.NumberFormat('en-US', { ...COMPACT, ...money }).format(value).replace('-', '−');
}

/** A change in words: percent of an amount, percentage points of a percentage, and the difference of days. */
export function formatChange(value: number, before: number, unit: Unit): string {
  const sign = value > before ? '+' : value < before ? '−' : '';
  const size = Math.abs(value - before);
  if (unit === 'ratio') {
    const points = Math.round(size * 10_000) / 100;
    return points === 0 ? 'unchanged' : `${sign}${points} percentage ${points === 1 ? 'point' : 'points'}`;
  }
  if (size === 0) return 'unchanged';
  if (unit === 'days' || before <= 0) return `${sign}${formatCount(Math.round(size * 100) / 100)}`;
  return `${sign}${formatRatio(size / before)}`;
}
