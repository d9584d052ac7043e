/** Whatever a tool read, as names and values: the data behind an answer, for who wants to see it. */
import { humanise, NOT_MEASURED } from '../lib/format';

const DEEPEST = 5;
const MOST_ITEMS = 20;

export default function ReadData({ value, depth = 0 }: { value: unknown; depth?: number }) {
  if (value === null || value === undefined || value === '') return <span>{NOT_MEASURED}</span>;
  if (typeof value === 'boolean') return <span>{value ? 'yes' : 'no'}</span>;
  if (typeof value === 'number') return <span className="tabular-nums">{formatNumber(value)}</span>;
  if (typeof value === 'string') return <span>{value}</span>;
  if (depth > DEEPEST) return <code>{JSON.stringify(value)}</code>;
  if (Array.isArray(value)) return <Items items={value} depth={depth} />;
  return (
    <dl className="grid gap-x-4 gap-y-0.5 sm:grid-cols-[minmax(7rem,auto)_minmax(0,1fr)]">
      {Object.entries(value).map(([name, each]) => (
        <div key={name} className="contents">
          <dt className="text-muted">{humanise(name)}</dt>
          <dd className="mb-1 min-w-0">
            <ReadData value={each} depth={depth + 1} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Items({ items, depth }: { items: readonly unknown[]; depth: number }) {
  if (items.length === 0) return <span>none</span>;
  if (items.every((each) => typeof each !== 'object')) return <span>{items.join(', ')}</span>;
  return (
    <ol className="grid gap-2">
      {items.slice(0, MOST_ITEMS).map((each, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a list that was read once never changes
        <li key={i} className="border-l-2 border-line pl-3">
          <ReadData value={each} depth={depth + 1} />
        </li>
      ))}
      {items.length > MOST_ITEMS && <li className="text-muted">and {items.length - MOST_ITEMS} more</li>}
    </ol>
  );
}

function formatNumber(value: number): string {
  return new Intl.NumberFormat('en-US', { maximumFractionDigits: 6 }).format(value).replace('-', '−');
}
