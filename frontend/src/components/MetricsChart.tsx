/** One metric over time: its line from zero, the range before as a ghost, thresholds, events, and a crosshair. */
import { useRef } from 'react';
import {
  Area,
  CartesianGrid,
  ComposedChart,
  Line,
  ReferenceArea,
  ReferenceDot,
  ReferenceLine,
  ResponsiveContainer,
  XAxis,
  YAxis,
} from 'recharts';
import type { ChartEvent } from '../lib/chart-events';
import { type Gap, nearest, type Point, rowsOf, timeTicks, valueTicks } from '../lib/chart-series';
import { formatAxisDay } from '../lib/format';
import { formatTick, type Unit } from '../lib/measures';
import type { Edge } from '../lib/score-edges';

export const CHART_HEIGHT = 320;
const AXIS_WIDTH = 60;
const MARGIN = { top: 16, right: 20, bottom: 0, left: 0 } as const;
/** Points beyond which their dots would hide the line. */
const MOST_DOTS = 40;
/** Events nearer to each other than this share of the axis have one mark together. */
const MARK_DISTANCE = 0.015;
/** Threshold lines are drawn up to this much above the highest value; farther ones would flatten it. */
const EDGE_REACH = 1.6;
const TICK = { fill: 'var(--muted)', fontSize: 12 } as const;

interface Props {
  /** The metric's key. */
  type: string;
  label: string;
  unit: Unit;
  currency: string | null;
  metrics: readonly Point[];
  /** The range before, moved on by its length. */
  before: readonly Point[];
  gaps: readonly Gap[];
  /** Whether the last point's day, week or month is not over. */
  open: boolean;
  from: number;
  to: number;
  edges: readonly Edge[];
  events: readonly ChartEvent[];
  active: Point | null;
  onActive: (point: Point | null) => void;
  /** A point in words, for who cannot see it. */
  describe: (point: Point) => string;
}

