/** The metrics page: one metric over time, all of them beneath, and how fresh they are. */
import { useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useRef } from 'react';
import { formatAgo, formatMoment } from '../lib/format';
import { connectLink } from '../lib/links';
import { metricGroups } from '../lib/metric-rows';
import { READINESS } from '../lib/metric-scores';
import { definitionsQuery, metricsQuery, POLL_IDLE_MS, POLL_SYNCING_MS, queryClient, statusQuery } from '../lib/query';
import type { Definition, Membership, Metrics, StripeStatus } from '../lib/types';
import BusinessGuard from './BusinessGuard';
import ErrorCard from './ErrorCard';
import MetricList from './MetricList';
import MetricPanel from './MetricPanel';
import MetricsSkeleton, { ListSkeleton } from './MetricsSkeleton';
import Rest from './Rest';
import SyncNotice, { isSyncing } from './SyncNotice';
import { useMetricsView } from './useMetricsView';

export default function MetricsBoard() {
  // The words are the same for everybody, so they are asked for at once.
  useQuery(definitionsQuery, queryClient);
  return (
    <BusinessGuard fallback={<MetricsSkeleton />}>
      {(business) => <BusinessMetrics business={business} />}
    </BusinessGuard>
  );
}

function BusinessMetrics({ business }: { business: Membership }) {
  const definitions = useQuery(definitionsQuery, queryClient);
  const status = useQuery(
    {
      ...statusQuery(business.id),
      refetchInterval: ({ state }) => (isSyncing(state.data) ? POLL_SYNCING_MS : POLL_IDLE_MS),
    },
    queryClient,
  );
  const metrics = useQuery(
    {
      ...metricsQuery(business.id),
      refetchInterval: ({ state }) => {
        if (state.status === 'error' && !state.data) return false;
        return status.data?.connected && (!state.data || isSyncing(status.data)) ? POLL_SYNCING_MS : POLL_IDLE_MS;
      },
    },
    queryClient,
  );
  const failed = [definitions, status, metrics].filter((query) => query.isError);
  const error = failed[0]?.error;
  const retry = () => {
    for (const query of failed) void query.refetch();
  };
  const busy = failed.some((query) => query.isFetching);

  if (metrics.data && definitions.data) {
    return (
      <div className="grid gap-5">
        <Freshness business={business} metrics={metrics.data} status={status.data} />
        {error && (
          <ErrorCard
            compact
            error={error}
            title={`These figures, as of ${formatMoment(metrics.data.computed_at)}, could not be refreshed`}
            onRetry={retry}
            busy={busy}
          />
        )}
        {status.data && <Notices status={status.data} business={business} />}
        <Figures business={business} metrics={metrics.data} definitions={definitions.data} />
      </div>
    );
  }
  if (error) return <ErrorCard error={error} title="Your metrics could not be loaded" onRetry={retry} busy={busy} />;
  if (!status.data || metrics.isPending || definitions.isPending) return <MetricsSkeleton />;
  return <NoFigures business={business} status={status.data} />;
}

interface FiguresProps {
  business: Membership;
  metrics: Metrics;
  definitions: Definition[];
}

function Figures({ business, metrics, definitions }: FiguresProps) {
  const chart = useRef<HTMLDivElement>(null);
  const charted = definitions.filter(({ unit }) => unit !== 'trend' && unit !== 'state').map(({ key }) => key);
  const [view, setView] = useMetricsView([READINESS.key, ...charted]);
  const groups = useMemo(() => metricGroups(metrics, definitions), [metrics, definitions]);
  const show = useCallback(
    (metric: string) => {
      setView({ metric });
      chart.current?.scrollIntoView({ block: 'start' });
    },
    [setView],
  );
  return (
    <>
      <div ref={chart} className="scroll-mt-20">
        <MetricPanel {...{ business, metrics, definitions, view }} onView={setView} />
      </div>
      <Rest fallback={<ListSkeleton />}>
        <MetricList groups={groups} shown={view.metric} onShow={show} />
      </Rest>
    </>
  );
}

function Freshness({ business, metrics, status }: { business: Membership; metrics: Metrics; status?: StripeStatus }) {
  return (
    <p className="-mt-3 flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted">
      <span className="font-medium text-ink max-sm:basis-full">{business.name}</span>
      <span>
        As of <time dateTime={metrics.computed_at}>{formatMoment(metrics.computed_at)}</time>,{' '}
        {formatAgo(metrics.computed_at)}; days are UTC days
      </span>
      {status?.livemode === false && <span className="tag tag-warn">Stripe test mode</span>}
      {metrics.stale && <span className="tag tag-warn">The next computation is late</span>}
    </p>
  );
}

function Notices({ status, business }: { status: StripeStatus; business: Membership }) {
  const link = business.role !== 'viewer' && (
    <a href={connectLink(business.id)} className="link">
      {status.connected ? 'Check the connection' : 'Connect Stripe'}
    </a>
  );
  return (
    <>
      {!status.connected && (
        <p className="notice notice-warn">
          <span className="font-medium">Stripe is not connected.</span> {status.error} These are the last figures; they
          will not change. {link}
        </p>
      )}
      {status.connected && status.error && (
        <p className="notice notice-warn">
          <span className="font-medium">Stripe could not be read.</span> {status.error} {link}
        </p>
      )}
      <SyncNotice status={status} scored={false} />
    </>
  );
}

function NoFigures({ business, status }: { business: Membership; status: StripeStatus }) {
  const viewer = business.role === 'viewer';
  return (
    <section className="card grid max-w-2xl gap-4 p-6">
      <div>
        <h2 className="text-lg font-semibold">{business.name} has no metrics yet</h2>
        <p className="mt-2 text-muted">
          {status.connected
            ? 'Stripe is connected and the first figures are on their way. This page fills by itself.'
            : 'They are computed from your Stripe history: charges, refunds, disputes, payouts and subscriptions.'}
        </p>
      </div>
      {status.error && <p className="notice notice-warn">Stripe could not be read: {status.error}</p>}
      <SyncNotice status={status} scored={false} />
      {!status.connected &&
        (viewer ? (
          <p className="notice">Stripe is not connected. Connecting it takes an owner or an admin.</p>
        ) : (
          <a href={connectLink(business.id)} className="btn btn-primary w-fit">
            Connect Stripe
          </a>
        ))}
    </section>
  );
}
