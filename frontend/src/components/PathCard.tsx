/** The way to the next tier, step by step, and what the coming 90 days bring by themselves. */
import { memo } from 'react';
import { formatDay, formatMoney, formatPoints, plural } from '../lib/format';
import { TIERS } from '../lib/readiness';
import type { Path } from '../lib/types';

/** Days and objects shown at once; the rest is one click away. */
const MOST_DAYS = 4;
const MOST_LEAVING = 6;

const EFFORTS: Record<Path['steps'][number]['effort'], string> = {
  keep: 'Time alone',
  paperwork: 'An answer to Stripe',
  rhythm: 'Regular sales',
  volume: 'Some more charges',
  mix: 'More of certain sales',
  growth: 'More sales',
  stripe: 'For Stripe to decide',
};
const OBJECTS: Record<Path['leaving'][number]['object']['kind'], string> = {
  dispute: 'A dispute',
  fraud_warning: 'An early fraud warning',
  refund: 'A refund',
  missed_payout: 'A late or failed payout',
  negative_day: 'A day with a negative balance',
};

function PathCard({ path }: { path: Path }) {
  const target = TIERS.find((tier) => tier.key === path.target);
  return (
    <section className="card p-5 sm:p-6" aria-labelledby="path">
      <h2 id="path" className="font-semibold">
        {target ? `The way to ${target.label}` : 'The highest tier is reached'}
      </h2>
      <p className="mt-1 text-sm text-muted">
        {target ? answer(path, target.label, target.from) : 'Now it is about keeping it.'}
      </p>
      {path.steps.length > 0 && (
        <ol className="mt-2 divide-y divide-line">
          {path.steps.map((step) => (
            <li key={step.sentence} className="grid grid-cols-[1fr_auto] gap-x-4 py-3 text-sm">
              <div className="min-w-0">
                <p>{step.sentence}</p>
                <p className="mt-0.5 text-muted">
                  {EFFORTS[step.effort]}; counts from {formatDay(step.earliest)} at the earliest.
                </p>
              </div>
              <p className="font-medium whitespace-nowrap text-good">{formatPoints(step.gain)}</p>
            </li>
          ))}
        </ol>
      )}
      <ComingDays calendar={path.calendar} />
      <Leaving leaving={path.leaving} total={path.leaving_total} />
      <details className="mt-2 text-sm">
        <summary className="rounded py-1.5 text-muted">What this assumes</summary>
        <p className="mt-1 text-muted">{path.assumption}</p>
      </details>
    </section>
  );
}

export default memo(PathCard);

function answer(path: Path, label: string, from: number): string {
  if (!path.reachable || !path.on || path.score_then === null) {
    return `${label} begins at ${from}. No set of steps that we can compute leads there within 90 days.`;
  }
  if (path.steps.length === 0) return `The figures of this moment already give ${path.score_then}, which is enough.`;
  return `By ${formatDay(path.on)} with ${plural(path.steps.length, 'step')}: the score is then ${path.score_then}, today it is ${path.score}.`;
}

function ComingDays({ calendar }: { calendar: Path['calendar'] }) {
  return (
    <div className="mt-2 border-t border-line pt-3 text-sm">
      <h3 className="font-medium">What comes by itself</h3>
      {calendar.length === 0 ? (
        <p className="mt-1 text-muted">If nothing new happens, the score stays as it is for the next 90 days.</p>
      ) : (
        <>
          <p className="mt-1 text-muted">If nothing new happens, the score changes on these days.</p>
          <Days days={calendar.slice(0, MOST_DAYS)} />
          {calendar.length > MOST_DAYS && (
            <details>
              <summary className="rounded py-1.5 text-muted">{plural(calendar.length - MOST_DAYS, 'more day')}</summary>
              <Days days={calendar.slice(MOST_DAYS)} />
            </details>
          )}
        </>
      )}
    </div>
  );
}

function Days({ days }: { days: Path['calendar'] }) {
  return (
    <ul className="mt-1">
      {days.map((day) => (
        <li key={day.on} className="grid grid-cols-[6.5rem_1fr_auto] gap-x-3 py-1.5">
          <time dateTime={day.on}>{formatDay(day.on, 'short')}</time>
          <span className="min-w-0 text-muted">{day.causes.map((cause) => cause.label).join(', ')}</span>
          <span className="text-right whitespace-nowrap">
            <span className={day.difference > 0 ? 'text-good' : 'text-bad'}>{formatPoints(day.difference)}</span>
            <span className="text-muted"> to </span>
            <span className="font-medium">{day.score}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}

function Leaving({ leaving, total }: { leaving: Path['leaving']; total: number }) {
  if (leaving.length === 0) return null;
  return (
    <details className="mt-2 border-t border-line pt-2 text-sm">
      <summary className="rounded py-1.5 font-medium">What stops counting, and when</summary>
      <ul className="mt-1">
        {leaving.slice(0, MOST_LEAVING).map((one) => (
          <li
            key={`${one.rule}-${one.object.id ?? one.object.on}`}
            className="grid grid-cols-[6.5rem_1fr] gap-x-3 py-1.5"
          >
            <time dateTime={one.leaves_on}>{formatDay(one.leaves_on, 'short')}</time>
            <span className="min-w-0 text-muted">
              {OBJECTS[one.object.kind]}
              {one.object.amount !== null && ` of ${formatMoney(one.object.amount, one.object.currency)}`}, from{' '}
              {formatDay(one.object.on, 'short')}
            </span>
          </li>
        ))}
      </ul>
      {total > MOST_LEAVING && (
        <p className="py-1.5 text-muted">
          These are the soonest of {total} within 90 days; each counts no more from its day on.
        </p>
      )}
    </details>
  );
}
