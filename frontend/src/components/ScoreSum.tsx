/** The score as a sum anyone can check: the start, every rule's points, and the score they end at. */
import { memo } from 'react';
import { formatPoints, plural, toSentence, withoutLabel } from '../lib/format';
import { addUp, MAX_SCORE, MIN_SCORE, type Sum, TIER_EDGES } from '../lib/readiness';
import type { Readiness, Rule } from '../lib/types';

const ROW = 'grid grid-cols-[1fr_auto] items-center gap-x-4 gap-y-2 py-3 @2xl:grid-cols-[1fr_minmax(180px,38%)_5.5rem]';

/** Where a rule's figure and the advice about it are. */
export interface RuleLinks {
  metric: string | null;
  advice: { href: string; title: string } | null;
}

interface Props {
  readiness: Readiness;
  headingId?: string;
  /** Nothing on a page that has no such pages beside it. */
  linksOf?: (rule: Rule) => RuleLinks;
}

function ScoreSum({ readiness, headingId = 'sum', linksOf }: Props) {
  const sum = addUp(readiness);
  const view = scale(sum);
  return (
    <section className="card @container p-5 sm:p-6" aria-labelledby={headingId}>
      <h2 id={headingId} className="font-semibold">
        How the score adds up
      </h2>
      <p className="mt-1 text-sm text-muted">
        Every score starts at {sum.start}. Each measured signal adds or takes points; what could not be measured counts
        exactly 0.
      </p>
      {!sum.exact && (
        <p role="alert" className="notice notice-warn mt-3">
          These parts come to {sum.total + sum.limited}, and the score says {readiness.score}. They belong to different
          computations; the next one will bring them together.
        </p>
      )}
      <ol className="mt-3 divide-y divide-line">
        <li className={ROW}>
          <span className="font-medium">Start</span>
          <Bar view={view} from={sum.start} to={sum.start} tone="start" />
          <Points>{sum.start}</Points>
        </li>
        {sum.steps.map(({ rule, before, after }) => (
          <li key={rule.key} className={ROW}>
            <div className="min-w-0">
              <p className="font-medium">{rule.label}</p>
              <p className="text-sm text-muted">{withoutLabel(rule.sentence, rule.label)}</p>
              {linksOf && <Links of={linksOf(rule)} label={rule.label} />}
            </div>
            <Bar view={view} from={before} to={after} tone={rule.points > 0 ? 'gain' : 'loss'} />
            <Points tone={rule.points > 0 ? 'text-good' : 'text-bad'} aside={best(rule)}>
              {formatPoints(rule.points)}
              <span className="sr-only"> points, running total {after}</span>
            </Points>
          </li>
        ))}
        {sum.limited !== 0 && (
          <li className={ROW}>
            <span className="text-sm text-muted">
              A score never leaves {MIN_SCORE} to {MAX_SCORE}
            </span>
            <Bar view={view} from={sum.total} to={sum.total + sum.limited} tone="start" />
            <Points>{formatPoints(sum.limited)}</Points>
          </li>
        )}
        {sum.exact && (
          <li className={ROW}>
            <span className="font-semibold">Score</span>
            <Bar view={view} from={readiness.score} to={readiness.score} tone="start" labels />
            <Points strong>{readiness.score}</Points>
          </li>
        )}
      </ol>
      <Quiet
        title={`${plural(sum.neutral.length, 'signal')} at 0 points`}
        note={gain(sum.neutral)}
        rules={sum.neutral}
        linksOf={linksOf}
      />
      <Quiet
        title={`${plural(sum.notMeasured.length, 'signal')} not measured`}
        note="0 points, neither for nor against"
        rules={sum.notMeasured}
        linksOf={linksOf}
      />
    </section>
  );
}

export default memo(ScoreSum);

function best(rule: Rule): string {
  return rule.points === rule.best_points ? 'full points' : `best ${formatPoints(rule.best_points)}`;
}

function quietText(rule: Rule): string {
  return rule.effect === 'not_measured' && rule.reason
    ? toSentence(rule.reason)
    : withoutLabel(rule.sentence, rule.label);
}

function gain(rules: Rule[]): string {
  const points = rules.reduce((sum, rule) => sum + rule.best_points, 0);
  return points > 0 ? `up to ${formatPoints(points)} to gain` : '';
}

