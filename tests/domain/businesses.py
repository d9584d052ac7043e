"""Random businesses as lists of what happened, and the plainest way to their facts on any day."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

from tests.domain.shops import AS_OF, TODAY
from vaultra.domain.metric_facts import BalanceHistory, MetricFacts, PayerTotals, Payout, Standing, Totals
from vaultra.domain.outlook import Outlook
from vaultra.domain.payouts import OVERDUE_BUSINESS_DAYS
from vaultra.domain.period import ONE_DAY, Days, Period, add_business_days

REPEAT = 30


@dataclass(frozen=True)
class Event:
    """Something of one day: `kind` is charge, refund, dispute or warning."""

    on: dt.date
    kind: str
    minor: int = 0


@dataclass(frozen=True)
class Business:
    """Everything that happened, and what does not depend on a day."""

    events: tuple[Event, ...]
    payouts: tuple[Payout, ...]
    balance: tuple[tuple[dt.date, int], ...]
    payers: PayerTotals
    standing: Standing
    today: dt.date = TODAY


def random_business(seed: int) -> Business:
    """A business made entirely from its seed: young and old, steady and not, with and without trouble."""
    chance = Random(f"business {seed}")
    healthy = chance.random() < 0.3
    length = chance.choice([5, 40, 70, 95, 130, 200, 260, 400, 700])
    per_day = chance.choice([0.1, 0.5, 1, 3, 8])
    usual, growth = chance.choice([500, 3000, 12000, 60000]), chance.choice([-0.2, -0.05, 0, 0, 0.05, 0.2])
    disputed = 0.001 if healthy else chance.choice([0, 0.004, 0.01, 0.03])
    refunded = 0.01 if healthy else chance.choice([0, 0.02, 0.05, 0.12])
    quiet_from = chance.randint(0, 150)
    quiet = range(quiet_from, quiet_from + (0 if healthy else chance.choice([0, 0, 16, 40])))
    events = []
    for age in range(length, -1, -1):
        if age in quiet:
            continue
        for _ in range(int(per_day) + (chance.random() < per_day % 1)):
            minor = max(1, round(usual * max(0.05, 1 - growth * age / 30) * chance.uniform(0.5, 1.5)))
            events.append(Event(TODAY - ONE_DAY * age, "charge", minor))
            for kind, share, part in (("dispute", disputed, 1), ("refund", refunded, 2), ("warning", disputed, 0)):
                if chance.random() < share:
                    events.append(Event(TODAY - ONE_DAY * chance.randint(0, age), kind, minor // part if part else 0))
    volume = max(1, sum(one.minor for one in events if one.kind == "charge" and (TODAY - one.on).days < 180))
    top = round(volume * chance.choice([0.05, 0.15, 0.22, 0.35, 0.7]))
    charges = sum(1 for one in events if one.kind == "charge" and (TODAY - one.on).days < 180)
    return Business(
        events=tuple(events),
        payouts=tuple(_payouts(chance, healthy)),
        balance=tuple(_balance(chance, healthy)),
        payers=PayerTotals(
            charges,
            volume,
            round(volume * chance.choice([1, 0.9, 0.5])),
            chance.choice([3, 8, 90]),
            top,
            round(volume * chance.choice([0.1, 0.45, 0.7])),
            0,
        ),
        standing=Standing(
            charges_enabled=healthy or chance.random() < 0.95,
            payouts_enabled=True,
            past_due=not healthy and chance.random() < 0.3,
        ),
    )


def _payouts(chance: Random, healthy: bool) -> Iterable[Payout]:
    trouble = 0.01 if healthy else chance.choice([0, 0.05, 0.1, 0.3])
    for _ in range(chance.choice([0, 3, 12, 40])):
        arrival = TODAY - ONE_DAY * chance.randint(0, 120)
        status = chance.choice(["failed", "pending", "canceled"]) if chance.random() < trouble else "paid"
        if status == "paid" and (TODAY - arrival).days < 3 and chance.random() < 0.5:
            status = "in_transit"
        yield Payout(chance.randint(1000, 90000), arrival, status, False, status == "failed", None)


def _balance(chance: Random, healthy: bool) -> Iterable[tuple[dt.date, int]]:
    yield TODAY - ONE_DAY * 300, 5000
    if not healthy and chance.random() < 0.4:
        debit = TODAY - ONE_DAY * chance.randint(0, 100)
        yield debit, -9000
        again = debit + ONE_DAY * chance.randint(1, 5)
        if again <= TODAY and chance.random() < 0.7:
            yield again, 9000


def facts_on(business: Business, day: dt.date) -> MetricFacts:
    """What would be gathered on a day, from the events up to it, by counting them one by one."""
    period = Period(day)
    known = [one for one in business.events if one.on <= day]
    charged = [one.on for one in known if one.kind == "charge"]
    first = min(charged, default=None)
    balance = period.last_days(90)
    return MetricFacts(
        settlement_currency="usd",
        history_complete=True,
        first_charge_on=first,
        window=_totals(known, period.window),
        last_90_days=_totals(known, period.last_days(90)),
        buckets={index: _totals(known, days) for index, days in enumerate(reversed(period.buckets(first)))},
        active_days=frozenset(on for on in charged if (day - on).days <= 182),
        payers=business.payers if charged else PayerTotals(),
        payouts=tuple(one for one in business.payouts if one.arrival_on in period.last_days(90)),
        balance=BalanceHistory(
            sum(net for on, net in business.balance if on < balance.first),
            _daily((on, net) for on, net in business.balance if on in balance),
        ),
        standing=business.standing,
    )


def outlook_of(business: Business) -> Outlook:
    """The business as the product sees it today."""
    history: dict[dt.date, list[Event]] = {}
    for one in business.events:
        history.setdefault(one.on, []).append(one)
    days = {day: _totals(events, Days(day, day)) for day, events in history.items()}
    return Outlook(facts_on(business, business.today), days, AS_OF)


def moved_on(business: Business, ahead: int) -> Business:
    """The business that many days later, after days on which nothing but the usual happened."""
    today, events = business.today, list(business.events)
    for step in range(1, ahead + 1):
        sold = today + ONE_DAY * (step - REPEAT)
        charges = [one for one in events if one.on == sold and one.kind == "charge"]
        events += [replace(one, on=today + ONE_DAY * step) for one in charges]
    payouts = [_arrived(one, today) for one in business.payouts]
    latest = [
        one
        for one in business.payouts
        if one.amount_minor > 0 and one.status != "canceled" and 0 <= (today - one.arrival_on).days < REPEAT
    ]
    for times in (1, 2, 3):
        later = ONE_DAY * REPEAT * times
        payouts += [Payout(one.amount_minor, one.arrival_on + later, "paid", False, False, None) for one in latest]
    balance = list(business.balance)
    held = sum(net for _, net in balance)
    if held < 0 and ahead:
        balance.append((today + ONE_DAY, -held))
    return replace(business, events=tuple(events), payouts=tuple(payouts), balance=tuple(balance))


def _arrived(payout: Payout, today: dt.date) -> Payout:
    late = today > add_business_days(payout.arrival_on, OVERDUE_BUSINESS_DAYS)
    return payout._replace(status="paid") if payout.status in ("pending", "in_transit") and not late else payout


def _totals(events: Iterable[Event], days: Days) -> Totals:
    within = [one for one in events if one.on in days]

    def of(kind: str) -> list[int]:
        return [one.minor for one in within if one.kind == kind]

    return Totals(
        charge_count=len(of("charge")),
        revenue_minor=sum(of("charge")),
        refund_count=len(of("refund")),
        refunded_minor=sum(of("refund")),
        dispute_count=len(of("dispute")),
        withdrawn_minor=sum(of("dispute")),
        fraud_warning_count=len(of("warning")),
    )


def _daily(movements: Iterable[tuple[dt.date, int]]) -> dict[dt.date, int]:
    found: dict[dt.date, int] = {}
    for on, net in movements:
        found[on] = found.get(on, 0) + net
    return found


def steady_business(*more: Event, per_day: int = 10, minor: int = 4000, length: int = 400, **other: object) -> Business:
    """So many charges on each day up to today, 26 payouts in time, and what is asked for beside them."""
    charges = [Event(TODAY - ONE_DAY * age, "charge", minor) for age in range(length, -1, -1) for _ in range(per_day)]
    whole = Business(
        events=(*charges, *more),
        payouts=tuple(Payout(9000, TODAY - ONE_DAY * (3 * n), "paid", False, False, None) for n in range(26)),
        balance=((TODAY - ONE_DAY * 300, 5000),),
        payers=PayerTotals(1800, 7_200_000, 7_200_000, 300, 700_000, 2_000_000, 0),
        standing=Standing(charges_enabled=True, payouts_enabled=True, past_due=False),
    )
    return replace(whole, **other)  # type: ignore[arg-type]
