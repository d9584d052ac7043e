/** A signed-in page about one business: waits for who is signed in, and asks which business where that is open. */
import { Fragment, type ReactNode, useEffect } from 'react';
import { $businessId } from '../lib/auth';
import { switchBusiness } from '../lib/business';
import type { CurrentUser, Membership } from '../lib/types';
import DashboardGuard from './DashboardGuard';
import { useChoice } from './useChoice';

interface Props {
  /** What stands in the page's place until it is known. */
  fallback: ReactNode;
  children: (business: Membership, user: CurrentUser) => ReactNode;
}

export default function BusinessGuard({ fallback, children }: Props) {
  return (
    <DashboardGuard fallback={fallback}>
      {(user) => (
        <ChosenBusiness user={user} fallback={fallback}>
          {children}
        </ChosenBusiness>
      )}
    </DashboardGuard>
  );
}

function ChosenBusiness({ user, fallback, children }: Props & { user: CurrentUser }) {
  const choice = useChoice(user.businesses);
  const chosenId = choice.kind === 'chosen' ? choice.business.id : null;
  useEffect(() => {
    if (choice.kind === 'none') location.replace('/onboarding/business/');
  }, [choice.kind]);
  useEffect(() => {
    // The other pages' links name no business: they go on with the one that was looked at last.
    if (chosenId) $businessId.set(chosenId);
  }, [chosenId]);
  switch (choice.kind) {
    case 'none':
      return fallback;
    case 'choose':
      return <ChooseBusiness businesses={user.businesses} foreign={choice.foreign} />;
    case 'chosen':
      return <Fragment key={choice.business.id}>{children(choice.business, user)}</Fragment>;
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
