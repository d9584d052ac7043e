"""The statements about the daily allowance of models' tokens."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from sqlalchemy import Connection, Engine

from tests.rows import NOON, a_business
from vaultra.db import agent_usage

DAY = NOON.date()


def test_tokens_are_taken_until_the_day_has_no_more(db: Connection) -> None:
    business_id = a_business(db)
    assert agent_usage.find_tokens(db, business_id, DAY) is None
    taken = [agent_usage.take(db, business_id, DAY, 40, 100) for _ in range(4)]
    assert taken == [True, True, False, False]
    assert agent_usage.find_tokens(db, business_id, DAY) == 80
    assert agent_usage.take(db, business_id, DAY, 20, 100)


def test_more_than_a_whole_day_is_never_given(db: Connection) -> None:
    business_id = a_business(db)
    assert not agent_usage.take(db, business_id, DAY, 101, 100)
    assert agent_usage.find_tokens(db, business_id, DAY) is None
    assert not agent_usage.take(db, business_id, DAY, 1, 0)


def test_what_was_not_used_can_be_taken_again_and_what_was_more_counts(db: Connection) -> None:
    business_id = a_business(db)
    agent_usage.take(db, business_id, DAY, 100, 100)
    agent_usage.give_back(db, business_id, DAY, 70)
    assert agent_usage.find_tokens(db, business_id, DAY) == 30
    agent_usage.give_back(db, business_id, DAY, -5)
    assert agent_usage.find_tokens(db, business_id, DAY) == 35


def test_days_and_businesses_are_apart(db: Connection) -> None:
    one, other = a_business(db), a_business(db)
    assert agent_usage.take(db, one, DAY, 100, 100)
    assert agent_usage.take(db, one, DAY + dt.timedelta(days=1), 100, 100)
    assert agent_usage.take(db, other, DAY, 100, 100)
    assert not agent_usage.take(db, one, DAY, 1, 100)


def test_g4_together_callers_never_have_more_than_the_allowance(fresh_engine: Engine) -> None:
    """G4: 20 at once, each taking and giving back; what is left in the end is what they used."""
    with fresh_engine.begin() as db:
        business_id = a_business(db)

    def one(number: int) -> int:
        used = 0
        for _ in range(10):
            with fresh_engine.begin() as db:
                taken = agent_usage.take(db, business_id, DAY, 30, 1000)
                assert (agent_usage.find_tokens(db, business_id, DAY) or 0) <= 1000
            if taken:
                used += 30 - number % 7
                with fresh_engine.begin() as db:
                    agent_usage.give_back(db, business_id, DAY, number % 7)
        return used

    with ThreadPoolExecutor(20) as threads:
        used = sum(threads.map(one, range(20)))
    assert _tokens(fresh_engine, business_id) == used <= 1000
    print(f"G4: 200 calls in 20 threads used {used} of 1000 tokens, and the database says so")


def _tokens(engine: Engine, business_id: UUID) -> int | None:
    with engine.connect() as db:
        return agent_usage.find_tokens(db, business_id, DAY)
