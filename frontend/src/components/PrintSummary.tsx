/** One page for a lender's desk or a folder: what a print of the overview holds instead of the screen's cards. */
import { formatDay, formatMoment, formatPeriod, formatPoints, NOT_MEASURED } from '../lib/format';
import { metricTiles } from '../lib/metrics';
import { addUp, answerSentence, changeText } from '../lib/readiness';
import type { Changes, Definition, Membership, Metrics, Readiness } from '../lib/types';

interface Props {
  business: Membership;
  /** What must not pass for real on paper: "Demo data"; null for real data. */
  mark: string | null;
  readiness: Readiness;
  metrics: Metrics;
  definitions: Definition[];
  changes: Changes | null | undefined;
}

export default function PrintSummary({ business, mark, readiness, metrics, definitions, changes }: Props) {
  const sum = addUp(readiness);
  const change = changeText(changes);
  return (
    <article className="print-only text-[10pt]" aria-label="Summary for print">
      <div className="flex items-start justify-between gap-6 border-b border-edge pb-3">
        <div className="min-w-0">
          <p className="flex items-center gap-2">
            <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
              <rect width="32" height="32" rx="8" className="fill-accent" />
              <path
                d="M9 10l7 13 7-13"
                fill="none"
                strokeWidth="3.2"
                strokeLinecap="round"
                strokeLinejoin="round"
                className="stroke-on-accent"
              />
            </svg>
            <span className="font-semibold">Vaultra</span> Funding readiness
          </p>
          <p className="mt-3 text-[18pt] leading-tight font-semibold">{business.name}</p>
          <p>
            As of {formatMoment(metrics.computed_at)}
            {mark && <span className="font-semibold">. {mark}</span>}
          </p>
        </div>
        <div className="shrink-0 text-right">
          <p className="text-[30pt] leading-none font-semibold">
            {readiness.score}
            <span className="text-[11pt] font-normal"> of 100</span>
          </p>
          <p className="mt-1 font-medium">{readiness.tier_label}</p>
          <p className="text-[8.5pt]">
            Likely range {readiness.confidence.low} to {readiness.confidence.high}
          </p>
        </div>
      </div>
      <p className="mt-4 text-[11pt] font-medium">{answerSentence(readiness)}</p>
      {change && <p>{change}.</p>}
      <div className="mt-5 grid grid-cols-2 items-start gap-8">
        <table className="summary">
          <caption>How the score adds up</caption>
          <tbody>
            <tr>
              <th scope="row">Start</th>
              <td>{sum.start}</td>
            </tr>
            {sum.steps.map(({ rule }) => (
              <tr key={rule.key}>
                <th scope="row">{rule.label}</th>
                <td>{formatPoints(rule.points)}</td>
              </tr>
            ))}
            {[...sum.neutral, ...sum.notMeasured].map((rule) => (
              <tr key={rule.key}>
                <th scope="row">
                  {rule.label}
                  {rule.effect === 'not_measured' && ' (not measured)'}
                </th>
                <td>0</td>
              </tr>
            ))}
            {sum.limited !== 0 && (
              <tr>
                <th scope="row">Limit of 0 to 100</th>
                <td>{formatPoints(sum.limited)}</td>
              </tr>
            )}
            <tr className="font-semibold">
              <th scope="row">Score</th>
              <td>{readiness.score}</td>
            </tr>
          </tbody>
        </table>
        <table className="summary">
          <caption>Key figures, {formatPeriod(metrics.period_start, metrics.period_end)}</caption>
          <tbody>
            {metricTiles(metrics, definitions).map((tile) => (
              <tr key={tile.key}>
                <th scope="row">{tile.label}</th>
                <td>
                  {tile.value ?? NOT_MEASURED}
                  {tile.aside && <span className="block text-[8pt]">{tile.aside}</span>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="mt-4 border-t border-edge pt-2 text-[8pt]">
        Computed by published rules (version {readiness.formula_version}) from the business's Stripe record, read
        without the right to change anything; the 30 days end on {formatDay(metrics.period_end)}, in UTC days. Guidance,
        not financial advice: this is not a credit score, and every lender decides by its own rules.
      </p>
    </article>
  );
}
