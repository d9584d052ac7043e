/** Connecting Stripe: what is read and what is not, the way to Stripe's consent page, and what came back from it. */
import { useMutation, useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { ApiError, initiateStripeConnect } from '../lib/api';
import { switchBusiness } from '../lib/business';
import { formatAgo } from '../lib/format';
import { queryClient, statusQuery } from '../lib/query';
import type { CurrentUser, Membership } from '../lib/types';
import BusinessSelector from './BusinessSelector';
import DashboardGuard from './DashboardGuard';
import ErrorCard from './ErrorCard';
import Icon from './Icon';
import StripeConnectSkeleton from './StripeConnectSkeleton';
import StripeKeyForm from './StripeKeyForm';
import { useChoice } from './useChoice';

export default function StripeConnect() {
  return (
    <DashboardGuard fallback={<StripeConnectSkeleton />}>{(user) => <ChosenBusiness user={user} />}</DashboardGuard>
  );
}

function ChosenBusiness({ user }: { user: CurrentUser }) {
  const choice = useChoice(user.businesses);
  useEffect(() => {
    if (choice.kind === 'none') location.replace('/onboarding/business/');
  }, [choice.kind]);
  if (choice.kind === 'none') return <StripeConnectSkeleton />;
  const chosen = choice.kind === 'chosen' ? choice.business : null;
  return (
    <div className="grid gap-5">
      {(user.businesses.length > 1 || chosen) && (
        <div className="grid gap-1.5">
          <p className="text-sm text-muted" aria-hidden="true">
            Business
          </p>
          <BusinessSelector businesses={user.businesses} currentId={chosen?.id ?? ''} onChange={switchBusiness} />
        </div>
      )}
      {chosen ? (
        <Connection key={chosen.id} business={chosen} />
      ) : (
        <p className="notice">
          {choice.kind === 'choose' && choice.foreign
            ? 'The address names a business that your account cannot open. Choose one above.'
            : 'Choose the business whose Stripe account you want to connect.'}
        </p>
      )}
    </div>
  );
}

const RETURNED: Record<string, string> = {
  access_denied: 'You did not grant access at Stripe, so nothing was connected. You can try again whenever you like.',
  state_expired: 'The way back from Stripe took too long, so nothing was connected. Please start again.',
  already_connected:
    'This Stripe account is connected to another business, or this business to another account. Disconnect there first, or choose another account.',
  exchange_failed: 'Stripe did not confirm the connection, so nothing was connected. Please try again.',
  not_allowed:
    'Your role changed while you were at Stripe, so nothing was connected. Ask an owner of the business to connect it.',
};

/** What the owner came back from Stripe with, when the connection was not made. */
function returnedError(): string | null {
  const error = new URLSearchParams(location.search).get('error');
  return error && (RETURNED[error] ?? `Stripe did not complete the connection (${error}). Please try again.`);
}

function Connection({ business }: { business: Membership }) {
  const status = useQuery(statusQuery(business.id), queryClient);
  const connect = useMutation(
    {
      mutationFn: async () => {
        const { url } = await initiateStripeConnect(business.id);
        if (!/^https?:\/\//.test(url)) {
          throw new ApiError(502, 'UNEXPECTED', 'The server named an address that is not a web page.');
        }
        location.assign(url);
      },
    },
    queryClient,
  );
  const returned = returnedError();
  if (status.isPending) return <StripeConnectSkeleton />;
  if (!status.data) {
    return (
      <ErrorCard
        error={status.error}
        title="The connection’s state could not be loaded"
        onRetry={() => void status.refetch()}
        busy={status.isFetching}
      />
    );
  }
  if (status.data.connected) {
    const { account_id, last_synced_at, mode, error } = status.data;
    return (
      <section className="card p-6">
        <h2 className="flex items-center gap-2 text-lg font-semibold">
          <span className="text-good">
            <Icon name="check" size={22} />
          </span>
          Stripe is connected
        </h2>
        <p className="mt-2 text-muted">
          {account_id && <code>{account_id}</code>}
          {last_synced_at ? `, last read ${formatAgo(last_synced_at)}.` : ', the first reading is under way.'}
        </p>
        {mode === 'key' && (
          <p className="mt-2 text-sm text-muted">
            It is read with your restricted key, every 15 minutes. When you disconnect, Vaultra deletes the key here:
            delete it at Stripe, too.
          </p>
        )}
        {error && <p className="notice notice-warn mt-4">Stripe could not be read: {error}</p>}
        <a href={`/dashboard/?business_id=${business.id}`} className="btn btn-primary mt-5">
          Open the overview
        </a>
      </section>
    );
  }
  const viewer = business.role === 'viewer';
  return (
    <section className="card p-6">
      {returned && (
        <p role="alert" className="notice notice-warn mb-5">
          {returned}
        </p>
      )}
      {status.data.error && <p className="notice notice-warn mb-5">Stripe could not be read: {status.data.error}</p>}
      <div className="grid gap-5 sm:grid-cols-2">
        <Facts
          title="Vaultra reads"
          items={['Charges, refunds and disputes', 'Payouts and balance movements', 'Customers and subscriptions']}
        />
        <Facts
          title="Vaultra never"
          items={['Moves money or changes anything', 'Sees full card numbers', 'Shares your record without you']}
        />
      </div>
      <p className="mt-5 text-sm text-muted">
        Stripe asks for your consent on its own page and sends you back here. The last 90 days are read first, then up
        to 24 months.
      </p>
      {connect.error && (
        <div className="mt-5">
          <ErrorCard
            compact
            error={connect.error}
            title="Stripe could not be opened"
            onRetry={() => connect.mutate()}
            busy={connect.isPending}
          />
        </div>
      )}
      {viewer ? (
        <p className="notice mt-5">You may view this business. Connecting Stripe takes an owner or an admin.</p>
      ) : (
        <button
          type="button"
          className="btn btn-primary mt-5 w-full sm:w-auto"
          onClick={() => connect.mutate()}
          disabled={connect.isPending || connect.isSuccess}
        >
          {connect.isPending || connect.isSuccess ? 'Opening Stripe' : 'Continue to Stripe'}
        </button>
      )}
      {!viewer && <StripeKeyForm businessId={business.id} />}
    </section>
  );
}

function Facts({ title, items }: { title: string; items: string[] }) {
  return (
    <div>
      <h2 className="font-medium">{title}</h2>
      <ul className="mt-2 grid list-disc gap-1 pl-5 text-sm text-muted">
        {items.map((item) => (
          <li key={item}>{item}</li>
        ))}
      </ul>
    </div>
  );
}
