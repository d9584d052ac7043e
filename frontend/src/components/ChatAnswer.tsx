/** One answer: what was read for it, its text with citations, who gave it, and what became of it when it has no end. */
import type { ReactNode } from 'react';
import { type Answer, citationHref, keyOf, type ToolUse } from '../lib/chat';
import { formatCount, formatWait, plural } from '../lib/format';
import Icon from './Icon';
import Markdown from './Markdown';
import ReadData from './ReadData';

interface Props {
  answer: Answer;
  /** Whether another question may be asked now. */
  free: boolean;
  onAskAgain: () => void;
}

export default function ChatAnswer({ answer, free, onAskAgain }: Props) {
  const { state, text, tools, citations } = answer;
  return (
    <div className="grid gap-3">
      {tools.length > 0 && <Trace tools={tools} />}
      {text && <Markdown text={text} cite={(key) => mark(answer, key)} />}
      {state === 'waiting' && <Progress answer={answer} />}
      {citations.length > 0 && <Sources answer={answer} />}
      {state === 'stopped' && (
        <Ending text="Stopped. This answer is not kept in the conversation." {...{ free, onAskAgain }} />
      )}
      {state === 'failed' && <Failure {...{ answer, free, onAskAgain }} />}
      {state === 'done' && <Provenance answer={answer} />}
    </div>
  );
}

/** The number of a citation, as a link to the article's section; null for what was not cited. */
function mark(answer: Answer, key: string): ReactNode | null {
  const at = answer.citations.findIndex((each) => keyOf(each) === key || each.docId === key);
  const citation = answer.citations[at];
  if (!citation) return null;
  return (
    <sup>
      <a href={citationHref(citation)} aria-label={`Source ${at + 1}: ${citation.title}, ${citation.heading}`}>
        [{at + 1}]
      </a>
    </sup>
  );
}

function Progress({ answer }: { answer: Answer }) {
  const running = answer.tools.findLast((tool) => tool.ok === null);
  return (
    <p className="flex items-center gap-2.5 text-sm text-muted">
      <span className="pulse" aria-hidden="true" />
      {running ? running.title : answer.text ? 'Writing' : 'Thinking'}
    </p>
  );
}

function Trace({ tools }: { tools: readonly ToolUse[] }) {
  const done = tools.filter((tool) => tool.ok !== null);
  if (done.length === 0) return null;
  return (
    <details className="trace">
      <summary>
        <span className="inline-flex items-center gap-2">
          <Icon name="tool" size={16} />
          {done.length === 1 ? done[0]?.title : `${plural(done.length, 'look')} at your data`}
          <span className="text-accent underline underline-offset-4">Show the data</span>
        </span>
      </summary>
      <ol className="mt-2 grid gap-3">
        {done.map((tool) => (
          <li key={tool.id} className="card px-4 py-3">
            <p className="flex flex-wrap items-baseline justify-between gap-x-4">
              <span className="font-medium">{tool.title}</span>
              <span className="text-muted tabular-nums">
                {tool.ok ? 'read' : 'failed'}
                {tool.milliseconds !== null && ` in ${formatCount(tool.milliseconds)} ms`}
              </span>
            </p>
            {tool.error && <p className="mt-1 text-bad">{tool.error}</p>}
            {hasContent(tool.arguments) && (
              <div className="mt-2">
                <p className="text-muted">Asked for</p>
                <ReadData value={tool.arguments} />
              </div>
            )}
            {tool.result !== null && (
              // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
              <section className="mt-2 max-h-80 overflow-auto" tabIndex={0} aria-label={`Data: ${tool.title}`}>
                <ReadData value={tool.result} />
              </section>
            )}
            {tool.ok && tool.result === null && <p className="mt-1 text-muted">What it read was not kept.</p>}
          </li>
        ))}
      </ol>
    </details>
  );
}

function hasContent(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

function Sources({ answer }: { answer: Answer }) {
  return (
    <div className="text-sm">
      <p className="font-medium">Sources</p>
      <ol className="mt-1 grid gap-1">
        {answer.citations.map((citation, i) => (
          <li key={keyOf(citation)} className="flex gap-2">
            <span className="shrink-0 text-muted tabular-nums">[{i + 1}]</span>
            <a href={citationHref(citation)} className="link min-w-0">
              {citation.title}
              {citation.heading && `: ${citation.heading}`}
            </a>
          </li>
        ))}
      </ol>
    </div>
  );
}

interface EndingProps {
  text: string;
  free: boolean;
  onAskAgain: () => void;
}

function Ending({ text, free, onAskAgain }: EndingProps) {
  return (
    <p className="flex flex-wrap items-center gap-x-4 gap-y-2 text-sm text-muted">
      {text}
      <button type="button" className="link min-h-9" disabled={!free} onClick={onAskAgain}>
        Ask again
      </button>
    </p>
  );
}

function Failure({ answer, free, onAskAgain }: Props) {
  const error = answer.error;
  const wait = error?.status === 429 && error.retryAfterSeconds;
  return (
    <div role="alert" className="notice notice-bad">
      <p className="font-medium">{error?.status === 429 ? 'Too many questions for now' : 'There is no answer'}</p>
      <p>
        {error?.message}
        {wait && ` You can ask again in ${formatWait(wait)}.`}
      </p>
      {error?.requestId && (
        <p className="mt-1 text-muted">
          Request <code className="select-all">{error.requestId}</code>
        </p>
      )}
      <button type="button" className="btn mt-3" disabled={!free} onClick={onAskAgain}>
        Ask again
      </button>
    </div>
  );
}

const PROVIDERS: Record<string, string> = { openai: 'OpenAI', ollama: 'Ollama' };

/** Who answered, in a sentence; nothing where the history does not know. */
function Provenance({ answer }: { answer: Answer }) {
  const { provider, degraded } = answer;
  if (!provider) return null;
  const own = provider === 'embedded';
  const who = own
    ? 'Answered by Vaultra’s own rules from your data and the help articles, without a language model.'
    : `Written by ${PROVIDERS[provider] ?? provider}; every number was checked against your data.`;
  return (
    <p className="text-sm text-muted">
      {degraded && (own ? 'The language model was not available. ' : 'The usual language model was not available. ')}
      {who}
    </p>
  );
}
