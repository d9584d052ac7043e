/** Every metric there is, in groups: its value, what it rests on, and why it is missing when it is. */
import { memo } from 'react';
import { formatCount, lowerFirst, NOT_MEASURED } from '../lib/format';
import type { MetricGroup, MetricRow } from '../lib/metric-rows';
import Explanation from './Explanation';

interface Props {
  groups: readonly MetricGroup[];
  /** The metric in the chart. */
  shown: string;
  onShow: (metric: string) => void;
}

function MetricList({ groups, shown, onShow }: Props) {
  const rows = groups.flatMap((group) => group.rows);
  const missing = rows.filter((row) => row.value === null).length;
  return (
    <section aria-labelledby="all-metrics" className="grid gap-4">
      <div>
        <h2 id="all-metrics" className="font-semibold">
          All metrics
        </h2>
        <p className="mt-1 text-sm text-muted">
          {formatCount(rows.length - missing)} of {formatCount(rows.length)} are measured.{' '}
          {missing > 0 && 'Where one is not, the reason stands in its place; it is never shown as zero. '}
          Choose a name to see it in the chart.
        </p>
      </div>
      <div className="gap-4 xl:columns-2">
        {groups.map((group) => (
          <div key={group.title} className="card mb-4 break-inside-avoid px-4 py-3 sm:px-5">
            <h3 className="py-1.5 text-sm font-medium text-muted">{group.title}</h3>
            <ul className="divide-y divide-line">
              {group.rows.map((row) => (
                <Row key={row.key} row={row} shown={row.key === shown} onShow={onShow} />
              ))}
            </ul>
          </div>
        ))}
      </div>
    </section>
  );
}

export default memo(MetricList);

function Row({ row, shown, onShow }: { row: MetricRow; shown: boolean; onShow: Props['onShow'] }) {
  return (
    <li className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 py-1 sm:grid-cols-[minmax(0,1fr)_auto_minmax(5.5rem,auto)]">
      <div className="flex min-h-9 min-w-0 items-center gap-1">
        {row.charted ? (
          <button
            type="button"
            onClick={() => onShow(row.key)}
            aria-pressed={shown}
            className={`rounded py-2 text-left text-sm hover:text-accent hover:underline hover:underline-offset-4 ${shown ? 'font-semibold text-accent' : ''}`}
          >
            {row.label}
          </button>
        ) : (
          <span className="text-sm">{row.label}</span>
        )}
        <Explanation definition={row.definition} place="list" />
      </div>
      <p className="text-right text-sm whitespace-nowrap text-muted tabular-nums max-sm:order-3 max-sm:col-span-2 max-sm:-mt-1.5 max-sm:pb-1 max-sm:text-left">
        {row.lowSample && <span className="tag tag-warn mr-2">Few data</span>}
        {row.sample !== null && `Sample ${formatCount(row.sample)}`}
      </p>
      <p className={`text-right text-sm tabular-nums ${row.value === null ? 'text-muted' : 'font-medium'}`}>
        {row.value ?? (
          <>
            <span aria-hidden="true">{NOT_MEASURED}</span>
            <span className="sr-only">Not measured</span>
          </>
        )}
      </p>
      {row.reason && (
        <p className="col-span-full order-4 -mt-1.5 pb-1.5 text-sm text-muted">
          Not measured: {lowerFirst(row.reason)}
        </p>
      )}
    </li>
  );
}
