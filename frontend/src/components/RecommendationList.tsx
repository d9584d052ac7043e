/** Recommendations to filter, sort and decide about; the address keeps the filter and the order. */
import { useEffect, useRef, useState } from 'react';
import { readChoice, writeParam } from '../lib/params';
import {
  FILTER_LABELS,
  FILTERS,
  type Filter,
  filtered,
  SORT_LABELS,
  SORTS,
  type Sort,
  sorted,
} from '../lib/recommendations';
import type { Definition, Recommendation } from '../lib/types';
import Choices from './Choices';
import RecommendationCard, { type Action } from './RecommendationCard';

const EMPTY: Record<Filter, { title: string; text: string }> = {
  pending: {
    title: 'Nothing to do right now',
    text: 'As soon as something takes points, or is about to, it stands here with what it is worth and where to begin.',
  },
  accepted: {
    title: 'Your plan is empty',
    text: 'Add a recommendation to your plan, and it is kept here until it is done.',
  },
  resolved: {
    title: 'Nothing is done yet',
    text: 'Once the cause of a recommendation is gone, it moves here with its figures before and after.',
  },
  dismissed: { title: 'Nothing is dismissed', text: 'What you dismiss is kept here, with your reason.' },
  all: {
    title: 'No recommendations yet',
    text: 'They come with the first complete score, once the history has been read.',
  },
};

interface Props {
  recommendations: Recommendation[];
  definitions: Definition[];
  mayDecide: boolean;
  onAction: (action: Action, item: Recommendation) => void;
}

export default function RecommendationList({ recommendations, definitions, mayDecide, onAction }: Props) {
  const [filter, setFilter] = useState<Filter>(() => readChoice('status', FILTERS));
  const [sort, setSort] = useState<Sort>(() => readChoice('sort', SORTS));
  const heading = useRef<HTMLParagraphElement>(null);
  const shown = sorted(filtered(recommendations, filter), sort);
  useEffect(() => {
    // An address that names one recommendation was opened before there was anything to scroll to.
    if (location.hash) document.getElementById(location.hash.slice(1))?.focus();
  }, []);
  const act = (action: Action, item: Recommendation) => {
    onAction(action, item);
    // The card leaves this list: the focus must not fall out of the page with it.
    if (action !== 'dismiss' && filter !== 'all') heading.current?.focus();
  };
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <div className="-m-1 max-w-full min-w-0 overflow-x-auto p-1">
          <div className="w-max whitespace-nowrap">
            <Choices
              label="Which recommendations"
              options={FILTERS.map((each) => ({
                value: each,
                label: `${FILTER_LABELS[each]} ${filtered(recommendations, each).length}`,
              }))}
              value={filter}
              onChange={(each) => {
                setFilter(each);
                writeParam('status', each === FILTERS[0] ? '' : each);
              }}
            />
          </div>
        </div>
        <label className="flex shrink-0 items-center gap-2 text-sm whitespace-nowrap">
          <span className="text-muted">Order</span>
          <select
            className="field py-1.5"
            value={sort}
            onChange={(event) => {
              const chosen = SORTS.find((each) => each === event.target.value) ?? SORTS[0];
              setSort(chosen);
              writeParam('sort', chosen === SORTS[0] ? '' : chosen);
            }}
          >
            {SORTS.map((each) => (
              <option key={each} value={each}>
                {SORT_LABELS[each]}
              </option>
            ))}
          </select>
        </label>
      </div>
      <p ref={heading} tabIndex={-1} className="sr-only" role="status">
        {FILTER_LABELS[filter]}: {shown.length}
      </p>
      {shown.length === 0 ? (
        <section className="card max-w-xl p-6">
          <h2 className="text-lg font-semibold">{EMPTY[filter].title}</h2>
          <p className="mt-2 text-muted">{EMPTY[filter].text}</p>
          {filter !== 'all' && recommendations.length > 0 && (
            <button
              type="button"
              className="btn mt-5"
              onClick={() => {
                setFilter('all');
                writeParam('status', 'all');
              }}
            >
              Show all recommendations
            </button>
          )}
        </section>
      ) : (
        shown.map((item) => (
          <RecommendationCard
            key={item.id}
            item={item}
            definitions={definitions}
            mayDecide={mayDecide}
            onAction={act}
          />
        ))
      )}
    </div>
  );
}
