/** The connection to Stripe: its state, what it may read, reading now, and giving it back. */
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { syncNow } from '../../lib/api';
import { disconnectStripe, readAgain } from '../../lib/api-settings';
import { formatAgo } from '../../lib/format';
import { POLL_SETTLING_MS, queryClient, statusQuery } from '../../lib/query';
import type { Membership, StripeStatus } from '../../lib/types';
import ConfirmDialog from '../ConfirmDialog';
import ErrorCard from '../ErrorCard';
import SyncNotice from '../SyncNotice';
import Loaded from './Loaded';
import Section from './Section';

export default function StripeAccess({ membership }: { membership: Membership }) {
  const status = useQuery({ ...statusQuery(membership.id), refetchInterval: POLL_SETTLING_MS }, queryClient);
  return (
    <Section
      id="stripe"
      title="Stripe"
      intro="Vaultra reads your Stripe record. It cannot move money or change anything."
    >
      <Loaded query={status} what="The connection" outline="h-64">
        {(known) => <Connection membership={membership} status={known} />}
      </Loaded>
    </Section>
  );
}

const MODES = { oauth: 'Your consent at Stripe', key: 'A restricted key of yours' } as const;

interface Props {
  membership: Membership;
  status: StripeStatus;
}

function Connection({ membership, status }: Props) {
  const mayChange = membership.role !== 'viewer';
  const known = status.account_id !== undefined && status.account_id !== null;
  return (
    <div className="grid gap-5">
      {status.error && <p className="notice notice-warn">Stripe could not be read: {status.error}</p>}
      {known && <Facts status={status} />}
      {!known && <p className="text-sm text-muted">No Stripe account is connected, so there is no score.</p>}
      {status.connected && <SyncNotice status={status} scored={false} />}
      {!mayChange && (
        <p className="notice">You may view this business. Its connection is up to an owner or an admin.</p>
      )}
      {mayChange && <Actions membership={membership} status={status} known={known} />}
    </div>
  );
}

function Facts({ status }: { status: StripeStatus }) {
  return (
    <dl className="grid gap-x-8 gap-y-4 text-sm sm:grid-cols-2">
      <div>
        <dt className="text-muted">State</dt>
        <dd className="mt-1 flex flex-wrap gap-2">
          <span className={`tag ${status.connected ? '' : 'tag-warn'}`}>
            {status.connected ? 'Connected' : 'Not connected'}
          </span>
          {status.livemode === false && <span className="tag tag-warn">Stripe test mode</span>}
        </dd>
      </div>
      <div>
        <dt className="text-muted">Account</dt>
        <dd className="mt-1">
          <code className="select-all">{status.account_id}</code>
        </dd>
      </div>
      <div>
        <dt className="text-muted">Last read</dt>
        <dd className="mt-1">{status.last_synced_at ? formatAgo(status.last_synced_at) : 'Not yet'}</dd>
      </div>
      <div>
        <dt className="text-muted">Access by</dt>
        <dd className="mt-1">{status.mode ? MODES[status.mode] : 'Not known'}</dd>
      </div>
      <div className="sm:col-span-2">
        <dt className="text-muted">What is read</dt>
        <dd className="mt-1 max-w-prose">
          Charges, refunds, disputes, payouts, balance movements, customers and subscriptions.{' '}
          <a href="/help/data-privacy-and-stripe-access/#permissions" className="link">
            What each is for
          </a>
        </dd>
      </div>
    </dl>
  );
}

function Actions({ membership, status, known }: Props & { known: boolean }) {
  const [asking, setAsking] = useState(false);
  const query = statusQuery(membership.id);
  const read = useMutation(
    { mutationFn: () => syncNow(membership.id), onSuccess: () => readAgain(queryClient, query) },
    queryClient,
  );
  return (
    <>
      {read.error && (
        <ErrorCard
          compact
          error={read.error}
          title="Stripe was not asked"
          onRetry={() => read.mutate()}
          busy={read.isPending}
        />
      )}
      <div className="flex flex-wrap items-center gap-3">
        {status.connected ? (
          <button type="button" className="btn" onClick={() => read.mutate()} disabled={read.isPending}>
            Read now
          </button>
        ) : (
          <a href={`/onboarding/stripe-connect/?business_id=${membership.id}`} className="btn btn-primary">
            {known ? 'Connect Stripe again' : 'Connect Stripe'}
          </a>
        )}
        {known && (
          <button type="button" className="btn btn-danger" onClick={() => setAsking(true)}>
            Disconnect
          </button>
        )}
        <p role="status" className="text-sm text-muted">
          {read.isSuccess && 'Stripe is being read. What is new shows within a minute.'}
        </p>
      </div>
      {asking && (
        <ConfirmDialog
          title="Disconnect Stripe?"
          verb="Disconnect"
          busy="Disconnecting"
          action={async () => {
            await disconnectStripe(membership.id);
            await readAgain(queryClient, query);
          }}
          onClose={() => setAsking(false)}
        >
          <p>
            Vaultra gives its access back and reads nothing more. The score and the figures so far stay as they are.
          </p>
          {status.mode === 'key' && <p>Your restricted key is deleted here. Delete it at Stripe, too.</p>}
        </ConfirmDialog>
      )}
    </>
  );
}
