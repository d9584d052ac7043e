/** One conversation with the assistant: what was said, what is being said, and where the next question is written. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { ApiError } from '../lib/api';
import { conversationQuery } from '../lib/api-agent';
import { type Exchange, readHistory } from '../lib/chat';
import { spoken } from '../lib/marks';
import { queryClient } from '../lib/query';
import ChatAnswer from './ChatAnswer';
import ChatComposer from './ChatComposer';
import ErrorCard from './ErrorCard';
import { useChat } from './useChat';
import { useOffline } from './useOffline';
import { useStickToEnd } from './useStickToEnd';

const FIRST_QUESTIONS = [
  'How ready am I for funding?',
  'What hurts my score most?',
  'What should I do next?',
  'What do lenders look at in my Stripe history?',
] as const;

interface Props {
  businessId: string;
  /** The kept conversation that is opened; null for a new one. */
  conversationId: string | null;
  /** What stands in the field at first; it is not sent by itself. */
  draft: string;
  /** Told the conversation that an answer was kept in. */
  onKept: (id: string) => void;
  /** Told that there is no such conversation about this business. */
  onMissing: () => void;
}

export default function AgentChat({ businessId, conversationId, draft, onKept, onMissing }: Props) {
  const [keptId, setKeptId] = useState(conversationId);
  const [text, setText] = useState(draft);
  const field = useRef<HTMLTextAreaElement>(null);
  const offline = useOffline();
  const history = useQuery(
    { ...conversationQuery(conversationId ?? ''), enabled: conversationId !== null },
    queryClient,
  );
  const chat = useChat(businessId, keptId, (id) => {
    setKeptId(id);
    onKept(id);
  });
  const foreign = history.data !== undefined && history.data.business_id !== businessId;
  const missing = foreign || (history.error instanceof ApiError && history.error.status === 404);
  useEffect(() => {
    if (missing) onMissing();
  }, [missing, onMissing]);
  useEffect(() => field.current?.focus({ preventScroll: true }), []);

  const kept = history.data && !foreign ? readHistory(history.data.messages) : [];
  const exchanges = [...kept, ...chat.asked];
  const last = exchanges.at(-1);
  const scroll = useStickToEnd(conversationId !== null);
  const ask = (question: string) => {
    setText('');
    scroll.toEnd();
    chat.ask(question);
    field.current?.focus({ preventScroll: true });
  };
  const loading = conversationId !== null && history.isPending;

  return (
    <div className="flex min-h-[calc(100dvh-11.5rem)] min-w-0 flex-col md:min-h-[calc(100dvh-9rem)]">
      <div className="flex-1 pb-6">
        {loading && <HistorySkeleton />}
        {history.isError && !missing && (
          <ErrorCard
            error={history.error}
            title="This conversation could not be loaded"
            onRetry={() => void history.refetch()}
            busy={history.isFetching}
          />
        )}
        {!loading && !history.isError && exchanges.length === 0 && <Welcome onAsk={ask} disabled={offline} />}
        <ol className="grid gap-8">
          {exchanges.map((exchange) => (
            <ExchangeItem
              key={exchange.id}
              exchange={exchange}
              free={!chat.busy && !offline}
              onAskAgain={() => {
                scroll.toEnd();
                chat.askAgain(exchange);
                field.current?.focus({ preventScroll: true });
              }}
            />
          ))}
        </ol>
        {last?.answer?.state === 'done' && (
          <Suggestions questions={last.answer.suggestions} onAsk={ask} disabled={chat.busy || offline} />
        )}
      </div>
      <Spoken exchange={chat.asked.at(-1)} />
      <div className="composer-bar no-print">
        {scroll.away && exchanges.length > 0 && (
          <button type="button" className="btn mx-auto mb-2 min-h-9 bg-surface text-sm" onClick={scroll.toEnd}>
            To the latest
          </button>
        )}
        <ChatComposer
          field={field}
          value={text}
          onChange={setText}
          busy={chat.busy}
          offline={offline}
          onSend={() => ask(text.trim())}
          onStop={() => {
            chat.stop();
            field.current?.focus({ preventScroll: true });
          }}
        />
      </div>
    </div>
  );
}

interface ItemProps {
  exchange: Exchange;
  free: boolean;
  onAskAgain: () => void;
}

function ExchangeItem({ exchange, free, onAskAgain }: ItemProps) {
  const { question, answer } = exchange;
  return (
    <li className="grid gap-4">
      <div className="ml-auto max-w-[85%] rounded-2xl rounded-br-md bg-accent-soft px-4 py-2.5 whitespace-pre-wrap">
        <h2 className="sr-only">You asked</h2>
        {question}
      </div>
      <div className="min-w-0">
        <h2 className="sr-only">Vaultra answered</h2>
        {answer ? (
          <ChatAnswer answer={answer} free={free} onAskAgain={onAskAgain} />
        ) : (
          <p className="text-sm text-muted">This question has no answer in the history.</p>
        )}
      </div>
    </li>
  );
}

/** What is read aloud: each sentence once, as it comes, and how it ended. */
function Spoken({ exchange }: { exchange: Exchange | undefined }) {
  const answer = exchange?.answer;
  const sentences = spoken(answer?.text ?? '');
  return (
    <div className="sr-only" aria-live="polite" aria-atomic="false">
      {answer?.state === 'waiting' && sentences.length === 0 && <p>Vaultra is looking it up</p>}
      {sentences.map((sentence, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: sentences are only added
        <p key={i}>{sentence}</p>
      ))}
      {answer?.state === 'stopped' && <p>Stopped</p>}
    </div>
  );
}

function Welcome({ onAsk, disabled }: { onAsk: (question: string) => void; disabled: boolean }) {
  return (
    <div className="grid max-w-2xl gap-5 py-4 md:py-10">
      <div>
        <h2 className="text-xl font-semibold tracking-tight">What would you like to know?</h2>
        <p className="mt-2 text-muted">
          Vaultra answers from your own figures and its help articles, and shows what each answer rests on. It reads
          only; it can change nothing at Stripe or here.
        </p>
      </div>
      <Suggestions questions={FIRST_QUESTIONS} onAsk={onAsk} disabled={disabled} />
    </div>
  );
}

interface SuggestionsProps {
  questions: readonly string[];
  onAsk: (question: string) => void;
  disabled: boolean;
}

function Suggestions({ questions, onAsk, disabled }: SuggestionsProps) {
  if (questions.length === 0) return null;
  return (
    <ul className="no-print mt-4 flex flex-wrap gap-2" aria-label="Questions to go on with">
      {questions.map((question) => (
        <li key={question}>
          <button
            type="button"
            className="btn h-auto min-h-10 py-1.5 text-left text-sm font-normal whitespace-normal"
            disabled={disabled}
            onClick={() => onAsk(question)}
          >
            {question}
          </button>
        </li>
      ))}
    </ul>
  );
}

function HistorySkeleton() {
  return (
    <div className="grid gap-6" aria-busy="true">
      <p className="sr-only" role="status">
        Loading the conversation
      </p>
      {[1, 2].map((row) => (
        <div key={row} className="grid gap-3">
          <div className="skel ml-auto h-11 w-64 max-w-[80%]" />
          <div className="skel h-5 w-full" />
          <div className="skel h-5 w-5/6" />
          <div className="skel h-5 w-2/3" />
        </div>
      ))}
    </div>
  );
}
