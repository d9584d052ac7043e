import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const business = (id: string, role = 'owner' as const) => ({ id, name: id, role });

function token(exp: number, claims: object = {}): string {
  return ['{}', JSON.stringify({ exp, ...claims }), 'signature']
    .map((part) => btoa(part).replaceAll('=', ''))
    .join('.');
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
    ['/x/../auth/login/', '/dashboard/'],
    ['/auth', '/dashboard/'],
    ['/api/v1/auth/google', '/dashboard/'],
    ['/authors/', '/authors/'],
    ['/auth/invitation/', '/auth/invitation/'],
    ['/auth/invitation/?x=1#token=of-a-stranger', '/auth/invitation/'],
    ['/auth/invitation/../login/', '/dashboard/'],
  ])('%s leads to %s', async (next, to) => {
    const { safeNext } = await import('../src/lib/auth');
    expect(safeNext(next)).toBe(to);
  });
  it('is kept from one sign-in page to another, unless it leads nowhere', async () => {
    const { withNext } = await import('../src/lib/auth');
    expect(withNext('/auth/signup/', '/dashboard/?business_id=b1')).toBe(
      '/auth/signup/?next=%2Fdashboard%2F%3Fbusiness_id%3Db1',
    );
    expect(withNext('/auth/signup/', '//evil.test/')).toBe('/auth/signup/');
    expect(withNext('/auth/signup/', null)).toBe('/auth/signup/');
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
  it('does not end a session over the answer to a token that was replaced meanwhile', async () => {
    const { getToken, setToken } = await import('../src/lib/auth');
    setToken('old');
    vi.stubGlobal('fetch', async () => {
      setToken('new');
      return Response.json(envelope('UNAUTHORIZED'), { status: 401 });
    });
    const { getCurrentUser } = await import('../src/lib/api');
    await expect(getCurrentUser()).rejects.toMatchObject({ status: 401 });
    expect(getToken()).toBe('new');
  });
});

describe('a session', () => {
  const DAY = 86_400;
  const old = token(9 * DAY, { iat: 2 * DAY, user_id: 'u1' });
  const fresh = token(10 * DAY, { iat: 3 * DAY + 1, user_id: 'u1' });
  const now = (3 * DAY + 1) * 1000;

  async function signedIn(answer: (request: Request) => Promise<Response> | Response) {
    const fetch = vi.fn(answer);
    vi.stubGlobal('fetch', fetch);
    localStorage.setItem('vaultra_token', old);
    return { fetch, auth: await import('../src/lib/auth'), session: await import('../src/lib/session') };
  }

  it('is renewed once a day of its token is over, and not before', async () => {
    const { fetch, auth, session } = await signedIn(() => Response.json({ token: fresh }));
    await session.refreshWhenDue(now - 2000);
    expect(fetch).not.toHaveBeenCalled();
    await session.refreshWhenDue(now);
    await session.refreshWhenDue(now);
    expect(fetch).toHaveBeenCalledOnce();
    expect(fetch.mock.calls[0]?.[0].headers.get('Authorization')).toBe(`Bearer ${old}`);
    expect(auth.getToken()).toBe(fresh);
  });
  it('is not renewed when it has run out', async () => {
    const { fetch, session } = await signedIn(() => Response.json({ token: fresh }));
    await session.refreshWhenDue(10 * DAY * 1000);
    expect(fetch).not.toHaveBeenCalled();
  });
  it('goes on silently when it cannot be renewed', async () => {
    const { auth, session } = await signedIn(() => Promise.reject(new TypeError('Failed to fetch')));
    await session.refreshWhenDue(now);
    expect(auth.getToken()).toBe(old);
  });
  it('stays ended when it was ended while it was renewed', async () => {
    const { auth, session } = await signedIn(async () => {
      auth.signOut();
      return Response.json({ token: fresh });
    });
    await session.refreshWhenDue(now);
    expect(auth.getToken()).toBeNull();
  });
  it('keeps what the page has read when it is renewed, and not when another user signs in', async () => {
    const { auth } = await signedIn(() => Response.json({}));
    const { queryClient } = await import('../src/lib/query');
    queryClient.setQueryData(['me'], 'the user');
    auth.setToken(fresh);
    expect(queryClient.getQueryData(['me'])).toBe('the user');
    auth.setToken(token(10 * DAY, { user_id: 'u2' }));
    expect(queryClient.getQueryData(['me'])).toBeUndefined();
  });
  it('never goes on with a token that stood in an address', async () => {
    const { fetch, auth, session } = await signedIn(() => Response.json({ token: fresh }));
    auth.removeToken();
    await session.beginSession('landed');
    expect(auth.getToken()).toBe(fresh);
    await vi.waitFor(() => expect(fetch).toHaveBeenCalledTimes(2));
    const calls = fetch.mock.calls.map(([request]) => [
      new URL(request.url).pathname.replace('/api/v1', ''),
      request.headers.get('Authorization'),
    ]);
    expect(calls).toEqual([
      ['/auth/refresh', 'Bearer landed'],
      ['/auth/logout', 'Bearer landed'],
    ]);
  });
  it('does not begin when that token is dead', async () => {
    const { auth, session } = await signedIn(() => Response.json({ error: { message: 'Ended.' } }, { status: 401 }));
    auth.removeToken();
    await expect(session.beginSession('landed')).rejects.toMatchObject({ status: 401 });
    expect(auth.getToken()).toBeNull();
  });
  it('is ended at the API before its token is forgotten', async () => {
    const { fetch, auth, session } = await signedIn(() => new Response(null, { status: 204 }));
    auth.setCurrentBusinessId('b1');
    await session.endSession();
    const request = fetch.mock.calls[0]?.[0];
    expect([request?.method, request?.url]).toEqual(['POST', 'https://vaultra.test/api/v1/auth/logout']);
    expect(request?.headers.get('Authorization')).toBe(`Bearer ${old}`);
    expect([auth.getToken(), auth.getCurrentBusinessId()]).toEqual([null, null]);
  });
  it.each([
    ['no answer comes', () => new Promise<Response>(() => {})],
    ['the API cannot be reached', () => Promise.reject(new TypeError('Failed to fetch'))],
    ['it had ended already', () => Response.json({ error: { message: 'Ended.' } }, { status: 401 })],
  ])('is forgotten here when %s', async (_, answer) => {
    const replace = vi.fn();
    vi.stubGlobal('location', { ...location, replace });
    const { auth, session } = await signedIn(answer);
    vi.useFakeTimers();
    const ended = session.endSession();
    await vi.advanceTimersByTimeAsync(3_000);
    await ended;
    vi.useRealTimers();
    expect(auth.getToken()).toBeNull();
    expect(replace).not.toHaveBeenCalled();
  });
});
