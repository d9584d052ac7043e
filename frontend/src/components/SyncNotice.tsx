/** How far the reading of Stripe's history has come, with counts, and that it is safe to leave. */
import { formatAgo, formatCount } from '../lib/format';
import type { StripeStatus } from '../lib/types';

const STEPS = {
  recent: 'Step 1 of 2: reading the last 90 days from Stripe',
  history: 'Step 2 of 2: reading older history, up to 24 months',
} as const;

/** Whether history is still arriving. */
export function isSyncing(status: StripeStatus | undefined): boolean {
  const phase = status?.sync?.phase;
  return phase === 'recent' || phase === 'history';
}

export default function SyncNotice({ status, scored }: { status: StripeStatus; scored: boolean }) {
  const sync = status.sync;
  if (!sync || sync.phase === 'idle') return null;
  const percent = Math.max(0, Math.min(100, Math.round(sync.percent)));
  return (
    <section className="notice" aria-label="Reading your Stripe history">
      <div className="flex flex-wrap items-baseline justify-between gap-x-6 gap-y-1">
        <p className="font-medium" role="status">
          {STEPS[sync.phase]}
        </p>
        <p className="text-muted">
          {formatCount(sync.objects)} objects read, {percent}%
        </p>
      </div>
      <progress value={percent} max={100} aria-label={STEPS[sync.phase]} className="bar mt-2.5" />
      <p className="mt-2 text-muted">
        {scored && 'The score is provisional until the whole history has arrived. '}
        You can leave this page; the reading goes on.
        {sync.started_at && ` Started ${formatAgo(sync.started_at)}.`}
      </p>
    </section>
  );
}
