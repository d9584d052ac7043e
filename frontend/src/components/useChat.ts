/** A conversation as it goes on: asking, what arrives, stopping, and asking again. */
import { useEffect, useRef, useState } from 'react';
import { ApiError } from '../lib/api';
import { chatWithAgent } from '../lib/api-agent';
import { type Answer, advance, type Exchange, WAITING } from '../lib/chat';

interface Chat {
  /** What was asked on this page, oldest first. */
  asked: Exchange[];
  busy: boolean;
  ask: (question: string) => void;
  /** Puts a question whose answer failed or was stopped once more, in its place. */
  askAgain: (exchange: Exchange) => void;
  stop: () => void;
}

/** `onKept` is told the conversation that an answer was kept in. */
export function useChat(businessId: string, conversationId: string | null, onKept: (id: string) => void): Chat {
  const [asked, setAsked] = useState<Exchange[]>([]);
  const running = useRef<AbortController | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => () => running.current?.abort(), []);

  const change = (id: string, next: (answer: Answer) => Answer) =>
    setAsked((all) => all.map((each) => (each.id === id ? { ...each, answer: next(each.answer ?? WAITING) } : each)));

  const run = async (id: string, question: string) => {
    const controller = new AbortController();
    running.current = controller;
    setBusy(true);
    const body = {
      business_id: businessId,
      message: question,
      ...(conversationId && { conversation_id: conversationId }),
    };
    try {
      for await (const event of chatWithAgent(body, controller.signal)) {
        change(id, (answer) => advance(answer, event));
        if (event.type === 'done') onKept(event.conversationId);
      }
    } catch (cause) {
      if (controller.signal.aborted) change(id, (answer) => ({ ...answer, state: 'stopped' }));
      else if (cause instanceof ApiError) change(id, (answer) => ({ ...answer, state: 'failed', error: cause }));
      else throw cause;
    } finally {
      if (running.current === controller) {
        running.current = null;
        setBusy(false);
      }
    }
  };

  return {
    asked,
    busy,
    ask: (question) => {
      if (running.current) return;
      const id = crypto.randomUUID();
      setAsked((all) => [...all, { id, question, answer: WAITING }]);
      void run(id, question);
    },
    askAgain: ({ id, question }) => {
      if (running.current) return;
      setAsked((all) => [...all.filter((each) => each.id !== id), { id, question, answer: WAITING }]);
      void run(id, question);
    },
    stop: () => running.current?.abort(),
  };
}