interface PointsProps {
  children: React.ReactNode;
  tone?: string;
  aside?: string;
  strong?: boolean;
}

function Points({ children, tone = '', aside, strong = false }: PointsProps) {
  return (
    <p className="col-start-2 row-start-1 text-right leading-tight whitespace-nowrap tabular-nums @2xl:col-start-3">
      <span className={`${strong ? 'text-lg font-semibold' : 'font-medium'} ${tone}`}>{children}</span>
      {aside && <span className="block text-xs text-muted">{aside}</span>}
    </p>
  );
}

interface View {
  from: number;
  to: number;
}

/** The stretch of the scale that the running totals cover, widened to whole tens. */
function scale(sum: Sum): View {
  const totals = [sum.start, sum.total, ...sum.steps.map((step) => step.after)];
  return { from: Math.floor((Math.min(...totals) - 1) / 10) * 10, to: Math.ceil((Math.max(...totals) + 1) / 10) * 10 };
}

const TONE = { start: 'fill-ink', gain: 'fill-accent', loss: 'fill-bad' } as const;

/** One step of the running total, on the same scale in every row. The points beside it say the same in text. */
function Bar({
  view,
  from,
  to,
  tone,
  labels = false,
}: View & { view: View; tone: keyof typeof TONE; labels?: boolean }) {
  const x = (score: number) => Math.round(((score - view.from) / (view.to - view.from)) * 1000) / 10;
  const [left, right] = from < to ? [from, to] : [to, from];
  const edges = TIER_EDGES.filter((edge) => edge > view.from && edge < view.to);
  return (
    <svg
      className="col-span-2 block w-full overflow-visible @2xl:col-span-1"
      height={labels ? 34 : 16}
      aria-hidden="true"
    >
      <line x1="0" x2="100%" y1="8" y2="8" className="stroke-line" />
      {edges.map((edge) => (
        <line
          key={edge}
          x1={`${x(edge)}%`}
          x2={`${x(edge)}%`}
          y1="0"
          y2="16"
          className="stroke-edge"
          strokeDasharray="2 2"
        />
      ))}
      {left === right ? (
        <circle cx={`${x(left)}%`} cy="8" r="4.5" className={TONE[tone]} />
      ) : (
        <rect x={`${x(left)}%`} width={`${x(right) - x(left)}%`} y="3" height="10" rx="2" className={TONE[tone]} />
      )}
      {labels &&
        edges.map((edge) => (
          <text key={edge} x={`${x(edge)}%`} y="31" textAnchor="middle" fontSize="12" className="fill-muted">
            {edge}
          </text>
        ))}
    </svg>
  );
}

function Links({ of: { metric, advice }, label }: { of: RuleLinks; label: string }) {
  return (
    <p className="no-print mt-0.5 flex flex-wrap gap-x-4 text-sm">
      {metric && (
        <a href={metric} className="link py-0.5" aria-label={`Metric: ${label}`}>
          Metric
        </a>
      )}
      {advice && (
        <a href={advice.href} className="link py-0.5">
          {advice.title}
        </a>
      )}
    </p>
  );
}

interface QuietProps {
  title: string;
  note: string;
  rules: Rule[];
  linksOf?: (rule: Rule) => RuleLinks;
}

function Quiet({ title, note, rules, linksOf }: QuietProps) {
  if (rules.length === 0) return null;
  return (
    <details className="border-t border-line pt-3 pb-1 text-sm">
      <summary className="rounded py-1.5">
        <span className="font-medium">{title}</span>
        {note && <span className="text-muted">, {note}</span>}
      </summary>
      <ul className="mt-1 grid gap-3 pb-2">
        {rules.map((rule) => (
          <li key={rule.key} className="grid grid-cols-[1fr_auto] gap-x-4">
            <div className="min-w-0">
              <p className="font-medium">{rule.label}</p>
              <p className="text-muted">{quietText(rule)}</p>
              {linksOf && <Links of={linksOf(rule)} label={rule.label} />}
            </div>
            <Points aside={best(rule)}>0</Points>
          </li>
        ))}
      </ul>
    </details>
  );
}
