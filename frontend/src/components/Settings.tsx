/** The settings page: one's own account, and the business that is chosen. */
import { useEffect } from 'react';
import type { Choice } from '../lib/business';
import type { CurrentUser, Membership } from '../lib/types';
import DashboardGuard from './DashboardGuard';
import SettingsSkeleton from './SettingsSkeleton';
import BusinessDetails, { DeleteBusiness } from './settings/BusinessDetails';
import Members from './settings/Members';
import StripeAccess from './settings/StripeAccess';
import Tokens from './settings/Tokens';
import { Mails, Profile, YourData } from './settings/You';
import { useChoice } from './useChoice';

export default function Settings() {
  return <DashboardGuard fallback={<SettingsSkeleton />}>{(user) => <Page user={user} />}</DashboardGuard>;
}

const OF_BUSINESS = [
  ['business', 'Business'],
  ['stripe', 'Stripe'],
  ['members', 'Members'],
  ['assistants', 'Your own assistant'],
] as const;
const OF_YOU = [
  ['profile', 'Profile'],
  ['mails', 'Mails'],
  ['your-data', 'Your data'],
] as const;

function Page({ user }: { user: CurrentUser }) {
  const choice = useChoice(user.businesses);
  const business = choice.kind === 'chosen' ? choice.business : null;
  useEffect(() => {
    // When the browser looked for it, the page was still an outline.
    if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }, []);
  const contents = [...(business ? OF_BUSINESS : []), ...OF_YOU];
  return (
    <div className="grid items-start gap-x-10 xl:grid-cols-[minmax(0,46rem)_11rem]">
      <nav aria-label="On this page" className="sticky top-8 order-2 hidden xl:block">
        <ul className="grid border-l border-line text-sm">
          {contents.map(([id, label]) => (
            <li key={id}>
              <a href={`#${id}`} className="block py-1.5 pl-4 text-muted hover:text-ink">
                {label}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div className="grid min-w-0 gap-10">
        {business ? <OfBusiness key={business.id} membership={business} user={user} /> : <NoBusiness choice={choice} />}
        <div className="grid gap-4">
          <h2 className="text-lg font-semibold tracking-tight">Your account</h2>
          <Profile user={user} />
          <Mails />
          <YourData user={user} />
        </div>
      </div>
    </div>
  );
}

function OfBusiness({ membership, user }: { membership: Membership; user: CurrentUser }) {
  return (
    <div className="grid gap-4">
      <h2 className="text-lg font-semibold tracking-tight">{membership.name}</h2>
      <BusinessDetails membership={membership} />
      <StripeAccess membership={membership} />
      <Members membership={membership} user={user} />
      <Tokens membership={membership} user={user} />
      {membership.role === 'owner' && <DeleteBusiness membership={membership} />}
    </div>
  );
}

function NoBusiness({ choice }: { choice: Choice }) {
  if (choice.kind === 'none') {
    return (
      <section className="card p-6">
        <h2 className="font-semibold">You have no business yet</h2>
        <p className="mt-1 text-sm text-muted">Add one to connect Stripe and see its score.</p>
        <a href="/onboarding/business/" className="btn btn-primary mt-4">
          Add a business
        </a>
      </section>
    );
  }
  const foreign = choice.kind === 'choose' && choice.foreign;
  return (
    <section className="card p-6">
      <h2 className="font-semibold">{foreign ? 'This business is not one of yours' : 'Choose a business'}</h2>
      <p className="mt-1 text-sm text-muted">
        {foreign && 'The address names a business that your account cannot open. '}
        The settings of a business show here once it is chosen, at the top of the page.
      </p>
    </section>
  );
}
