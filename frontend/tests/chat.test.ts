import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type Answer,
  advance,
  type ChatEvent,
  citationHref,
  readEvent,
  readHistory,
  readReply,
  WAITING,
} from '../src/lib/chat';
import { atMarks, spoken } from '../src/lib/marks';

const CITATION = {
  doc_id: 'refunds',
  section: 'rate',
  title: 'Refunds',
  heading: 'Rate',
  url: 'https://elsewhere.test/',
};
const REPLY = {
  conversation_id: 'c1',
  message_id: 'm1',
  response: 'It is 6.79%.',
  citations: [CITATION],
  tool_calls: [
    { id: '1', name: 'n', title: 'Reading', arguments: {}, ok: true, result: { a: 1 }, error: null, milliseconds: 9 },
  ],
  suggestions: ['And now?'],
  provider: 'embedded',
  degraded: false,
  disclaimer: 'Guidance.',
};

function told(...events: [string, unknown][]): Answer {
  return events.reduce((answer, [name, data]) => {
    const event = readEvent(name, data);
    return event ? advance(answer, event) : answer;
  }, WAITING);
}

describe('an answer', () => {
  it('grows by its events', () => {
    const tool = { phase: 'begin', id: '1', name: 'n', title: 'Reading', ms: null, ok: null };
    const answer = told(
      ['start', { conversation_id: null }],
      ['tool', tool],
      ['tool', { ...tool, phase: 'end', ms: 9, ok: true }],
      ['delta', { text: 'One. ' }],
      ['delta', { text: 'Two.' }],
      ['citation', CITATION],
      ['citation', CITATION],
      ['suggestions', { suggestions: ['And now?', 7] }],
      ['something new', {}],
    );
    expect(answer).toMatchObject({ state: 'waiting', text: 'One. Two.', suggestions: ['And now?'] });
    expect(answer.tools).toMatchObject([{ id: '1', ok: true, milliseconds: 9 }]);
    expect(answer.citations).toHaveLength(1);
  });
  it('begins again when who was answering failed', () => {
    const answer = told(
      ['delta', { text: 'Wrong.' }],
      ['citation', CITATION],
      ['restart', {}],
      ['delta', { text: 'Right.' }],
    );
    expect(answer).toMatchObject({ text: 'Right.', citations: [] });
  });
  it('is at last what the whole reply says', () => {
    const answer = told(['delta', { text: 'Something' }], ['done', REPLY]);
    expect(answer).toEqual(readReply(REPLY));
    expect(answer).toMatchObject({
      state: 'done',
      text: 'It is 6.79%.',
      provider: 'embedded',
    });
    expect(answer.tools[0]).toMatchObject({ milliseconds: 9, result: { a: 1 } });
  });
  it('takes no harm from what is not as agreed', () => {
    for (const data of [null, 'x', [], { text: 1, citations: 'no', tool_calls: [null], suggestions: {} }]) {
      expect(() =>
        told(['delta', data], ['tool', data], ['citation', data], ['suggestions', data], ['done', data]),
      ).not.toThrow();
    }
  });
});

it('leads to articles of this site only, whatever address a citation names', () => {
  const href = (docId: string, section: string) => citationHref({ docId, section, title: '', heading: '' });
  expect(href('refunds', 'rate')).toBe('/help/refunds/#rate');
  expect(href('refunds', '')).toBe('/help/refunds/');
  expect(new URL(href('//evil.test/../', 'javascript:x'), 'https://vaultra.test').href).toBe(
    'https://vaultra.test/help/%2F%2Fevil.test%2F..%2F/#javascript%3Ax',
  );
});

it('reads a history as exchanges, whatever end of it is cut off', () => {
  const message = (role: string, content: string) => ({
    id: content,
    role,
    content,
    citations: null,
    tool_calls: null,
  });
  const exchanges = readHistory([
    message('assistant', 'lost question'),
    message('user', 'q1'),
    { ...message('assistant', 'a1'), citations: [CITATION], provider: 'openai', degraded: true },
    message('user', 'q2'),
  ]);
  expect(exchanges.map(({ question, answer }) => [question, answer?.text ?? null])).toEqual([
    ['q1', 'a1'],
    ['q2', null],
  ]);
  expect(exchanges[0]?.answer).toMatchObject({ state: 'done', provider: 'openai', degraded: true });
});

