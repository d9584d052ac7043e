/** One figure: its value, what it means, and why it is missing when it is. */
import { formatCount, NOT_MEASURED } from '../lib/format';
import type { Tile } from '../lib/metrics';

/** Characters beyond which a value needs a phone's whole width. */
const LONG_VALUE = 12;

export default function MetricTile({ tile }: { tile: Tile }) {
  return (
    <li
      className={`card flex flex-col p-3.5 sm:p-4 ${(tile.value?.length ?? 0) > LONG_VALUE ? 'max-sm:col-span-2' : ''}`}
    >
      <h3 className="text-sm font-medium">{tile.label}</h3>
      {tile.value === null ? (
        <p className="mt-1.5 text-lg font-semibold sm:text-2xl">
          <span aria-hidden="true">{NOT_MEASURED}</span>
          <span className="sr-only">Not measured</span>
        </p>
      ) : (
        <p className="mt-1.5 text-lg font-semibold tracking-tight sm:text-2xl">{tile.value}</p>
      )}
      {tile.value === null ? (
        <p className="mt-0.5 text-sm">{tile.reason}</p>
      ) : (
        tile.aside && <p className="mt-0.5 text-sm">{tile.aside}</p>
      )}
      {tile.meaning && <p className="mt-1.5 text-sm text-muted">{tile.meaning}</p>}
      <div className="mt-auto pt-2 text-sm">
        {tile.lowSample && tile.value !== null && (
          <p className="mb-1">
            <span className="tag tag-warn">Few data</span>
          </p>
        )}
        {tile.formula && (
          <details>
            <summary className="-my-1 rounded py-1.5 text-muted">
              How it is computed<span className="sr-only">: {tile.label}</span>
            </summary>
            <p className="mt-1 text-muted">
              {tile.formula}
              {tile.sample !== null && ` Sample: ${formatCount(tile.sample)}.`}
            </p>
          </details>
        )}
      </div>
    </li>
  );
}
