"""An invented subscription business that does well: twenty-six months of steady growth."""

import datetime as dt
from dataclasses import dataclass
from functools import partial

from vaultra_local.stripe_sim import billing, invoicing, operations, payouts
from vaultra_local.stripe_sim.account import DAY, StripeAccount
from vaultra_local.stripe_sim.ids import share
from vaultra_local.stripe_sim.timeline import Timeline, months_later, seconds

ACCOUNT_ID = "acct_1FernhillStudio00"
HISTORY_DAYS = 791
FIRST_SIGNUPS_PER_DAY = 0.35
LAST_SIGNUPS_PER_DAY = 1.05
MONTHLY_CHURN = 0.022
ANNUAL_CHURN = 0.10
TRIAL_DAYS = 14
DECLINE_SHARE = 0.02
REFUND_SHARE = 0.006
PLANS = (("Solo", 2900, "month", 0.42), ("Team", 7900, "month", 0.80), ("Agency", 19900, "month", 0.93))
ANNUAL = ("Team, yearly", 79000, "year")


@dataclass(frozen=True)
class _Deal:
    """One subscriber's terms; `discounted_invoices` is how many invoices the discount is on, None for all."""

    number: int
    price: str
    amount: int
    months: int
    coupon: str | None
    percent_off: int
    discounted_invoices: int | None
    trial_days: int


def software_business(as_of: dt.date, *, livemode: bool = True) -> StripeAccount:
    """The account, its history ending on the day before `as_of`."""
    return _Story(as_of, livemode).account