describe('marks', () => {
  it('are cut out of the text, with the space before them', () => {
    expect(atMarks('It is so [refunds#rate]. And [Source: payouts] so.')).toEqual([
      { words: 'It is so', cited: 'refunds#rate', raw: ' [refunds#rate]' },
      { words: '. And', cited: 'payouts', raw: ' [Source: payouts]' },
      { words: ' so.', cited: null, raw: '' },
    ]);
  });
  it('are not read aloud', () => {
    expect(spoken('It **is** so [refunds#rate]. At 6.79%, yes.\n\n1. One\n')).toEqual([
      'It is so.',
      'At 6.79%, yes.',
      '1.',
      'One',
    ]);
  });
});

describe('asking', () => {
  let answers: Response[];
  let asked: { accept: string | null; body: unknown; signal: AbortSignal | null | undefined }[];
  const stream = (...lines: string[]) =>
    new Response(lines.join(''), { headers: { 'Content-Type': 'text/event-stream; charset=utf-8' } });
  const event = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
  const refusal = { error: { code: 'RATE_LIMITED', message: 'Too many.', details: {}, request_id: 'r' } };

  beforeEach(() => {
    vi.resetModules();
    asked = [];
    vi.stubGlobal('fetch', async (_url: string, init: RequestInit) => {
      asked.push({
        accept: new Headers(init.headers).get('Accept'),
        body: JSON.parse(String(init.body)),
        signal: init.signal,
      });
      const answer = answers.shift();
      if (!answer) throw new TypeError('no connection');
      return answer;
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  async function ask(controller = new AbortController()): Promise<ChatEvent[]> {
    const { chatWithAgent } = await import('../src/lib/api-agent');
    const events: ChatEvent[] = [];
    for await (const each of chatWithAgent({ business_id: 'b', message: 'Q' }, controller.signal)) events.push(each);
    return events;
  }

  it('reads a stream to its end, and nothing behind it', async () => {
    answers = [
      stream(': beat\n\n', event('delta', { text: 'A' }), event('done', REPLY), event('delta', { text: 'B' })),
    ];
    expect((await ask()).map(({ type }) => type)).toEqual(['delta', 'done']);
    expect(asked).toMatchObject([{ accept: 'text/event-stream', body: { business_id: 'b', message: 'Q' } }]);
  });
  it('takes a whole reply for a stream', async () => {
    answers = [Response.json(REPLY)];
    expect(await ask()).toEqual([{ type: 'done', conversationId: 'c1', answer: readReply(REPLY) }]);
    expect(asked).toHaveLength(1);
  });
  it('asks once more in one piece when a stream brings nothing', async () => {
    answers = [stream(''), Response.json(REPLY)];
    expect((await ask()).map(({ type }) => type)).toEqual(['done']);
    expect(asked.map(({ accept }) => accept)).toEqual(['text/event-stream', 'application/json']);
  });
  it.each([
    [
      'an envelope',
      () => [Response.json(refusal, { status: 429, headers: { 'Retry-After': '40' } })],
      { status: 429, retryAfterSeconds: 40 },
    ],
    [
      'an error on the way',
      () => [stream(event('delta', { text: 'A' }), event('error', refusal))],
      { code: 'RATE_LIMITED' },
    ],
    ['a stream that breaks off', () => [stream(event('delta', { text: 'A' }))], { code: 'CUT_OFF' }],
    ['no connection', () => [], { code: 'NO_ANSWER', status: 0 }],
    [
      'a page instead of an answer',
      () => [new Response('<html>', { status: 502 })],
      { code: 'UNEXPECTED', status: 502 },
    ],
  ])('fails with %s', async (_name, make, error) => {
    answers = make();
    await expect(ask()).rejects.toMatchObject({ name: 'ApiError', ...error });
  });
  it('ends as an abort when it is stopped, not as an error of the API', async () => {
    answers = [];
    const controller = new AbortController();
    controller.abort();
    await expect(ask(controller)).rejects.toMatchObject({ name: 'AbortError' });
  });
});
