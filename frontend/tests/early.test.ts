import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Asked, answering, leaving, me } from './api-answers';

let asked: Asked[];

beforeEach(() => {
  vi.resetModules();
  localStorage.clear();
  localStorage.setItem('vaultra_token', 'token');
  localStorage.setItem('vaultra_current_business_id', 'b1');
  history.replaceState(null, '', '/dashboard/');
  asked = answering(() => ({ '/auth/me': me(), '/integrations/stripe/status': { connected: true } }));
});
afterEach(leaving);

async function askEarly() {
  const { askEarly } = await import('../src/lib/early');
  const { statusQuery } = await import('../src/lib/query');
  askEarly((id) => [statusQuery(id)]);
}

async function paths(): Promise<string[]> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  return asked.map(({ path }) => path);
}

it('asks who it is and about the business of last time, all at once', async () => {
  await askEarly();
  expect(await paths()).toEqual(['/auth/me', '/integrations/stripe/status']);
});

it('asks nothing a second time for who shows the answer', async () => {
  await askEarly();
  const { queryClient, statusQuery } = await import('../src/lib/query');
  expect(await queryClient.query(statusQuery('b1'))).toEqual({ connected: true });
  expect(await paths()).toEqual(['/auth/me', '/integrations/stripe/status']);
});

it('asks about the business in the address only where it is that of last time', async () => {
  history.replaceState(null, '', '/dashboard/?business_id=b2');
  await askEarly();
  expect(await paths()).toEqual(['/auth/me']);
});

it('asks nothing for nobody', async () => {
  localStorage.removeItem('vaultra_token');
  await askEarly();
  expect(await paths()).toEqual([]);
});

it('leaves an answer that fails to who shows it', async () => {
  asked = answering(() => ({ '/auth/me': me(), '/integrations/stripe/status': { status: 400, code: 'BROKEN' } }));
  await askEarly();
  await paths();
  const { queryClient, statusQuery } = await import('../src/lib/query');
  await expect(queryClient.query(statusQuery('b1'))).rejects.toThrow('Words of the API.');
});
