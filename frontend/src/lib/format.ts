/** Numbers, money and dates in words a reader can trust: the business's currency, UTC days, a real minus sign. */
const LOCALE = 'en-US';
const DATE_LOCALE = 'en-GB';
export const NOT_MEASURED = '—';

/** An amount in the currency's major unit, as the API sends it. */
export function formatMoney(amount: number, currency: string | null): string {
  if (!currency) return formatCount(amount);
  return new Intl.NumberFormat(LOCALE, { style: 'currency', currency: currency.toUpperCase() })
    .format(amount)
    .replace('-', '−');
}

/** A fraction as a percentage; small ones keep the digits that tell them apart. */
export function formatRatio(ratio: number): string {
  const percent = Math.abs(ratio) * 100;
  const digits = percent === 0 || percent >= 99.995 ? 0 : percent < 10 ? 2 : 1;
  return new Intl.NumberFormat(LOCALE, { style: 'percent', maximumFractionDigits: digits })
    .format(ratio)
    .replace('-', '−');
}

export function formatCount(count: number): string {
  return new Intl.NumberFormat(LOCALE).format(count).replace('-', '−');
}

/** Points with their sign: "+5", "−10", "0". */
export function formatPoints(points: number): string {
  return points > 0 ? `+${points}` : points < 0 ? `−${-points}` : '0';
}

/** "3 charges", "1 charge". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** How long to wait, rounded up: "40 seconds", "4 minutes", "2 hours". */
export function formatWait(seconds: number): string {
  if (seconds < 60) return plural(seconds, 'second');
  if (seconds <= 5_400) return plural(Math.ceil(seconds / 60), 'minute');
  return plural(Math.ceil(seconds / 3_600), 'hour');
}

/** "past_due" → "Past due". */
export function humanise(word: string): string {
  return upperFirst(word.replaceAll('_', ' '));
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** To go on with in a sentence: "Payout reliability" → "payout reliability", but "MRR" stays. */
export function lowerFirst(text: string): string {
  return /^[A-Z](?![A-Z])/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

/** A reason as the API words it, "no charges yet", made a sentence: "No charges yet." */
export function toSentence(words: string): string {
  const text = upperFirst(words);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/**
 * A sentence that stands below its label and would say it again: "Refunds: 3 more" and "Refunds in 30 days: 3" lose
 * the word. Where the word is part of the sentence, as in "Refunds take a week", it stays.
 */
export function withoutLabel(sentence: string, label: string): string {
  if (!sentence.startsWith(label)) return sentence;
  const rest = sentence.slice(label.length);
  return /^(: | (in|over|within|since) )/.test(rest) ? upperFirst(rest.replace(/^:? /, '')) : sentence;
}

/** "24 December 2026"; where space is short, "24 Dec 2026". */
type Length = 'long' | 'short';

/** A date as the engine's sentences write it; of two moments, the days from the one to the other. */
function inDays(moments: [Date] | [Date, Date], length: Length, options: Intl.DateTimeFormatOptions): string {
  const format = new Intl.DateTimeFormat(DATE_LOCALE, options);
  const [from, to] = moments;
  const text = to ? format.formatRange(from, to) : format.format(from);
  // The locale's own short months are of different lengths: "Sept", "Nov".
  return length === 'short' ? text.replace(/\p{Lu}\p{Ll}+/gu, (month) => month.slice(0, 3)) : text;
}

const UTC_DAY = { dateStyle: 'long', timeZone: 'UTC' } as const;
const startOf = (day: string) => new Date(`${day}T00:00:00Z`);

/** One UTC day: "24 December 2026". */
export function formatDay(day: string, length: Length = 'long'): string {
  return inDays([startOf(day)], length, UTC_DAY);
}

/** Two inclusive UTC days: "15 November – 14 December 2026". */
export function formatPeriod(start: string, end: string, length: Length = 'long'): string {
  return inDays([startOf(start), startOf(end)], length, UTC_DAY);
}

/** A UTC day on an axis of so many milliseconds: "24 Dec", and "Dec 2026" where it spans more than four months. */
export function formatAxisDay(time: number, span: number): string {
  const finest = span > 120 * 86_400_000 ? ({ year: 'numeric' } as const) : ({ day: 'numeric' } as const);
  return inDays([new Date(time)], 'short', { month: 'long', timeZone: 'UTC', ...finest });
}

/** The day of a moment, in the reader's own time zone: "24 December 2026". */
export function formatDate(at: string): string {
  return inDays([new Date(at)], 'long', { dateStyle: 'long' });
}

/** A moment in the reader's own time zone: "24 December 2026, 14:30". */
export function formatMoment(at: string): string {
  const time = new Intl.DateTimeFormat(DATE_LOCALE, { timeStyle: 'short' }).format(new Date(at));
  return `${formatDate(at)}, ${time}`;
}

/** How long ago a moment was: "just now", "4 minutes ago", "yesterday". */
export function formatAgo(at: string, now: number = Date.now()): string {
  const seconds = Math.round((Date.parse(at) - now) / 1000);
  const relative = new Intl.RelativeTimeFormat(LOCALE, { numeric: 'auto' });
  const age = Math.abs(seconds);
  if (age < 60) return 'just now';
  if (age < 3600) return relative.format(Math.trunc(seconds / 60), 'minute');
  if (age < 86_400) return relative.format(Math.trunc(seconds / 3600), 'hour');
  return relative.format(Math.trunc(seconds / 86_400), 'day');
}
