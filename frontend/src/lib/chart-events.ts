/** What happened beside a metric: disputes and payouts that failed, on their day where it is known. */
import { timeOf } from './chart-series';
import { formatDay, formatMoney, formatPeriod, humanise, plural } from './format';
import type { Bucket, Changes, MovedObject, Path } from './types';

export interface ChartEvent {
  kind: Kind;
  /** How many of the kind. */
  count: number;
  /** Where it stands on the time axis, and when it was in words. */
  time: number;
  when: string;
  text: string;
}

type Kind = 'dispute' | 'missed_payout';
/** The metrics that only one kind of event bears on; beside the others all stand. */
const ONLY: Record<string, Kind> = {
  chargeback_count: 'dispute',
  chargeback_ratio: 'dispute',
  open_disputes: 'dispute',
  dispute_win_rate: 'dispute',
  payout_reliability: 'missed_payout',
};
const NOUNS: Record<Kind, readonly [string, string]> = {
  dispute: ['dispute', 'disputes'],
  missed_payout: ['missed payout', 'missed payouts'],
};

/** The events there are, newest first. A period's disputes stand together where not each of them is known. */
export function eventsOf(buckets: readonly Bucket[], path?: Path | null, changes?: Changes | null): ChartEvent[] {
  const objects = known(path, changes);
  const untold = buckets.filter((bucket) => bucket.chargeback_count > disputesIn(objects, bucket).length);
  const told = objects.filter((each) => each.kind !== 'dispute' || !untold.some((bucket) => isIn(each, bucket)));
  const ofPeriods = untold.map((bucket) => ({
    kind: 'dispute' as const,
    count: bucket.chargeback_count,
    time: timeOf(bucket.period_end),
    when: formatPeriod(bucket.period_start, bucket.period_end, 'short'),
    text: plural(bucket.chargeback_count, ...NOUNS.dispute),
  }));
  return [...ofPeriods, ...byDay(told)].sort((a, b) => b.time - a.time);
}

/** Every dispute and missed payout that the score's explanations name, once. */
function known(path?: Path | null, changes?: Changes | null): MovedObject[] {
  const left = path?.leaving.map(({ object }) => object) ?? [];
  const moved = changes?.rules.flatMap((rule) => rule.moved.flatMap(({ objects }) => objects)) ?? [];
  const found = new Map<string, MovedObject>();
  for (const object of [...left, ...moved]) {
    if (object.kind in NOUNS && object.id) found.set(object.id, object);
  }
  return [...found.values()];
}

function isIn(object: MovedObject, bucket: Bucket): boolean {
  return object.on >= bucket.period_start && object.on <= bucket.period_end;
}

function disputesIn(objects: readonly MovedObject[], bucket: Bucket): MovedObject[] {
  return objects.filter((each) => each.kind === 'dispute' && isIn(each, bucket));
}

function byDay(objects: readonly MovedObject[]): ChartEvent[] {
  const days = Map.groupBy(objects, ({ kind, on }) => `${on} ${kind}`);
  return [...days.values()].flatMap((same) => {
    const first = same[0];
    return first
      ? [
          {
            kind: first.kind as Kind,
            count: same.length,
            time: timeOf(first.on),
            when: formatDay(first.on, 'short'),
            text: textOf(first, same),
          },
        ]
      : [];
  });
}

function textOf(first: MovedObject, same: readonly MovedObject[]): string {
  const [one, many] = NOUNS[first.kind as Kind];
  const amounts = same.map(({ amount, currency }) => (amount && currency ? formatMoney(amount, currency) : null));
  const outcome = same.length === 1 && first.outcome ? `, ${humanise(first.outcome).toLowerCase()}` : '';
  const worth = amounts.every((amount) => amount !== null) ? ` (${amounts.join(', ')})` : '';
  const text = same.length === 1 ? one : plural(same.length, one, many);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${worth}${outcome}`;
}

/** The events that belong beside a metric. */
export function eventsFor(metric: string, events: readonly ChartEvent[]): ChartEvent[] {
  const only = ONLY[metric];
  return events.filter(({ kind }) => !only || kind === only);
}

/** The events after one point and up to the next. */
export function eventsOn(events: readonly ChartEvent[], after: number, until: number): ChartEvent[] {
  return events.filter((event) => event.time > after && event.time <= until);
}

/** How many of each kind: "4 disputes, 1 missed payout". */
export function countsText(events: readonly ChartEvent[]): string {
  return [...Map.groupBy(events, ({ kind }) => kind)]
    .map(([kind, same]) =>
      plural(
        same.reduce((sum, { count }) => sum + count, 0),
        ...NOUNS[kind],
      ),
    )
    .join(', ');
}
