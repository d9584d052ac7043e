/** One metric in full: which, over which time and how, and what there is to see of it. */
import { useState } from 'react';
import { isOpen } from '../lib/chart-series';
import { formatMeasure } from '../lib/measures';
import { READINESS } from '../lib/metric-scores';
import { GRANULARITIES, isTooFine, RANGES, type View } from '../lib/metrics-view';
import type { Definition, Membership, Metrics } from '../lib/types';
import Choices from './Choices';
import ErrorCard from './ErrorCard';
import Explanation from './Explanation';
import ExportButton from './ExportButton';
import MetricBody from './MetricBody';
import { useMetricPast } from './useMetricPast';

interface Props {
  business: Membership;
  metrics: Metrics;
  definitions: readonly Definition[];
  view: View;
  onView: (change: Partial<View>) => void;
}

export default function MetricPanel({ business, metrics, definitions, view, onView }: Props) {
  const [now] = useState(() => Date.now());
  const definition = definitions.find(({ key }) => key === view.metric) ?? READINESS;
  const past = useMetricPast(business.id, metrics, view);
  const range = RANGES.find(({ days }) => days === view.days) ?? RANGES[3];
  const { label, unit } = definition;
  const format = (value: number) => formatMeasure(value, unit, metrics.currency);
  const last = past.points.at(-1);
  const open = last !== undefined && isOpen(last, view.granularity, now);
  const measured = past.points.filter(({ value }) => value !== null);

  return (
    <section className="card grid gap-4 p-4 sm:p-6" aria-labelledby="chart-title">
      <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <div className="min-w-0">
          <div className="flex items-center gap-1">
            <h2 id="chart-title" className="font-semibold">
              {label}
            </h2>
            <Explanation definition={definition} place="chart" />
          </div>
          <p className="text-sm text-muted">{definition.meaning}</p>
        </div>
        <Picker definitions={definitions} value={view.metric} onChange={(metric) => onView({ metric })} />
      </div>
      <div className="no-print flex flex-wrap items-center gap-2">
        <Choices
          label="Range"
          value={view.days}
          options={RANGES.map(({ days, ...words }) => ({ value: days, ...words }))}
          onChange={(days) => onView({ days })}
        />
        <Choices
          label="A point for each"
          value={view.granularity}
          options={GRANULARITIES.map((each) => ({
            value: each.key,
            label: each.label,
            disabled: isTooFine(each.key, view.days),
          }))}
          onChange={(granularity) => onView({ granularity })}
        />
        <Choices
          label="Shown as"
          value={view.table}
          options={[
            { value: false, label: 'Chart' },
            { value: true, label: 'Table' },
          ]}
          onChange={(table) => onView({ table })}
        />
        <ExportButton business={business} view={view} past={past} />
      </div>
      {past.error && (
        <ErrorCard
          compact
          error={past.error}
          title={past.loaded ? 'The history could not be refreshed' : 'The history could not be loaded'}
          onRetry={past.retry}
          busy={past.busy}
        />
      )}
      {past.loaded ? (
        <MetricBody
          {...{ past, definition, format, open, measured, view, rangeLabel: range.label }}
          currency={metrics.currency}
          reason={metrics.details.not_measured[view.metric] ?? null}
        />
      ) : (
        !past.error && <div className="skel h-[400px] w-full" />
      )}
    </section>
  );
}

interface PickerProps {
  definitions: readonly Definition[];
  value: string;
  onChange: (metric: string) => void;
}

function Picker({ definitions, value, onChange }: PickerProps) {
  return (
    <select
      aria-label="Metric"
      className="field no-print w-full text-sm sm:w-64"
      value={value}
      onChange={(event) => onChange(event.target.value)}
    >
      <option value={READINESS.key}>{READINESS.label}</option>
      {definitions
        .filter(({ unit }) => unit !== 'trend' && unit !== 'state')
        .map(({ key, label }) => (
          <option key={key} value={key}>
            {label}
          </option>
        ))}
    </select>
  );
}
