"""An invented web shop in trouble: sales that jump and fall, disputes, refunds, payouts that come back."""

import datetime as dt
from functools import partial

from vaultra_local.stripe_sim import operations, payouts
from vaultra_local.stripe_sim.account import DAY, StripeAccount
from vaultra_local.stripe_sim.ids import share
from vaultra_local.stripe_sim.timeline import Timeline, seconds

ACCOUNT_ID = "acct_1QuillwaterGoods0"
HISTORY_DAYS = 425
CHARGES_PER_BLOCK = (430, 520, 610, 700, 560, 640, 480, 720, 1000, 330, 760, 230, 520, 240)
"""Retail sales per 30 days, oldest first; the last block ends with the history."""
BLOCK_DAYS = 30
TYPICAL_AMOUNT = 2600
CUSTOMERS = 1600
WHOLESALE_SHARE_OF_RETAIL = 0.45
REFUND_SHARE = 0.05
DECLINE_SHARE = 0.06

DISPUTES_BEFORE_END = (
    *range(400, 150, -11),
    *range(150, 62, -8),
    *(58, 52, 47, 41, 36, 33),
    *(27, 22, 17, 12, 7, 2),
)
"""Days before the end on which a dispute comes in."""
FRAUD_WARNINGS_BEFORE_END = (118, 95, 71, 60, 55, 44, 38, 29, 26, 21, 17, 13, 9, 5, 3)
FAILED_PAYOUTS = {3: "paid_then_failed", 5: "failed", 8: "failed", 9: "paid_then_failed", 14: "failed"}
"""Weekly payouts that came back, counted back from the last."""
CRUNCH_BEFORE_END = 44
"""The day on which the owner takes everything out, and the wholesale buyer sends back and disputes orders."""


def troubled_shop(as_of: dt.date, *, livemode: bool = True) -> StripeAccount:
    """The account, its history ending on the day before `as_of`."""
    return _Story(as_of, livemode).account


