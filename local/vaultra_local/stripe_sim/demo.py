"""The accounts that the demo's Stripe knows."""

import datetime as dt

from vaultra_local.stripe_sim.account import StripeAccount
from vaultra_local.stripe_sim.cdnow import cdnow
from vaultra_local.stripe_sim.small_accounts import new_account, yen_shop
from vaultra_local.stripe_sim.software_business import software_business
from vaultra_local.stripe_sim.troubled_shop import troubled_shop

BUILDERS = (cdnow, software_business, troubled_shop, new_account, yen_shop)


def demo_accounts(as_of: dt.date, *, livemode: bool = True) -> list[StripeAccount]:
    """All demo accounts, their histories ending on the day before `as_of`."""
    return [build(as_of, livemode=livemode) for build in BUILDERS]
