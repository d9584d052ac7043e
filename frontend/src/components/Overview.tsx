/** The overview page: the answer, the sum behind it, the figures behind that, and how fresh all of it is. */
import { useQuery } from '@tanstack/react-query';
import { memo, useCallback, useEffect, useRef } from 'react';
import { isDemo } from '../lib/demo';
import { formatMoment, formatPeriod } from '../lib/format';
import { connectLink, metricLink, recommendationLink } from '../lib/links';
import { metricTiles } from '../lib/metrics';
import {
  changesQuery,
  criteriaQuery,
  definitionsQuery,
  historyQuery,
  metricsQuery,
  POLL_IDLE_MS,
  POLL_SETTLING_MS,
  POLL_SYNCING_MS,
  pathQuery,
  queryClient,
  readinessQuery,
  recommendationsQuery,
  statusQuery,
} from '../lib/query';
import { METRIC_OF_RULE, nothingMeasured } from '../lib/readiness';
import { adviceOn } from '../lib/recommendations';
import { changeOf, lineOf } from '../lib/trends';
import type {
  Changes,
  CurrentUser,
  Membership,
  Metrics,
  Readiness,
  Recommendation,
  Rule,
  StripeStatus,
} from '../lib/types';
import BusinessGuard from './BusinessGuard';
import Checklist from './Checklist';
import ErrorCard from './ErrorCard';
import Freshness from './Freshness';
import LenderMinimums from './LenderMinimums';
import MetricTile from './MetricTile';
import NextActions from './NextActions';
import NoScoreYet from './NoScoreYet';
import OverviewSkeleton, { RestSkeleton } from './OverviewSkeleton';
import PathCard from './PathCard';
import PrintSummary from './PrintSummary';
import Rest from './Rest';
import ScoreCard from './ScoreCard';
import ScoreChanges from './ScoreChanges';
import ScoreSum, { type RuleLinks } from './ScoreSum';
import SyncNotice, { isSyncing } from './SyncNotice';
import { usePrinting } from './usePrinting';
import WhatIf from './WhatIf';

const NONE: Recommendation[] = [];

export default function Overview() {
  // The tiles' words are the same for everybody, so they are asked for at once.
  useQuery(definitionsQuery, queryClient);
  return (
    <BusinessGuard fallback={<OverviewSkeleton />}>
      {(business, user) => <BusinessOverview business={business} user={user} />}
    </BusinessGuard>
  );
}

