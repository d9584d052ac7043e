/** A stand-in for the API in the tests of pages: what each path answers, and what was asked. */
import { cleanup } from '@testing-library/react';
import { vi } from 'vitest';
import type { Recommendation } from '../src/lib/types';

/** A body, or an error of the API's; a promise answers when it is kept. */
export type Answer = object | { status: number; code: string } | Promise<object>;

export interface Asked {
  method: string;
  path: string;
  body: unknown;
}

export const NO_DATA = { status: 404, code: 'NO_DATA' };

/** Answers by path, or by method and path where both stand; gives the list to which each request is added. */
export function answering(answers: () => Record<string, Answer>): Asked[] {
  const asked: Asked[] = [];
  vi.stubGlobal('fetch', async (request: Request) => {
    const path = new URL(request.url).pathname.replace('/api/v1', '');
    const text = await request.text();
    asked.push({ method: request.method, path, body: text ? JSON.parse(text) : null });
    const given = answers();
    const answer = await (given[`${request.method} ${path}`] ?? given[path] ?? { status: 404, code: 'NOT_FOUND' });
    if (!('code' in answer)) return Response.json(answer);
    const error = { code: answer.code, message: 'Words of the API.', details: {}, request_id: 'req_7' };
    return Response.json({ error }, { status: 'status' in answer ? Number(answer.status) : 500 });
  });
  return asked;
}

/** Takes the page down, and lets React finish before the browser's stand-in goes, too. */
export async function leaving(): Promise<void> {
  cleanup();
  await new Promise((resolve) => setTimeout(resolve));
  vi.unstubAllGlobals();
}

export function recommendation(id: string, more: Partial<Recommendation> = {}): Recommendation {
  return {
    id,
    business_id: 'b1',
    title: `Title of ${id}`,
    description: `Description of ${id}.`,
    priority: 'high',
    category: 'chargebacks',
    status: 'pending',
    estimated_impact: 5,
    metric_refs: ['chargeback_ratio'],
    article: 'reducing-chargebacks',
    effort: 'medium',
    first_step: 'Open the disputes.',
    created_at: '2026-11-20T12:00:00Z',
    evidence: { score: 68, currency: 'usd', metrics: { chargeback_ratio: 0.024 } },
    proof: null,
    reason: null,
    ...more,
  };
}

export function me(role: 'owner' | 'admin' | 'viewer' = 'owner') {
  return { id: 'u', email: 'a@b.co', name: 'A', avatar_url: null, businesses: [{ id: 'b1', name: 'Lark', role }] };
}
