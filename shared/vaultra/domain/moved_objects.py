"""Which objects began or ceased to count between two scores, and in which days each rule looks for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from vaultra.domain.measures import BALANCE_DAYS
from vaultra.domain.metric_facts import BalanceHistory, Payout
from vaultra.domain.payouts import is_judged, is_on_time
from vaultra.domain.period import BUCKET_DAYS, ONE_DAY, WINDOW_DAYS, Days
from vaultra.domain.thresholds import PRESSURE_BUCKETS
from vaultra.domain.wording import counted

# A longer list is for a table, not for an explanation; the counts tell the rest.
MOST_OBJECTS = 50
REFUND_DAYS = 90
PAYOUT_DAYS = 90

ObjectKind = Literal["dispute", "fraud_warning", "refund", "missed_payout", "negative_day"]
Movement = Literal["came", "left", "turned"]
MOVEMENTS: tuple[Movement, ...] = ("came", "turned", "left")


@dataclass(frozen=True)
class Frame:
    """The days in which a rule counts objects: `length` of them, the last one `age` days before the score's day."""

    kinds: tuple[ObjectKind, ...]
    length: int
    age: int = 0

    def days(self, scored_on: dt.date) -> Days:
        last = scored_on - ONE_DAY * self.age
        return Days(last - ONE_DAY * (self.length - 1), last)

    def leaves_on(self, day: dt.date) -> dt.date:
        """The first day on which an object of that day counts no more."""
        return day + ONE_DAY * (self.length + self.age)


FRAMES: dict[str, Frame] = {
    "chargeback_ratio": Frame(("dispute",), WINDOW_DAYS),
    # Buckets end the day before.
    "network_pressure": Frame(("dispute", "fraud_warning"), PRESSURE_BUCKETS * BUCKET_DAYS, age=1),
    "refunds": Frame(("refund",), REFUND_DAYS),
    "payout_reliability": Frame(("missed_payout",), PAYOUT_DAYS),
    "account_standing": Frame(("negative_day",), BALANCE_DAYS),
}
NOUNS: dict[ObjectKind, tuple[str, str]] = {
    "dispute": ("dispute", "disputes"),
    "fraud_warning": ("fraud warning", "fraud warnings"),
    "refund": ("refund", "refunds"),
    "missed_payout": ("missed payout", "missed payouts"),
    "negative_day": ("day with a negative balance", "days with a negative balance"),
}


@dataclass(frozen=True)
class Moment:
    """When a score was computed: the day it is for, and the time up to which things were known."""

    scored_on: dt.date
    at: dt.datetime


@dataclass(frozen=True)
class MovedObject:
    """Something that began or ceased to count between two scores.

    Attributes:
        id: Stripe's; None for a day with a negative balance.
        on: The UTC day by which it counts.
        amount_minor: In minor units of `currency`; None where it has no amount.
        movement: `came` into the days looked at, `left` them, or `turned` bad while in them (a payout that failed).
        outcome: What became of it, in Stripe's word; None where there is none.
    """

    kind: ObjectKind
    id: str | None
    on: dt.date
    amount_minor: int | None
    currency: str | None
    movement: Movement
    outcome: str | None


@dataclass(frozen=True)
class MovedObjects:
    """The objects of one kind, the newest first, at most `MOST_OBJECTS` of them; the counts are of all."""

    kind: ObjectKind
    objects: tuple[MovedObject, ...] = ()
    came: int = 0
    turned: int = 0
    left: int = 0

    @classmethod
    def of(cls, kind: ObjectKind, objects: Iterable[MovedObject]) -> MovedObjects:
        """All of them, given in any order."""
        ordered = sorted(objects, key=lambda one: (one.on, one.id or ""), reverse=True)
        counts = {movement: sum(1 for one in ordered if one.movement == movement) for movement in MOVEMENTS}
        return cls(kind, tuple(ordered[:MOST_OBJECTS]), counts["came"], counts["turned"], counts["left"])

    @property
    def total(self) -> int:
        return self.came + self.turned + self.left


def sentence(moved: MovedObjects, frame: Frame) -> str:
    """How many came and left, in words; empty when none did."""
    noun, plural = NOUNS[moved.kind]
    parts = []
    if moved.came:
        parts.append(f"{counted(moved.came, noun, plural)} came in")
    if moved.turned:
        turned = f"{moved.turned:,}" if parts else counted(moved.turned, noun, plural)
        parts.append(f"{turned} had counted as good before")
    if moved.left:
        parts.append(f"{f'{moved.left:,}' if parts else counted(moved.left, noun, plural)} left")
    return f"Within {frame.length} days: {', '.join(parts)}." if parts else ""


@dataclass(frozen=True)
class TracedPayout:
    """A payout with when it turned bad: `turned_at` is when it failed back or was reversed, None if that is unknown."""

    id: str
    payout: Payout
    currency: str
    turned_at: dt.datetime | None


def is_missed(traced: TracedPayout, moment: Moment) -> bool:
    """Whether a payout counted against the business at that moment, as far as its dates tell."""
    payout = traced.payout
    if payout.arrival_on not in FRAMES["payout_reliability"].days(moment.scored_on) or is_on_time(payout):
        return False
    if traced.turned_at is not None and traced.turned_at > moment.at:
        return False
    if payout.status == "paid" and payout.paid_at is not None and payout.paid_at > moment.at:
        # It had not arrived yet: it counted only once overdue.
        return is_judged(payout._replace(status="in_transit"), moment.scored_on)
    return is_judged(payout, moment.scored_on)


def moved_payouts(payouts: Iterable[TracedPayout], before: Moment, after: Moment) -> MovedObjects:
    """The payouts that count against the business at one of two moments and not at the other."""
    earlier_days = FRAMES["payout_reliability"].days(before.scored_on)
    found = []
    for traced in payouts:
        was, is_now = is_missed(traced, before), is_missed(traced, after)
        if was == is_now:
            continue
        movement: Movement = "left" if was else "turned" if traced.payout.arrival_on in earlier_days else "came"
        found.append(
            MovedObject(
                kind="missed_payout",
                id=traced.id,
                on=traced.payout.arrival_on,
                amount_minor=traced.payout.amount_minor,
                currency=traced.currency,
                movement=movement,
                outcome="reversed" if traced.payout.reversed else traced.payout.status,
            )
        )
    return MovedObjects.of("missed_payout", found)


def negative_days(balance: BalanceHistory, as_of: dt.date) -> list[dt.date]:
    """The days of the ninety that end on `as_of` which ended with a negative balance; none if it was never read."""
    if balance.opening_minor is None:
        return []
    days = FRAMES["account_standing"].days(as_of)
    running, found = balance.opening_minor, []
    for offset in range(len(days)):
        day = days.first + ONE_DAY * offset
        running += balance.movements.get(day, 0)
        if running < 0:
            found.append(day)
    return found


def moved_negative_days(then: Iterable[dt.date], now: Iterable[dt.date]) -> MovedObjects:
    """The negative days that count at one of two moments and not at the other."""
    earlier, later = set(then), set(now)
    came = [MovedObject("negative_day", None, day, None, None, "came", None) for day in later - earlier]
    left = [MovedObject("negative_day", None, day, None, None, "left", None) for day in earlier - later]
    return MovedObjects.of("negative_day", came + left)