class _Story:
    def __init__(self, as_of: dt.date, livemode: bool) -> None:
        self.end = seconds(as_of)
        self.start = self.end - HISTORY_DAYS * DAY
        self.account = StripeAccount(
            ACCOUNT_ID,
            "Quillwater Goods",
            created=self.start - 3 * DAY,
            livemode=livemode,
            about="Invented: a web shop with disputes, refunds and failed payouts, 14 months",
        )
        self.timeline = Timeline(self.end)
        self.customers: dict[int, str] = {}
        self.wholesaler = operations.customer(self.account, at=self.start, description="Wholesale buyer")
        self.wholesale_orders: list[str] = []
        self._sell()
        for back in range(1, HISTORY_DAYS // 7):
            moment = self.end - back * 7 * DAY + 5 * 3600
            self.timeline.at(moment, partial(self._pay_out, FAILED_PAYOUTS.get(back, "paid")))
        for number, days in enumerate(DISPUTES_BEFORE_END):
            moment = self.end - days * DAY + int(share(ACCOUNT_ID, "dispute", number) * DAY)
            self.timeline.at(moment, partial(self._dispute, number, days))
        for number, days in enumerate(FRAUD_WARNINGS_BEFORE_END):
            moment = self.end - days * DAY + int(share(ACCOUNT_ID, "warning", number) * DAY)
            self.timeline.at(moment, partial(self._warn, number))
        self.timeline.at(self.end - CRUNCH_BEFORE_END * DAY + 9 * 3600, self._crunch)
        self.timeline.run()

    def _sell(self) -> None:
        number = 0
        first_block = self.end - len(CHARGES_PER_BLOCK) * BLOCK_DAYS * DAY
        for block, count in enumerate(CHARGES_PER_BLOCK):
            begins = first_block + block * BLOCK_DAYS * DAY
            for n in range(count):
                moment = begins + int((n + share(ACCOUNT_ID, "moment", number)) * BLOCK_DAYS * DAY / count)
                self.timeline.at(moment, partial(self._order, number))
                number += 1
            weekly = int(count * TYPICAL_AMOUNT * WHOLESALE_SHARE_OF_RETAIL * 7 / BLOCK_DAYS)
            for week in range(4):
                moment = begins + (3 + 7 * week) * DAY + 50_000
                self.timeline.at(moment, partial(self._order_wholesale, weekly))

    def _order(self, number: int, at: int) -> None:
        who = int(share(ACCOUNT_ID, "who", number) * CUSTOMERS)
        if who not in self.customers:
            self.customers[who] = operations.customer(self.account, at=at, description=f"Shopper {who + 1}")
        # From 40 % to 250 % of the typical basket, small ones more often.
        amount = int(TYPICAL_AMOUNT * (0.4 + 2.1 * share(ACCOUNT_ID, "amount", number) ** 2))
        declined = share(ACCOUNT_ID, "decline", number) < DECLINE_SHARE
        status = "failed" if declined else "succeeded"
        charge = operations.charge(self.account, at=at, amount=amount, customer=self.customers[who], status=status)
        if not declined and share(ACCOUNT_ID, "refund", number) < REFUND_SHARE:
            days = 2 + 9 * share(ACCOUNT_ID, "refund after", number)
            self.timeline.at(at + int(days * DAY), partial(self._refund, number, charge))

    def _order_wholesale(self, amount: int, at: int) -> None:
        charge = operations.charge(self.account, at=at, amount=amount, customer=self.wholesaler)
        self.wholesale_orders.append(charge)

    def _refund(self, number: int, charge: str, at: int) -> None:
        fields = self.account.fields("charge", charge)
        if fields.get("disputed"):
            return
        part = fields["amount"] if share(ACCOUNT_ID, "refund part", number) < 0.8 else fields["amount"] // 2
        operations.refund(self.account, at=at, charge=charge, amount=part)

    def _retail_charge(self, at: int, days_ago: int, skip: int) -> str:
        """A settled retail charge of about that long ago that nobody has complained about."""
        charges = self.account.collections["charge"]
        warned = {fields["charge"] for fields in self._all("radar.early_fraud_warning")}
        keys = [key for key in charges.ordered() if at - (days_ago + 4) * DAY < key[0] < at - days_ago * DAY]
        good = []
        for _, charge_id in keys:
            fields = charges.fields(charge_id)
            touched = fields.get("disputed") or fields.get("amount_refunded") or charge_id in warned
            if not touched and fields.get("status") != "failed" and fields["customer"] != self.wholesaler:
                good.append(charge_id)
        return good[skip % len(good)]

    def _all(self, kind: str) -> list[dict[str, object]]:
        found = self.account.collections[kind]
        return [found.fields(object_id) for _, object_id in found.ordered()]

    def _dispute(self, number: int, days_before_end: int, at: int) -> None:
        charge = self._retail_charge(at, days_ago=7 + number % 5, skip=number)
        reason = ("fraudulent", "product_not_received", "fraudulent", "product_unacceptable")[number % 4]
        dispute = operations.dispute(self.account, at=at, charge=charge, reason=reason)
        answered = number % 3 != 0
        if answered:
            self.timeline.at(at + 5 * DAY, partial(self._move_dispute, dispute, "under_review"))
            outcome = "won" if number % 5 == 0 else "lost"
            self.timeline.at(at + 48 * DAY, partial(self._move_dispute, dispute, outcome))
        elif days_before_end > 15:
            self.timeline.at(at + 10 * DAY, partial(self._move_dispute, dispute, "lost"))

    def _move_dispute(self, dispute: str, status: str, at: int) -> None:
        operations.dispute_status(self.account, at=at, dispute=dispute, status=status)

    def _warn(self, number: int, at: int) -> None:
        operations.fraud_warning(self.account, at=at, charge=self._retail_charge(at, days_ago=4, skip=number * 3))

    def _pay_out(self, outcome: str, at: int) -> None:
        if payouts.available(self.account, at) <= 0:
            return
        payout = payouts.payout(self.account, at=at)
        arrives = operations.midnight(at) + 2 * DAY + 6 * 3600
        if outcome != "failed":
            self.timeline.at(arrives, lambda moment: payouts.payout_paid(self.account, at=moment, payout=payout))
        if outcome != "paid":
            later = arrives + (3 * DAY if outcome == "paid_then_failed" else 0)
            self.timeline.at(later, lambda moment: payouts.payout_failed(self.account, at=moment, payout=payout))

    def _crunch(self, at: int) -> None:
        if payouts.available(self.account, at) > 0:
            payout = payouts.payout(self.account, at=at, automatic=False, arrival_days=1)
            arrives = operations.midnight(at) + DAY + 6 * 3600
            self.timeline.at(arrives, lambda moment: payouts.payout_paid(self.account, at=moment, payout=payout))
        returned, *disputed = self.wholesale_orders[-4:]
        operations.refund(self.account, at=at + 3600, charge=returned)
        for order in disputed:
            dispute = operations.dispute(self.account, at=at + 7200, charge=order, reason="product_not_received")
            self.timeline.at(at + 40 * DAY, partial(self._move_dispute, dispute, "lost"))
