"""Two invented accounts for the edges: one just opened, one that settles in a currency without decimals."""

import datetime as dt
from functools import partial

from vaultra_local.stripe_sim import operations, payouts
from vaultra_local.stripe_sim.account import DAY, StripeAccount
from vaultra_local.stripe_sim.ids import share
from vaultra_local.stripe_sim.timeline import Timeline, seconds

NEW_ID = "acct_1BramblewayNew000"
YEN_ID = "acct_1YukidamaPaper000"
YEN_HISTORY_DAYS = 180
YEN_PER_CENT = 1.5
"""Stripe's exchange_rate is between minor units: 150 yen to the dollar is 1.5 yen to the cent."""


def new_account(as_of: dt.date, *, livemode: bool = True) -> StripeAccount:
    """Opened on the day before `as_of`; nothing has happened yet."""
    return StripeAccount(
        NEW_ID,
        "Brambleway Pottery",
        created=seconds(as_of) - DAY // 2,
        livemode=livemode,
        about="Invented: opened yesterday, not one charge yet",
    )


def yen_shop(as_of: dt.date, *, livemode: bool = True) -> StripeAccount:
    """Half a year of small sales in yen, about one in fourteen in dollars, ending on the day before `as_of`."""
    end = seconds(as_of)
    start = end - YEN_HISTORY_DAYS * DAY
    account = StripeAccount(
        YEN_ID,
        "Yukidama Paper",
        created=start - DAY,
        currency="jpy",
        country="JP",
        livemode=livemode,
        about="Invented: settles in yen, some charges in dollars, half a year",
    )
    timeline = Timeline(end)
    customers = [operations.customer(account, at=start, description=f"Reader {n + 1}") for n in range(30)]

    def sell(number: int, at: int) -> None:
        customer = customers[int(share(YEN_ID, "who", number) * len(customers))]
        foreign = number % 14 == 5
        amount = 500 + int(9500 * share(YEN_ID, "amount", number))
        # The rate drifts by up to 4 %, and never more finely than Stripe states it.
        rate = round(YEN_PER_CENT * (0.98 + 0.04 * (at - start) / (end - start)), 5) if foreign else None
        charge = operations.charge(
            account,
            at=at,
            amount=amount,
            currency="usd" if foreign else "jpy",
            customer=customer,
            exchange_rate=rate,
        )
        if number % 47 == 19:
            timeline.at(at + 3 * DAY, lambda moment: operations.refund(account, at=moment, charge=charge))

    def pay_out(at: int) -> None:
        if payouts.available(account, at) <= 0:
            return
        payout = payouts.payout(account, at=at, arrival_days=4)
        arrives = operations.midnight(at) + 4 * DAY + 6 * 3600
        timeline.at(arrives, lambda moment: payouts.payout_paid(account, at=moment, payout=payout))

    for number in range(YEN_HISTORY_DAYS * 4 // 3):
        moment = start + int((number + share(YEN_ID, "moment", number)) * DAY * 3 / 4)
        timeline.at(moment, partial(sell, number))
    timeline.every(7, start + 7 * DAY + 4 * 3600, pay_out)
    timeline.run()
    return account
