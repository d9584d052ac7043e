"""Turns that instances share, and how long we wait for a Stripe that does not answer."""

import datetime as dt
from email.utils import format_datetime

import pytest
from sqlalchemy import Connection, Engine, text

from tests.stripe_payloads import ACCOUNT, NOON
from vaultra.adapters import stripe_pacing
from vaultra.adapters.stripe_pacing import SharedPace, Unpaced, patiently, told_wait
from vaultra.db import rate_limits
from vaultra.domain.limits import Limit
from vaultra.errors import AccessRevoked, RateLimited, Unavailable, VaultraError

SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long would have been slept; time passes by that."""
    slept: list[float] = []
    monkeypatch.setattr(stripe_pacing.time, "sleep", slept.append)
    monkeypatch.setattr(stripe_pacing.time, "monotonic", lambda: sum(slept))
    return slept


# --- turns ------------------------------------------------------------------------------------


def test_turns_come_at_even_distances_per_account(fresh_engine: Engine, waits: list[float]) -> None:
    pace = SharedPace(lambda: fresh_engine, 2)
    other = SharedPace(lambda: fresh_engine, 2)  # another instance
    for turn in range(3):
        (pace, other)[turn % 2].wait_turn(ACCOUNT)
    pace.wait_turn("acct_other")
    first, second, third, alone = waits
    assert (first, alone) == (0, 0)
    assert 0.3 < second <= 0.525
    assert 0.8 < third <= 1.05


def test_a_turn_far_away_is_not_waited_for_nor_taken(fresh_engine: Engine, waits: list[float]) -> None:
    pace = SharedPace(lambda: fresh_engine, 20)
    pace.hold(ACCOUNT, 100)
    for _ in range(3):
        with pytest.raises(RateLimited) as caught:
            pace.wait_turn(ACCOUNT)
        assert caught.value.retry_after is not None
        assert 90 < caught.value.retry_after <= 100
    assert waits == []
    pace.wait_turn("acct_other")


def test_a_hold_never_shortens_a_longer_one(fresh_engine: Engine, waits: list[float]) -> None:
    pace = SharedPace(lambda: fresh_engine, 20)
    pace.hold(ACCOUNT, 100)
    pace.hold(ACCOUNT, 1)
    with pytest.raises(RateLimited):
        pace.wait_turn(ACCOUNT)


def test_who_sleeps_past_its_turn_gives_it_up(fresh_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, sleeps = [0.0], []

    def oversleep(seconds: float) -> None:
        sleeps.append(seconds)
        clock[0] += seconds + (0.2 if len(sleeps) == 1 else 0)

    monkeypatch.setattr(stripe_pacing.time, "sleep", oversleep)
    monkeypatch.setattr(stripe_pacing.time, "monotonic", lambda: clock[0])
    SharedPace(lambda: fresh_engine, 20).wait_turn(ACCOUNT)
    assert len(sleeps) == 2


def test_a_machine_that_always_oversleeps_sends_nothing(fresh_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def oversleep(seconds: float) -> None:
        clock[0] += seconds + 1

    monkeypatch.setattr(stripe_pacing.time, "sleep", oversleep)
    monkeypatch.setattr(stripe_pacing.time, "monotonic", lambda: clock[0])
    with pytest.raises(RateLimited):
        SharedPace(lambda: fresh_engine, 20).wait_turn(ACCOUNT)


def test_no_account_is_named_in_the_table(fresh_engine: Engine) -> None:
    SharedPace(lambda: fresh_engine, 20).wait_turn(ACCOUNT)
    with fresh_engine.connect() as conn:
        assert ACCOUNT not in conn.execute(text("select key from rate_limits")).scalar_one()


def test_a_turn_is_told_by_the_databases_clock(db: Connection) -> None:
    use = Limit("x", 1, 10 * SECOND).of("somebody")
    assert rate_limits.reserve(db, use, 15) == 0
    assert 9 < rate_limits.reserve(db, use, 15) <= 10
    for _ in range(3):
        assert 19 < rate_limits.reserve(db, use, 15) <= 20  # too far away, and so not given


# --- patience ---------------------------------------------------------------------------------


class Script:
    """Raises what it was told to, in turn, then answers."""

    def __init__(self, *errors: VaultraError) -> None:
        self.errors = list(errors)
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return "an answer"


class Holds(Unpaced):
    """Notes turns and holds."""

    def __init__(self) -> None:
        self.turns: list[str] = []
        self.held: list[tuple[str, float]] = []

    def wait_turn(self, account_id: str) -> None:
        self.turns.append(account_id)

    def hold(self, account_id: str, seconds: float) -> None:
        self.held.append((account_id, seconds))


def busy(retry_after: int | None = None) -> RateLimited:
    return RateLimited("Stripe asks us to slow down", retry_after=retry_after)


def test_pauses_double_and_are_never_the_same(waits: list[float]) -> None:
    for _ in range(20):
        assert patiently(Script(busy(), Unavailable("No"), busy()), ACCOUNT, Unpaced()) == "an answer"
    for n, longest in enumerate((0.5, 1.0, 2.0)):
        pauses = waits[n::3]
        assert all(longest / 2 <= pause <= longest for pause in pauses)
        assert len(set(pauses)) > 15


def test_every_attempt_takes_a_turn(waits: list[float]) -> None:
    pace = Holds()
    patiently(Script(busy(), busy()), ACCOUNT, pace)
    assert (pace.turns, pace.held) == ([ACCOUNT] * 3, [])


def test_what_stripe_asks_for_is_waited_and_holds_everybody(waits: list[float]) -> None:
    pace = Holds()
    patiently(Script(busy(3)), ACCOUNT, pace)
    assert pace.held == [(ACCOUNT, 3)]
    assert 3 <= waits[0] < 3.3


def test_a_long_wait_goes_back_to_the_broker(waits: list[float]) -> None:
    pace, script = Holds(), Script(busy(60))
    with pytest.raises(RateLimited) as caught:
        patiently(script, ACCOUNT, pace)
    assert (script.asked, waits, pace.held) == (1, [], [(ACCOUNT, 60)])
    assert caught.value.retry_after in (60, 61)


def test_after_four_attempts_the_error_says_when_to_come_back(waits: list[float]) -> None:
    script = Script(*[Unavailable("No") for _ in range(9)])
    with pytest.raises(Unavailable) as caught:
        patiently(script, ACCOUNT, Unpaced())
    assert (script.asked, len(waits)) == (4, 3)
    assert caught.value.retry_after in (2, 3, 4)


def test_a_read_ends_in_time_for_its_step(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    def slow() -> str:
        waits.append(31)  # as long as a request may hang
        raise Unavailable("No")

    with pytest.raises(Unavailable):
        patiently(slow, ACCOUNT, Unpaced())
    assert waits.count(31) == 2
    assert sum(waits) < stripe_pacing.LONGEST_READ_SECONDS + 31


def test_what_no_repetition_cures_is_not_repeated(waits: list[float]) -> None:
    script = Script(AccessRevoked("Connect it again."))
    with pytest.raises(AccessRevoked):
        patiently(script, ACCOUNT, Unpaced())
    assert (script.asked, waits) == (1, [])


DATE = format_datetime(NOON, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (None, None),
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 7 "}, 7),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "²"}, None),
        ({"retry-after": format_datetime(NOON + 90 * SECOND, usegmt=True)}, 30),  # by our clock, a minute ahead
        ({"retry-after": format_datetime(NOON + 90 * SECOND, usegmt=True), "date": DATE}, 90),
        ({"retry-after": format_datetime(NOON - 90 * SECOND, usegmt=True), "date": DATE}, 0),
        ({"retry-after": "Fri, 20 Nov 2026 12:00:05 -0000", "date": DATE}, 5),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str] | None, seconds: int | None) -> None:
    assert told_wait(headers, NOON + 60 * SECOND) == seconds
