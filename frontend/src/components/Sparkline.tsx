/** A figure's line without axes, from zero up; what it shows stands in text beside it. */
import type { Point } from '../lib/chart-series';

const WIDTH = 120;
const HEIGHT = 32;
/** Room for the line's own width and the dot at its end. */
const MARGIN = 3;

export default function Sparkline({ points }: { points: Point[] }) {
  const values = points.map((point) => point.value ?? 0);
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const [first, last] = [points[0]?.time ?? 0, points.at(-1)?.time ?? 0];
  const x = (time: number) => MARGIN + ((time - first) / (last - first || 1)) * (WIDTH - 2 * MARGIN);
  const y = (value: number) => HEIGHT - MARGIN - ((value - low) / (high - low || 1)) * (HEIGHT - 2 * MARGIN);
  const places = points.map((point) => `${round(x(point.time))},${round(y(point.value ?? 0))}`);
  const end = places.at(-1)?.split(',') ?? [];
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className="block h-8 w-full max-w-[120px]" aria-hidden="true">
      <line x1="0" x2={WIDTH} y1={y(0)} y2={y(0)} className="stroke-line" />
      <polyline
        points={places.join(' ')}
        fill="none"
        strokeWidth="1.5"
        strokeLinejoin="round"
        className="stroke-edge"
      />
      <circle cx={end[0]} cy={end[1]} r="2.5" className="fill-accent" />
    </svg>
  );
}

const round = (value: number) => Math.round(value * 10) / 10;
