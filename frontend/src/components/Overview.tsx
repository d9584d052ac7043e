/** The overview page: the answer, the sum behind it, the figures behind that, and how fresh all of it is. */
import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { switchBusiness } from '../lib/business';
import { formatAgo, formatMoment, formatPeriod } from '../lib/format';
import { metricTiles } from '../lib/metrics';
import {
  definitionsQuery,
  metricsQuery,
  POLL_IDLE_MS,
  POLL_SETTLING_MS,
  POLL_SYNCING_MS,
  queryClient,
  readinessQuery,
  statusQuery,
} from '../lib/query';
import { nothingMeasured } from '../lib/readiness';
import type { CurrentUser, Membership, Metrics, Readiness, StripeStatus } from '../lib/types';
import DashboardGuard from './DashboardGuard';
import ErrorCard from './ErrorCard';
import MetricTile from './MetricTile';
import OverviewSkeleton from './OverviewSkeleton';
import ScoreCard from './ScoreCard';
import ScoreSum from './ScoreSum';
import SyncNotice, { isSyncing } from './SyncNotice';
import { useChoice } from './useChoice';

export default function Overview() {
  // The tiles' words are the same for everybody, so they are asked for at once.
  useQuery(definitionsQuery, queryClient);
  return <DashboardGuard fallback={<OverviewSkeleton />}>{(user) => <ChosenBusiness user={user} />}</DashboardGuard>;
}

function ChosenBusiness({ user }: { user: CurrentUser }) {
  const choice = useChoice(user.businesses);
  useEffect(() => {
    if (choice.kind === 'none') location.replace('/onboarding/business/');
  }, [choice.kind]);
  switch (choice.kind) {
    case 'none':
      return <OverviewSkeleton />;
    case 'choose':
      return <ChooseBusiness businesses={user.businesses} foreign={choice.foreign} />;
    case 'chosen':
      return <BusinessOverview key={choice.business.id} business={choice.business} />;
  }
}

