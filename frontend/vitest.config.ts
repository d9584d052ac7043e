import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [react()],
  test: {
    environment: 'jsdom',
    environmentOptions: { jsdom: { url: 'https://vaultra.test/dashboard/' } },
    env: { PUBLIC_API_URL: 'https://vaultra.test/api/v1' },
    include: ['tests/**/*.test.{ts,tsx}'],
  },
});
