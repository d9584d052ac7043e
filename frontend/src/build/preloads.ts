/** Which scripts a built page comes to need, told to the browser at once instead of one layer of imports after the other. */

/** Each script's address with those that it imports. */
export type Imports = ReadonlyMap<string, readonly string[]>;

const SCRIPTS = /<script type="module" src="([^"]+)"/g;
const ISLANDS = /(?:component-url|renderer-url)="([^"]+)"/g;

/** The page with a hint for every script that it comes to need: first what its own scripts do, then its islands. */
export function withPreloads(html: string, imports: Imports): string {
  if (!html.includes('<astro-island')) return html;
  const needed = new Set([SCRIPTS, ISLANDS].flatMap((pattern) => [...reached(html, pattern, imports)]));
  const hints = [...needed].map((address) => `<link rel="modulepreload" href="${address}">`);
  return html.replace('</head>', `${hints.join('')}</head>`);
}

function reached(html: string, pattern: RegExp, imports: Imports): Set<string> {
  const found = new Set([...html.matchAll(pattern)].flatMap(([, address]) => address ?? []));
  // A set is gone through in the order of what was added, also of what is added meanwhile.
  for (const address of found) for (const imported of imports.get(address) ?? []) found.add(imported);
  return found;
}
