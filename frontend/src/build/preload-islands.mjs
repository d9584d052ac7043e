/** Astro's part of the preloads: hears what each script imports, and writes the hints into the pages with islands. */
import { glob, readFile, writeFile } from 'node:fs/promises';
import { withPreloads } from './preloads.ts';

export default function preloadIslands() {
  /** @type {Map<string, string[]>} */
  const imports = new Map();
  const listen = {
    name: 'preload-islands',
    generateBundle(_options, bundle) {
      for (const { fileName, imports: names = [] } of Object.values(bundle)) {
        const addresses = names.map((name) => `/${name}`);
        imports.set(`/${fileName}`, addresses);
      }
    },
  };
  return {
    name: 'preload-islands',
    hooks: {
      'astro:config:setup': ({ updateConfig }) => updateConfig({ vite: { plugins: [listen] } }),
      'astro:build:done': async ({ dir }) => {
        for await (const page of glob('**/*.html', { cwd: dir })) {
          const file = new URL(page, dir);
          await writeFile(file, withPreloads(await readFile(file, 'utf8'), imports));
        }
      },
    },
  };
}
