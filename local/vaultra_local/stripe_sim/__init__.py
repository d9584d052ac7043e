"""A stand-in for Stripe that runs on one machine: Connect OAuth, the read API, signed webhooks, faults on request.

As a process: `python -m vaultra_local.stripe_sim --port 0 --state DIR --webhook-url URL` (`--help` lists the rest).
In a test, inside a thread:

    with running_simulator([cdnow(dt.date(2026, 11, 20))], webhook_url=..., webhook_secret=...) as stripe:
        charge = stripe.do("acct_1CdnowShopHistory", "charge", amount=1200)
        stripe.do("acct_1CdnowShopHistory", "dispute", charge=charge)
        stripe.wait_for_webhooks()

`stripe.url` serves both the API and Connect. An account answers until its access is revoked; without
`Stripe-Account` (or `Stripe-Context`) a platform key sees an empty platform account.

Connect without a browser: `GET /oauth/authorize?…&sim_account=acct_…` approves at once and answers 303 to the
redirect_uri; with `&sim_decision=deny` it denies. POST to the same path takes the form fields `account` and
`decision` (`connect` or `deny`).

The control API speaks JSON and answers 400 or 404 with `{"error": …}` to what makes no sense:

    GET    /_sim/health                          {"status": "ok", "accounts": n}
    GET    /_sim/accounts                        ids, names, number of objects of each kind
    POST   /_sim/accounts/{account}/{operation}  do it, with the operation's arguments; answers the object
    POST   /_sim/accounts/{account}/revoke       403 account_invalid from now on, and its webhook
    GET    /_sim/accounts/{account}/keys         a restricted key of the account that reads everything
    POST   /_sim/accounts/{account}/keys         {permissions?}: another one, with permissions such as rak_charge_read
    POST   /_sim/keys/roll                       {key}: its owner deleted it, 401 from now on
    POST   /_sim/accounts/{account}/events/{event}/resend
    POST   /_sim/events                          send any event: {type, account, data: {object}, …}
    GET    /_sim/faults                          the faults set
    POST   /_sim/faults                          {kind, path, count, share, seed, retry_after_seconds, …} (`Fault`)
    DELETE /_sim/faults                          no faults any more
    POST   /_sim/webhooks                        {drop, duplicate, shuffle, seed}: shares (`Disturbance`)
    GET    /_sim/deliveries                      the last 1,000 webhook attempts
    GET    /_sim/requests                        the last 1,000 requests Stripe would have seen

Operations are the functions of operations.py, payouts.py, billing.py and invoicing.py (`simulator.OPERATIONS`):
charge, refund, dispute, dispute_status, fraud_warning, payout, payout_paid, payout_failed, customer, product,
price, coupon, subscription, renew, change_subscription, subscription_status, pause, resume, cancel, invoice,
pay_invoice, account_update, remove. Each takes `at` (seconds since 1970) as well; `payout` also takes `outcome`:
`in_transit`, `paid`, `failed` or `paid_then_failed`.
"""

from vaultra_local.stripe_sim.account import StripeAccount
from vaultra_local.stripe_sim.cdnow import cdnow
from vaultra_local.stripe_sim.demo import demo_accounts
from vaultra_local.stripe_sim.faults import Fault
from vaultra_local.stripe_sim.server import RunningSimulator, running_simulator
from vaultra_local.stripe_sim.simulator import Received, Simulator
from vaultra_local.stripe_sim.small_accounts import new_account, yen_shop
from vaultra_local.stripe_sim.software_business import software_business
from vaultra_local.stripe_sim.troubled_shop import troubled_shop
from vaultra_local.stripe_sim.webhooks import Disturbance, build_event, sign, signed

__all__ = [
    "Disturbance",
    "Fault",
    "Received",
    "RunningSimulator",
    "Simulator",
    "StripeAccount",
    "build_event",
    "cdnow",
    "demo_accounts",
    "new_account",
    "running_simulator",
    "sign",
    "signed",
    "software_business",
    "troubled_shop",
    "yen_shop",
]
