/** One metric's value and change, its chart or table, and what belongs below it. */
import { lazy, Suspense, useState } from 'react';
import { DAY_MS, dayOf, hasPeriods, nearest, type Point } from '../lib/chart-series';
import { formatDay, plural, toSentence } from '../lib/format';
import { formatChange } from '../lib/measures';
import type { View } from '../lib/metrics-view';
import { bandsText, edgesOf } from '../lib/score-edges';
import type { Definition } from '../lib/types';
import { Events, Legend } from './ChartNotes';
import PointTable from './PointTable';
import type { Past } from './useMetricPast';

const MetricsChart = lazy(() => import('./MetricsChart'));

interface Props {
  past: Past;
  definition: Definition;
  format: (value: number) => string;
  currency: string | null;
  open: boolean;
  measured: Point[];
  view: View;
  rangeLabel: string;
  /** Why the metric is not measured now; null when it is. */
  reason: string | null;
}

export default function MetricBody({
  past,
  definition,
  format,
  currency,
  open,
  measured,
  view,
  rangeLabel,
  reason,
}: Props) {
  const [active, setActive] = useState<Point | null>(null);
  const { key, label, unit } = definition;
  const shown = active && measured.includes(active) ? active : (measured.at(-1) ?? null);
  if (!shown) return <Nothing reason={reason} rangeLabel={rangeLabel} />;
  const before = nearest(past.before, shown.time, 15);
  const beforeDay = before && dayOf(before.time - view.days * DAY_MS);
  const bands = bandsText(key, unit);
  const describe = (point: Point) => {
    const here = nearest(past.before, point.time, 15);
    const was = here && here.value !== null ? `; ${rangeLabel} before, ${format(here.value)}` : '';
    return `${formatDay(point.day)}: ${point.value === null ? 'not measured' : format(point.value)}${was}`;
  };
  return (
    <>
      <div className="min-h-[4.5rem]">
        <p className="flex flex-wrap items-baseline gap-x-3">
          <span className="text-2xl font-semibold tracking-tight tabular-nums sm:text-3xl">
            {shown.value !== null && format(shown.value)}
          </span>
          <span className="text-sm text-muted">
            as of {formatDay(shown.day)}
            {open && shown === past.points.at(-1) && ', not over yet'}
          </span>
        </p>
        <p className="mt-1 text-sm text-muted">
          {before && before.value !== null && shown.value !== null && beforeDay ? (
            <>
              <span className="font-medium text-ink">{formatChange(shown.value, before.value, unit)}</span> from{' '}
              {format(before.value)} on {formatDay(beforeDay)}
            </>
          ) : (
            `No figure from ${rangeLabel} earlier to compare with`
          )}
        </p>
      </div>
      {view.table ? (
        <PointTable label={label} points={past.points} events={past.events} open={open} format={format} />
      ) : measured.length < 2 ? (
        <p className="notice">
          <span className="font-medium">One figure so far, so there is no line yet.</span>{' '}
          {hasPeriods(key)
            ? 'Choose a longer range to see the 30-day periods before.'
            : 'Vaultra computes this figure every day from the day Stripe was connected; the line begins with the second day.'}
        </p>
      ) : (
        <>
          <Suspense fallback={<div className="skel h-80 w-full" />}>
            <MetricsChart
              type={key}
              metrics={past.points}
              edges={edgesOf(key, unit)}
              active={active && measured.includes(active) ? active : null}
              onActive={setActive}
              {...{ label, unit, currency, open, describe }}
              {...{ before: past.before, gaps: past.gaps, events: past.events, from: past.from, to: past.to }}
            />
          </Suspense>
          <Legend {...{ rangeLabel, open, past }} />
        </>
      )}
      {bands && <p className="text-sm text-muted">What the score makes of it: {bands}.</p>}
      {past.gaps.map((gap) => (
        <p key={gap.from} className="notice notice-warn">
          <span className="font-medium">No figures for {plural(gap.days, 'day')}</span> between{' '}
          {formatDay(dayOf(gap.from))} and {formatDay(dayOf(gap.to))}: nothing was computed, so the line is broken
          there.
        </p>
      ))}
      <Events events={past.events} />
    </>
  );
}

function Nothing({ reason, rangeLabel }: { reason: string | null; rangeLabel: string }) {
  return (
    <div className="notice grid min-h-40 content-center">
      <p className="font-medium">{reason ? 'Not measured' : `No figures in these ${rangeLabel}`}</p>
      <p className="text-muted">
        {reason ? toSentence(reason) : 'The first ones come with the next computation, within the hour.'}
      </p>
    </div>
  );
}
