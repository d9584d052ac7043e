import react from '@astrojs/react';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'astro/config';
import preloadIslands from './src/build/preload-islands.mjs';

// The API is served from the site's own origin. A build for another API names it in PUBLIC_API_URL,
// and the content security policy then admits exactly that origin.
const api = process.env.PUBLIC_API_URL;
const connect = api?.startsWith('http') ? `connect-src 'self' ${new URL(api).origin}` : "connect-src 'self'";

export default defineConfig({
  output: 'static',
  trailingSlash: 'always',
  build: { format: 'directory', inlineStylesheets: 'never' },
  prefetch: { prefetchAll: true, defaultStrategy: 'hover' },
  integrations: [react(), preloadIslands()],
  markdown: { syntaxHighlight: false },
  security: {
    csp: {
      directives: [
        "default-src 'self'",
        connect,
        "img-src 'self'",
        "font-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
      ],
    },
  },
  vite: { plugins: [tailwindcss()], build: { assetsInlineLimit: 0 } },
});
