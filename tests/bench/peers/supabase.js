// @supabase/stripe-sync-engine behind fastify, as the engine's own repository serves it.
import { createRequire } from 'node:module'
import fastify from 'fastify'

// As an ES module its migrations do not run: 0.48.5 asks for a __dirname that is not there.
const { runMigrations, StripeSync } = createRequire(import.meta.url)('@supabase/stripe-sync-engine')

const { DATABASE_URL, PORT, STRIPE_WEBHOOK_SECRET } = process.env
await runMigrations({ databaseUrl: DATABASE_URL, schema: 'stripe' })

const sync = new StripeSync({
  poolConfig: { connectionString: DATABASE_URL, max: 10 },
  schema: 'stripe',
  stripeSecretKey: 'sk_test_of_the_bench',
  stripeWebhookSecret: STRIPE_WEBHOOK_SECRET,
  autoExpandLists: false,
  backfillRelatedEntities: false,
})

const app = fastify({ logger: false })
app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
app.post('/webhooks', async (request, reply) => {
  try {
    await sync.processWebhook(request.body, request.headers['stripe-signature'])
  } catch (error) {
    // A type it does not know (payouts) is answered and dropped, or Stripe would send it for three days.
    if (error.message !== 'Unhandled webhook event') throw error
  }
  return reply.send({ received: true })
})
await app.listen({ host: '127.0.0.1', port: Number(PORT) })
