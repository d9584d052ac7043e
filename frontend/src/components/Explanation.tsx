/** What a metric means, how it is computed and from what, behind a small button beside its name. */
import { formatCount, toSentence } from '../lib/format';
import type { Definition } from '../lib/types';
import Icon from './Icon';

export default function Explanation({ definition, place }: { definition: Definition; place: string }) {
  const id = `about-${place}-${definition.key}`;
  const titleId = `${id}-title`;
  return (
    <>
      <button
        type="button"
        popoverTarget={id}
        className="no-print inline-grid size-7 shrink-0 place-items-center rounded-full text-muted hover:bg-accent-soft hover:text-ink"
        aria-label={`About ${definition.label}`}
      >
        <Icon name="info" size={16} />
      </button>
      <div id={id} popover="auto" role="dialog" aria-labelledby={titleId} className="popup">
        <p id={titleId} className="font-semibold">
          {definition.label}
        </p>
        <p className="mt-1">{definition.meaning}</p>
        <dl className="mt-3 grid gap-2 text-muted">
          <div>
            <dt className="font-medium text-ink">How it is computed</dt>
            <dd>{toSentence(definition.formula)}</dd>
          </div>
          <div>
            <dt className="font-medium text-ink">From Stripe’s</dt>
            <dd>{toSentence(definition.source)}</dd>
          </div>
          {definition.low_sample_below !== null && (
            <div>
              <dt className="font-medium text-ink">Few data</dt>
              <dd>Marked where it rests on fewer than {formatCount(definition.low_sample_below)}.</dd>
            </div>
          )}
        </dl>
      </div>
    </>
  );
}
