/** What the metrics page shows, and how its address says so; what an address does not say is as usual. */
import type { Granularity } from './chart-series';

/** Ranges are whole 30-day periods, so that a range and the one before it fall on the same periods. */
export const RANGES = [
  { days: 30, label: '30 days', short: '30d' },
  { days: 90, label: '90 days', short: '90d' },
  { days: 180, label: '6 months', short: '6m' },
  { days: 360, label: '12 months', short: '12m' },
  { days: 720, label: '24 months', short: '24m' },
] as const;
export const GRANULARITIES: readonly { key: Granularity; label: string }[] = [
  { key: 'day', label: 'Day' },
  { key: 'week', label: 'Week' },
  { key: 'month', label: 'Month' },
];
/** The longest range whose days the API gives at once. */
const LONGEST_BY_DAY = 360;

export type RangeDays = (typeof RANGES)[number]['days'];

export interface View {
  metric: string;
  days: RangeDays;
  granularity: Granularity;
  table: boolean;
}

export const USUAL_VIEW: View = { metric: 'revenue_total', days: 360, granularity: 'day', table: false };

/** Reads an address's query; `metrics` are the keys there are. */
export function parseView(search: string, metrics: readonly string[]): View {
  const query = new URLSearchParams(search);
  const metric = query.get('metric') ?? '';
  const days = RANGES.find((range) => String(range.days) === query.get('days'))?.days ?? USUAL_VIEW.days;
  const by = GRANULARITIES.find(({ key }) => key === query.get('by'))?.key ?? USUAL_VIEW.granularity;
  return normal({
    metric: metrics.includes(metric) ? metric : USUAL_VIEW.metric,
    days,
    granularity: by,
    table: query.get('view') === 'table',
  });
}

/** The view as it can be: two years have too many days to show each. */
export function normal(view: View): View {
  return isTooFine(view.granularity, view.days) ? { ...view, granularity: 'week' } : view;
}

export function isTooFine(granularity: Granularity, days: RangeDays): boolean {
  return granularity === 'day' && days > LONGEST_BY_DAY;
}

/** The query that says so, with whatever else the address held. */
export function viewSearch(view: View, search: string): string {
  const query = new URLSearchParams(search);
  const set = (name: string, value: string, usual: string) =>
    value === usual ? query.delete(name) : query.set(name, value);
  set('metric', view.metric, USUAL_VIEW.metric);
  set('days', String(view.days), String(USUAL_VIEW.days));
  set('by', view.granularity, USUAL_VIEW.granularity);
  set('view', view.table ? 'table' : '', '');
  const text = query.toString();
  return text ? `?${text}` : '';
}
