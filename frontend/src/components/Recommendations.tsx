/** The recommendations page: what to do, what is being done, and what came of it. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { isDemo } from '../lib/demo';
import { formatMoment } from '../lib/format';
import { connectLink, overviewLink } from '../lib/links';
import { definitionsQuery, POLL_IDLE_MS, queryClient, recommendationsQuery, statusQuery } from '../lib/query';
import { closeToast, showToast } from '../lib/toast';
import type { CurrentUser, Membership, Recommendation } from '../lib/types';
import BusinessGuard from './BusinessGuard';
import DismissDialog from './DismissDialog';
import ErrorCard from './ErrorCard';
import type { Action } from './RecommendationCard';
import RecommendationList from './RecommendationList';
import RecommendationsSkeleton from './RecommendationsSkeleton';
import Toaster from './Toaster';
import { useDecision } from './useDecision';

export default function Recommendations() {
  return (
    <>
      <BusinessGuard fallback={<RecommendationsSkeleton />}>
        {(business, user) => <OfBusiness business={business} user={user} />}
      </BusinessGuard>
      <Toaster />
    </>
  );
}

function OfBusiness({ business, user }: { business: Membership; user: CurrentUser }) {
  const definitions = useQuery(definitionsQuery, queryClient);
  const status = useQuery(statusQuery(business.id), queryClient);
  const list = useQuery({ ...recommendationsQuery(business.id), refetchInterval: POLL_IDLE_MS }, queryClient);
  const [dismissing, setDismissing] = useState<Recommendation | null>(null);
  const decision = useDecision(business.id, (error, { item }) => {
    showToast(`“${item.title}” stays as it was. ${error.message}`);
  });
  const act = (action: Action, item: Recommendation) => {
    if (action === 'dismiss') {
      setDismissing(item);
      return;
    }
    const accepted: Recommendation = { ...item, status: 'accepted' };
    const back = () => {
      closeToast();
      decision.mutate({ item: accepted, status: 'pending', reason: null });
    };
    if (action === 'accept') {
      decision.mutate({ item, status: 'accepted', reason: null });
      showToast(`“${item.title}” is in your plan.`, back);
    } else {
      decision.mutate({ item, status: 'pending', reason: null });
      showToast(`“${item.title}” is out of your plan.`);
    }
  };

  if (!list.data) {
    if (list.error) {
      return (
        <ErrorCard
          error={list.error}
          title="The recommendations could not be loaded"
          onRetry={() => void list.refetch()}
          busy={list.isFetching}
        />
      );
    }
    return <RecommendationsSkeleton />;
  }
  const mayDecide = business.role !== 'viewer';
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
      <p className="-mt-3 flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted">
        <span className="font-medium text-ink">{business.name}</span>
        <span>
          As of{' '}
          <time dateTime={new Date(list.dataUpdatedAt).toISOString()}>
            {formatMoment(new Date(list.dataUpdatedAt).toISOString())}
          </time>
        </span>
        {isDemo(user) && <span className="tag tag-plain">Demo data</span>}
        {status.data?.livemode === false && <span className="tag tag-warn">Stripe test mode</span>}
      </p>
      {list.isError && (
        <ErrorCard
          compact
          error={list.error}
          title="The recommendations could not be refreshed"
          onRetry={() => void list.refetch()}
          busy={list.isFetching}
        />
      )}
      {status.data && !status.data.connected && <NotConnected business={business} empty={list.data.length === 0} />}
      {!mayDecide && list.data.length > 0 && (
        <p className="notice">You can read these. Deciding about them takes an owner or an admin.</p>
      )}
      {(status.data?.connected !== false || list.data.length > 0) && (
        <RecommendationList
          recommendations={list.data}
          definitions={definitions.data ?? []}
          mayDecide={mayDecide}
          onAction={act}
        />
      )}
      <p className="max-w-3xl text-sm text-muted">
        Guidance, not financial advice. Every impact is computed by the score's own rules from your figures; it says
        nothing about what a lender decides.{' '}
        <a href={overviewLink(business.id)} className="link">
          See the score
        </a>
      </p>
      {dismissing && (
        <DismissDialog
          item={dismissing}
          onClose={() => setDismissing(null)}
          onDismiss={(reason) => {
            decision.mutate({ item: dismissing, status: 'dismissed', reason });
            showToast(`“${dismissing.title}” is dismissed.`);
            setDismissing(null);
          }}
        />
      )}
    </div>
  );
}

function NotConnected({ business, empty }: { business: Membership; empty: boolean }) {
  const connect = business.role !== 'viewer' && (
    <a href={connectLink(business.id)} className={empty ? 'btn btn-primary mt-5' : 'link'}>
      Connect Stripe
    </a>
  );
  if (empty) {
    return (
      <section className="card max-w-xl p-6">
        <h2 className="text-lg font-semibold">Recommendations come with the score</h2>
        <p className="mt-2 text-muted">
          Stripe is not connected, so there is nothing to compute them from.
          {business.role === 'viewer' && ' Connecting it takes an owner or an admin.'}
        </p>
        {connect}
      </section>
    );
  }
  return (
    <p className="notice notice-warn">
      <span className="font-medium">Stripe is not connected.</span> These rest on the last figures and will not change.{' '}
      {connect}
    </p>
  );
}