class _Story:
    def __init__(self, as_of: dt.date, livemode: bool) -> None:
        self.end = seconds(as_of)
        self.start = self.end - HISTORY_DAYS * DAY
        self.account = StripeAccount(
            ACCOUNT_ID,
            "Fernhill Studio",
            created=self.start - 3 * DAY,
            livemode=livemode,
            about="Invented: subscription software that grows steadily, 26 months",
        )
        self.timeline = Timeline(self.end)
        self._catalogue()
        for number, moment in enumerate(self._signups()):
            self.timeline.at(moment, partial(self._sign_up, self._deal(number)))
        self.timeline.every(7, self._first_monday() + 7 * 3600, self._pay_out)
        for days_before_end, outcome in ((420, "lost"), (395, "won")):
            self.timeline.at(self.end - days_before_end * DAY + 40_000, partial(self._dispute, outcome))
        self.timeline.run()

    def _catalogue(self) -> None:
        at = self.start - DAY
        product = billing.product(self.account, at=at, name="Fernhill")
        self.prices = {
            name: billing.price(self.account, at=at, product=product, amount=amount, interval=interval)
            for name, amount, interval in (*(plan[:3] for plan in PLANS), ANNUAL)
        }
        self.coupons = {
            "forever": billing.coupon(self.account, at=at, name="Early friend", percent_off=20),
            "repeating": billing.coupon(
                self.account, at=at, name="Half for three months", percent_off=50, duration="repeating", months=3
            ),
            "once": billing.coupon(self.account, at=at, name="Welcome", percent_off=25, duration="once"),
        }

    def _signups(self) -> list[int]:
        """Moments of the sign-ups, ever closer together."""
        moments: list[int] = []
        owed = 0.0
        for day in range(HISTORY_DAYS):
            owed += FIRST_SIGNUPS_PER_DAY + (LAST_SIGNUPS_PER_DAY - FIRST_SIGNUPS_PER_DAY) * day / HISTORY_DAYS
            while owed >= 1:
                owed -= 1
                moments.append(self.start + day * DAY + int(share(ACCOUNT_ID, "time", len(moments)) * DAY))
        return moments

    def _deal(self, number: int) -> _Deal:
        chance = share(ACCOUNT_ID, "plan", number)
        name, amount, interval = next((plan[:3] for plan in PLANS if chance < plan[3]), ANNUAL)
        months = 12 if interval == "year" else 1
        chance = share(ACCOUNT_ID, "coupon", number)
        coupon, percent_off, invoices = None, 0, None
        if chance < 0.07:
            coupon, percent_off = self.coupons["forever"], 20
        elif chance < 0.12 and months == 1:
            coupon, percent_off, invoices = self.coupons["repeating"], 50, 3
        elif chance < 0.15:
            coupon, percent_off, invoices = self.coupons["once"], 25, 1
        trial_days = TRIAL_DAYS if share(ACCOUNT_ID, "trial", number) < 0.12 else 0
        return _Deal(number, self.prices[name], amount, months, coupon, percent_off, invoices, trial_days)

    def _sign_up(self, deal: _Deal, at: int) -> None:
        customer = operations.customer(self.account, at=at, description=f"Subscriber {deal.number + 1}")
        first_invoice = at + deal.trial_days * DAY
        subscription = billing.subscription(
            self.account,
            at=at,
            customer=customer,
            price=deal.price,
            coupon=deal.coupon,
            discount_end=months_later(at, 3) if deal.discounted_invoices == 3 else None,
            trial_days=deal.trial_days,
            period_end=first_invoice if deal.trial_days else months_later(at, deal.months),
        )
        if deal.trial_days:
            self.timeline.at(first_invoice, partial(self._bill, deal, subscription, first_invoice, 0))
        else:
            self._bill(deal, subscription, first_invoice, 0, at)

    def _bill(self, deal: _Deal, subscription: str, anchor: int, count: int, at: int) -> None:
        """Invoice number `count` is due: the subscriber leaves, or pays, at once or after a declined card."""
        churn = ANNUAL_CHURN if deal.months == 12 else MONTHLY_CHURN
        if count > 0 and share(ACCOUNT_ID, "churn", deal.number, count) < churn:
            billing.cancel(self.account, at=at, subscription=subscription)
            return
        period_end = months_later(anchor, deal.months * (count + 1))
        if count > 0 or deal.trial_days:
            billing.renew(self.account, at=at, subscription=subscription, period_end=period_end)
        discounted = deal.discounted_invoices is None or count < deal.discounted_invoices
        discount = deal.amount * deal.percent_off // 100 if discounted else 0
        declined = count > 0 and share(ACCOUNT_ID, "decline", deal.number, count) < DECLINE_SHARE
        invoice = invoicing.invoice(
            self.account,
            at=at,
            subscription=subscription,
            amount=deal.amount,
            discount=discount,
            period_end=period_end,
            status="open" if declined else "paid",
        )
        if declined:
            billing.subscription_status(self.account, at=at, subscription=subscription, status="past_due")
            self.timeline.at(at + 3 * DAY, partial(self._pay_late, subscription, invoice))
        elif share(ACCOUNT_ID, "refund", deal.number, count) < REFUND_SHARE:
            self.timeline.at(at + 2 * DAY + 3600, partial(self._refund, invoice))
        # Two subscribers have asked for a break, five and three weeks before the end.
        if deal.number in (101, 202) and at > self.end - (40 if deal.number == 101 else 25) * DAY:
            self.timeline.at(at + DAY, lambda moment: billing.pause(self.account, at=moment, subscription=subscription))
            return
        self.timeline.at(period_end, partial(self._bill, deal, subscription, anchor, count + 1))

    def _pay_late(self, subscription: str, invoice: str, at: int) -> None:
        invoicing.pay_invoice(self.account, at=at, invoice=invoice)
        billing.subscription_status(self.account, at=at, subscription=subscription, status="active")

    def _refund(self, invoice: str, at: int) -> None:
        operations.refund(self.account, at=at, charge=invoicing.charge_of(self.account, invoice))

    def _first_monday(self) -> int:
        first = dt.datetime.fromtimestamp(self.start, dt.UTC).date()
        return self.start + (7 - first.weekday()) % 7 * DAY

    def _pay_out(self, at: int) -> None:
        if payouts.available(self.account, at) <= 0:
            return
        payout = payouts.payout(self.account, at=at)
        arrives = operations.midnight(at) + 2 * DAY + 6 * 3600
        self.timeline.at(arrives, lambda moment: payouts.payout_paid(self.account, at=moment, payout=payout))

    def _dispute(self, outcome: str, at: int) -> None:
        charges = self.account.collections["charge"]
        charge = next(
            charge_id
            for _, charge_id in reversed(charges.ordered())
            if charges.fields(charge_id).get("status") != "failed" and not charges.fields(charge_id).get("refunded")
        )
        dispute = operations.dispute(self.account, at=at, charge=charge, reason="subscription_canceled")
        for days, status in ((4, "under_review"), (66, outcome)):
            act = partial(self._move_dispute, dispute, status)
            self.timeline.at(at + days * DAY, act)

    def _move_dispute(self, dispute: str, status: str, at: int) -> None:
        operations.dispute_status(self.account, at=at, dispute=dispute, status=status)