/** Its sections are memoised: an answer draws what it is about, not the whole page. */
function BusinessOverview({ business, user }: { business: Membership; user: CurrentUser }) {
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

  const printing = usePrinting();
  // Undefined until it is known whether there is a score, null while there is none.
  const scored = readiness.data === null ? null : readiness.data?.created_at;
  const explained = useRef(scored);
  const changes = useQuery({ ...changesQuery(business.id), enabled: !!readiness.data }, queryClient);
  const path = useQuery({ ...pathQuery(business.id), enabled: !!readiness.data && connected }, queryClient);
  const criteria = useQuery({ ...criteriaQuery(business.id), enabled: !!metrics.data }, queryClient);
  const advice = useQuery({ ...recommendationsQuery(business.id), refetchInterval: POLL_IDLE_MS }, queryClient);
  useEffect(() => {
    const before = explained.current;
    explained.current = scored;
    // A new score: what explains it is read again as well.
    if (before === undefined || before === scored) return;
    for (const key of ['changes', 'path', 'criteria', 'recommendations', 'metric-history']) {
      void queryClient.invalidateQueries({ queryKey: [key, business.id] });
    }
  }, [scored, business.id]);

  const queries = [status, readiness, metrics, changes, path, criteria, advice];
  const failed = queries.filter((query) => query.isError);
  const error = failed[0]?.error;
  const retry = () => {
    for (const query of failed) void query.refetch();
  };
  const busy = failed.some((query) => query.isFetching);
  // The first steps push down what is below them, so they are waited for; not where the answers fail.
  const awaited = [status, advice].some((query) => query.isPending && query.failureCount === 0);
  const recommendations = advice.data ?? NONE;
  const onPaper = printing && metrics.data;
  const linksOf = useCallback(
    (rule: Rule): RuleLinks => {
      const metric = METRIC_OF_RULE[rule.key];
      const about = metric && rule.points < rule.best_points ? adviceOn(metric, recommendations) : undefined;
      return {
        metric: metric ? metricLink(business.id, metric) : null,
        advice: about ? { href: recommendationLink(business.id, about.id), title: about.title } : null,
      };
    },
    [business.id, recommendations],
  );

  if (readiness.data) {
    return (
      <>
        <div className={`grid grid-cols-[minmax(0,1fr)] gap-5 ${onPaper ? 'no-print' : ''}`}>
          <Freshness
            business={business}
            user={user}
            readiness={readiness.data}
            metrics={metrics.data}
            status={status.data}
          />
          {error && (
            <ErrorCard
              compact
              error={error}
              title={`Some figures could not be refreshed; they are as of ${formatMoment(metrics.data?.computed_at ?? readiness.data.created_at)}`}
              onRetry={retry}
              busy={busy}
            />
          )}
          {status.data && <Notices status={status.data} business={business} readiness={readiness.data} />}
          <ScoreCard readiness={readiness.data} changes={changes.data} />
          <Rest ready={!awaited} fallback={<RestSkeleton />}>
            {status.data && advice.data && business.role !== 'viewer' && (
              <Checklist
                businessId={business.id}
                status={status.data}
                readiness={readiness.data}
                recommendations={recommendations}
              />
            )}
            <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 xl:grid-cols-2">
              {/* Without a way to show, these two stand side by side. */}
              <div
                className={`grid grid-cols-[minmax(0,1fr)] gap-5 ${path.data || path.isLoading ? '' : 'xl:contents'}`}
              >
                {advice.isPending ? (
                  <CardSkeleton />
                ) : (
                  advice.data && <NextActions businessId={business.id} recommendations={recommendations} />
                )}
                {changes.isLoading ? <CardSkeleton /> : changes.data && <ScoreChanges changes={changes.data} />}
              </div>
              {path.isLoading ? <CardSkeleton /> : path.data && <PathCard path={path.data} />}
            </div>
            <ScoreSum readiness={readiness.data} linksOf={linksOf} />
            {metrics.data && <Tiles business={business} metrics={metrics.data} />}
            {metrics.data && <Simulator business={business} readiness={readiness.data} metrics={metrics.data} />}
            {criteria.data && <LenderMinimums criteria={criteria.data.criteria} note={criteria.data.note} />}
            <Disclaimer />
          </Rest>
        </div>
        {onPaper && (
          <Summary
            business={business}
            mark={isDemo(user) ? 'Demo data' : status.data?.livemode === false ? 'Stripe test mode' : null}
            readiness={readiness.data}
            metrics={onPaper}
            changes={changes.data}
          />
        )}
      </>
    );
  }
  if (error) return <ErrorCard error={error} title="Your score could not be loaded" onRetry={retry} busy={busy} />;
  if (!status.data || readiness.isPending) return <OverviewSkeleton />;
  return <NoScoreYet business={business} status={status.data} />;
}

interface NoticesProps {
  status: StripeStatus;
  business: Membership;
  readiness: Readiness;
}

function Notices({ status, business, readiness }: NoticesProps) {
  const connect = (label: string) =>
    business.role !== 'viewer' && (
      <a href={connectLink(business.id)} className="link">
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

const Tiles = memo(function Tiles({ business, metrics }: { business: Membership; metrics: Metrics }) {
  const definitions = useQuery(definitionsQuery, queryClient);
  const history = useQuery(historyQuery(business.id), queryClient);
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
          <MetricTile
            key={tile.key}
            tile={tile}
            href={metricLink(business.id, tile.key)}
            line={lineOf(tile.key, metrics, history.data ?? [])}
            change={changeOf(tile.key, tile.unit, metrics, history.data ?? [])}
          />
        ))}
      </ul>
    </section>
  );
});

/** The sliders need the words of the metrics, which every page asks for at once. */
function Simulator({ business, readiness, metrics }: Omit<SummaryProps, 'changes' | 'mark'>) {
  const definitions = useQuery(definitionsQuery, queryClient);
  if (!definitions.data) return null;
  return <WhatIf businessId={business.id} readiness={readiness} metrics={metrics} definitions={definitions.data} />;
}

interface SummaryProps {
  business: Membership;
  mark: string | null;
  readiness: Readiness;
  metrics: Metrics;
  changes: Changes | null | undefined;
}

function Summary(props: SummaryProps) {
  const definitions = useQuery(definitionsQuery, queryClient);
  return <PrintSummary {...props} definitions={definitions.data ?? []} />;
}

function CardSkeleton() {
  return <div className="card skel h-72" aria-hidden="true" />;
}

function Disclaimer() {
  return (
    <p className="max-w-3xl text-sm text-muted">
      Guidance, not financial advice. The score describes what your Stripe record shows; it is not a credit score, and
      every lender decides by its own rules.
    </p>
  );
}
