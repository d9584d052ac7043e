"""What an account says about itself: the newest wins, two of one second are read, and what is left out is read."""

import datetime as dt
import itertools
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from tests import stripe_payloads as raw
from tests.connected import account_of, apply, connect
from tests.fakes import FakeStripe
from tests.stripe_payloads import ACCOUNT, NOON, Json, event, thin

SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def stripe() -> FakeStripe:
    """A Stripe whose account may charge, is not paid out, and has nothing past due."""
    stripe = FakeStripe()
    stripe.put(ACCOUNT, "account", raw.account(payouts_enabled=False))
    return stripe


def standing(conn: Connection, account: Any) -> tuple[bool, bool, bool]:
    told = account_of(conn, account.id)["standing"]
    return (told["charges_enabled"], told["payouts_enabled"], told["past_due"])


def updated(moment: dt.datetime = NOON, **given: Any) -> Json:
    return event("account.updated", raw.account(**given), moment)


TRUE_NOW = (True, False, False)


@pytest.mark.parametrize("order", itertools.permutations(range(3)))
@pytest.mark.parametrize("together", [True, False])
def test_of_several_in_one_second_the_account_itself_decides(
    fresh_engine: Engine, stripe: FakeStripe, order: tuple[int, ...], together: bool
) -> None:
    events = [updated(charges_enabled=False), updated(), updated(payouts_enabled=False)]
    with fresh_engine.connect() as conn:
        account = connect(conn)
        batches = [[events[n] for n in order]] if together else [[events[n]] for n in order]
        for batch in batches:
            assert apply(conn, stripe, batch).done == len(batch)
        assert standing(conn, account) == TRUE_NOW
        assert account_of(conn, account.id)["version_at"] == NOON


def test_the_newest_wins_and_nobody_is_asked(fresh_engine: Engine, stripe: FakeStripe) -> None:
    with fresh_engine.connect() as conn:
        account = connect(conn)
        apply(conn, stripe, [updated(NOON + SECOND, charges_enabled=False), updated(NOON)])
        apply(conn, stripe, [updated(NOON), updated(NOON + SECOND, charges_enabled=False)])
        assert (standing(conn, account), stripe.asked) == ((False, True, False), [])


@pytest.mark.parametrize("field", ["charges_enabled", "payouts_enabled", "requirements", "default_currency"])
@pytest.mark.parametrize("null", [True, False])
def test_what_an_event_leaves_out_is_read(fresh_engine: Engine, stripe: FakeStripe, field: str, null: bool) -> None:
    older = raw.account()
    older[field] = None
    if not null:
        del older[field]
    with fresh_engine.connect() as conn:
        account = connect(conn)
        assert apply(conn, stripe, [event("account.updated", older)]).done == 1
        assert (standing(conn, account), account_of(conn, account.id)["default_currency"]) == (TRUE_NOW, "usd")


def test_a_thin_event_is_read_unless_it_is_old_news(fresh_engine: Engine, stripe: FakeStripe) -> None:
    with fresh_engine.connect() as conn:
        account = connect(conn)
        assert apply(conn, stripe, [thin("v1.account.updated", raw.account())]).done == 1
        assert standing(conn, account) == TRUE_NOW
        stripe.asked.clear()
        assert apply(conn, stripe, [thin("v1.account.updated", raw.account(), NOON - SECOND)]).done == 1
        assert stripe.asked == []


def test_what_no_account_can_say_is_refused(fresh_engine: Engine, stripe: FakeStripe) -> None:
    with fresh_engine.connect() as conn:
        account = connect(conn)
        apply(conn, stripe, [updated()])
        wrong = [updated(NOON + SECOND, charges_enabled="no"), updated(NOON + SECOND, requirements=[])]
        assert len(apply(conn, stripe, wrong).failed) == 2
        assert standing(conn, account) == (True, True, False)
