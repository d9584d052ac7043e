/** The readiness score as a metric beside the others, so that its chart is one of theirs. */
import { dayOf, type Granularity, type Point, timeOf } from './chart-series';
import type { DayScore, Definition } from './types';

export const READINESS: Definition = {
  key: 'readiness',
  label: 'Readiness score',
  unit: 'count',
  meaning: 'How ready your Stripe record looks to a lender, from 0 to 100, at the end of each day.',
  formula: '50, and the points of every signal that is measured, within 0 and 100',
  source: 'all that is read',
  low_sample_below: null,
};

/** The scores, newest first, as a chart's points, oldest first. */
export function scorePoints(scores: readonly DayScore[]): Point[] {
  return scores.toReversed().map(({ score, created_at }) => {
    const day = dayOf(Date.parse(created_at));
    return { day, time: timeOf(day), value: score };
  });
}

/** The last point of each day, ISO week or month. */
export function lastOfEach(points: readonly Point[], granularity: Granularity): Point[] {
  const name = ({ day, time }: Point) => {
    if (granularity === 'day') return day;
    if (granularity === 'month') return day.slice(0, 7);
    // Weeks counted from a Monday: 1970 began on a Thursday.
    return String(Math.floor((time / 86_400_000 + 3) / 7));
  };
  return points.filter((point, i) => {
    const next = points[i + 1];
    return !next || name(next) !== name(point);
  });
}
