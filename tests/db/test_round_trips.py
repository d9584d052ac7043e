"""The statements about round trips through another site, of either kind."""

import datetime as dt
import uuid
from typing import Any

import pytest
from sqlalchemy import Connection

from vaultra.db import accounts, round_trips
from vaultra.db.round_trips import SIGN_IN, STRIPE, StartedSignIn, Trips
from vaultra.domain.connections import OauthState

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)
TICK = dt.timedelta(microseconds=1)


def to_stripe(db: Connection) -> OauthState:
    """A user and their business."""
    user = accounts.insert_user(db, email=f"{uuid.uuid4().hex}@example.com", name="Ana", password_hash="hash", now=NOW)
    assert user is not None
    return OauthState(user.id, accounts.insert_business(db, user.id, {"name": "Shop"}, NOW).id)


@pytest.fixture(params=["stripe", "a sign-in", "a sign-in for the first page"])
def trip(db: Connection, request: pytest.FixtureRequest) -> tuple[Trips[Any], Any]:
    """A kind of round trip, and what one of that kind started with."""
    if request.param == "stripe":
        return STRIPE, to_stripe(db)
    return SIGN_IN, StartedSignIn("nonce", "verifier", "/dashboard/" if request.param == "a sign-in" else None)


def insert_state(db: Connection, trip: tuple[Trips[Any], Any], state_hash: str) -> None:
    kind, started = trip
    round_trips.insert_state(db, kind, state_hash=state_hash, browser_hash="browser", started=started, expires_at=LATER)


def take_state(
    db: Connection, trip: tuple[Trips[Any], Any], state_hash: str, now: dt.datetime = NOW, browser: str = "browser"
) -> Any:
    return round_trips.take_state(db, trip[0], state_hash=state_hash, browser_hash=browser, now=now)


def test_a_state_is_taken_once_with_all_it_remembers(db: Connection, trip: tuple[Trips[Any], Any]) -> None:
    insert_state(db, trip, "one")
    assert take_state(db, trip, "another") is None
    assert take_state(db, trip, "one") == trip[1]
    assert take_state(db, trip, "one") is None


def test_a_state_is_not_taken_by_another_browser(db: Connection, trip: tuple[Trips[Any], Any]) -> None:
    insert_state(db, trip, "one")
    assert take_state(db, trip, "one", browser="another") is None
    assert take_state(db, trip, "one") == trip[1]


def test_a_state_is_taken_until_it_expires(db: Connection, trip: tuple[Trips[Any], Any]) -> None:
    insert_state(db, trip, "one")
    insert_state(db, trip, "two")
    assert take_state(db, trip, "one", LATER) is None
    assert take_state(db, trip, "two", LATER - TICK) == trip[1]


def test_one_kind_does_not_open_the_other(db: Connection) -> None:
    started = to_stripe(db)
    insert_state(db, (STRIPE, started), "one")
    assert round_trips.take_state(db, SIGN_IN, state_hash="one", browser_hash="browser", now=NOW) is None
    assert take_state(db, (STRIPE, started), "one") == started
