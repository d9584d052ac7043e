/** Something that is asked for: its outline at first, the last answer also when a newer one fails. */
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { formatMoment } from '../../lib/format';
import ErrorCard from '../ErrorCard';

interface Props<T> {
  query: UseQueryResult<T>;
  /** What it is, as the subject of a sentence: "The members". */
  what: string;
  /** The outline's height, so that nothing moves when the answer is there. */
  outline: string;
  children: (data: T) => ReactNode;
}

export default function Loaded<T>({ query, what, outline, children }: Props<T>) {
  const { data, error, isFetching, dataUpdatedAt } = query;
  const retry = () => void query.refetch();
  if (data === undefined) {
    if (error) {
      return (
        <ErrorCard compact error={error} title={`${what} could not be loaded`} onRetry={retry} busy={isFetching} />
      );
    }
    return <div className={`skel ${outline}`} aria-hidden="true" />;
  }
  return (
    <>
      {error && (
        <div className="mb-5">
          <ErrorCard
            compact
            error={error}
            title={`This is as of ${formatMoment(new Date(dataUpdatedAt).toISOString())}`}
            onRetry={retry}
            busy={isFetching}
          />
        </div>
      )}
      {children(data)}
    </>
  );
}
