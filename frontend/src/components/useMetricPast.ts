/** What the metrics page shows of one metric: its points, those of the range before, and what happened meanwhile. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ChartEvent, eventsFor, eventsOf, eventsOn } from '../lib/chart-events';
import { DAY_MS, dayOf, type Gap, gapsOf, type Point, pointsOf, shifted, timeOf, within } from '../lib/chart-series';
import { lastOfEach, READINESS, scorePoints } from '../lib/metric-scores';
import type { View } from '../lib/metrics-view';
import { changesQuery, pastQuery, pathQuery, queryClient, scoresQuery } from '../lib/query';
import type { Metrics } from '../lib/types';

export interface Past {
  from: number;
  to: number;
  points: Point[];
  before: Point[];
  gaps: Gap[];
  events: ChartEvent[];
  loaded: boolean;
  error: Error | null;
  busy: boolean;
  retry: () => void;
}

export function useMetricPast(businessId: string, metrics: Metrics, view: View): Past {
  const to = timeOf(metrics.period_end);
  const from = to - view.days * DAY_MS;
  const scored = view.metric === READINESS.key;
  const asked = (start: number, end: number) => ({
    ...pastQuery(businessId, { start_date: dayOf(start), end_date: dayOf(end), granularity: view.granularity }),
    placeholderData: keepPreviousData,
    enabled: !scored,
  });
  const current = useQuery(asked(from, to), queryClient);
  const earlier = useQuery(asked(from - view.days * DAY_MS, from - DAY_MS), queryClient);
  const scores = useQuery({ ...scoresQuery(businessId), enabled: scored }, queryClient);
  const path = useQuery(pathQuery(businessId), queryClient);
  const changes = useQuery(changesQuery(businessId), queryClient);

  const queries = scored ? [scores] : [current, earlier];
  const failed = queries.filter((query) => query.isError);
  const history = [...(earlier.data ?? []), ...(current.data ?? [])];
  const all = scored
    ? lastOfEach(scorePoints(scores.data ?? []), view.granularity)
    : pointsOf(view.metric, history, metrics.details.buckets);
  const gaps = scored ? [] : gapsOf(current.data ?? [], view.granularity);
  return {
    from,
    to,
    points: within(all, from, to),
    before: shifted(all, from, view.days).filter(({ value }) => value !== null),
    gaps,
    events: eventsOn(eventsFor(view.metric, eventsOf(metrics.details.buckets, path.data, changes.data)), from, to),
    loaded: queries.every((query) => query.data !== undefined),
    error: failed[0]?.error ?? null,
    busy: failed.some((query) => query.isFetching),
    retry: () => {
      for (const query of failed) void query.refetch();
    },
  };
}
