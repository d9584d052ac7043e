import { expect, it } from 'vitest';
import { withPreloads } from '../src/build/preloads';

const IMPORTS = new Map([
  ['/_astro/Overview.js', ['/_astro/api.js', '/_astro/react.js']],
  ['/_astro/client.js', ['/_astro/react.js']],
  ['/_astro/api.js', ['/_astro/auth.js']],
  ['/_astro/theme.js', ['/_astro/auth.js']],
]);

function hints(html: string): string[] {
  return [...html.matchAll(/<link rel="modulepreload" href="([^"]+)">/g)].map(([, address]) => address ?? '');
}

it('names each script and all that it imports, once, with the islands last', () => {
  const island = '<astro-island component-url="/_astro/Overview.js" renderer-url="/_astro/client.js">';
  const page = `<head></head><body>${island}<script type="module" src="/_astro/theme.js"></script></body>`;
  const made = withPreloads(page, IMPORTS);
  const ordered = ['theme', 'auth', 'Overview', 'client', 'api', 'react'];
  expect(hints(made)).toEqual(ordered.map((name) => `/_astro/${name}.js`));
  expect(made.indexOf('modulepreload')).toBeLessThan(made.indexOf('</head>'));
});

it('leaves a page without islands as it is', () => {
  const page = '<head></head><body><script type="module" src="/_astro/theme.js"></script></body>';
  expect(withPreloads(page, IMPORTS)).toBe(page);
});
