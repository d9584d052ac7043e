import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Answer, type Asked, answering, leaving, me, recommendation } from './api-answers';

const FIRST = recommendation('r1', { estimated_impact: 15, effort: 'large' });
const SECOND = recommendation('r2', { estimated_impact: 2, effort: 'small' });
const DONE = recommendation('r3', {
  status: 'resolved',
  estimated_impact: 10,
  proof: {
    before: { score: 68, currency: 'usd', metrics: { chargeback_ratio: 0.024 } },
    after: { score: 83, currency: 'usd', metrics: { chargeback_ratio: null } },
  },
});

let answers: Record<string, Answer>;
let asked: Asked[];

beforeEach(() => {
  vi.resetModules();
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function () {
    this.open = false;
    this.dispatchEvent(new Event('close'));
  };
  localStorage.clear();
  localStorage.setItem('vaultra_token', 'token');
  history.replaceState(null, '', '/dashboard/recommendations/');
  answers = {
    '/auth/me': me(),
    '/integrations/stripe/status': { connected: true },
    '/metrics/definitions': { metrics: [{ key: 'chargeback_ratio', label: 'Chargeback ratio', unit: 'ratio' }] },
    '/recommendations': { recommendations: [FIRST, SECOND, DONE], next_cursor: null },
  };
  asked = answering(() => answers);
});
afterEach(leaving);

async function show() {
  const { default: Recommendations } = await import('../src/components/Recommendations');
  render(<Recommendations />);
  await screen.findAllByRole('article');
}

const titles = () => screen.getAllByRole('article').map((card) => within(card).getByRole('heading').textContent);
const decisions = () => asked.filter(({ method }) => method === 'PATCH').map(({ path, body }) => [path, body]);

it('shows what is to do, the weightiest first, and keeps another order in the address', async () => {
  await show();
  expect(titles()).toEqual(['Title of r1', 'Title of r2']);
  await userEvent.selectOptions(screen.getByLabelText('Order'), 'Least effort first');
  expect(titles()).toEqual(['Title of r2', 'Title of r1']);
  await userEvent.click(screen.getByRole('button', { name: 'Done 1' }));
  expect(titles()).toEqual(['Title of r3']);
  expect(location.search).toBe('?sort=effort&status=resolved');
});

it('starts as the address says', async () => {
  history.replaceState(null, '', '?status=all&sort=effort#r-r3');
  await show();
  expect(titles()).toEqual(['Title of r2', 'Title of r3', 'Title of r1']);
  expect(document.activeElement?.id).toBe('r-r3');
});

it('adds to the plan at once, and takes it back with one click', async () => {
  let answer = (_: object) => {};
  answers['PATCH /recommendations/r1'] = new Promise<object>((resolve) => {
    answer = resolve;
  });
  await show();
  await userEvent.click(screen.getByRole('button', { name: 'Add to my plan: Title of r1' }));
  expect(titles()).toEqual(['Title of r2']);
  expect(screen.getByRole('button', { name: 'In your plan 1' })).toBeTruthy();
  await vi.waitFor(() => expect(decisions()).toEqual([['/recommendations/r1', { status: 'accepted', reason: null }]]));
  answer({ ...FIRST, status: 'accepted' });
  answers['PATCH /recommendations/r1'] = FIRST;
  await userEvent.click(screen.getByRole('button', { name: 'Undo' }));
  expect(titles()).toEqual(['Title of r1', 'Title of r2']);
  await vi.waitFor(() =>
    expect(decisions().at(-1)).toEqual(['/recommendations/r1', { status: 'pending', reason: null }]),
  );
});

it('stands as before when the server refuses, and says why', async () => {
  answers['PATCH /recommendations/r1'] = { status: 409, code: 'CONFLICT' };
  await show();
  answers['/recommendations'] = new Promise<object>(() => {}); // the list is not read again meanwhile
  await userEvent.click(screen.getByRole('button', { name: 'Add to my plan: Title of r1' }));
  expect(await screen.findByText('“Title of r1” stays as it was. Words of the API.')).toBeTruthy();
  expect(titles()).toEqual(['Title of r1', 'Title of r2']);
  expect(screen.queryByRole('button', { name: 'Undo' })).toBeNull();
});

it('asks why before it dismisses', async () => {
  answers['PATCH /recommendations/r2'] = { ...SECOND, status: 'dismissed', reason: 'We close in winter' };
  await show();
  await userEvent.click(screen.getByRole('button', { name: 'Dismiss: Title of r2' }));
  const dialog = screen.getByRole('dialog', { name: 'Dismiss “Title of r2”?' });
  await userEvent.click(within(dialog).getByLabelText('Something else'));
  await userEvent.type(within(dialog).getByLabelText('The reason in your words'), ' We close in winter ');
  expect(decisions()).toEqual([]);
  await userEvent.click(within(dialog).getByRole('button', { name: 'Dismiss' }));
  expect(titles()).toEqual(['Title of r1']);
  await vi.waitFor(() =>
    expect(decisions()).toEqual([['/recommendations/r2', { status: 'dismissed', reason: 'We close in winter' }]]),
  );
  await userEvent.click(screen.getByRole('button', { name: 'Dismissed 1' }));
  expect(screen.getByText('Your reason: We close in winter')).toBeTruthy();
});

it('keeps what nobody meant to dismiss', async () => {
  await show();
  await userEvent.click(screen.getByRole('button', { name: 'Dismiss: Title of r2' }));
  await userEvent.click(screen.getByRole('button', { name: 'Keep it' }));
  expect(screen.queryByRole('dialog')).toBeNull();
  expect([titles(), decisions()]).toEqual([['Title of r1', 'Title of r2'], []]);
});

it('proves what was done by the figures before and after', async () => {
  history.replaceState(null, '', '?status=resolved');
  await show();
  expect(screen.getByText(/^Predicted: 10 points\. Since then, the score went from 68 to 83/)).toBeTruthy();
  expect(screen.getByRole('row', { name: 'Chargeback ratio 2.4% —' })).toBeTruthy();
  expect(screen.getByRole('row', { name: 'Score 68 83' })).toBeTruthy();
});

it('lets viewers read only', async () => {
  answers['/auth/me'] = me('viewer');
  await show();
  expect(screen.getByText(/takes an owner or an admin/)).toBeTruthy();
  expect(screen.queryByRole('button', { name: /plan:|Dismiss:/ })).toBeNull();
});

it('leads to the connection when there is nothing to compute from', async () => {
  answers['/integrations/stripe/status'] = { connected: false };
  answers['/recommendations'] = { recommendations: [], next_cursor: null };
  const { default: Recommendations } = await import('../src/components/Recommendations');
  render(<Recommendations />);
  const link = await screen.findByRole('link', { name: 'Connect Stripe' });
  expect(link.getAttribute('href')).toBe('/onboarding/stripe-connect/?business_id=b1');
  expect(screen.queryByLabelText('Order')).toBeNull();
});
