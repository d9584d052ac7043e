/** The first steps with Vaultra, until they are done or put away. */
import { useState } from 'react';
import { adviceLink, connectLink } from '../lib/links';
import type { Readiness, Recommendation, StripeStatus } from '../lib/types';
import Icon from './Icon';
import { isSyncing } from './SyncNotice';

interface Props {
  businessId: string;
  status: StripeStatus;
  readiness: Readiness | null;
  recommendations: Recommendation[];
}

interface Step {
  label: string;
  done: boolean;
  href?: string;
}

const keyOf = (businessId: string) => `vaultra_checklist_done:${businessId}`;

export default function Checklist({ businessId, status, readiness, recommendations }: Props) {
  const [away, setAway] = useState(() => isAway(businessId));
  const steps: Step[] = [
    { label: 'Connect Stripe', done: status.connected, href: connectLink(businessId) },
    { label: 'Let the history be read', done: status.connected && !isSyncing(status) && !!status.last_synced_at },
    { label: 'See your first score', done: readiness !== null },
    {
      label: 'Decide on a first recommendation',
      done: recommendations.some((each) => each.status !== 'pending'),
      href: adviceLink(businessId),
    },
  ];
  const done = steps.filter((step) => step.done).length;
  if (away || done === steps.length) return null;
  const next = steps.find((step) => !step.done);
  return (
    <section className="card no-print p-4 sm:px-6" aria-labelledby="first-steps">
      <div className="flex items-center justify-between gap-3">
        <h2 id="first-steps" className="text-sm font-semibold">
          First steps, {done} of {steps.length} done
        </h2>
        <button
          type="button"
          className="-my-2 -mr-2 flex size-11 items-center justify-center rounded-lg text-muted hover:text-ink"
          aria-label="Put the first steps away"
          onClick={() => {
            putAway(businessId);
            setAway(true);
          }}
        >
          <Icon name="close" />
        </button>
      </div>
      <ol className="mt-1 grid gap-x-6 gap-y-2 text-sm sm:grid-cols-2 xl:grid-cols-4">
        {steps.map((step) => (
          <li key={step.label} className="flex items-center gap-2">
            <span
              className={`grid size-5 shrink-0 place-items-center rounded-full ${step.done ? 'bg-accent text-on-accent' : 'border border-edge'}`}
            >
              {step.done && <Icon name="check" size={13} />}
            </span>
            <span className={step.done ? 'text-muted' : ''}>
              {step === next && step.href ? (
                <a href={step.href} className="link">
                  {step.label}
                </a>
              ) : (
                step.label
              )}
              <span className="sr-only">{step.done ? ', done' : ', open'}</span>
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function isAway(businessId: string): boolean {
  try {
    return localStorage.getItem(keyOf(businessId)) !== null;
  } catch {
    return false;
  }
}

function putAway(businessId: string): void {
  try {
    localStorage.setItem(keyOf(businessId), 'yes');
  } catch {
    // Storage is blocked: the list is back with the next page load.
  }
}
