import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

// Each test gets the modules anew, as a page load does.
beforeEach(() => {
  vi.resetModules();
  localStorage.clear();
  sessionStorage.clear();
});
afterEach(() => history.replaceState(null, '', '/dashboard/'));

describe('what a link carries after its #', () => {
  it.each([
    ['#token=abc', { token: 'abc', next: null }],
    [
      '#token=a.b-c_d&next=%2Fdashboard%2F%3Fbusiness_id%3Db1',
      { token: 'a.b-c_d', next: '/dashboard/?business_id=b1' },
    ],
    ['#next=%2F', { token: null, next: '/' }],
    ['#token=', { token: null, next: null }],
    ['#main', { token: null, next: null }],
    ['#%', { token: null, next: null }],
    ['', { token: null, next: null }],
  ])('%s', async (hash, fragment) => {
    const { parseFragment } = await import('../src/lib/fragment');
    expect(parseFragment(hash)).toEqual(fragment);
  });
  it('is out of the address, without a new entry in the history, before anything else happens', async () => {
    const { takeFragment } = await import('../src/lib/fragment');
    history.replaceState(null, '', '/auth/reset/#token=abc');
    const entries = history.length;
    expect(takeFragment().token).toBe('abc');
    expect(location.href).toBe('https://vaultra.test/auth/reset/');
    expect(history.length).toBe(entries);
  });
  it('stays when it is no token', async () => {
    const { takeFragment } = await import('../src/lib/fragment');
    history.replaceState(null, '', '/auth/reset/#main');
    takeFragment();
    expect(location.hash).toBe('#main');
  });
});

describe('the words above the sign-in form', () => {
  const notice = async (query: string) => (await import('../src/lib/signin')).signInNotice(new URLSearchParams(query));

  it('are none for who simply comes', async () => {
    expect(await notice('')).toBeNull();
    expect(await notice('next=/dashboard/&reason=other')).toBeNull();
  });
  it('tell why Google did not sign in', async () => {
    const codes = ['denied', 'expired', 'unverified', 'account_exists', 'failed', 'unavailable', 'unfinished'];
    const texts = await Promise.all(codes.map(async (code) => (await notice(`error=google_${code}`))?.text));
    expect(new Set(texts).size).toBe(codes.length);
    expect(texts[3]).toContain('reset the password by mail first');
  });
  it('say something plain about an error nobody knows, and never repeat it', async () => {
    const told = await notice('error=<b>call+this+number</b>');
    expect(told).toEqual({ text: 'Signing in did not work. Please try again.', tone: 'warn' });
    expect((await notice('error=toString'))?.text).toBe(told?.text);
  });
  it('follow a new password, and the end of a session', async () => {
    expect(await notice('reason=reset')).toMatchObject({ tone: 'plain' });
    expect((await notice('reason=reset'))?.text).toBe('Your password is changed. Sign in with the new one.');
    expect(await notice('reason=expired')).toMatchObject({ tone: 'warn' });
  });
});

describe('the way back from Google', () => {
  it('counts once, and only where it was begun in the last minutes', async () => {
    const { rememberGoogleStart, takeGoogleStart } = await import('../src/lib/google');
    expect(takeGoogleStart(1_000_000)).toBe(false);
    rememberGoogleStart(1_000_000);
    expect(takeGoogleStart(1_000_000 + 660_000)).toBe(true);
    expect(takeGoogleStart(1_000_000 + 660_000)).toBe(false);
    rememberGoogleStart(1_000_000);
    expect(takeGoogleStart(1_000_000 + 660_001)).toBe(false);
  });
});

describe('an invitation', () => {
  it('waits in this tab until it is accepted or over', async () => {
    const { forgetInvitation, keepInvitation, waitingInvitation } = await import('../src/lib/invitation');
    expect(waitingInvitation()).toBeNull();
    keepInvitation('abc');
    expect(waitingInvitation()).toBe('abc');
    expect(JSON.stringify(localStorage)).not.toContain('abc');
    forgetInvitation();
    expect(waitingInvitation()).toBeNull();
  });
});
