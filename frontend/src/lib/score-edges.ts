/** Where a metric's value changes the points it brings to the score, for its chart and in words. */
import { formatPoints } from './format';
import { formatMeasure, type Unit } from './measures';
import { TIERS } from './readiness';
import edges from './score-edges.json';

/** A threshold and its name beside the line. */
export interface Edge {
  at: number;
  name: string;
}

interface Bands {
  edges: readonly number[];
  /** One more than there are edges: below the first, between, above the last. */
  points: readonly number[];
}

const BANDS: Record<string, Bands> = edges;

/** The thresholds of a metric; none where the score does not look at it alone. */
export function edgesOf(metric: string, unit: Unit): Edge[] {
  if (metric === 'readiness') return TIERS.slice(1).map(({ from, label }) => ({ at: from, name: label }));
  return (BANDS[metric]?.edges ?? []).map((at) => ({ at, name: formatMeasure(at, unit, null) }));
}

/** What each band brings: "below 0.5%: +5 points; 0.5% to 2%: 0 points; above 2%: −15 points". Null without bands. */
export function bandsText(metric: string, unit: Unit): string | null {
  const bands = BANDS[metric];
  if (!bands) return null;
  return bands.points
    .map((points, i) => `${rangeText(bands.edges, i, unit)}: ${formatPoints(points)} points`)
    .join('; ');
}

/** The values of one band in words; counts are told to the last one in it. */
function rangeText(edges: readonly number[], i: number, unit: Unit): string {
  const from = edges[i - 1];
  const to = edges[i];
  const whole = unit === 'count';
  const text = (value: number) => formatMeasure(value, unit, null);
  if (from === undefined) return `below ${text(to ?? 0)}`;
  if (to === undefined) return whole ? `${text(from)} or more` : `above ${text(from)}`;
  return `${text(from)} to ${text(whole ? to - 1 : to)}`;
}
