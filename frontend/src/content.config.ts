/** The knowledge base's articles, from the same files that the agent finds its passages in. */
import { defineCollection } from 'astro:content';
import { glob } from 'astro/loaders';
import { z } from 'astro/zod';

const articles = defineCollection({
  loader: glob({ base: '../knowledge', pattern: '*.md' }),
  schema: z.object({
    doc_id: z.string(),
    title: z.string(),
    summary: z.string(),
    category: z.enum(['lending-criteria', 'chargebacks', 'cash-flow', 'best-practices', 'subscriptions', 'privacy']),
    updated: z.iso.date(),
    references: z.array(z.object({ title: z.string(), url: z.url().optional(), date: z.string().optional() })),
  }),
});

export const collections = { articles };
