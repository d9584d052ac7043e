import { act, cleanup, fireEvent, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { EXAMPLE_READINESS } from '../src/lib/example';
import type { Changes, Metrics, Path, StripeStatus } from '../src/lib/types';
import { type Answer, type Asked, answering, leaving, me, NO_DATA, recommendation } from './api-answers';

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
  details: {
    not_measured: { mrr: 'there never was a subscription' },
    low_sample: [],
    samples: {},
    buckets: [],
    net_volume: 11850,
  },
  computed_at: '2026-11-20T12:00:00Z',
  stale: false,
};
const STATUS: StripeStatus = { connected: true, account_id: 'acct_1', last_synced_at: '2026-11-20T12:00:00Z' };
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
const PATH: Path = {
  business_id: 'b1',
  as_of: '2026-11-20T12:00:00Z',
  score: 83,
  tier: 'funding_ready',
  target: 'highly_attractive',
  reachable: true,
  on: '2027-01-14',
  score_then: 88,
  summary: '',
  steps: [
    {
      rules: ['revenue_volatility'],
      effort: 'keep',
      gain: 5,
      earliest: '2027-01-14',
      sentence: 'Sell as in the last 30 days.',
      targets: [],
    },
  ],
  calendar: [],
  leaving: [],
  leaving_total: 0,
  assumption: 'Sales go on.',
  disclaimer: '',
};
const MOMENT = { tier: 'funding_ready', formula_version: '1' } as const;
const CHANGES: Changes = {
  before: { ...MOMENT, score: 85, scored_on: '2026-10-21', created_at: '2026-10-21T12:00:00Z' },
  after: { ...MOMENT, score: 83, scored_on: '2026-11-20', created_at: '2026-11-20T12:00:00Z' },
  difference: -2,
  clamp: 0,
  formula_changed: false,
  summary: '',
  rules: [],
  disclaimer: '',
};
const UNSCORED = { '/metrics': NO_DATA, '/readiness': NO_DATA, '/readiness/path': NO_DATA };

let answers: Record<string, Answer>;
let asked: Asked[];

beforeEach(() => {
  vi.resetModules();
  localStorage.clear();
  localStorage.setItem('vaultra_token', 'token');
  history.replaceState(null, '', '/dashboard/');
  answers = {
    '/auth/me': me(),
    '/integrations/stripe/status': STATUS,
    '/metrics': METRICS,
    '/metrics/definitions': DEFINITIONS,
    '/metrics/history': { metrics: [] },
    '/readiness': EXAMPLE_READINESS,
    '/readiness/changes': CHANGES,
    '/readiness/path': PATH,
    '/readiness/criteria': { criteria: [], note: 'Information, not offers.', disclaimer: '' },
    '/recommendations': { recommendations: [], next_cursor: null },
  };
  asked = answering(() => answers);
});
afterEach(leaving);

async function show() {
  const { default: Overview } = await import('../src/components/Overview');
  render(<Overview />);
}

it('shows the answer, the sum and the figures', async () => {
  await show();
  expect(await screen.findByRole('heading', { name: /^Funding-ready, at 83 of 100/ })).toBeTruthy();
  expect(screen.getByRole('img', { name: /Score 83 of 100, Funding-ready/ })).toBeTruthy();
  const sum = await screen.findByRole('region', { name: 'How the score adds up' });
  expect(within(sum).getByText(/running total 83/)).toBeTruthy();
  expect(await screen.findByText('$24.00')).toBeTruthy();
});

it('asks each question once', async () => {
  await show();
  await screen.findByRole('region', { name: 'What lenders publish' });
  await screen.findByText('$24.00');
  const paths = asked.map(({ path }) => path);
  expect(paths).toHaveLength(new Set(paths).size);
  expect(paths).toContain('/recommendations');
});

