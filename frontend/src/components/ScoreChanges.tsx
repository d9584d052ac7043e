/** What changed the score in the last 30 days: rule by rule, down to the disputes, refunds and payouts behind it. */
import { memo } from 'react';
import { formatMoment, formatPoints, withoutLabel } from '../lib/format';
import { changeText } from '../lib/readiness';
import type { Changes } from '../lib/types';

function ScoreChanges({ changes }: { changes: Changes }) {
  const moved = changes.rules.filter((rule) => rule.difference !== 0);
  const head = changeText(changes);
  return (
    <section className="card p-5 sm:p-6" aria-labelledby="changes">
      <h2 id="changes" className="font-semibold">
        What changed
      </h2>
      <p className="mt-1 text-sm text-muted">
        {head ? `${head}.` : 'This is the first score; from the next one on, it says here what changed and why.'}
        {changes.formula_changed && ' The formula itself changed meanwhile, which is part of the difference.'}
      </p>
      {head && moved.length === 0 && <p className="mt-3 text-sm">No signal gained or lost points.</p>}
      {moved.length > 0 && (
        <ul className="mt-2 divide-y divide-line">
          {moved.map((rule) => (
            <li key={rule.key} className="grid grid-cols-[1fr_auto] gap-x-4 py-3 text-sm">
              <div className="min-w-0">
                <p className="font-medium">{rule.label}</p>
                <p className="mt-0.5 text-muted">{withoutLabel(rule.sentence, rule.label)}</p>
                {rule.moved.map((group) => (
                  <p key={group.kind} className="mt-0.5 text-muted">
                    {group.sentence}
                  </p>
                ))}
              </div>
              <p className={`font-medium whitespace-nowrap ${rule.difference > 0 ? 'text-good' : 'text-bad'}`}>
                {formatPoints(rule.difference)}
                <span className="sr-only"> points</span>
              </p>
            </li>
          ))}
        </ul>
      )}
      {changes.clamp !== 0 && (
        <p className="mt-2 text-sm text-muted">
          {formatPoints(changes.clamp)} because a score stays between 0 and 100
          {changes.formula_changed && ', and because of the new formula'}.
        </p>
      )}
      {head && (
        <p className="mt-2 text-sm text-muted">
          Compared with the score of{' '}
          <time dateTime={changes.before.created_at}>{formatMoment(changes.before.created_at)}</time>.
        </p>
      )}
    </section>
  );
}

export default memo(ScoreChanges);
