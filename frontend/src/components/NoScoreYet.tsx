/** What stands in the score's place before there is one: the way to Stripe, or how far the reading has come. */
import { connectLink } from '../lib/links';
import type { Membership, StripeStatus } from '../lib/types';
import SyncNotice, { isSyncing } from './SyncNotice';

export default function NoScoreYet({ business, status }: { business: Membership; status: StripeStatus }) {
  return status.connected ? (
    <FirstFigures business={business} status={status} />
  ) : (
    <NotConnected business={business} error={status.error} />
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
        <a href={connectLink(business.id)} className="btn btn-primary mt-5">
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
