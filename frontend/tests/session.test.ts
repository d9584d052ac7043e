import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const business = (id: string, role = 'owner' as const) => ({ id, name: id, role });

function token(exp: number): string {
  return ['{}', JSON.stringify({ exp }), 'signature'].map((part) => btoa(part).replaceAll('=', '')).join('.');
}

// Each test gets the modules anew, as a page load does.
beforeEach(() => {
  vi.resetModules();
  localStorage.clear();
});
afterEach(() => vi.unstubAllGlobals());

describe('the token', () => {
  it('is kept under the documented key and sent as a bearer token', async () => {
    const auth = await import('../src/lib/auth');
    auth.setToken('abc');
    expect(localStorage.getItem('vaultra_token')).toBe('abc');
    expect(auth.getAuthHeaders()).toEqual({ Authorization: 'Bearer abc' });
    auth.removeToken();
    expect(localStorage.getItem('vaultra_token')).toBeNull();
    expect(auth.getToken()).toBeNull();
    expect(auth.getAuthHeaders()).toEqual({});
    expect(auth.isAuthenticated()).toBe(false);
  });
  it('stops counting once it has run out', async () => {
    const auth = await import('../src/lib/auth');
    auth.setToken(token(1000));
    expect(auth.isAuthenticated(999_999)).toBe(true);
    expect(auth.isAuthenticated(1_000_001)).toBe(false);
  });
});

describe('the way back after signing in', () => {
  it.each([
    ['/dashboard/?business_id=b1', '/dashboard/?business_id=b1'],
    [null, '/dashboard/'],
    ['https://evil.test/', '/dashboard/'],
    ['//evil.test/', '/dashboard/'],
    ['/\\evil.test/', '/dashboard/'],
    ['javascript:alert(1)', '/dashboard/'],
    ['/auth/login/', '/dashboard/'],
  ])('%s leads to %s', async (next, to) => {
    const { safeNext } = await import('../src/lib/auth');
    expect(safeNext(next)).toBe(to);
  });
});

describe('the current business', () => {
  it('comes from the address, then from the last choice, then from being the only one', async () => {
    const { chooseBusiness } = await import('../src/lib/business');
    const two = [business('b1'), business('b2')];
    expect(chooseBusiness([], '', 'b1')).toEqual({ kind: 'none' });
    expect(chooseBusiness(two, 'b2', 'b1')).toMatchObject({ kind: 'chosen', business: { id: 'b2' } });
    expect(chooseBusiness(two, '', 'b1')).toMatchObject({ kind: 'chosen', business: { id: 'b1' } });
    expect(chooseBusiness(two, '', 'gone')).toEqual({ kind: 'choose', foreign: false });
    expect(chooseBusiness([business('b1')], '', 'gone')).toMatchObject({ kind: 'chosen', business: { id: 'b1' } });
  });
  it('is never silently another than the address names', async () => {
    const { chooseBusiness } = await import('../src/lib/business');
    expect(chooseBusiness([business('b1')], 'foreign', 'b1')).toEqual({ kind: 'choose', foreign: true });
  });
});

describe('the API client', () => {
  const answer = (status: number, body: unknown) =>
    vi.stubGlobal(
      'fetch',
      vi.fn(
        async () => new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } }),
      ),
    );
  const envelope = (code: string, details = {}) => ({
    error: { code, message: 'Words.', details, request_id: 'req_1' },
  });

  it('carries the envelope in its error', async () => {
    answer(400, envelope('VALIDATION_ERROR', { field: 'email', reason: 'must be an email address' }));
    const { signup } = await import('../src/lib/api');
    await expect(signup({ email: 'x', password: 'y', name: 'z' })).rejects.toMatchObject({
      status: 400,
      code: 'VALIDATION_ERROR',
      requestId: 'req_1',
      field: 'email',
      reason: 'must be an email address',
    });
  });
  it('reads "nothing computed yet" as a state, and other 404s as errors', async () => {
    answer(404, envelope('NO_DATA'));
    const { readinessQuery } = await import('../src/lib/query');
    expect(await readinessQuery('b1').queryFn()).toBeNull();
    answer(404, envelope('NOT_FOUND'));
    await expect(readinessQuery('b1').queryFn()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
  it('says when no answer came, and when it is not one of ours', async () => {
    const { getCurrentUser } = await import('../src/lib/api');
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
    await expect(getCurrentUser()).rejects.toMatchObject({ status: 0, code: 'NO_ANSWER' });
    vi.stubGlobal('fetch', async () => new Response('<html>', { status: 502 }));
    await expect(getCurrentUser()).rejects.toMatchObject({ status: 502, code: 'UNEXPECTED' });
  });
  it('ends the session on a 401, but not over a wrong password', async () => {
    const replace = vi.fn();
    vi.stubGlobal('location', {
      ...location,
      origin: location.origin,
      pathname: '/dashboard/',
      search: '?business_id=b1',
      replace,
    });
    localStorage.setItem('vaultra_token', 'old');
    answer(401, envelope('UNAUTHORIZED'));
    const { getCurrentUser, login } = await import('../src/lib/api');
    await expect(login({ email: 'a@b.co', password: 'no' })).rejects.toMatchObject({ status: 401 });
    expect(replace).not.toHaveBeenCalled();
    await expect(getCurrentUser()).rejects.toMatchObject({ status: 401 });
    expect(replace).toHaveBeenCalledExactlyOnceWith(
      '/auth/login/?next=%2Fdashboard%2F%3Fbusiness_id%3Db1&reason=expired',
    );
    expect(localStorage.getItem('vaultra_token')).toBeNull();
  });
});