it('asks again what explains a score when there is a new one', async () => {
  await show();
  await screen.findByText('$24.00');
  asked.length = 0;
  answers['/readiness'] = { ...EXAMPLE_READINESS, created_at: '2026-11-20T13:00:00Z' };
  const { queryClient } = await import('../src/lib/query');
  await queryClient.invalidateQueries({ queryKey: ['readiness'] });
  const explaining = ['/readiness/changes', '/readiness/path', '/readiness/criteria', '/recommendations'];
  await vi.waitFor(() => expect(asked.map(({ path }) => path)).toEqual(expect.arrayContaining(explaining)));
});

it('shows the answer while it waits for what decides where the rest stands', async () => {
  let arrive = (_: object) => {};
  answers['/recommendations'] = new Promise<object>((resolve) => {
    arrive = resolve;
  });
  await show();
  await screen.findByRole('heading', { name: /^Funding-ready, at 83 of 100/ });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(screen.queryByRole('region', { name: 'How the score adds up' })).toBeNull();
  arrive({ recommendations: [], next_cursor: null });
  expect(await screen.findByRole('region', { name: 'How the score adds up' })).toBeTruthy();
});

it('does not wait for what fails', async () => {
  answers['/recommendations'] = { status: 503, code: 'UNAVAILABLE' };
  await show();
  expect(await screen.findByRole('region', { name: 'How the score adds up' })).toBeTruthy();
});

it('says the name of a signal once', async () => {
  await show();
  const sum = await screen.findByRole('region', { name: 'How the score adds up' });
  const chargebacks = within(sum).getByText('Chargebacks').closest('li');
  expect(chargebacks?.textContent).toContain('ChargebacksIn the last 30 days: ');
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
    ...UNSCORED,
    '/integrations/stripe/status': { ...STATUS, sync },
  };
  await show();
  expect(await screen.findByText('4,210 objects read, 35%')).toBeTruthy();
  expect(screen.queryByText(/of 100/)).toBeNull();
});

it('leads to the connection when Stripe is not connected', async () => {
  answers = {
    ...answers,
    ...UNSCORED,
    '/integrations/stripe/status': { connected: false },
  };
  await show();
  const link = await screen.findByRole('link', { name: 'Connect Stripe' });
  expect(link.getAttribute('href')).toBe('/onboarding/stripe-connect/?business_id=b1');
});

