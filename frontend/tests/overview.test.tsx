import { cleanup, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { EXAMPLE_READINESS } from '../src/lib/example';
import type { Metrics, StripeStatus } from '../src/lib/types';

const METRICS: Metrics = {
  business_id: 'b1',
  period_start: '2026-10-22',
  period_end: '2026-11-20',
  currency: 'usd',
  revenue_total: 12000,
  revenue_volatility: 0.28,
  revenue_trend: 'stable',
  chargeback_count: 1,
  chargeback_ratio: 0.002,
  refund_count: 6,
  refund_ratio: 0.012,
  payout_reliability: 1,
  transaction_count: 500,
  average_transaction_size: 24,
  mrr: null,
  details: { not_measured: { mrr: 'there never was a subscription' }, low_sample: [], samples: {}, net_volume: 11850 },
  computed_at: '2026-11-20T12:00:00Z',
  stale: false,
};
const STATUS: StripeStatus = { connected: true, account_id: 'acct_1' };
const DEFINITIONS = {
  metrics: [
    {
      key: 'mrr',
      label: 'Monthly recurring revenue',
      unit: 'money',
      meaning: 'What subscriptions bring a month.',
      formula: 'price × quantity',
      source: 'subscriptions',
      low_sample_below: null,
    },
  ],
};
const NO_DATA = { status: 404, code: 'NO_DATA' };

type Answer = object | { status: number; code: string };
let answers: Record<string, Answer>;

beforeEach(() => {
  vi.resetModules();
  localStorage.clear();
  localStorage.setItem('vaultra_token', 'token');
  answers = {
    '/auth/me': { id: 'u', email: 'a@b.co', name: 'A', businesses: [{ id: 'b1', name: 'Lark', role: 'owner' }] },
    '/integrations/stripe/status': STATUS,
    '/metrics': METRICS,
    '/metrics/definitions': DEFINITIONS,
    '/readiness': EXAMPLE_READINESS,
  };
  vi.stubGlobal('fetch', async (request: Request) => {
    const answer = answers[new URL(request.url).pathname.replace('/api/v1', '')] ?? { status: 404, code: 'NOT_FOUND' };
    if (!('code' in answer)) return Response.json(answer);
    const error = { code: answer.code, message: 'Words of the API.', details: {}, request_id: 'req_7' };
    return Response.json({ error }, { status: answer.status });
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function show() {
  const { default: Overview } = await import('../src/components/Overview');
  render(<Overview />);
}

it('shows the answer, the sum and the figures', async () => {
  await show();
  expect(await screen.findByRole('heading', { name: /^Funding-ready, at 83 of 100/ })).toBeTruthy();
  expect(screen.getByRole('img', { name: /Score 83 of 100, Funding-ready/ })).toBeTruthy();
  const sum = screen.getByRole('region', { name: 'How the score adds up' });
  expect(within(sum).getByText(/running total 83/)).toBeTruthy();
  expect(await screen.findByText('$24.00')).toBeTruthy();
});

it('says why a figure is missing instead of showing a zero', async () => {
  await show();
  const tile = (await screen.findByRole('heading', { name: 'Monthly recurring revenue' })).closest('li');
  expect(tile?.textContent).toContain('—');
  expect(tile?.textContent).toContain('There never was a subscription.');
  expect(tile?.textContent).toContain('What subscriptions bring a month.');
});

it('shows how far the reading has come before the first score', async () => {
  const sync = { phase: 'recent' as const, percent: 35, objects: 4210, started_at: '2026-11-20T12:00:00Z' };
  answers = {
    ...answers,
    '/metrics': NO_DATA,
    '/readiness': NO_DATA,
    '/integrations/stripe/status': { ...STATUS, sync },
  };
  await show();
  expect(await screen.findByText('4,210 objects read, 35%')).toBeTruthy();
  expect(screen.queryByText(/of 100/)).toBeNull();
});

it('leads to the connection when Stripe is not connected', async () => {
  answers = {
    ...answers,
    '/metrics': NO_DATA,
    '/readiness': NO_DATA,
    '/integrations/stripe/status': { connected: false },
  };
  await show();
  const link = await screen.findByRole('link', { name: 'Connect Stripe' });
  expect(link.getAttribute('href')).toBe('/onboarding/stripe-connect/?business_id=b1');
});

it('asks nobody to connect Stripe who may only read', async () => {
  answers = {
    ...answers,
    '/auth/me': { id: 'u', email: 'a@b.co', name: 'A', businesses: [{ id: 'b1', name: 'Lark', role: 'viewer' }] },
    '/integrations/stripe/status': { connected: false },
  };
  await show();
  expect(await screen.findByText(/Stripe is not connected\./)).toBeTruthy();
  expect(screen.queryByRole('link', { name: 'Connect Stripe' })).toBeNull();
  cleanup();
  vi.resetModules();
  answers = { ...answers, '/metrics': NO_DATA, '/readiness': NO_DATA };
  await show();
  expect(await screen.findByText(/takes an owner or an admin/)).toBeTruthy();
  expect(screen.queryByRole('link', { name: 'Connect Stripe' })).toBeNull();
});

it('keeps the last figures when a refresh fails, and names the request', async () => {
  await show();
  await screen.findByText('$24.00');
  answers['/metrics'] = { status: 400, code: 'BROKEN' };
  const { queryClient } = await import('../src/lib/query');
  await queryClient.invalidateQueries({ queryKey: ['metrics'] });
  const alert = await screen.findByRole('alert');
  expect(alert.textContent).toContain('req_7');
  expect(screen.getByText('$24.00')).toBeTruthy();
  answers['/metrics'] = METRICS;
  await userEvent.click(within(alert).getByRole('button', { name: 'Try again' }));
  await vi.waitFor(() => expect(screen.queryByRole('alert')).toBeNull());
});
