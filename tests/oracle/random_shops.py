"""Small, valid and deliberately awkward shops, each made entirely from its seed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

from .money import convert, exact, exponent
from .random_billing import add_subscriptions
from .records import DAY, half_even

Raw = dict[str, Any]
USUAL_WORTH = {"usd": 1.0, "eur": 1.171875, "gbp": 1.3359375, "jpy": 0.00671875, "kwd": 3.265625, "xaf": 0.001796875}
RARE_WORTH = {
    **{"krw": 0.0006875, "clp": 0.001078125, "vnd": 0.0000390625, "inr": 0.01125, "brl": 0.1875, "ugx": 0.000275},
    **{"isk": 0.0078125, "huf": 0.003, "twd": 0.03125, "bhd": 2.65625, "jod": 1.40625, "omr": 2.59375, "tnd": 0.34375},
}
USD_WORTH = USUAL_WORTH | RARE_WORTH
CHARGE_KINDS = (["captured"] * 16) + ["failed", "failed", "pending", "uncaptured", "partial", "testmode"]
DISPUTE_STATUSES = [
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "needs_response",
    "under_review",
    "won",
    "lost",
    "prevented",
]
PAYOUT_TROUBLE = ["failed", "pending", "in_transit", "canceled", "flipped", "late", "reversed"]


def random_shop(seed: int, as_of: datetime) -> Raw:
    """Raw Stripe objects of one live business, none of them later than `as_of`.

    Every id is unique, and amounts agree with their balance transactions.
    """
    return ShopMaker(seed, as_of).make()


class ShopMaker:
    """The state of one shop while it is being made."""

    def __init__(self, seed: int, as_of: datetime) -> None:
        self.random = Random(f"shop {seed}")
        self.now = int(as_of.astimezone(UTC).timestamp())
        self.today = self.now // DAY
        self.prefix = f"r{seed}"
        self.number = 0
        self.healthy = self.random.random() < 0.35
        self.currency = self.random.choice(["usd"] * 6 + ["eur", "gbp", "jpy", "kwd", "xaf"])
        others = [code for code in USUAL_WORTH if code != self.currency]
        self.foreign = self.random.sample(others, self.random.choice([0, 0, 1, 2]))
        # Stripe's documentation leaves open which units an exchange rate is of where exponents differ.
        self.rates_of_minor_units = self.random.random() < 0.5
        self.rate_of_charge: dict[str, Fraction] = {}
        self.objects: Raw = {
            resource: []
            for resource in [
                "charges",
                "refunds",
                "disputes",
                "payouts",
                "balance_transactions",
                "customers",
                "subscriptions",
                "invoices",
                "early_fraud_warnings",
                "events",
            ]
        }

    def make(self) -> Raw:
        """Make all of it, in the order in which the parts depend on each other."""
        self.add_customers()
        self.add_charges()
        self.add_refunds()
        self.add_disputes()
        self.add_payouts()
        add_subscriptions(self)
        self.set_account_and_balance()
        for objects in self.objects.values():
            if isinstance(objects, list):
                self.random.shuffle(objects)
        return self.objects

    def new_id(self, kind: str) -> str:
        """An id that no other object has."""
        self.number += 1
        return f"{kind}_{self.prefix}_{self.number:05d}"

    def instant(self, day: int) -> int:
        """A second of that day, often its first or its last, never after now."""
        second = self.random.choice([0, DAY - 1, self.random.randrange(DAY), self.random.randrange(DAY)])
        return min(day * DAY + second, self.now)

    def instant_after(self, earlier: int, days: int) -> int:
        """An instant up to `days` days after `earlier`, never after now."""
        return max(earlier, min(self.instant(earlier // DAY + self.random.randint(0, days)), self.now))

    def rate(self, currency: str, instant: int) -> float:
        """The rate of `currency` into the settlement currency at an instant, between major units."""
        wobble = 1 + Random(f"{self.prefix} {currency} {instant}").randint(-20, 20) / 1000
        return round(USD_WORTH[currency] / USD_WORTH[self.currency] * wobble, 6)

    def told(self, rate: float, currency: str) -> float:
        """The rate as the balance transaction tells it."""
        shift = exponent(self.currency) - exponent(currency) if self.rates_of_minor_units else 0
        return float(Decimal(str(rate)).scaleb(shift))

    def minor(self, usd: float, currency: str) -> int:
        """About this many US dollars in minor units of `currency`; at least one unit."""
        return max(1, round(usd / USD_WORTH[currency] * 10 ** exponent(currency)))

    def add_transaction(
        self, kind: str, amount: int, created: int, source: str, currency: str | None = None, rate: float | None = None
    ) -> Raw:
        """A balance transaction; charges pay a fee."""
        fee = round(amount * 0.03) if kind == "charge" else 0
        entry = {
            "id": self.new_id("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "fee": fee,
            "net": amount - fee,
            "currency": currency or self.currency,
            "exchange_rate": rate,
            "created": created,
            "available_on": created + 2 * DAY,
            "reporting_category": kind,
            "status": "available",
            "type": kind,
            "source": source,
        }
        self.objects["balance_transactions"].append(entry)
        return entry

    def reference(self, entry: Raw | None) -> Any:
        """An object as Stripe refers to it: by id or expanded."""
        return entry if entry is None or self.random.random() < 0.5 else entry["id"]

    def add_customers(self) -> None:
        """The people who pay: known customers and cards."""
        for _ in range(self.random.choice([0, 1, 4, 6, 25, 120])):
            self.objects["customers"].append(
                {
                    "id": self.new_id("cus"),
                    "object": "customer",
                    "livemode": True,
                    "created": self.now - 800 * DAY,
                    "discount": None,
                }
            )

    def days_of_charges(self) -> list[int]:
        """The day of each charge to come: long, short, steady, growing, gappy and sparse histories."""
        length = self.random.choice([0, 1, 12, 29, 30, 31, 59, 61, 84, 90, 91, 120, 150, 181, 240, 361, 540, 720])
        per_day = self.random.choice([1.0, 2.0, 4.0] if self.healthy else [0.05, 0.3, 1.0, 3.0, 9.0, 16.0])
        per_day = min(per_day, 2000 / (length + 1))
        growth = self.random.choice([0.0, 0.05, 0.1] if self.healthy else [0.0, 0.0, 0.01, 0.3, -0.1, -0.25])
        gap_from = self.today - self.random.randint(0, 200)
        gap_to = gap_from + (0 if self.healthy else self.random.choice([0, 0, 0, 13, 14, 15, 30, 31, 40]))
        found = []
        for day in range(self.today - length, self.today + 1):
            if gap_from < day <= gap_to:
                continue
            expected = per_day * max(0.02, 1 + growth * (day - self.today) / 30) if growth < 0 else per_day
            if growth > 0:
                expected = per_day * max(0.02, 1 - growth * (self.today - day) / 30)
            found += [day] * (int(expected) + (self.random.random() < expected % 1))
        edges = [0, 1, 29, 30, 31, 60, 61, 89, 90, 91, 179, 180, 182, 183]
        return found + [self.today - edge for edge in edges if edge < length and self.random.random() < 0.3]

    def add_charges(self) -> None:
        """Charges of every kind, each with the balance transaction that belongs to it."""
        if self.random.random() < 0.06:
            return
        usd = self.random.choice([4.0, 30.0, 30.0, 120.0, 900.0])
        spread = self.random.choice([0.0, 0.1, 0.5, 0.95])
        guests = self.random.choice([0.0, 0.1, 0.25, 0.9])
        whale = self.random.choice([0.0, 0.0, 0.15, 0.3, 0.6])
        for created in sorted(self.instant(day) for day in self.days_of_charges()):
            kind = self.random.choice(CHARGE_KINDS)
            payer = self.payer(guests, whale)
            currency = self.random.choice(self.foreign) if self.foreign and self.random.random() < 0.2 else None
            amount = self.minor(usd * (1 + spread * self.random.uniform(-1, 1)), currency or self.currency)
            self.add_charge(created, kind, amount, currency or self.currency, payer)

    def payer(self, guests: float, whale: float) -> Raw:
        """Who pays: a customer, a card without one, or nobody known."""
        customers: Sequence[Raw] = self.objects["customers"]
        if customers and self.random.random() >= guests:
            chosen = customers[0] if self.random.random() < whale else self.random.choice(customers)
            customer = chosen["id"] if self.random.random() < 0.9 else {"id": chosen["id"], "object": "customer"}
            return {"customer": customer, "fingerprint": self.random.choice(["fpA", None])}
        return {"customer": None, "fingerprint": self.random.choice(["fpA", "fpB", "fpC", None])}

    def add_charge(self, created: int, kind: str, amount: int, currency: str, payer: Raw) -> None:
        """One charge."""
        charge_id = self.new_id("ch")
        succeeded = kind in ("captured", "partial", "testmode", "uncaptured")
        captured = kind in ("captured", "partial", "testmode")
        got = 0 if not captured else amount if kind != "partial" else max(1, amount // 2)
        entry = None
        if captured and kind != "testmode":
            fate = self.random.random()
            if currency == self.currency:
                entry = self.add_transaction("charge", got, created, charge_id) if fate < 0.9 else None
            elif fate < 0.8:
                rate = self.rate(currency, created)
                settled = half_even(convert(got, currency, self.currency, exact(rate)))
                self.rate_of_charge[charge_id] = exact(rate)
                entry = self.add_transaction("charge", settled, created, charge_id, rate=self.told(rate, currency))
            elif fate < 0.9:
                entry = self.add_transaction("charge", got, created, charge_id, currency=currency)
        card = {"brand": "visa", "last4": "4242", "fingerprint": payer["fingerprint"]}
        self.objects["charges"].append(
            {
                "id": charge_id,
                "object": "charge",
                "livemode": kind != "testmode",
                "created": created,
                "amount": amount,
                "amount_captured": got,
                "amount_refunded": 0,
                "currency": currency,
                "status": "succeeded" if succeeded else kind,
                "captured": captured,
                "paid": succeeded,
                "refunded": False,
                "disputed": False,
                "customer": payer["customer"],
                "payment_method_details": {"type": "card", "card": card} if payer["fingerprint"] else None,
                "payment_intent": self.new_id("pi") if self.random.random() < 0.7 else None,
                "balance_transaction": self.reference(entry),
            }
        )

    def captured_charges(self) -> list[Raw]:
        """The live charges that money came from."""
        return [raw for raw in self.objects["charges"] if raw["captured"] and raw["livemode"]]

    def rate_of(self, charge: Raw) -> Fraction | None:
        """The settlement rate of a charge: 1 in the settlement currency, None when it has none."""
        return Fraction(1) if charge["currency"] == self.currency else self.rate_of_charge.get(charge["id"])

    def add_refunds(self) -> None:
        """Refunds whole and partial, in every status, some without a balance transaction of their own."""
        chance = self.random.choice([0.0, 0.02] if self.healthy else [0.0, 0.02, 0.05, 0.1, 0.25])
        for charge in self.captured_charges():
            if self.random.random() >= chance:
                continue
            amount = self.random.choice([charge["amount_captured"], max(1, charge["amount_captured"] // 3)])
            created = self.instant_after(charge["created"], 40)
            status = self.random.choice(["succeeded"] * 6 + ["failed", "pending", "canceled", "requires_action"])
            refund_id, rate, entry = self.new_id("re"), self.rate_of(charge), None
            if rate is not None and status in ("succeeded", "failed") and self.random.random() < 0.8:
                settled = half_even(convert(amount, charge["currency"], self.currency, rate))
                entry = self.add_transaction("refund", -settled, created, refund_id)
            charge["amount_refunded"] += amount if status == "succeeded" else 0
            self.objects["refunds"].append(
                {
                    "id": refund_id,
                    "object": "refund",
                    "created": created,
                    "amount": amount,
                    "currency": charge["currency"],
                    "status": status,
                    "charge": charge["id"],
                    "payment_intent": charge["payment_intent"],
                    "balance_transaction": self.reference(entry),
                }
            )

    def add_disputes(self) -> None:
        """Disputes in all eight statuses, escalated inquiries, second disputes on one charge, and warnings."""
        chance = self.random.choice([0.0, 0.0, 0.003] if self.healthy else [0.0, 0.004, 0.01, 0.01, 0.025, 0.06])
        warned = self.random.choice([0.0, 0.0, 0.002] if self.healthy else [0.0, 0.003, 0.01, 0.03])
        for charge in self.captured_charges():
            for _ in range(self.random.choice([1, 1, 1, 2]) if self.random.random() < chance else 0):
                self.add_dispute(charge)
            if self.random.random() < warned:
                self.objects["early_fraud_warnings"].append(
                    {
                        "id": self.new_id("issfr"),
                        "object": "radar.early_fraud_warning",
                        "livemode": True,
                        "created": self.instant_after(charge["created"], 20),
                        "charge": charge["id"],
                        "fraud_type": "misc",
                        "actionable": True,
                    }
                )

    def add_dispute(self, charge: Raw) -> None:
        """One dispute; an inquiry that escalated has its withdrawal later, and may not say what it was."""
        status = self.random.choice(DISPUTE_STATUSES)
        created = self.instant_after(charge["created"], 60)
        inquiry = status.startswith("warning_") or (status != "prevented" and self.random.random() < 0.25)
        dispute_id, rate, entries = self.new_id("dp"), self.rate_of(charge), []
        if status in ("needs_response", "under_review", "won", "lost"):
            moved, currency = charge["amount_captured"], charge["currency"]
            if rate is not None:
                moved, currency = half_even(convert(moved, currency, self.currency, rate)), self.currency
            withdrawn = self.instant_after(created, 45) if inquiry else created
            if self.random.random() < 0.85:
                entries.append(self.add_transaction("adjustment", -moved, withdrawn, dispute_id, currency))
                if status == "won":
                    back = self.instant_after(withdrawn, 45)
                    entries.append(self.add_transaction("adjustment", moved, back, dispute_id, currency))
        charge["disputed"] = True
        self.random.shuffle(entries)
        card = {"brand": "visa", "case_type": "inquiry" if inquiry else "chargeback"}
        if inquiry and not status.startswith("warning_") and self.random.random() < 0.4:
            card = self.random.choice([{"brand": "visa"}, card | {"case_type": "chargeback"}])
        self.objects["disputes"].append(
            {
                "id": dispute_id,
                "object": "dispute",
                "livemode": True,
                "created": created,
                "amount": charge["amount_captured"],
                "currency": charge["currency"],
                "status": status,
                "reason": "general",
                "charge": charge["id"],
                "payment_intent": charge["payment_intent"],
                "payment_method_details": {"type": "card", "card": card},
                "balance_transactions": entries,
            }
        )

    def add_payouts(self) -> None:
        """Payouts in every status around every boundary, with and without the event that dates their payment."""
        events_kept = self.random.choice([0.0, 0.7, 1.0])
        trouble = self.random.choice([0.0, 0.0, 0.03] if self.healthy else [0.0, 0.05, 0.15, 0.4])
        for _ in range(self.random.choice([0, 1, 4, 10, 25, 60])):
            status = self.random.choice(PAYOUT_TROUBLE) if self.random.random() < trouble else "paid"
            arrival = self.today - self.random.choice([0, 1, 5, 6, 7, 8, 9, 88, 89, 90, self.random.randint(0, 120)])
            amount = self.minor(self.random.choice([50, 400]), self.currency) * self.random.choice([1] * 9 + [-1])
            payout_id, arrived = self.new_id("po"), arrival * DAY
            entry = self.add_transaction("payout", -amount, min(arrived, self.now), payout_id)
            final = {"flipped": "failed", "late": "paid", "reversed": "paid"}.get(status, status)
            failure = None
            if final == "failed":
                failed_at = min(arrived + DAY, self.now)
                failure = self.add_transaction("payout_failure", amount, failed_at, payout_id)
            payout = {
                "id": payout_id,
                "object": "payout",
                "livemode": True,
                "created": arrived - 2 * DAY,
                "arrival_date": arrived,
                "amount": amount,
                "currency": self.currency,
                "status": final,
                "automatic": True,
                "balance_transaction": entry["id"],
                "failure_balance_transaction": failure["id"] if failure else None,
                "reversed_by": self.new_id("po") if status == "reversed" else None,
                "original_payout": None,
            }
            self.objects["payouts"].append(payout)
            if status in ("paid", "late", "flipped", "reversed") and self.random.random() < events_kept:
                waits = [0, 0, 0, 1] if self.healthy or self.random.random() < 0.8 else [1, 2, 3, 4]
                wait = self.random.choice(waits) if status != "late" else self.random.randint(3, 8)
                created = self.instant(arrival + wait)
                for again in range(self.random.choice([1, 1, 1, 2])):
                    self.objects["events"].append(
                        {
                            "id": self.new_id("evt"),
                            "object": "event",
                            "livemode": True,
                            "type": "payout.paid",
                            "created": min(created + again * 5 * DAY, self.now),
                            "data": {"object": dict(payout, status="paid")},
                        }
                    )

    def set_account_and_balance(self) -> None:
        """An account in one of its states, and a balance that its transactions lead up to."""
        self.objects["account"] = {
            "id": f"acct_{self.prefix}",
            "object": "account",
            "default_currency": self.currency,
            "charges_enabled": self.healthy or self.random.random() < 0.92,
            "payouts_enabled": self.healthy or self.random.random() < 0.92,
            "requirements": {
                "past_due": self.random.choice([[], [], [], ["external_account"]]),
                "currently_due": [],
                "disabled_reason": None,
            },
        }
        moved = sum(e["net"] for e in self.objects["balance_transactions"] if e["currency"] == self.currency)
        opening = self.minor(self.random.choice([0.01, 100, 5_000, 200_000]), self.currency)
        if self.healthy:
            opening = self.minor(1_000_000, self.currency)
        level = moved + opening if self.healthy else self.random.choice([moved + opening, opening, -opening])
        pending = level // 3
        if self.random.random() < 0.05:
            self.objects["balance"] = None
            return
        self.objects["balance"] = {
            "object": "balance",
            "livemode": True,
            "available": [{"amount": level - pending, "currency": self.currency}]
            + [{"amount": -7, "currency": code} for code in self.foreign],
            "pending": [{"amount": pending, "currency": self.currency}],
        }
