/** The restricted key an owner may paste instead of consenting at Stripe: what it has to be able to read. */

/** As Stripe's page for making a key calls each permission, and as its address does. */
const READS: [label: string, ...names: string[]][] = [
  ['Accounts', 'rak_accounts_kyc_basic_read', 'rak_connected_account_read'],
  ['Balance', 'rak_balance_read'],
  ['Balance transaction sources', 'rak_balance_transaction_source_read'],
  ['Charges and refunds', 'rak_charge_read', 'rak_refund_read'],
  ['Coupons', 'rak_coupon_read'],
  ['Customers', 'rak_customer_read'],
  ['Disputes', 'rak_dispute_read'],
  ['Early fraud warnings', 'rak_early_fraud_warning_read'],
  ['Events', 'rak_event_read'],
  ['Invoices', 'rak_invoice_read'],
  ['Payouts', 'rak_payout_read'],
  ['Prices', 'rak_plan_read'],
  ['Subscriptions', 'rak_subscription_read'],
];

export const KEY_PERMISSIONS = READS.map(([label]) => label);

/** Stripe's page for making a key, filled in where Stripe heeds it; the list stays beside it in case it does not. */
export const CREATE_KEY_URL = `https://dashboard.stripe.com/apikeys/create?${new URLSearchParams([
  ['name', 'Vaultra'],
  ...READS.flatMap(([, ...names]) => names.map((name) => ['permissions[]', name])),
])}`;