export default function MetricsChart(props: Props) {
  const { type, label, unit, currency, metrics, before, gaps, open, from, to, events, active, onActive } = props;
  const frame = useRef<HTMLDivElement>(null);
  const measured = metrics.filter((point) => point.value !== null);
  const values = [...measured, ...before].flatMap(({ value }) => (value === null ? [] : [value]));
  const highest = Math.max(0, ...values);
  const edges = props.edges.filter(({ at }) => at <= highest * EDGE_REACH || type === 'readiness');
  const top = Math.max(highest, ...edges.map(({ at }) => at));
  const ticks = type === 'readiness' ? [0, 25, 50, 75, 100] : valueTicks(Math.min(0, ...values), top, unit !== 'ratio');
  const domain: [number, number] = [ticks[0] ?? 0, ticks.at(-1) ?? 1];
  const rows = rowsOf(metrics, gaps, open);
  const dots = metrics.length <= MOST_DOTS;

  const pointAt = (clientX: number) => {
    const box = frame.current?.getBoundingClientRect();
    if (!box) return null;
    const width = box.width - AXIS_WIDTH - MARGIN.right;
    return nearest(measured, from + ((clientX - box.left - AXIS_WIDTH) / width) * (to - from));
  };
  const here = active ? measured.indexOf(active) : -1;
  const step = (key: string) => {
    const last = measured.length - 1;
    const at = here < 0 ? last : here;
    const next = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, Home: 0, End: last }[key];
    if (next === undefined) return false;
    onActive(measured[Math.min(last, Math.max(0, next))] ?? null);
    return true;
  };
  const current = active ?? measured.at(-1);

  return (
    <div
      ref={frame}
      role="slider"
      tabIndex={0}
      aria-label={`${label} over time. Arrow keys go from point to point.`}
      aria-valuemin={1}
      aria-valuemax={Math.max(1, measured.length)}
      aria-valuenow={here < 0 ? Math.max(1, measured.length) : here + 1}
      aria-valuetext={current ? props.describe(current) : 'Nothing measured'}
      className="chart"
      onKeyDown={(event) => {
        if (event.key === 'Escape') onActive(null);
        else if (step(event.key)) event.preventDefault();
      }}
      onPointerMove={(event) => onActive(pointAt(event.clientX))}
      onPointerDown={(event) => onActive(pointAt(event.clientX))}
      onPointerLeave={(event) => event.pointerType === 'mouse' && onActive(null)}
    >
      <ResponsiveContainer width="100%" height={CHART_HEIGHT}>
        <ComposedChart data={rows} margin={MARGIN} accessibilityLayer={false}>
          <CartesianGrid vertical={false} stroke="var(--line)" />
          {gaps.map((gap) => (
            <ReferenceArea key={gap.from} x1={gap.from} x2={gap.to} fill="var(--track)" fillOpacity={0.5} />
          ))}
          <XAxis
            dataKey="time"
            type="number"
            domain={[from, to]}
            ticks={timeTicks(from, to, 5)}
            tickFormatter={(time: number) => formatAxisDay(time, to - from)}
            tick={TICK}
            tickLine={false}
            axisLine={{ stroke: 'var(--edge)' }}
            minTickGap={12}
            allowDataOverflow
          />
          <YAxis
            width={AXIS_WIDTH}
            domain={domain}
            ticks={ticks}
            tickFormatter={(value: number) => formatTick(value, unit, currency)}
            tick={TICK}
            tickLine={false}
            axisLine={false}
            interval={0}
          />
          {edges.map(({ at, name }) => (
            <ReferenceLine
              key={at}
              y={at}
              stroke="var(--warn)"
              strokeDasharray="2 4"
              label={{ value: name, position: 'insideTopRight', fill: 'var(--warn)', fontSize: 12 }}
            />
          ))}
          {before.length > 0 && (
            <Line
              data={[...before]}
              dataKey="value"
              stroke="var(--edge)"
              strokeWidth={1.5}
              strokeDasharray="5 4"
              dot={false}
              activeDot={false}
              connectNulls
              isAnimationActive={false}
            />
          )}
          <Area
            dataKey="value"
            stroke="var(--accent)"
            strokeWidth={2}
            fill="var(--accent)"
            fillOpacity={0.1}
            dot={dots && { r: 3, fill: 'var(--accent)', fillOpacity: 1, strokeWidth: 0 }}
            activeDot={false}
            isAnimationActive={false}
          />
          <Line
            dataKey="open"
            stroke="var(--accent)"
            strokeWidth={2}
            strokeDasharray="3 4"
            dot={false}
            activeDot={false}
            isAnimationActive={false}
          />
          {open && <Dot point={metrics.at(-1)} hollow />}
          {marksOf(events, (to - from) * MARK_DISTANCE).map((event) => (
            <ReferenceDot
              key={`${event.time} ${event.text}`}
              x={event.time}
              y={domain[0]}
              r={4}
              fill="var(--warn)"
              stroke="var(--surface)"
              ifOverflow="visible"
            />
          ))}
          {active && <ReferenceLine x={active.time} stroke="var(--ink)" strokeOpacity={0.5} />}
          {active && <Dot point={nearest(before, active.time, 15)} ghost />}
          {active && <Dot point={active} />}
        </ComposedChart>
      </ResponsiveContainer>
    </div>
  );
}

/** The events that get a mark, newest first. */
function marksOf(events: readonly ChartEvent[], distance: number): ChartEvent[] {
  const marks: ChartEvent[] = [];
  for (const event of events) {
    const newer = marks.at(-1);
    if (!newer || newer.time - event.time >= distance) marks.push(event);
  }
  return marks;
}

interface DotProps {
  point: Point | null | undefined;
  hollow?: boolean;
  ghost?: boolean;
}

function Dot({ point, hollow = false, ghost = false }: DotProps) {
  if (!point || point.value === null) return null;
  const colour = ghost ? 'var(--edge)' : 'var(--accent)';
  return (
    <ReferenceDot
      x={point.time}
      y={point.value}
      r={hollow ? 3.5 : 5}
      fill={hollow ? 'var(--surface)' : colour}
      stroke={hollow ? colour : 'var(--surface)'}
      strokeWidth={2}
      ifOverflow="visible"
    />
  );
}
