import { cleanup, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const KEY = 'rk_live_ofTheTests0123456789';
const REFUSAL = 'This key can change things at Stripe: Payouts. Set these to Read or None.';

type Answer = { status: number; body: unknown };
let status: object;
let onKey: Answer;
let sent: unknown[];

const refusal = (code: string, message: string, details: object = {}): unknown => ({
  error: { code, message, details, request_id: 'req_7' },
});

beforeEach(() => {
  vi.resetModules();
  localStorage.clear();
  localStorage.setItem('vaultra_token', 'token');
  history.replaceState(null, '', '/onboarding/stripe-connect/');
  status = { connected: false };
  sent = [];
  vi.stubGlobal('fetch', async (request: Request) => {
    const path = new URL(request.url).pathname.replace('/api/v1', '');
    if (path === '/auth/me') {
      return Response.json({ id: 'u', email: 'a@b.co', name: 'A', businesses: [{ id: 'b1', name: 'Lark', role }] });
    }
    if (path === '/integrations/stripe/key') {
      sent.push(await request.json());
      return Response.json(onKey.body, { status: onKey.status });
    }
    return Response.json(status);
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  role = 'owner';
});
let role = 'owner';

async function open(): Promise<HTMLInputElement> {
  const { default: StripeConnect } = await import('../src/components/StripeConnect');
  render(<StripeConnect />);
  await userEvent.click(await screen.findByText('Use a restricted key instead'));
  return screen.getByLabelText<HTMLInputElement>('Paste the key here');
}

async function paste(field: HTMLInputElement): Promise<void> {
  await userEvent.type(field, ` ${KEY} `);
  await userEvent.click(screen.getByRole('button', { name: 'Connect with this key' }));
}

it('connects with the key and keeps it nowhere', async () => {
  onKey = { status: 200, body: { connected: true, account_id: 'acct_1', mode: 'key' } };
  const field = await open();
  expect([field.type, field.autocomplete, field.name]).toEqual(['password', 'off', '']);
  await paste(field);
  expect(await screen.findByText('Stripe is connected')).toBeTruthy();
  expect(screen.getByText(/delete it at Stripe, too/)).toBeTruthy();
  expect(sent).toEqual([{ business_id: 'b1', restricted_key: KEY }]);
  expect(document.body.innerHTML).not.toContain(KEY);
  expect(JSON.stringify({ ...localStorage, ...sessionStorage }) + location.href).not.toContain('rk_live');
  const { queryClient } = await import('../src/lib/query');
  const kept = queryClient.getMutationCache().getAll();
  expect(JSON.stringify(kept.map(({ state }) => state))).not.toContain(KEY);
});

it('says at the field what is wrong with the key, and takes another', async () => {
  const details = { field: 'restricted_key', reason: REFUSAL };
  onKey = { status: 422, body: refusal('UNPROCESSABLE', REFUSAL, details) };
  const field = await open();
  await paste(field);
  expect((await screen.findByRole('alert')).textContent).toBe(REFUSAL);
  expect(field.getAttribute('aria-invalid')).toBe('true');
  expect(document.activeElement).toBe(field);
  onKey = { status: 200, body: { connected: true, account_id: 'acct_1', mode: 'key' } };
  await userEvent.click(screen.getByRole('button', { name: 'Connect with this key' }));
  expect(await screen.findByText('Stripe is connected')).toBeTruthy();
});

it('says what else went wrong in a notice', async () => {
  onKey = { status: 409, body: refusal('CONFLICT', 'This Stripe account is connected to another business.') };
  await paste(await open());
  expect(await screen.findByText('The key was not connected')).toBeTruthy();
  expect(screen.getByText('This Stripe account is connected to another business.')).toBeTruthy();
});

it('names on the page what the link asks Stripe for', async () => {
  const { CREATE_KEY_URL, KEY_PERMISSIONS } = await import('../src/lib/stripe-key');
  await open();
  const link = screen.getByRole('link', { name: 'Create a restricted key at Stripe' });
  expect(link.getAttribute('href')).toBe(CREATE_KEY_URL);
  const asked = new URL(CREATE_KEY_URL).searchParams.getAll('permissions[]');
  expect(asked.every((name) => /^rak_[a-z_]+_read$/.test(name))).toBe(true);
  for (const label of KEY_PERMISSIONS) expect(screen.getByText(label)).toBeTruthy();
});

it('is not offered to a viewer', async () => {
  role = 'viewer';
  const { default: StripeConnect } = await import('../src/components/StripeConnect');
  render(<StripeConnect />);
  expect(await screen.findByText(/takes an owner or an admin/)).toBeTruthy();
  expect(screen.queryByText('Use a restricted key instead')).toBeNull();
});
