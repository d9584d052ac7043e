/** An answer of the assistant as it comes to be: what each event of the stream, or a whole reply, makes of it. */
import type { ApiError } from './api';

export interface Citation {
  docId: string;
  section: string;
  title: string;
  heading: string;
}

/** One use of a tool. `ok` and `milliseconds` are null while it runs. */
export interface ToolUse {
  id: string;
  name: string;
  title: string;
  ok: boolean | null;
  milliseconds: number | null;
  /** What it was asked and what it read; null where that was not kept. */
  arguments: unknown;
  result: unknown;
  error: string | null;
}

export type AnswerState = 'waiting' | 'done' | 'stopped' | 'failed';

export interface Answer {
  state: AnswerState;
  text: string;
  citations: Citation[];
  tools: ToolUse[];
  suggestions: string[];
  /** Who answered; null while that is not known. */
  provider: string | null;
  degraded: boolean;
  /** Why it failed. */
  error: ApiError | null;
}

/** A question and what became of it. `answer` is null for a question whose answer is not in the history. */
export interface Exchange {
  id: string;
  question: string;
  answer: Answer | null;
}

export type ChatEvent =
  | { type: 'start'; conversationId: string | null }
  | { type: 'tool'; tool: ToolUse }
  | { type: 'delta'; text: string }
  /** Who was answering failed, and another begins again. */
  | { type: 'restart' }
  | { type: 'citation'; citation: Citation }
  | { type: 'suggestions'; suggestions: string[] }
  | { type: 'done'; conversationId: string; answer: Answer }
  | { type: 'error'; body: unknown };

export const WAITING: Answer = {
  state: 'waiting',
  text: '',
  citations: [],
  tools: [],
  suggestions: [],
  provider: null,
  degraded: false,
  error: null,
};

/** The answer after an event. What the whole reply says replaces what was told on the way. */
export function advance(answer: Answer, event: ChatEvent): Answer {
  switch (event.type) {
    case 'tool':
      return { ...answer, tools: withTool(answer.tools, event.tool) };
    case 'delta':
      return { ...answer, text: answer.text + event.text };
    case 'restart':
      return { ...answer, text: '', citations: [] };
    case 'citation':
      return { ...answer, citations: withCitation(answer.citations, event.citation) };
    case 'suggestions':
      return { ...answer, suggestions: event.suggestions };
    case 'done':
      return event.answer;
    default:
      return answer;
  }
}

function withTool(tools: ToolUse[], tool: ToolUse): ToolUse[] {
  const known = tools.some(({ id }) => id === tool.id);
  return known ? tools.map((each) => (each.id === tool.id ? { ...each, ...tool } : each)) : [...tools, tool];
}

function withCitation(citations: Citation[], citation: Citation): Citation[] {
  return citations.some((each) => keyOf(each) === keyOf(citation)) ? citations : [...citations, citation];
}

export function keyOf({ docId, section }: Citation): string {
  return section ? `${docId}#${section}` : docId;
}

/** Where the article stands open at the cited section. */
export function citationHref({ docId, section }: Citation): string {
  return `/help/${encodeURIComponent(docId)}/${section ? `#${encodeURIComponent(section)}` : ''}`;
}

// --- What came over the wire -------------------------------------------------------------------

/** One event of the stream; null for one that this page does not know. */
export function readEvent(name: string, data: unknown): ChatEvent | null {
  const fields = record(data);
  switch (name) {
    case 'start':
      return { type: 'start', conversationId: text(fields.conversation_id) };
    case 'tool':
      return { type: 'tool', tool: readTool(data) };
    case 'delta':
      return { type: 'delta', text: text(fields.text) ?? '' };
    case 'restart':
      return { type: 'restart' };
    case 'citation':
      return { type: 'citation', citation: readCitation(data) };
    case 'suggestions':
      return { type: 'suggestions', suggestions: texts(fields.suggestions) };
    case 'done':
      return { type: 'done', conversationId: text(fields.conversation_id) ?? '', answer: readReply(data) };
    case 'error':
      return { type: 'error', body: data };
    default:
      return null;
  }
}

/** A whole reply: the last event of a stream, or what is answered when no stream is to be had. */
export function readReply(data: unknown): Answer {
  const fields = record(data);
  return {
    state: 'done',
    text: text(fields.response) ?? '',
    citations: list(fields.citations).map(readCitation),
    tools: list(fields.tool_calls).map(readTool),
    suggestions: texts(fields.suggestions),
    provider: text(fields.provider),
    degraded: fields.degraded === true,
    error: null,
  };
}

/** Kept messages as exchanges. An answer without its question, cut off by the history's length, is left out. */
export function readHistory(messages: readonly unknown[]): Exchange[] {
  const exchanges: Exchange[] = [];
  for (const message of messages) {
    const fields = record(message);
    const content = text(fields.content) ?? '';
    if (fields.role === 'user') {
      exchanges.push({ id: text(fields.id) ?? String(exchanges.length), question: content, answer: null });
    } else {
      const last = exchanges.at(-1);
      if (last) last.answer = { ...readReply(message), text: content };
    }
  }
  return exchanges;
}

function readTool(data: unknown): ToolUse {
  const fields = record(data);
  const name = text(fields.name) ?? '';
  return {
    id: text(fields.id) ?? name,
    name,
    title: text(fields.title) ?? name,
    ok: typeof fields.ok === 'boolean' ? fields.ok : null,
    milliseconds: number(fields.milliseconds) ?? number(fields.ms),
    arguments: fields.arguments ?? null,
    result: fields.result ?? null,
    error: text(fields.error),
  };
}

function readCitation(data: unknown): Citation {
  const fields = record(data);
  return {
    docId: text(fields.doc_id) ?? '',
    section: text(fields.section) ?? '',
    title: text(fields.title) ?? '',
    heading: text(fields.heading) ?? '',
  };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
function texts(value: unknown): string[] {
  return list(value).filter((each): each is string => typeof each === 'string');
}
function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
