/** What a page keeps in its address beside the business, so that a state of it can be shared. */

/** The value of a parameter; null when the address does not have it. */
export function readParam(name: string): string | null {
  return new URLSearchParams(globalThis.location?.search ?? '').get(name);
}

/** This page's address with a parameter; an empty one is taken out. */
export function addressWith(name: string, value: string): string {
  const url = new URL(location.href);
  if (value) url.searchParams.set(name, value);
  else url.searchParams.delete(name);
  return url.href;
}

/** Puts a parameter into the address without a new page load. */
export function writeParam(name: string, value: string): void {
  const href = addressWith(name, value);
  if (href !== location.href) history.replaceState(history.state, '', href);
}

/** One of the words that are allowed; the first when the address says something else or nothing. */
export function readChoice<T extends string>(name: string, allowed: readonly [T, ...T[]]): T {
  const given = readParam(name);
  return allowed.find((each) => each === given) ?? allowed[0];
}
