/** What to do next: the three that weigh most, each with what it is worth and where to begin. */
import { memo } from 'react';
import { lowerFirst } from '../lib/format';
import { adviceLink, recommendationLink } from '../lib/links';
import { impactText, nextActions } from '../lib/recommendations';
import type { Recommendation } from '../lib/types';

const MOST = 3;

interface Props {
  businessId: string;
  recommendations: Recommendation[];
}

function NextActions({ businessId, recommendations }: Props) {
  const next = nextActions(recommendations, MOST);
  const more = nextActions(recommendations, recommendations.length).length - next.length;
  return (
    <section className="card flex flex-col p-5 sm:p-6" aria-labelledby="next">
      <h2 id="next" className="font-semibold">
        What to do next
      </h2>
      {next.length === 0 ? (
        <p className="mt-2 text-sm text-muted">
          Nothing right now. As soon as something takes points, or is about to, it stands here with what it is worth.
        </p>
      ) : (
        <ol className="mt-2 divide-y divide-line">
          {next.map((item) => (
            <li key={item.id} className="py-3">
              <p className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
                <a
                  href={recommendationLink(businessId, item.id)}
                  className="rounded font-medium underline decoration-edge underline-offset-4 hover:decoration-current"
                >
                  {item.title}
                </a>
                <span className="text-sm whitespace-nowrap">
                  {item.status === 'accepted' && <span className="text-muted">In your plan, </span>}
                  <span className="font-medium text-good">
                    {item.status === 'accepted'
                      ? lowerFirst(impactText(item.estimated_impact))
                      : impactText(item.estimated_impact)}
                  </span>
                </span>
              </p>
              {item.first_step && <p className="mt-1 text-sm text-muted">First step: {lowerFirst(item.first_step)}</p>}
            </li>
          ))}
        </ol>
      )}
      <p className="mt-auto pt-3 text-sm">
        <a href={adviceLink(businessId)} className="link">
          {more > 0 ? `All recommendations, ${more} more` : 'All recommendations'}
        </a>
      </p>
    </section>
  );
}

export default memo(NextActions);
