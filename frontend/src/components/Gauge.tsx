/** The score on a half circle, with the tiers' edges marked and the confidence range as a thin inner arc. */
import { MAX_SCORE, MIN_SCORE, TIER_EDGES, TIERS } from '../lib/readiness';

const CENTRE = { x: 130, y: 126 };
const RADIUS = 92;
const WIDTH = 15;
const RANGE_RADIUS = RADIUS - WIDTH / 2 - 6;
/** Half the gap at a tier's edge, in score points. */
const GAP = 0.45;

function point(score: number, radius: number): { x: number; y: number } {
  const angle = Math.PI * (1 - score / MAX_SCORE);
  return { x: round(CENTRE.x + radius * Math.cos(angle)), y: round(CENTRE.y - radius * Math.sin(angle)) };
}

const round = (value: number) => Math.round(value * 100) / 100;

function arc(from: number, to: number, radius: number): string {
  const [a, b] = [point(from, radius), point(to, radius)];
  return `M${a.x} ${a.y}A${radius} ${radius} 0 0 1 ${b.x} ${b.y}`;
}

const EDGES = [MIN_SCORE, ...TIER_EDGES, MAX_SCORE];
const SEGMENTS = EDGES.slice(1).map((to, i) => {
  const from = EDGES[i] ?? MIN_SCORE;
  return { from: from === MIN_SCORE ? from : from + GAP, to: to === MAX_SCORE ? to : to - GAP };
});

interface Props {
  score: number;
  tierLabel: string;
  low: number;
  high: number;
}

export default function Gauge({ score, tierLabel, low, high }: Props) {
  return (
    <svg
      viewBox="0 0 260 152"
      role="img"
      aria-label={`Score ${score} of 100, ${tierLabel}. Likely range ${low} to ${high}. Tiers begin at ${TIERS.slice(1)
        .map((tier) => tier.from)
        .join(', ')}.`}
      className="mx-auto block w-full max-w-[300px]"
    >
      {SEGMENTS.map(({ from, to }) => (
        <g key={from} fill="none" strokeWidth={WIDTH}>
          <path d={arc(from, to, RADIUS)} className="stroke-track" />
          {score > from && <path d={arc(from, Math.min(score, to), RADIUS)} className="stroke-accent" />}
        </g>
      ))}
      {high > low && (
        <path
          d={arc(low, high, RANGE_RADIUS)}
          fill="none"
          strokeWidth="3"
          strokeLinecap="round"
          className="stroke-edge"
        />
      )}
      {TIER_EDGES.map((edge) => {
        const at = point(edge, RADIUS + 20);
        return (
          <text key={edge} x={at.x} y={at.y + 4} textAnchor="middle" fontSize="12" className="fill-muted">
            {edge}
          </text>
        );
      })}
      {[MIN_SCORE, MAX_SCORE].map((end) => (
        <text
          key={end}
          x={point(end, RADIUS).x}
          y={CENTRE.y + 18}
          textAnchor="middle"
          fontSize="12"
          className="fill-muted"
        >
          {end}
        </text>
      ))}
      <text x={CENTRE.x} y={CENTRE.y - 12} textAnchor="middle" fontSize="58" fontWeight="650" className="fill-ink">
        {score}
      </text>
      <text x={CENTRE.x} y={CENTRE.y + 12} textAnchor="middle" fontSize="14" fontWeight="500" className="fill-muted">
        of 100
      </text>
    </svg>
  );
}
