// @stripe/sync-engine behind express, as the engine's own command line serves it.
import express from 'express'
import { embeddedMigrations, runMigrationsFromContent, StripeSync } from '@stripe/sync-engine'

const { DATABASE_URL, OPENAPI_SPEC, PORT, STRIPE_WEBHOOK_SECRET } = process.env
// The embedded Postgres comes without extensions; nothing in these migrations uses this one.
const migrations = embeddedMigrations.map((step) => ({
  ...step,
  sql: step.sql.replace('CREATE EXTENSION IF NOT EXISTS btree_gist;', ''),
}))
await runMigrationsFromContent({ databaseUrl: DATABASE_URL, openApiSpecPath: OPENAPI_SPEC }, migrations)

const sync = await StripeSync.create({
  poolConfig: { connectionString: DATABASE_URL, max: 10 },
  stripeSecretKey: 'sk_test_of_the_bench',
  stripeAccountId: 'acct_bench', // as told by the API, which isn't asked here
  stripeWebhookSecret: STRIPE_WEBHOOK_SECRET,
})

const app = express()
app.use('/webhooks', express.raw({ type: 'application/json' }))
app.post('/webhooks', async (request, response) => {
  try {
    await sync.webhook.processWebhook(request.body, request.headers['stripe-signature'])
    return response.status(200).send({ received: true })
  } catch (error) {
    console.error(error)
    return response.status(400).send({ error: error.message })
  }
})
app.listen(Number(PORT), '127.0.0.1')
