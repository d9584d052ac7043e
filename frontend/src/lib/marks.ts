/** The marks of citations in an answer's text, such as `[refunds#refund-rate]` or `[Source: refunds]`. */
const MARK = / ?\[(?:Source: ?)?([a-z0-9][a-z0-9-]*(?:#[a-z0-9-]+)?)\]/g;

/** A text cut at its marks: words, and what is cited behind them; null behind the last. */
export function atMarks(text: string): { words: string; cited: string | null; raw: string }[] {
  const parts = [];
  let end = 0;
  for (const mark of text.matchAll(MARK)) {
    parts.push({ words: text.slice(end, mark.index), cited: mark[1] ?? null, raw: mark[0] });
    end = mark.index + mark[0].length;
  }
  return [...parts, { words: text.slice(end), cited: null, raw: '' }];
}

/** An answer's sentences as they are read aloud, without marks and emphasis. */
export function spoken(text: string): string[] {
  const plain = text.replace(MARK, '').replace(/[*_`#]+/g, '');
  return plain
    .split(/(?<=[.!?:])\s+|\n+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');
}
