/** Numbers, money and dates in words a reader can trust: the business's currency, UTC days, a real minus sign. */
const LOCALE = 'en-US';
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
  const text = word.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A reason as the API words it, "no charges yet", made a sentence: "No charges yet." */
export function toSentence(words: string): string {
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** Two inclusive UTC days as "Nov 15 – Dec 14, 2026". */
export function formatPeriod(start: string, end: string): string {
  const format = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium', timeZone: 'UTC' });
  return format.formatRange(new Date(`${start}T00:00:00Z`), new Date(`${end}T00:00:00Z`));
}

/** One UTC day as "Nov 15, 2026". */
export function formatDay(day: string): string {
  return new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date(`${day}T00:00:00Z`));
}

/** A UTC day on an axis of so many milliseconds: "Nov 20", and "Nov 2026" where it spans more than four months. */
export function formatShortDay(time: number, span: number): string {
  const long = span > 120 * 86_400_000;
  return new Intl.DateTimeFormat(LOCALE, {
    month: 'short',
    ...(long ? { year: 'numeric' } : { day: 'numeric' }),
    timeZone: 'UTC',
  }).format(time);
}

/** The day of a moment, in the reader's own time zone: "Nov 20, 2026". */
export function formatDate(at: string): string {
  return new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium' }).format(new Date(at));
}

/** A moment in the reader's own time zone. */
export function formatMoment(at: string): string {
  return new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(at));
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
