/** Of when the figures are, when Stripe was last read, and the button that has it read now. */
import { useMutation } from '@tanstack/react-query';
import { useEffect } from 'react';
import { ApiError, syncNow } from '../lib/api';
import { isDemo } from '../lib/demo';
import { formatAgo, formatMoment, formatWait } from '../lib/format';
import { queryClient } from '../lib/query';
import type { CurrentUser, Membership, Metrics, Readiness, StripeStatus } from '../lib/types';
import Icon from './Icon';

/** How often to look whether Stripe has been read, and for how long that is expected to take. */
const LOOK_MS = 1_500;
const PATIENCE_MS = 45_000;

interface Props {
  business: Membership;
  user: CurrentUser;
  readiness: Readiness;
  metrics: Metrics | null | undefined;
  status: StripeStatus | undefined;
}

export default function Freshness({ business, user, readiness, metrics, status }: Props) {
  const asOf = metrics?.computed_at ?? readiness.created_at;
  return (
    <div className="-mt-3 flex flex-wrap items-center justify-between gap-x-6 gap-y-2 text-sm text-muted">
      <p className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1">
        <span className="font-medium text-ink max-sm:basis-full">{business.name}</span>
        <span>
          As of <time dateTime={asOf}>{formatMoment(asOf)}</time>, {formatAgo(asOf)}
        </span>
        {status?.last_synced_at && (
          <span>
            Stripe read <time dateTime={status.last_synced_at}>{formatAgo(status.last_synced_at)}</time>
          </span>
        )}
        {!status && <Place>Stripe read 5 minutes ago</Place>}
        {isDemo(user) && <span className="tag tag-plain">Demo data</span>}
        {status?.livemode === false && <span className="tag tag-warn">Stripe test mode</span>}
        {metrics?.stale && <span className="tag tag-warn">The next computation is late</span>}
      </p>
      <div className="no-print flex flex-wrap items-center gap-2">
        {status?.connected && business.role !== 'viewer' && <ReadNow businessId={business.id} status={status} />}
        {!status && <Place className="btn px-3">Read now</Place>}
        <button type="button" className="btn px-3 text-ink" onClick={() => print()}>
          <Icon name="print" />
          Print
        </button>
      </div>
    </div>
  );
}

/** Room for what comes with the connection's status, so that nothing below moves then. */
function Place({ className = '', children }: { className?: string; children: string }) {
  return (
    <span className={`invisible ${className}`} aria-hidden="true">
      {children}
    </span>
  );
}

/** Has Stripe read, and tells when that is done: then the figures follow by themselves. */
function ReadNow({ businessId, status }: { businessId: string; status: StripeStatus }) {
  const reading = useMutation(
    {
      mutationFn: async (before: string | null) => {
        await syncNow(businessId);
        return before;
      },
    },
    queryClient,
  );
  const before = reading.data;
  const done = before !== undefined && (status.last_synced_at ?? null) !== before;
  const waiting = reading.isPending || (reading.isSuccess && !done);
  useEffect(() => {
    if (!waiting) return;
    const look = setInterval(
      () => void queryClient.invalidateQueries({ queryKey: ['stripe-status', businessId] }),
      LOOK_MS,
    );
    const giveUp = setTimeout(() => reading.reset(), PATIENCE_MS);
    return () => {
      clearInterval(look);
      clearTimeout(giveUp);
    };
  }, [waiting, businessId, reading.reset]);
  useEffect(() => {
    if (done) void queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey.includes(businessId) });
  }, [done, businessId]);
  return (
    <>
      <button
        type="button"
        className="btn px-3 text-ink"
        disabled={waiting}
        onClick={() => reading.mutate(status.last_synced_at ?? null)}
      >
        <Icon name="refresh" />
        {waiting ? 'Reading' : 'Read now'}
      </button>
      <span role="status" className="order-last">
        {reading.error
          ? problem(reading.error)
          : waiting
            ? 'Reading what is new at Stripe'
            : done
              ? 'Stripe has been read'
              : ''}
      </span>
    </>
  );
}

function problem(error: Error): string {
  if (error instanceof ApiError && error.status === 429) {
    return error.retryAfterSeconds
      ? `Read less than a minute ago. Try again in ${formatWait(error.retryAfterSeconds)}.`
      : 'Read less than a minute ago.';
  }
  return error.message;
}
