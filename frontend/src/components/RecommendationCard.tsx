/** One recommendation: what it is worth, where to begin, what it rests on, and what its owner makes of it. */
import { formatDay, NOT_MEASURED } from '../lib/format';
import { metricLink } from '../lib/links';
import { formatMeasure } from '../lib/measures';
import { EFFORT_LABELS, impactText, outcomeText } from '../lib/recommendations';
import type { Definition, Evidence, Recommendation } from '../lib/types';

const PRIORITY: Record<Recommendation['priority'], { label: string; tone: string }> = {
  high: { label: 'High priority', tone: 'tag-bad' },
  medium: { label: 'Medium priority', tone: 'tag-warn' },
  low: { label: 'Low priority', tone: 'tag-plain' },
};
const STATUS: Record<Recommendation['status'], string | null> = {
  pending: null,
  accepted: 'In your plan',
  dismissed: 'Dismissed',
  resolved: 'Done',
};

export type Action = 'accept' | 'take_back' | 'dismiss';

interface Props {
  item: Recommendation;
  definitions: Definition[];
  /** Only owners and admins decide. */
  mayDecide: boolean;
  onAction: (action: Action, item: Recommendation) => void;
}

export default function RecommendationCard({ item, definitions, mayDecide, onAction }: Props) {
  const open = item.status === 'pending' || item.status === 'accepted';
  const outcome = outcomeText(item);
  return (
    <article id={`r-${item.id}`} tabIndex={-1} aria-labelledby={`t-${item.id}`} className="card p-5 sm:p-6">
      <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2">
        <h2 id={`t-${item.id}`} className="text-lg leading-snug font-semibold tracking-tight">
          {item.title}
        </h2>
        <p className="flex flex-wrap items-center gap-2">
          {STATUS[item.status] && <span className="tag">{STATUS[item.status]}</span>}
          {open && <span className={`tag ${PRIORITY[item.priority].tone}`}>{PRIORITY[item.priority].label}</span>}
        </p>
      </div>
      <p className="mt-1 flex flex-wrap gap-x-4 text-sm">
        <span className={open ? 'font-medium text-good' : 'text-muted'}>{impactText(item.estimated_impact)}</span>
        {item.effort && open && <span className="text-muted">{EFFORT_LABELS[item.effort]}</span>}
        <span className="text-muted">
          Since <time dateTime={item.created_at}>{formatDay(item.created_at.slice(0, 10))}</time>
        </span>
      </p>
      <p className="mt-3 max-w-3xl">{item.description}</p>
      {item.first_step && open && (
        <p className="mt-3 max-w-3xl rounded-xl bg-accent-soft px-4 py-3 text-sm">
          <span className="font-medium">First step. </span>
          {item.first_step}
        </p>
      )}
      {outcome && <p className="mt-3 max-w-3xl font-medium">{outcome}</p>}
      {item.reason && <p className="mt-3 max-w-3xl text-sm text-muted">Your reason: {item.reason}</p>}
      <Figures item={item} definitions={definitions} />
      <div className="mt-4 flex flex-wrap items-center gap-3">
        {mayDecide && item.status === 'pending' && (
          <button
            type="button"
            className="btn btn-primary"
            aria-label={`Add to my plan: ${item.title}`}
            onClick={() => onAction('accept', item)}
          >
            Add to my plan
          </button>
        )}
        {mayDecide && item.status === 'accepted' && (
          <button
            type="button"
            className="btn"
            aria-label={`Take out of my plan: ${item.title}`}
            onClick={() => onAction('take_back', item)}
          >
            Take out of my plan
          </button>
        )}
        {mayDecide && open && (
          <button
            type="button"
            className="btn"
            aria-label={`Dismiss: ${item.title}`}
            onClick={() => onAction('dismiss', item)}
          >
            Dismiss
          </button>
        )}
        {item.article && (
          <a
            href={`/help/${item.article}/`}
            className="link inline-flex min-h-11 items-center text-sm"
            aria-label={`How to go about it: ${item.title}`}
          >
            How to go about it
          </a>
        )}
      </div>
    </article>
  );
}

/** The figures it rests on, as they stood; of one that is done, also as they stood afterwards. */
function Figures({ item, definitions }: { item: Recommendation; definitions: Definition[] }) {
  const before = item.proof?.before ?? item.evidence;
  const after = item.proof?.after ?? null;
  if (!before || Object.keys(before.metrics).length === 0) return null;
  return (
    <details className="mt-3 text-sm" open={after !== null}>
      <summary className="rounded py-1.5 text-muted">
        {after ? 'The figures before and after' : 'What it rests on'}
      </summary>
      <table className="mt-1 w-full max-w-2xl">
        <thead>
          <tr className="text-left text-muted">
            <th scope="col" className="py-1 font-normal">
              Figure
            </th>
            <th scope="col" className="py-1 text-right font-normal">
              {after ? 'Before' : 'When it was made'}
            </th>
            {after && (
              <th scope="col" className="py-1 text-right font-normal">
                After
              </th>
            )}
          </tr>
        </thead>
        <tbody className="divide-y divide-line border-t border-line tabular-nums">
          {Object.keys(before.metrics).map((key) => {
            const definition = definitions.find((each) => each.key === key);
            return (
              <tr key={key}>
                <th scope="row" className="py-1.5 pr-4 text-left font-normal">
                  <a href={metricLink(item.business_id, key)} className="link">
                    {definition?.label ?? key}
                  </a>
                </th>
                <td className="py-1.5 text-right">{shown(before, key, definition)}</td>
                {after && <td className="py-1.5 pl-4 text-right">{shown(after, key, definition)}</td>}
              </tr>
            );
          })}
          <tr>
            <th scope="row" className="py-1.5 pr-4 text-left font-normal">
              Score
            </th>
            <td className="py-1.5 text-right">{before.score}</td>
            {after && <td className="py-1.5 pl-4 text-right">{after.score}</td>}
          </tr>
        </tbody>
      </table>
    </details>
  );
}

function shown(evidence: Evidence, key: string, definition: Definition | undefined): string {
  const value = evidence.metrics[key];
  if (value === null || value === undefined) return NOT_MEASURED;
  return formatMeasure(value, definition?.unit ?? 'count', evidence.currency);
}