it('asks nobody to connect Stripe who may only read', async () => {
  answers = {
    ...answers,
    '/auth/me': me('viewer'),
    '/integrations/stripe/status': { connected: false },
  };
  await show();
  expect(await screen.findByText(/Stripe is not connected\./)).toBeTruthy();
  expect(screen.queryByRole('link', { name: 'Connect Stripe' })).toBeNull();
  cleanup();
  vi.resetModules();
  answers = { ...answers, ...UNSCORED };
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

it('leads from a rule to its metric, and to the advice about it', async () => {
  answers['/recommendations'] = {
    recommendations: [recommendation('r1', { metric_refs: ['revenue_volatility'] })],
    next_cursor: null,
  };
  await show();
  const sum = await screen.findByRole('region', { name: 'How the score adds up' });
  const metric = within(sum).getByRole('link', { name: 'Metric: Payouts' });
  expect(metric.getAttribute('href')).toBe('/dashboard/metrics/?business_id=b1&metric=payout_reliability');
  const advice = await within(sum).findByRole('link', { name: 'Title of r1' });
  expect(advice.getAttribute('href')).toBe('/dashboard/recommendations/?business_id=b1&status=all#r-r1');
  expect(advice.closest('li')?.textContent).toContain('Revenue stability');
});

it('tells against which score it changed', async () => {
  await show();
  expect(await screen.findByText('Down 2 points from 85, since 21 October 2026')).toBeTruthy();
});

it('shows the way to the next tier, and what to do next', async () => {
  answers['/recommendations'] = {
    recommendations: ['r1', 'r2', 'r3', 'r4'].map((id) => recommendation(id)),
    next_cursor: null,
  };
  await show();
  const path = await screen.findByRole('region', { name: 'The way to Highly attractive' });
  expect(path.textContent).toContain('By 14 January 2027 with 1 step: the score is then 88, today it is 83.');
  const next = screen.getByRole('region', { name: 'What to do next' });
  expect(within(next).getAllByRole('listitem')).toHaveLength(3);
  expect(within(next).getByRole('link', { name: 'All recommendations, 1 more' })).toBeTruthy();
});

it('keeps the first steps until they are done or put away', async () => {
  await show();
  const steps = await screen.findByRole('region', { name: 'First steps, 3 of 4 done' });
  await userEvent.click(within(steps).getByRole('button', { name: 'Put the first steps away' }));
  expect(screen.queryByText(/^First steps/)).toBeNull();
  cleanup();
  vi.resetModules();
  localStorage.removeItem('vaultra_checklist_done:b1');
  answers['/recommendations'] = { recommendations: [recommendation('r1', { status: 'accepted' })], next_cursor: null };
  await show();
  await screen.findByText('Title of r1');
  expect(screen.queryByText(/^First steps/)).toBeNull();
});

it('has Stripe read on demand, and says when that has to wait', async () => {
  answers['POST /integrations/stripe/sync'] = { status: 429, code: 'RATE_LIMITED' };
  await show();
  await userEvent.click(await screen.findByRole('button', { name: 'Read now' }));
  expect(await screen.findByText('Read less than a minute ago.')).toBeTruthy();
  answers['POST /integrations/stripe/sync'] = {};
  await userEvent.click(screen.getByRole('button', { name: 'Read now' }));
  expect(await screen.findByText('Reading what is new at Stripe')).toBeTruthy();
  answers['/integrations/stripe/status'] = { ...STATUS, last_synced_at: '2026-11-20T12:05:00Z' };
  expect(await screen.findByText('Stripe has been read', {}, { timeout: 4_000 })).toBeTruthy();
});

it('asks the server what other figures would give, and the address keeps the question', async () => {
  const { components } = EXAMPLE_READINESS;
  const rules = components.rules.map((rule) => (rule.key === 'payout_reliability' ? { ...rule, points: -10 } : rule));
  answers['POST /readiness/simulate'] = {
    business_id: 'b1',
    score: 63,
    tier: 'improving',
    tier_label: 'Improving',
    difference: -20,
    before: 83,
    components: { ...components, rules },
    disclaimer: '',
  };
  await show();
  const slider = await screen.findByRole('slider', { name: 'Payouts in time' });
  fireEvent.change(slider, { target: { value: '0.8' } });
  const what = screen.getByRole('region', { name: 'What if' });
  expect(await within(what).findByText('63')).toBeTruthy();
  expect(what.textContent).toContain('−20 points');
  expect(what.textContent).toContain('Payouts+10 to −10');
  expect(asked.filter(({ path }) => path === '/readiness/simulate').map(({ body }) => body)).toEqual([
    { business_id: 'b1', changes: { payout_reliability: 0.8 } },
  ]);
  expect(new URLSearchParams(location.search).get('what_if')).toBe('payout_reliability:0.8');
  await userEvent.click(within(what).getByRole('button', { name: 'Reset' }));
  expect(within(what).queryByText('63')).toBeNull();
  await vi.waitFor(() => expect(location.search).not.toContain('what_if'));
});

it('puts a summary on paper, and only there', async () => {
  await show();
  await screen.findByText('$24.00');
  expect(screen.queryByRole('article', { name: 'Summary for print' })).toBeNull();
  act(() => void dispatchEvent(new Event('beforeprint')));
  const summary = screen.getByRole('article', { name: 'Summary for print' });
  const points = within(summary).getByRole('table', { name: 'How the score adds up' });
  expect(within(points).getByRole('row', { name: 'Score 83' })).toBeTruthy();
  expect(within(summary).getByRole('row', { name: 'Average transaction size $24.00' })).toBeTruthy();
  act(() => void dispatchEvent(new Event('afterprint')));
  expect(screen.queryByRole('article', { name: 'Summary for print' })).toBeNull();
});