function ChooseBusiness({ businesses, foreign }: { businesses: Membership[]; foreign: boolean }) {
  return (
    <section className="card max-w-xl p-6">
      <h2 className="text-lg font-semibold">{foreign ? 'This business is not one of yours' : 'Choose a business'}</h2>
      <p className="mt-2 text-muted">
        {foreign
          ? 'The address names a business that your account cannot open. Choose one that it can.'
          : 'Your account can open several. Each has its own score and figures.'}
      </p>
      <ul className="mt-4 grid gap-2">
        {businesses.map((business) => (
          <li key={business.id}>
            <button
              type="button"
              onClick={() => switchBusiness(business.id)}
              className="btn w-full justify-between text-left whitespace-normal"
            >
              {business.name}
              <span className="text-sm font-normal text-muted">{business.role}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function BusinessOverview({ business }: { business: Membership }) {
  const status = useQuery(
    {
      ...statusQuery(business.id),
      refetchInterval: ({ state }) => {
        if (state.status === 'error' && !state.data) return false;
        return isSyncing(state.data) ? POLL_SYNCING_MS : POLL_IDLE_MS;
      },
    },
    queryClient,
  );
  const connected = status.data?.connected === true;
  const arriving = connected && isSyncing(status.data);
  const interval = (missing: boolean, settling: boolean) => {
    if (connected && (arriving || missing)) return POLL_SYNCING_MS;
    return settling ? POLL_SETTLING_MS : POLL_IDLE_MS;
  };
  const readiness = useQuery(
    {
      ...readinessQuery(business.id),
      refetchInterval: ({ state }) => {
        if (state.status === 'error' && !state.data) return false;
        return interval(!state.data, state.data?.provisional === true);
      },
    },
    queryClient,
  );
  const metrics = useQuery(
    {
      ...metricsQuery(business.id),
      refetchInterval: ({ state }) => {
        if (state.status === 'error' && !state.data) return false;
        return interval(!state.data, state.data?.stale === true);
      },
    },
    queryClient,
  );

  const queries = [status, readiness, metrics];
  const failed = queries.filter((query) => query.isError);
  const error = failed[0]?.error;
  const retry = () => {
    for (const query of failed) void query.refetch();
  };
  const busy = failed.some((query) => query.isFetching);

  if (readiness.data) {
    return (
      <div className="grid gap-5">
        <Freshness business={business} readiness={readiness.data} metrics={metrics.data} status={status.data} />
        {error && (
          <ErrorCard compact error={error} title="These figures could not be refreshed" onRetry={retry} busy={busy} />
        )}
        {status.data && <Notices status={status.data} business={business} readiness={readiness.data} />}
        <ScoreCard readiness={readiness.data} />
        <ScoreSum readiness={readiness.data} />
        {metrics.data && <Tiles metrics={metrics.data} />}
        <Disclaimer />
      </div>
    );
  }
  if (error) return <ErrorCard error={error} title="Your score could not be loaded" onRetry={retry} busy={busy} />;
  if (!status.data || readiness.isPending) return <OverviewSkeleton />;
  if (!connected) return <NotConnected business={business} error={status.data.error} />;
  return <FirstFigures business={business} status={status.data} />;
}

interface FreshnessProps {
  business: Membership;
  readiness: Readiness;
  metrics: Metrics | null | undefined;
  status: StripeStatus | undefined;
}

function Freshness({ business, readiness, metrics, status }: FreshnessProps) {
  const asOf = metrics?.computed_at ?? readiness.created_at;
  return (
    <p className="-mt-3 flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted">
      <span className="font-medium text-ink">{business.name}</span>
      <span>
        As of <time dateTime={asOf}>{formatMoment(asOf)}</time>, {formatAgo(asOf)}
      </span>
      {status?.last_synced_at && (
        <span>
          Stripe read <time dateTime={status.last_synced_at}>{formatAgo(status.last_synced_at)}</time>
        </span>
      )}
      {status?.livemode === false && <span className="tag tag-warn">Stripe test mode</span>}
      {metrics?.stale && <span className="tag tag-warn">The next computation is late</span>}
    </p>
  );
}

interface NoticesProps {
  status: StripeStatus;
  business: Membership;
  readiness: Readiness;
}

function Notices({ status, business, readiness }: NoticesProps) {
  const connect = (label: string) =>
    business.role !== 'viewer' && (
      <a href={`/onboarding/stripe-connect/?business_id=${business.id}`} className="link">
        {label}
      </a>
    );
  return (
    <>
      {!status.connected && (
        <p className="notice notice-warn">
          <span className="font-medium">Stripe is not connected.</span> {status.error} These are the last figures; they
          will not change. {connect('Connect Stripe')}
        </p>
      )}
      {status.connected && status.error && (
        <p className="notice notice-warn">
          <span className="font-medium">Stripe could not be read.</span> {status.error}{' '}
          {connect('Check the connection')}
        </p>
      )}
      <SyncNotice status={status} scored />
      {status.connected && nothingMeasured(readiness) && (
        <p className="notice">
          <span className="font-medium">Not enough data yet.</span> Nothing could be measured, so the score stands at
          its start. It moves with the first charges.
        </p>
      )}
    </>
  );
}

function Tiles({ metrics }: { metrics: Metrics }) {
  const definitions = useQuery(definitionsQuery, queryClient);
  return (
    <section aria-labelledby="figures">
      <h2 id="figures" className="font-semibold">
        Key figures
      </h2>
      <p className="mt-1 text-sm text-muted">
        {formatPeriod(metrics.period_start, metrics.period_end)}, in UTC days, where a figure names no other time.
      </p>
      <ul className="mt-3 grid grid-cols-2 gap-3 sm:gap-4 xl:grid-cols-3">
        {metricTiles(metrics, definitions.data ?? []).map((tile) => (
          <MetricTile key={tile.key} tile={tile} />
        ))}
      </ul>
    </section>
  );
}

function NotConnected({ business, error }: { business: Membership; error?: string | null }) {
  const viewer = business.role === 'viewer';
  return (
    <section className="card max-w-xl p-6">
      <h2 className="text-lg font-semibold">
        {viewer ? `${business.name} has no score yet` : `Connect Stripe to see the score of ${business.name}`}
      </h2>
      <p className="mt-2 text-muted">
        Vaultra computes the score from your Stripe history: charges, refunds, disputes, payouts and subscriptions. It
        only reads.
      </p>
      {error && <p className="notice notice-warn mt-4">Stripe could not be read: {error}</p>}
      {viewer ? (
        <p className="notice mt-5">Stripe is not connected. Connecting it takes an owner or an admin.</p>
      ) : (
        <a href={`/onboarding/stripe-connect/?business_id=${business.id}`} className="btn btn-primary mt-5">
          Connect Stripe
        </a>
      )}
    </section>
  );
}

function FirstFigures({ business, status }: { business: Membership; status: StripeStatus }) {
  return (
    <section className="card grid max-w-2xl gap-4 p-6">
      <div>
        <h2 className="text-lg font-semibold">The first score of {business.name} is on its way</h2>
        <p className="mt-2 text-muted">
          {isSyncing(status)
            ? 'It appears here as soon as the last 90 days have been read.'
            : 'Stripe is connected and the first figures are being computed. This page fills by itself.'}
        </p>
      </div>
      <SyncNotice status={status} scored={false} />
      {status.error && <p className="notice notice-warn">Stripe could not be read: {status.error}</p>}
    </section>
  );
}

function Disclaimer() {
  return (
    <p className="max-w-3xl text-sm text-muted">
      Guidance, not financial advice. The score describes what your Stripe record shows; it is not a credit score, and
      every lender decides by its own rules.
    </p>
  );
}
