"""How often something may be done, whoever counts."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, Engine

from vaultra.domain.limits import Limit
from vaultra.errors import RateLimited
from vaultra.usecases import limits

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
THREE = Limit("three", 3, 3 * MINUTE)


def allowed(db: Connection, subject: str, now: dt.datetime) -> bool:
    try:
        limits.take(db, now, THREE.of(subject))
    except RateLimited:
        return False
    return True


def test_a_burst_is_allowed_and_then_one_at_a_time(db: Connection) -> None:
    assert [allowed(db, "ana", NOW) for _ in range(5)] == [True, True, True, False, False]
    assert [allowed(db, "ana", NOW + MINUTE - dt.timedelta(seconds=1)) for _ in range(2)] == [False, False]
    assert [allowed(db, "ana", NOW + MINUTE) for _ in range(2)] == [True, False]
    assert [allowed(db, "ana", NOW + 10 * MINUTE) for _ in range(4)] == [True, True, True, False]


def test_everybody_has_an_allowance_of_their_own(db: Connection) -> None:
    assert [allowed(db, "ana", NOW) for _ in range(4)][-1] is False
    assert allowed(db, "bo", NOW)


def test_a_refusal_says_when_to_come_back(db: Connection) -> None:
    for _ in range(3):
        limits.take(db, NOW, THREE.of("ana"))
    with pytest.raises(RateLimited) as caught:
        limits.take(db, NOW + dt.timedelta(seconds=20), THREE.of("ana"))
    assert caught.value.retry_after == 40


def test_who_is_forgiven_begins_anew(db: Connection) -> None:
    for _ in range(3):
        limits.take(db, NOW, THREE.of("ana"))
    limits.forgive(db, THREE.of("ana"))
    assert [allowed(db, "ana", NOW) for _ in range(4)] == [True, True, True, False]


def test_what_is_kept_tells_nobodys_address() -> None:
    assert "ana@example.com" not in THREE.of("ana@example.com").key


def test_many_instances_together_allow_no_more(fresh_engine: Engine) -> None:
    def one_try(_number: int) -> bool:
        with fresh_engine.connect() as db:
            answer = allowed(db, "ana", NOW)
            db.commit()
            return answer

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one_try, range(100))) == 3


def test_two_limits_taken_in_either_order_never_wait_for_each_other(fresh_engine: Engine) -> None:
    uses = (Limit("a", 500, MINUTE).of("x"), Limit("b", 500, MINUTE).of("x"))

    def one_try(number: int) -> None:
        with fresh_engine.connect() as db:
            limits.take(db, NOW, *(uses if number % 2 else reversed(uses)))
            db.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one_try, range(200)))
