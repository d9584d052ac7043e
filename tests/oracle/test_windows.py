"""RELIABILITY row E16: what lies in a window, to the second, whatever the clocks of some zone do.

SCORING decides the time zone: windows are half-open and made of UTC days, wherever the business is. So neither the
zone in which the time is told nor that of the database's session changes anything.
"""

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from tests.db.billing import Books, open_books
from vaultra.db import metrics as db_metrics
from vaultra.domain.metric_set import MetricSet
from vaultra.domain.metrics import compute_metrics

EVERYDAY, LONG = 150, 5_000
DAY = dt.timedelta(days=1)
EDGES = (0, 1, 29, 30, 31, 60, 89, 90, 91, 179, 180, 181)
SECONDS = (-1, 0, 1, 3600, 43_200, 86_399)
ZONES = ("UTC", "America/New_York", "America/St_Johns", "Asia/Kathmandu", "Pacific/Kiritimati", "Europe/Berlin")
# Where clocks are put forward or back, leap days, the turn of a year, and 90 days after some of them.
DATES = (
    dt.date(2026, 3, 8),
    dt.date(2026, 3, 29),
    dt.date(2026, 10, 25),
    dt.date(2026, 11, 1),
    dt.date(2026, 6, 6),
    dt.date(2027, 1, 23),
    dt.date(2024, 2, 29),
    dt.date(2024, 5, 29),
    dt.date(2026, 1, 1),
)


@dataclass(frozen=True)
class Entry:
    """Something that happened: a charge, a failed one, a refund, or a payout that was paid or failed."""

    kind: str
    at: dt.datetime
    minor: int


@dataclass(frozen=True)
class Case:
    """When the metrics are taken, told in some zone, the database session's zone, and what happened."""

    as_of: dt.datetime
    session_zone: str
    entries: tuple[Entry, ...]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Entries around the edges of every window, a second before, at, or after, and none later than now."""
    day = draw(st.sampled_from(DATES)) + draw(st.integers(-1, 1)) * DAY
    clock = draw(st.sampled_from((dt.time(0), dt.time(0, 0, 1), dt.time(2, 30), dt.time(12), dt.time(23, 59, 59))))
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    as_of = dt.datetime.combine(day, clock.replace(fold=draw(st.integers(0, 1))), zone)
    midnight = midnight_of(as_of)
    entries = []
    for _ in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from(("charge", "charge", "failed", "refund", "paid", "payout_failed")))
        moment = midnight - draw(st.sampled_from(EDGES)) * DAY + dt.timedelta(seconds=draw(st.sampled_from(SECONDS)))
        entries.append(Entry(kind, min(moment, as_of.astimezone(dt.UTC)), draw(st.integers(1, 10_000))))
    return Case(as_of, draw(st.sampled_from(ZONES)), tuple(entries))


def midnight_of(moment: dt.datetime) -> dt.datetime:
    """The last midnight in UTC."""
    return moment.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def by_hand(case: Case) -> dict[str, object]:
    """The windows, second by second: from a midnight in UTC, that one included, to the next one, without it."""
    end = midnight_of(case.as_of) + DAY

    def within(days: int, *kinds: str) -> list[Entry]:
        return [entry for entry in case.entries if entry.kind in kinds and end - days * DAY <= entry.at < end]

    def total(days: int, kind: str) -> int:
        return sum(entry.minor for entry in within(days, kind))

    captured, paid = total(90, "charge"), len(within(90, "paid"))
    settled = len(within(90, "paid", "payout_failed"))
    failed = len(within(30, "failed"))
    charges = len(within(30, "charge"))
    first = min((entry.at for entry in case.entries if entry.kind == "charge"), default=None)
    return {
        "revenue_total": total(30, "charge"),
        "transaction_count": charges,
        "refund_count": len(within(30, "refund")),
        "refund_ratio": Fraction(len(within(30, "refund")), charges) if charges else None,
        "payment_failure_rate": Fraction(failed, failed + charges) if failed + charges else None,
        "refund_volume_ratio": Fraction(total(90, "refund"), captured) if captured else None,
        "payout_reliability": Fraction(paid, settled) if settled else None,
        "history_days": None if first is None else (end - DAY - midnight_of(first)).days,
    }


def by_the_product(conn: Connection, case: Case) -> MetricSet:
    """What the product computes from stored objects, all undone afterwards."""
    savepoint = conn.begin_nested()
    conn.execute(text("select set_config('timezone', :zone, true)"), {"zone": case.session_zone})
    books = open_books(conn)
    for entry in case.entries:
        store(books, entry)
    days = {entry.at.date() for entry in case.entries}
    books.roll_up({day + beside * DAY for day in days for beside in (-1, 0, 1)})  # else nothing could count twice
    [facts] = db_metrics.metric_facts(conn, [books.business_id], case.as_of).values()
    computed = compute_metrics(facts, case.as_of)
    savepoint.rollback()
    return computed


def store(books: Books, entry: Entry) -> None:
    match entry.kind:
        case "charge":
            books.charge(entry.at, entry.minor)
        case "failed":
            books.charge(entry.at, entry.minor, status="failed", captured=False)
        case "refund":
            books.refund(entry.at, entry.minor)
        case "paid":
            books.payout(entry.at.date(), minor=entry.minor)
        case "payout_failed":
            books.payout(entry.at.date(), "failed", minor=entry.minor)


def compare_all(db: Connection, examples: int) -> Counter[str]:
    """Compare so many cases; gives how many there were of what."""
    seen: Counter[str] = Counter()

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases())
    def agrees(case: Case) -> None:
        expected, found = by_hand(case), by_the_product(db, case)
        assert {name: found[name].value for name in expected} == expected
        seen.update({"cases": 1, "numbers": len(expected), "entries": len(case.entries)})
        ages = ((midnight_of(case.as_of) + DAY - entry.at).total_seconds() for entry in case.entries)
        seen["on an edge to the second"] += sum(age % 86_400 in (0, 1) for age in ages)
        seen["told or stored in another zone"] += bool(case.as_of.utcoffset()) or case.session_zone != "UTC"

    agrees()
    return seen


def test_e16_windows_equal_a_count_by_hand(db: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    seen = compare_all(db, EVERYDAY)
    with capsys.disabled():
        print(f"\nE16: {dict(seen)}, all equal")


@pytest.mark.long
def test_e16_five_thousand_windows_equal_a_count_by_hand(db: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    seen = compare_all(db, LONG)
    with capsys.disabled():
        print(f"\nE16: {dict(seen)}, all equal")
    assert seen["cases"] >= LONG
