"""Connecting, reporting and ending, without the web."""

import datetime as dt
import hashlib
import uuid

import pytest
from sqlalchemy import Connection as Database
from sqlalchemy import delete, insert, select, update

from tests.fakes import FakeStripe
from vaultra.db import accounts, models
from vaultra.domain.connections import OauthState, Phase
from vaultra.errors import AccessRevoked, Conflict, Forbidden, Unavailable
from vaultra.ports import OauthGrant
from vaultra.usecases import connections

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
GRANT = OauthGrant("acct_1", livemode=False)


def a_business(db: Database) -> OauthState:
    """A user and their business."""
    user = accounts.insert_user(db, email=f"{uuid.uuid4().hex}@example.com", name="Ana", password_hash="hash", now=NOW)
    assert user is not None
    return OauthState(user.id, accounts.insert_business(db, user.id, {"name": "Shop"}, NOW).id)


def begin(
    db: Database, started: OauthState, browser: str | None = None, now: dt.datetime = NOW
) -> connections.RoundTrip:
    return connections.begin(db, user_id=started.user_id, business_id=started.business_id, browser=browser, now=now)


def claim(db: Database, trip: connections.RoundTrip, now: dt.datetime = NOW) -> OauthState:
    return connections.claim(db, state=trip.state, browser=trip.browser, now=now)


def test_a_state_is_long_unique_and_stored_as_its_hash(db: Database) -> None:
    started = a_business(db)
    trips = [begin(db, started) for _ in range(2)]
    guessed = [secret for trip in trips for secret in (trip.state, trip.browser)]
    assert len(set(guessed)) == 4
    assert all(len(secret) == 43 for secret in guessed)  # 256 bits
    stored = db.execute(select(models.OauthState.state_hash, models.OauthState.browser_hash))
    hashes = {hashlib.sha256(secret.encode()).hexdigest() for secret in guessed}
    assert {value for row in stored for value in row} == hashes


def test_a_state_works_once_within_ten_minutes(db: Database) -> None:
    started = a_business(db)
    trip = begin(db, started)
    assert claim(db, trip, NOW + dt.timedelta(minutes=9, seconds=59)) == started
    late = begin(db, started)
    for state in (trip.state, late.state, "", "x" * 43):
        with pytest.raises(connections.StateExpired):
            claim(db, connections.RoundTrip(state, trip.browser), NOW + dt.timedelta(minutes=10))


def test_a_round_trip_ends_in_the_browser_that_started_it(db: Database) -> None:
    started = a_business(db)
    trip, strangers = begin(db, started), begin(db, a_business(db))
    for browser in (None, "", strangers.browser, trip.state):
        with pytest.raises(connections.StateExpired):
            connections.claim(db, state=trip.state, browser=browser, now=NOW)
    assert claim(db, trip) == started


def test_two_tabs_of_a_browser_may_be_on_their_way(db: Database) -> None:
    first = begin(db, a_business(db))
    second = begin(db, a_business(db), browser=first.browser)
    assert second.browser == first.browser
    assert claim(db, second) != claim(db, first)


@pytest.mark.parametrize("role", ["viewer", None])
def test_who_lost_the_role_connects_nothing(db: Database, role: str | None) -> None:
    trip = begin(db, a_business(db))
    if role is None:
        db.execute(delete(models.UserBusinessMembership))
    else:
        db.execute(update(models.UserBusinessMembership).values(role=role))
    with pytest.raises(Forbidden):
        claim(db, trip)


def test_a_conflict_names_no_one(db: Database) -> None:
    one, two = a_business(db).business_id, a_business(db).business_id
    connections.connect(db, business_id=one, grant=GRANT, now=NOW)
    for business_id, grant in [(two, GRANT), (one, OauthGrant("acct_2", livemode=False))]:
        with pytest.raises(Conflict) as caught:
            connections.connect(db, business_id=business_id, grant=grant, now=NOW)
        for name in (str(one), "acct_", "Shop"):
            assert name not in f"{caught.value.message} {caught.value.details}"


def test_the_status_follows_the_connection(db: Database) -> None:
    business_id = a_business(db).business_id
    assert connections.status(db, business_id) == connections.Status(None, None)
    connected = connections.connect(db, business_id=business_id, grant=GRANT, now=NOW)
    status = connections.status(db, business_id)
    assert status.connection == connected.connection
    assert status.progress is not None
    assert (status.progress.phase, status.progress.percent) == (Phase.RECENT, 0)
    db.execute(update(models.SyncRun).values(progress=0.5))
    progress = connections.status(db, business_id).progress
    assert progress is not None
    assert (progress.phase, progress.percent) == (Phase.RECENT, 50)


def test_connecting_releases_what_waited_and_begins_one_run(db: Database) -> None:
    event: dict[str, object] = {"type": "charge.succeeded", "occurred_at": NOW}
    states: list[tuple[str, bool, str]] = [
        ("acct_1", False, "parked"),
        ("acct_2", False, "parked"),
        ("acct_1", True, "parked"),
        ("acct_1", False, "done"),
    ]
    events = [
        {**event, "event_id": f"evt_{number}", "account": account, "livemode": livemode, "status": status}
        for number, (account, livemode, status) in enumerate(states)
    ]
    returning_ids = insert(models.StripeEvent).returning(models.StripeEvent.id, sort_by_parameter_order=True)
    ids = list(db.scalars(returning_ids, events))
    business_id = a_business(db).business_id
    connected = connections.connect(db, business_id=business_id, grant=GRANT, now=NOW)
    assert connected.events == [[ids[0]]]
    assert (connected.run.kind, connected.run.account_id) == ("initial", connected.connection.id)
    again = connections.connect(db, business_id=business_id, grant=GRANT, now=NOW)
    assert again.events == []
    open_runs = select(models.SyncRun.id).where(models.SyncRun.finished_at.is_(None))
    assert list(db.scalars(open_runs)) == [again.run.id]


def test_disconnecting_gives_the_access_back_once(db: Database) -> None:
    business_id, stripe = a_business(db).business_id, FakeStripe()
    connections.connect(db, business_id=business_id, grant=GRANT, now=NOW)
    for _ in range(2):
        connections.disconnect(db, stripe, business_id=business_id, now=NOW)
    assert stripe.deauthorized == ["acct_1"]
    assert connections.status(db, business_id).connection is None


def test_an_access_that_is_gone_already_is_disconnected_here(db: Database) -> None:
    business_id, stripe = a_business(db).business_id, FakeStripe()
    connections.connect(db, business_id=business_id, grant=GRANT, now=NOW)
    stripe.failure = AccessRevoked("gone")
    connections.disconnect(db, stripe, business_id=business_id, now=NOW)
    assert connections.status(db, business_id).connection is None


def test_while_stripe_is_down_nothing_is_disconnected(db: Database) -> None:
    business_id, stripe = a_business(db).business_id, FakeStripe()
    connections.connect(db, business_id=business_id, grant=GRANT, now=NOW)
    stripe.failure = Unavailable("down")
    with pytest.raises(Unavailable):
        connections.disconnect(db, stripe, business_id=business_id, now=NOW)
    assert connections.status(db, business_id).connection is not None
