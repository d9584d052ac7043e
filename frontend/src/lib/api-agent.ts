/** The assistant's part of the API: asking, as a stream or in one piece, and the conversations that are kept. */
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { API_BASE } from './address';
import { ApiError, client, done, toApiError, unwrap } from './api';
import { getAuthHeaders, getToken, sendToLogin } from './auth';
import { type ChatEvent, readEvent, readReply } from './chat';
import type { Conversation, ConversationWithMessages } from './types';

/** The stream beats every 15 seconds; after three missed beats nobody is there. */
const SILENCE_MS = 50_000;
/** An answer has 45 seconds at the API. */
const WHOLE_ANSWER_MS = 60_000;
const MOST_CONVERSATIONS = 200;

export interface Question {
  business_id: string;
  message: string;
  conversation_id?: string;
}

/**
 * Asks, and gives each event as it comes; the last one is `done`.
 *
 * A stream that ends before its first event, as behind a proxy that holds replies back, is asked for once more in
 * one piece.
 *
 * Throws ApiError when there is no answer, and an AbortError when `signal` ended it.
 */
export async function* chatWithAgent(question: Question, signal: AbortSignal): AsyncGenerator<ChatEvent> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE_MS);
  };
  try {
    const response = await post(question, 'text/event-stream', AbortSignal.any([signal, silence.signal]));
    if (!isStream(response)) {
      yield await wholeReply(response);
      return;
    }
    let count = 0;
    for await (const event of eventsOf(response, heard)) {
      count += 1;
      if (event.type === 'error') throw toApiError(event.body, response);
      yield event;
      if (event.type === 'done') return;
    }
    if (count > 0) throw new ApiError(0, 'CUT_OFF', 'The answer broke off before its end. Ask again.');
    yield await wholeReply(await post(question, 'application/json', timeout(signal)));
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof ApiError) throw cause;
    throw new ApiError(0, 'NO_ANSWER', 'Vaultra could not be reached. Check your connection and ask again.');
  } finally {
    clearTimeout(timer);
  }
}

function timeout(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(WHOLE_ANSWER_MS)]);
}

async function post(question: Question, accept: string, signal: AbortSignal): Promise<Response> {
  const sent = getToken();
  const response = await fetch(`${API_BASE}/agent/chat`, {
    method: 'POST',
    headers: { ...getAuthHeaders(), 'Content-Type': 'application/json', Accept: accept },
    body: JSON.stringify(question),
    signal,
  });
  if (response.status === 401 && sent === getToken()) sendToLogin('expired');
  if (!response.ok) throw toApiError(await response.json().catch(() => null), response);
  return response;
}

function isStream(response: Response): boolean {
  return response.body !== null && (response.headers.get('Content-Type') ?? '').startsWith('text/event-stream');
}

async function wholeReply(response: Response): Promise<ChatEvent> {
  const body: unknown = await response.json();
  const id = (body as { conversation_id?: unknown }).conversation_id;
  return { type: 'done', conversationId: typeof id === 'string' ? id : '', answer: readReply(body) };
}

async function* eventsOf(response: Response, heard: () => void): AsyncGenerator<ChatEvent> {
  const listening = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      heard();
      controller.enqueue(chunk);
    },
  });
  const messages = response.body
    ?.pipeThrough(listening)
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
    .getReader();
  if (!messages) return;
  try {
    for (let read = await messages.read(); !read.done; read = await messages.read()) {
      const event = readEvent(read.value.event ?? '', JSON.parse(read.value.data));
      if (event) yield event;
    }
  } finally {
    void messages.cancel().catch(() => undefined);
  }
}

/** One's own conversations about a business, the newest first. */
const getConversations = (businessId: string): Promise<Conversation[]> =>
  unwrap(
    client.GET('/agent/conversations', { params: { query: { business_id: businessId, limit: MOST_CONVERSATIONS } } }),
  ).then(({ conversations }) => conversations);

const named = (id: string) => ({ params: { path: { conversation_id: id } } });

const getConversation = (id: string): Promise<ConversationWithMessages> =>
  unwrap(client.GET('/agent/conversations/{conversation_id}', named(id)));

export const renameConversation = (id: string, title: string): Promise<Conversation> =>
  unwrap(client.PATCH('/agent/conversations/{conversation_id}', { ...named(id), body: { title } }));

export const deleteConversation = (id: string): Promise<void> =>
  done(client.DELETE('/agent/conversations/{conversation_id}', named(id)));

/** One's conversations about a business, newest first. */
export const conversationsQuery = (businessId: string) => ({
  queryKey: ['conversations', businessId],
  queryFn: () => getConversations(businessId),
  staleTime: 30_000,
});

/** A kept conversation as it was when it was opened; what is said meanwhile the page knows. */
export const conversationQuery = (id: string) => ({
  queryKey: ['conversation', id],
  queryFn: () => getConversation(id),
  staleTime: 0,
  refetchOnWindowFocus: false,
  refetchOnReconnect: false,
});
