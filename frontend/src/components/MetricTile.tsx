/** One figure: its value, how it came there, what it means, and why it is missing when it is. */
import type { Point } from '../lib/chart-series';
import { formatCount, NOT_MEASURED } from '../lib/format';
import type { Tile } from '../lib/metrics';
import type { Change } from '../lib/trends';
import Sparkline from './Sparkline';

/** Characters beyond which a value needs smaller letters on a phone. */
const LONG_VALUE = 12;

interface Props {
  tile: Tile;
  /** Where the figure's whole history is. */
  href: string;
  line: Point[] | null;
  change: Change | null;
}

export default function MetricTile({ tile, href, line, change }: Props) {
  const measured = tile.value !== null;
  return (
    <li className="card flex flex-col p-3.5 max-xl:last:odd:col-span-2 sm:p-4">
      <h3 className="text-sm font-medium">
        <a href={href} className="-my-1 inline-block rounded py-1 hover:underline hover:underline-offset-4">
          {tile.label}
        </a>
      </h3>
      <div className="mt-1.5 flex flex-wrap items-center justify-between gap-x-3 gap-y-1">
        <p
          className={`font-semibold tracking-tight sm:text-2xl ${(tile.value?.length ?? 0) > LONG_VALUE ? 'text-base' : 'text-lg'}`}
        >
          {measured ? (
            tile.value
          ) : (
            <>
              <span aria-hidden="true">{NOT_MEASURED}</span>
              <span className="sr-only">Not measured</span>
            </>
          )}
        </p>
        {measured && line && (
          <div className="min-w-16 flex-1 sm:max-w-[120px]">
            <Sparkline points={line} />
          </div>
        )}
      </div>
      {!measured && <p className="mt-0.5 text-sm">{tile.reason}</p>}
      {measured && tile.aside && <p className="mt-0.5 text-sm">{tile.aside}</p>}
      {measured && change && (
        <p className={`mt-0.5 text-sm ${change.good === null ? 'text-muted' : change.good ? 'text-good' : 'text-bad'}`}>
          {change.text}
        </p>
      )}
      {tile.meaning && <p className="mt-1.5 text-sm text-muted">{tile.meaning}</p>}
      <div className="mt-auto pt-2 text-sm">
        {tile.lowSample && measured && (
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
