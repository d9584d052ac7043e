"""The accounts that the demo's Stripe knows."""

import datetime as dt

from vaultra_local.stripe_sim.account import StripeAccount
from vaultra_local.stripe_sim.cdnow import cdnow


def demo_accounts(as_of: dt.date, *, livemode: bool = True) -> list[StripeAccount]:
    """All demo accounts, their histories ending on the day before `as_of`."""
    return [cdnow(as_of, livemode=livemode)]
