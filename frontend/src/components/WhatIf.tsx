/** What the score would be with other figures: sliders, computed by the server's own engine; the address keeps them. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { memo, useEffect, useId, useMemo, useState } from 'react';
import { simulateReadiness } from '../lib/api';
import { formatPoints } from '../lib/format';
import { formatMeasure } from '../lib/measures';
import { addressWith, readParam, writeParam } from '../lib/params';
import { queryClient } from '../lib/query';
import type { Definition, Metrics, Readiness, Simulation } from '../lib/types';
import { fromQuery, type Lever, leversOf, toQuery, type Values } from '../lib/what-if';
import CopyButton from './CopyButton';
import { useDelayed } from './useDelayed';

const PARAM = 'what_if';
const REST_MS = 200;

interface Props {
  businessId: string;
  readiness: Readiness;
  metrics: Metrics;
  definitions: Definition[];
}

function WhatIf({ businessId, readiness, metrics, definitions }: Props) {
  const levers = useMemo(() => leversOf(metrics, definitions), [metrics, definitions]);
  const [values, setValues] = useState<Values>(() => fromQuery(readParam(PARAM), levers));
  const settled = useDelayed(values, REST_MS);
  const moved = Object.keys(values).length > 0;
  useEffect(() => writeParam(PARAM, toQuery(settled)), [settled]);
  const simulation = useQuery(
    {
      queryKey: ['simulation', businessId, metrics.computed_at, toQuery(settled)],
      queryFn: ({ signal }) => simulateReadiness(businessId, settled, signal),
      enabled: Object.keys(settled).length > 0,
      placeholderData: keepPreviousData,
      staleTime: Number.POSITIVE_INFINITY,
      retry: false,
    },
    queryClient,
  );
  if (levers.length === 0) return null;
  const shown = moved ? simulation.data : undefined;
  const move = (lever: Lever, value: number) =>
    setValues(({ [lever.key]: _, ...others }) =>
      Math.abs(value - lever.now) < lever.step / 2 ? others : { ...others, [lever.key]: value },
    );
  return (
    <section className="card @container p-5 sm:p-6" aria-labelledby="what-if">
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0 max-w-2xl">
          <h2 id="what-if" className="font-semibold">
            What if
          </h2>
          <p className="mt-1 text-sm text-muted">
            Move a figure and see the score that the same rules would give. All other figures stay as they are; nothing
            is stored.
          </p>
        </div>
        <div className="flex flex-wrap gap-2 text-sm">
          {moved && <CopyButton text={addressWith(PARAM, toQuery(values))} label="Copy link" />}
          <button type="button" className="btn" disabled={!moved} onClick={() => setValues({})}>
            Reset
          </button>
        </div>
      </div>
      <div className="mt-4 grid gap-6 @2xl:grid-cols-[1fr_minmax(230px,38%)] @2xl:gap-10">
        <div className="grid content-start gap-4">
          {levers.map((lever) => (
            <Slider
              key={lever.key}
              lever={lever}
              value={values[lever.key]}
              currency={metrics.currency}
              onChange={(value) => move(lever, value)}
            />
          ))}
        </div>
        <Outcome
          readiness={readiness}
          simulation={shown}
          waiting={moved && (simulation.isFetching || settled !== values)}
          error={moved ? simulation.error : null}
        />
      </div>
    </section>
  );
}

export default memo(WhatIf);

interface SliderProps {
  lever: Lever;
  /** The value it is moved to; undefined while it stands at the present one. */
  value: number | undefined;
  currency: string | null;
  onChange: (value: number) => void;
}

function Slider({ lever, value, currency, onChange }: SliderProps) {
  const id = useId();
  const text = (amount: number) => formatMeasure(amount, lever.unit, currency);
  return (
    <div className="text-sm">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <label htmlFor={id} className="font-medium">
          {lever.label}
        </label>
        <span>
          {value !== undefined && <span className="text-muted">{text(lever.now)} now, </span>}
          <span className={value === undefined ? '' : 'font-medium text-accent'}>{text(value ?? lever.now)}</span>
        </span>
      </div>
      <input
        id={id}
        type="range"
        min={lever.min}
        max={lever.max}
        step={lever.step}
        value={value ?? lever.now}
        onChange={(event) => onChange(Number(event.target.value))}
        aria-valuetext={text(value ?? lever.now)}
        className="slider"
      />
    </div>
  );
}

interface OutcomeProps {
  readiness: Readiness;
  simulation: Simulation | undefined;
  waiting: boolean;
  error: Error | null;
}

function Outcome({ readiness, simulation, waiting, error }: OutcomeProps) {
  const changed = simulation ? changedRules(readiness, simulation) : [];
  return (
    <div
      className="sticky bottom-16 self-start rounded-xl border border-line bg-bg p-4 md:bottom-4 @2xl:top-8 @2xl:bottom-auto"
      aria-live="polite"
      aria-busy={waiting}
    >
      <dl className="grid grid-cols-2 gap-4">
        <Score term="Now" score={simulation?.before ?? readiness.score} tier={readiness.tier_label} />
        <Score
          term="Then"
          score={simulation?.score ?? null}
          tier={simulation?.tier_label ?? 'Move a slider'}
          faded={waiting}
        />
      </dl>
      {error && (
        <p role="alert" className="notice notice-bad mt-3">
          This could not be computed. {error.message}
        </p>
      )}
      {simulation && !error && (
        <div className={`mt-3 border-t border-line pt-3 text-sm ${waiting ? 'opacity-60' : ''}`}>
          <p className="font-medium">
            {simulation.difference === 0
              ? 'The score stays the same.'
              : `${formatPoints(simulation.difference)} points`}
          </p>
          <ul className="mt-1 grid gap-1">
            {changed.map(({ key, label, before, after }) => (
              <li key={key} className="flex justify-between gap-3">
                <span className="text-muted">{label}</span>
                <span className="whitespace-nowrap">
                  {formatPoints(before)} <span className="text-muted">to</span> {formatPoints(after)}
                </span>
              </li>
            ))}
          </ul>
        </div>
      )}
      <p className="mt-3 text-sm text-muted">Guidance, not financial advice.</p>
    </div>
  );
}

function Score({
  term,
  score,
  tier,
  faded = false,
}: {
  term: string;
  score: number | null;
  tier: string;
  faded?: boolean;
}) {
  return (
    <div>
      <dt className="text-sm text-muted">{term}</dt>
      <dd className={faded ? 'opacity-60' : ''}>
        <span className="block text-3xl font-semibold tracking-tight">{score ?? '—'}</span>
        <span className="block text-sm">{tier}</span>
      </dd>
    </div>
  );
}

function changedRules(readiness: Readiness, simulation: Simulation) {
  return simulation.components.rules.flatMap((rule) => {
    const before = readiness.components.rules.find((each) => each.key === rule.key)?.points ?? 0;
    return before === rule.points ? [] : [{ key: rule.key, label: rule.label, before, after: rule.points }];
  });
}
