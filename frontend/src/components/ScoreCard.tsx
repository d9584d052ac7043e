/** The answer first: the score, its tier, one sentence why, how sure it is and how far the next tier lies. */
import { memo } from 'react';
import { formatRatio, NOT_MEASURED, plural } from '../lib/format';
import { answerSentence, changeText, nextTier, nothingMeasured, rangeText, TIERS, trendText } from '../lib/readiness';
import type { Changes, Readiness } from '../lib/types';
import Gauge from './Gauge';
import Icon, { type IconName } from './Icon';

const TREND_LOOK: Partial<Record<string, { icon: IconName; tone: string }>> = {
  improving: { icon: 'up', tone: 'text-good' },
  declining: { icon: 'down', tone: 'text-bad' },
  stable: { icon: 'level', tone: 'text-muted' },
};
const TIER_TONE: Partial<Record<string, string>> = { not_ready: 'tag-bad', improving: 'tag-warn' };

interface Props {
  readiness: Readiness;
  /** Against which score it changed, and by how much; without it only the trend is told. */
  changes?: Changes | null;
  headingId?: string;
}

function ScoreCard({ readiness, changes, headingId = 'score' }: Props) {
  const { score, tier_label, trend, confidence, components, provisional } = readiness;
  const next = nextTier(score);
  const change = changeText(changes);
  const look = TREND_LOOK[(change && changes ? directionOf(changes) : trend) ?? ''];
  const meaning = nothingMeasured(readiness)
    ? 'Nothing could be measured yet.'
    : TIERS.find((each) => each.key === readiness.tier)?.meaning;
  return (
    <section className="card @container p-5 sm:p-6" aria-labelledby={headingId}>
      <div className="grid items-center gap-6 @2xl:grid-cols-[minmax(230px,300px)_1fr] @2xl:gap-10">
        <div>
          <Gauge score={score} tierLabel={tier_label} low={confidence.low} high={confidence.high} />
          <p className="mt-1 flex flex-wrap justify-center gap-2">
            <span className={`tag ${TIER_TONE[readiness.tier] ?? ''}`}>{tier_label}</span>
            {provisional && <span className="tag tag-plain">Provisional</span>}
          </p>
        </div>
        <div className="min-w-0">
          <h2 id={headingId} className="text-lg leading-snug font-semibold tracking-tight sm:text-xl">
            {answerSentence(readiness)}
          </h2>
          {meaning && <p className="mt-2 text-sm text-muted">{meaning}</p>}
          <dl className="mt-4 grid gap-x-6 gap-y-3 text-sm @lg:grid-cols-3">
            <Fact term="Change">
              <span className={`inline-flex items-start gap-1 ${look?.tone ?? 'text-muted'}`}>
                {look && <Icon name={look.icon} />}
                {change ?? trendText(trend)}
              </span>
            </Fact>
            <Fact term={`Likely range ${range(confidence.low, confidence.high)}`}>
              <span className="text-muted">{rangeText(confidence.low, confidence.high)}</span>
            </Fact>
            <Fact term="Next tier">
              <span className="text-muted">
                {next
                  ? `${next.label} begins at ${next.from}: ${plural(next.missing, 'point')} to go.`
                  : 'This is the highest tier.'}
              </span>
            </Fact>
          </dl>
          <ul className="mt-5 grid gap-4 border-t border-line pt-4 @lg:grid-cols-3">
            <Meter label="Revenue stability" value={components.revenue_stability} />
            <Meter label="Low dispute risk" value={components.risk_signals} />
            <Meter label="Payout reliability" value={components.payout_reliability} />
          </ul>
        </div>
      </div>
    </section>
  );
}

export default memo(ScoreCard);

function directionOf({ difference }: Changes): string {
  return difference > 0 ? 'improving' : difference < 0 ? 'declining' : 'stable';
}

function range(low: number, high: number): string {
  return low === high ? String(low) : `${low}–${high}`;
}

function Fact({ term, children }: { term: string; children: React.ReactNode }) {
  return (
    <div>
      <dt className="font-medium">{term}</dt>
      <dd className="mt-0.5">{children}</dd>
    </div>
  );
}

/** A share from 0 to 1 as a bar; null says that it was not measured. */
function Meter({ label, value }: { label: string; value: number | null }) {
  return (
    <li className="text-sm">
      <div className="flex items-baseline justify-between gap-3">
        <span className="text-muted">{label}</span>
        <span className="font-medium">
          {value === null ? (
            <>
              <span aria-hidden="true">{NOT_MEASURED}</span>
              <span className="sr-only">not measured</span>
            </>
          ) : (
            formatRatio(Math.round(value * 100) / 100)
          )}
        </span>
      </div>
      <svg
        viewBox="0 0 100 4"
        preserveAspectRatio="none"
        className="mt-1.5 block h-1.5 w-full rounded-full"
        aria-hidden="true"
      >
        <rect width="100" height="4" className="fill-track" />
        {value !== null && <rect width={Math.round(value * 100)} height="4" className="fill-accent" />}
      </svg>
    </li>
  );
}
