"""Deleting a business or an account: when it is done, and when nothing is."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import orjson
import pytest
from sqlalchemy import Connection, Engine, insert, select

from tests import rows
from tests.fakes import FakeStripe
from tests.rows import NOON
from vaultra.db import models
from vaultra.domain.accounts import Membership, Role
from vaultra.errors import (
    AccessRevoked,
    Conflict,
    Forbidden,
    Unauthorized,
    Unavailable,
    Unprocessable,
    VaultraError,
)
from vaultra.usecases import deletion, members

Account = models.IntegrationAccount


class Meanwhile(FakeStripe):
    """A Stripe that takes its time: when it has given the access back, something else has happened."""

    def __init__(self, happened: Callable[[], None]) -> None:
        super().__init__()
        self._happened = happened

    def deauthorize(self, account_id: str) -> None:
        super().deauthorize(account_id)
        self._happened()


def connect(db: Connection, business_id: UUID, external_id: str, status: str = "connected") -> UUID:
    return rows.add(
        db,
        Account,
        business_id=business_id,
        external_id=external_id,
        livemode=True,
        status=status,
        connected_at=NOON,
    )


def delete_business(
    db: Connection, business_id: UUID, caller_id: UUID, stripe: FakeStripe, confirm: str = "Shop"
) -> None:
    deletion.delete_business(
        db, stripe, Membership(business_id, "Shop", Role.OWNER), caller_id=caller_id, confirm=confirm, now=NOON
    )


def delete_user(db: Connection, user_id: UUID, stripe: FakeStripe | None = None, confirm: str | None = None) -> None:
    email = db.execute(select(models.User.email).where(models.User.id == user_id)).scalar_one_or_none()
    deletion.delete_user(db, stripe or FakeStripe(), user_id, confirm=confirm or email or "", now=NOON)


def businesses(db: Connection) -> set[UUID]:
    return set(db.scalars(select(models.Business.id)))


def statuses(db: Connection) -> dict[str, str]:
    return {row.external_id: row.status for row in db.execute(select(Account.external_id, Account.status))}


@pytest.fixture
def db(fresh_engine: Engine) -> Connection:  # type: ignore[misc]
    """A connection to a database of the test's own: deleting commits when Stripe's access was given back."""
    with fresh_engine.connect() as conn:
        yield conn


@pytest.mark.parametrize("confirm", ["", "shop", "Shop ", "Other"])
def test_without_its_name_nothing_happens_to_a_business(db: Connection, confirm: str) -> None:
    owner, stripe = rows.a_user(db), FakeStripe()
    business_id = rows.a_business(db, owner=owner)
    connect(db, business_id, "acct_1")
    with pytest.raises(Unprocessable) as caught:
        delete_business(db, business_id, owner, stripe, confirm)
    assert caught.value.details["field"] == "confirm"
    assert (businesses(db), stripe.deauthorized) == ({business_id}, [])


def test_without_their_email_nothing_happens_to_a_user(db: Connection) -> None:
    owner, stripe = rows.a_user(db), FakeStripe()
    connect(db, rows.a_business(db, owner=owner), "acct_1")
    with pytest.raises(Unprocessable) as caught:
        delete_user(db, owner, stripe, "other@example.com")
    assert caught.value.details["field"] == "confirm"
    assert (len(businesses(db)), stripe.deauthorized) == (1, [])


def test_while_stripe_does_not_answer_nothing_is_deleted(db: Connection) -> None:
    owner, stripe = rows.a_user(db), FakeStripe()
    business_id = rows.a_business(db, owner=owner)
    connect(db, business_id, "acct_1")
    db.commit()
    stripe.failure = Unavailable("down")
    for act in (lambda: delete_business(db, business_id, owner, stripe), lambda: delete_user(db, owner, stripe)):
        with pytest.raises(Unavailable):
            act()
        db.rollback()
        assert (businesses(db), statuses(db)) == ({business_id}, {"acct_1": "connected"})


def test_access_that_is_gone_already_stops_nothing(db: Connection) -> None:
    owner, stripe = rows.a_user(db), FakeStripe()
    business_id = rows.a_business(db, owner=owner)
    connect(db, business_id, "acct_1")
    stripe.failure = AccessRevoked("gone")
    delete_business(db, business_id, owner, stripe)
    assert businesses(db) == set()


def test_what_was_given_back_stays_given_back_though_a_later_step_fails(db: Connection) -> None:
    owner = rows.a_user(db)
    accounts = ["acct_1", "acct_2"]
    for external_id in accounts:
        connect(db, rows.a_business(db, owner=owner), external_id)
    db.commit()
    stripe = FakeStripe()
    down = Meanwhile(lambda: setattr(down, "failure", Unavailable("down")))
    with pytest.raises(Unavailable):
        delete_user(db, owner, down)
    db.rollback()
    [given_back] = down.deauthorized
    assert statuses(db) == {name: "disconnected" if name == given_back else "connected" for name in accounts}
    delete_user(db, owner, stripe)
    assert [*down.deauthorized, *stripe.deauthorized] == sorted(accounts, key=lambda name: name != given_back)
    assert businesses(db) == set()


def test_a_business_that_was_connected_again_meanwhile_stays(db: Connection, fresh_engine: Engine) -> None:
    owner = rows.a_user(db)
    business_id = rows.a_business(db, owner=owner)
    connect(db, business_id, "acct_1")
    db.commit()

    def connect_another() -> None:
        with fresh_engine.begin() as other:
            rows.add(
                other,
                Account,
                business_id=business_id,
                provider="another",
                external_id="account",
                livemode=True,
                status="connected",
                connected_at=NOON,
            )

    with pytest.raises(Conflict):
        delete_business(db, business_id, owner, Meanwhile(connect_another))
    db.rollback()
    assert businesses(db) == {business_id}


def test_who_is_owner_no_more_deletes_nothing(db: Connection, fresh_engine: Engine) -> None:
    owner, other_owner = rows.a_user(db), rows.a_user(db)
    business_id = rows.a_business(db, owner=owner)
    rows.join(db, other_owner, business_id, "owner")
    connect(db, business_id, "acct_1")
    db.commit()

    def demote() -> None:
        with fresh_engine.begin() as other:
            rows.join(other, owner, business_id, "admin")

    with pytest.raises(Forbidden):
        delete_business(db, business_id, owner, Meanwhile(demote))
    db.rollback()
    assert businesses(db) == {business_id}
    for caller, gone in [(rows.a_user(db), business_id), (owner, uuid.uuid4())]:
        with pytest.raises(Forbidden):
            delete_business(db, gone, caller, FakeStripe())


def test_a_user_takes_along_only_what_has_no_other_owner(db: Connection) -> None:
    user, other, stripe = rows.a_user(db), rows.a_user(db), FakeStripe()
    alone = rows.a_business(db, owner=user, admin=other)
    shared = rows.a_business(db, owner=user)
    rows.join(db, other, shared, "owner")
    administered = rows.a_business(db, owner=other, admin=user)
    for business_id, external_id in [(alone, "acct_a"), (shared, "acct_s"), (administered, "acct_b")]:
        connect(db, business_id, external_id)
    delete_user(db, user, stripe)
    assert businesses(db) == {shared, administered}
    assert stripe.deauthorized == ["acct_a"]
    membership = models.UserBusinessMembership
    assert set(db.scalars(select(membership.user_id))) == {other}
    with pytest.raises(Unauthorized):
        delete_user(db, user, stripe)


@pytest.mark.parametrize("has_account", [True, False])
def test_who_becomes_the_only_owner_meanwhile_is_asked_to_try_again(
    db: Connection, fresh_engine: Engine, has_account: bool
) -> None:
    user, other = rows.a_user(db), rows.a_user(db)
    connect(db, rows.a_business(db, owner=user), "acct_1")
    shared = rows.a_business(db, owner=user)
    rows.join(db, other, shared, "owner")
    if has_account:
        connect(db, shared, "acct_2")
    db.commit()

    def leave() -> None:
        with fresh_engine.begin() as conn:
            members.remove(conn, business_id=shared, caller_id=other, user_id=other)

    with pytest.raises(Conflict):
        delete_user(db, user, Meanwhile(leave))
    db.rollback()
    assert shared in businesses(db)
    stripe = FakeStripe()
    delete_user(db, user, stripe)
    assert (businesses(db), stripe.deauthorized) == (set(), ["acct_2"] if has_account else [])


def test_events_of_an_account_that_another_business_has_stay(db: Connection) -> None:
    owner = rows.a_user(db)
    mine, theirs = rows.a_business(db, owner=owner), rows.a_business(db, owner=rows.a_user(db))
    connect(db, mine, "acct_moved", "disconnected")
    connect(db, mine, "acct_mine", "disconnected")
    connect(db, theirs, "acct_moved")
    connect(db, theirs, "acct_mine", "disconnected")  # they had it once; it was ours last
    event = {"event_id": "evt", "type": "charge.succeeded", "occurred_at": NOON}
    kept = {("acct_moved", True), ("acct_unknown", True)}
    for account, livemode in {*kept, ("acct_moved", False), ("acct_mine", True), ("acct_mine", False)}:
        rows.add(db, models.StripeEvent, account=account, livemode=livemode, **event)
    delete_business(db, mine, owner, FakeStripe())
    left = db.execute(select(models.StripeEvent.account, models.StripeEvent.livemode)).all()
    assert {tuple(row) for row in left} == kept


def test_messages_about_others_stay_as_they_are(db: Connection) -> None:
    owner = rows.a_user(db)
    business_id = rows.a_business(db, owner=owner)
    mine, other = str(business_id), str(uuid.uuid4())
    messages = {
        orjson.dumps({"business_ids": [mine]}): None,
        orjson.dumps({"business_ids": [mine, other, mine]}): {"business_ids": [other]},
        orjson.dumps({"business_ids": [mine, other], "more": 1}): None,
        orjson.dumps({"business_ids": [mine, {"x": other}]}): None,
        orjson.dumps([mine, other]): None,
        mine.encode() + b"\xff": None,
        orjson.dumps({"business_ids": [other]}): {"business_ids": [other]},
        orjson.dumps({"business_ids": [mine + "0"]}): {"business_ids": [mine + "0"]},
        b"nothing to do with it": "kept",
    }
    letter = {"subscription": "metrics-due.compute-metrics", "topic": "metrics-due", "attempts": 7, "attributes": {}}
    for number, data in enumerate(messages):
        rows.add(db, models.BrokerMessage, topic="metrics-due", data=data, attributes={})
        rows.add(db, models.DeadLetter, message_id=str(number), data=data, **letter)
    delete_business(db, business_id, owner, FakeStripe())
    expected = [left for left in messages.values() if left is not None]
    for store in (models.BrokerMessage, models.DeadLetter):
        left = [bytes(data) for data in db.scalars(select(store.data).order_by(store.id))]
        assert [orjson.loads(data) if data.startswith(b"{") else "kept" for data in left] == expected


def at_once(engine: Engine, *acts: Callable[[Connection], None]) -> list[str]:
    """Run each in a transaction of its own, begun at once; how each ended."""
    ready = Barrier(len(acts))

    def run(act: Callable[[Connection], None]) -> str:
        with engine.connect() as conn:
            businesses(conn)
            ready.wait()
            try:
                act(conn)
                conn.commit()
            except VaultraError as error:
                return error.code
            return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_two_businesses_deleted_at_once_leave_neither_name_in_a_shared_message(
    db: Connection, fresh_engine: Engine
) -> None:
    owners = [rows.a_user(db), rows.a_user(db)]
    shops = [rows.a_business(db, owner=owner) for owner in owners]
    third = str(uuid.uuid4())
    for _ in range(20):
        data = orjson.dumps({"business_ids": [*shops, third]})
        db.execute(insert(models.BrokerMessage).values(topic="metrics-due", data=data, attributes={}))
    db.commit()

    def delete(number: int) -> Callable[[Connection], None]:
        return lambda conn: delete_business(conn, shops[number], owners[number], FakeStripe())

    assert at_once(fresh_engine, delete(0), delete(1)) == ["done", "done"]
    left = [orjson.loads(data) for data in db.scalars(select(models.BrokerMessage.data))]
    assert left == [{"business_ids": [third]}] * 20


def test_owners_who_go_at_once_leave_no_business_without_an_owner(db: Connection, fresh_engine: Engine) -> None:
    owners = [rows.a_user(db) for _ in range(4)]
    business_id = rows.a_business(db, owner=owners[0])
    for owner in owners[1:]:
        rows.join(db, owner, business_id, "owner")
    db.commit()

    def go(owner: UUID) -> Callable[[Connection], None]:
        return lambda conn: delete_user(conn, owner)

    ends = at_once(fresh_engine, *map(go, owners))
    membership = models.UserBusinessMembership
    left = list(db.scalars(select(membership.role)))
    assert set(ends) <= {"done", "CONFLICT"}
    assert (len(left) >= 1) == (businesses(db) == {business_id})
    assert len(left) == ends.count("CONFLICT")
    print(
        f"A8: of {len(owners)} owners who deleted their accounts at once {ends.count('done')} could; {len(left)} left"
    )


def test_a_business_is_deleted_once(db: Connection, fresh_engine: Engine) -> None:
    owner = rows.a_user(db)
    business_id = rows.a_business(db, owner=owner)
    connect(db, business_id, "acct_1")
    db.commit()
    stripe = FakeStripe()
    ends = at_once(fresh_engine, *[lambda conn: delete_business(conn, business_id, owner, stripe)] * 5)
    assert sorted(ends) == ["FORBIDDEN"] * 4 + ["done"]
    assert businesses(db) == set()
