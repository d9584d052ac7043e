/** The chart's figures as a table, newest first. */
import { type ChartEvent, countsText, eventsOn } from '../lib/chart-events';
import type { Point } from '../lib/chart-series';
import { formatDay, NOT_MEASURED } from '../lib/format';

interface Props {
  label: string;
  points: readonly Point[];
  events: readonly ChartEvent[];
  /** Whether the newest point's day, week or month is not over. */
  open: boolean;
  format: (value: number) => string;
}

export default function PointTable({ label, points, events, open, format }: Props) {
  const rows = points.map((point, i) => ({
    point,
    events: eventsOn(events, points[i - 1]?.time ?? Number.NEGATIVE_INFINITY, point.time),
    open: open && i === points.length - 1,
  }));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="max-h-[360px] overflow-auto" tabIndex={0} aria-label={`${label} as a table`}>
      <table className="w-full text-sm">
        <caption className="sr-only">{label}, newest first</caption>
        <thead className="sticky top-0 bg-surface text-left text-muted">
          <tr className="border-b border-line">
            <th scope="col" className="py-2 pr-4 font-medium">
              As of
            </th>
            <th scope="col" className="py-2 pr-4 text-right font-medium">
              Value
            </th>
            <th scope="col" className="py-2 font-medium">
              What happened
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.toReversed().map((row) => (
            <tr key={row.point.day} className="border-b border-line align-top last:border-0">
              <th scope="row" className="py-2 pr-4 text-left font-normal whitespace-nowrap">
                {formatDay(row.point.day)}
                {row.open && <span className="block text-muted">not over yet</span>}
              </th>
              <td className="py-2 pr-4 text-right font-medium whitespace-nowrap tabular-nums">
                {row.point.value === null ? NOT_MEASURED : format(row.point.value)}
              </td>
              <td className="py-2 text-muted">{countsText(row.events)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
