/** What a link carries after its `#`, where no server, log or referrer sees it. */
export interface Fragment {
  token: string | null;
  next: string | null;
}

/** Reads `#token=…&next=…`; null for what is missing or empty. */
export function parseFragment(hash: string): Fragment {
  const values = new URLSearchParams(hash.replace(/^#/, ''));
  return { token: values.get('token') || null, next: values.get('next') || null };
}

/** Reads the fragment and takes a token out of the address and of this tab's history. */
export function takeFragment(): Fragment {
  const fragment = parseFragment(location.hash);
  if (fragment.token) history.replaceState(history.state, '', location.pathname);
  // The same page opened with another token is no new page to the browser.
  addEventListener('hashchange', () => {
    if (parseFragment(location.hash).token) location.reload();
  });
  return fragment;
}
