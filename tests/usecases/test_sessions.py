"""What makes a token good, what ends it, and whose business a call is about."""

import datetime as dt
import uuid
from uuid import UUID

import pytest
from sqlalchemy import Connection, delete, insert, update

from vaultra import auth
from vaultra.db import models
from vaultra.domain.accounts import Caller, Membership, Profile, Role, User
from vaultra.errors import BusinessRequired, Forbidden, Unauthorized
from vaultra.usecases import accounts, sessions

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
SECRETS = ["a secret of thirty-two different b"]


def a_user(db: Connection) -> User:
    return accounts.sign_up(db, email=f"{uuid.uuid4().hex}@example.com", name="Ana", password_hash="x", now=NOW)


def a_business(db: Connection, owner: User, name: str = "Shop") -> UUID:
    return accounts.create_business(db, owner.id, {"name": name}, NOW).id


def signed_in(db: Connection, user: User, now: dt.datetime = NOW) -> Caller:
    token = sessions.begin(db, user, address="192.0.2.1", secrets=SECRETS, now=now)
    return auth.verify_token(token, SECRETS, now)


def refreshed(db: Connection, caller: Caller, now: dt.datetime) -> Caller:
    return auth.verify_token(sessions.refresh(db, caller, secrets=SECRETS, now=now), SECRETS, now)


def is_good(db: Connection, caller: Caller, now: dt.datetime = NOW) -> bool:
    try:
        sessions.get_profile(db, caller, now)
    except Unauthorized:
        return False
    return True


def test_a_session_lasts_seven_days(db: Connection) -> None:
    caller = signed_in(db, a_user(db))
    assert is_good(db, caller, NOW + 7 * DAY - dt.timedelta(seconds=1))
    assert not is_good(db, caller, NOW + 7 * DAY)


def test_a_profile_lists_the_callers_own_businesses_oldest_first(db: Connection) -> None:
    user, other = a_user(db), a_user(db)
    nobodys = signed_in(db, user)
    assert sessions.get_profile(db, nobodys, NOW).memberships == ()
    own, joined, _foreign = a_business(db, user, "Own"), a_business(db, other, "Joined"), a_business(db, other)
    row = {"user_id": user.id, "business_id": joined, "role": "viewer", "created_at": NOW - DAY}
    db.execute(insert(models.UserBusinessMembership).values(row))
    assert sessions.get_profile(db, nobodys, NOW) == Profile(
        user, (Membership(joined, "Joined", Role.VIEWER), Membership(own, "Own", Role.OWNER))
    )


def test_a_token_without_its_session_is_worth_nothing(db: Connection) -> None:
    user, other = a_user(db), a_user(db)
    caller = signed_in(db, user)
    assert not is_good(db, Caller(user.id, user.email, uuid.uuid4()))
    assert not is_good(db, Caller(other.id, other.email, caller.session_id))


def test_signing_out_ends_one_session_and_a_reset_all(db: Connection) -> None:
    user = a_user(db)
    first, second, third = (signed_in(db, user) for _ in range(3))
    sessions.end(db, first, NOW)
    assert [is_good(db, caller) for caller in (first, second, third)] == [False, True, True]
    sessions.end_all(db, user.id)
    assert [is_good(db, caller) for caller in (first, second, third)] == [False, False, False]


def test_where_somebody_signed_in_is_known_after_they_signed_out_but_not_after_a_reset(db: Connection) -> None:
    user = a_user(db)

    def is_familiar() -> bool:
        credentials = accounts.begin_login(db, email=user.email, address="192.0.2.1", now=NOW).credentials
        assert credentials is not None
        return credentials.familiar

    assert not is_familiar()
    sessions.end(db, signed_in(db, user), NOW)
    assert is_familiar()
    sessions.end_all(db, user.id)
    assert not is_familiar()


def test_refreshing_gives_seven_more_days_and_lets_other_tabs_follow(db: Connection) -> None:
    old = signed_in(db, a_user(db))
    later = NOW + 5 * DAY
    new = refreshed(db, old, later)
    assert is_good(db, new, later + 7 * DAY - dt.timedelta(seconds=1))
    assert is_good(db, old, later + dt.timedelta(seconds=59))
    assert not is_good(db, old, later + dt.timedelta(minutes=1))


def test_a_refresh_does_not_lengthen_a_session_about_to_end(db: Connection) -> None:
    old = signed_in(db, a_user(db))
    end = NOW + 7 * DAY
    refreshed(db, old, end - dt.timedelta(seconds=5))
    assert not is_good(db, old, end)


def test_thirty_days_after_signing_in_one_signs_in_again(db: Connection) -> None:
    caller = signed_in(db, a_user(db))
    for day in (6, 12, 18, 24):
        caller = refreshed(db, caller, NOW + day * DAY)
    assert is_good(db, caller, NOW + 30 * DAY - dt.timedelta(seconds=1))
    assert not is_good(db, caller, NOW + 30 * DAY)
    last = refreshed(db, caller, NOW + 29 * DAY)
    assert not is_good(db, last, NOW + 30 * DAY)


def test_an_ended_session_is_not_refreshed(db: Connection) -> None:
    caller = signed_in(db, a_user(db))
    sessions.end(db, caller, NOW)
    with pytest.raises(Unauthorized):
        refreshed(db, caller, NOW)


def enter(db: Connection, caller: Caller, requested: UUID | None, now: dt.datetime = NOW) -> tuple[UUID, Role]:
    membership = sessions.enter_business(db, caller, requested, now)
    return membership.id, membership.role


def test_the_only_business_is_inferred(db: Connection) -> None:
    user = a_user(db)
    business_id, caller = a_business(db, user), signed_in(db, user)
    for requested in (None, business_id):
        assert enter(db, caller, requested) == (business_id, Role.OWNER)


def test_with_several_businesses_or_none_one_has_to_be_named(db: Connection) -> None:
    user = a_user(db)
    caller = signed_in(db, user)
    with pytest.raises(BusinessRequired):
        enter(db, caller, None)
    businesses = [a_business(db, user, name) for name in ("One", "Two")]
    with pytest.raises(BusinessRequired):
        enter(db, caller, None)
    assert [enter(db, caller, business_id)[0] for business_id in businesses] == businesses


def test_a_member_of_one_business_and_a_viewer_of_another_has_to_choose(db: Connection) -> None:
    user, other = a_user(db), a_user(db)
    a_business(db, user)
    joined = a_business(db, other)
    row = {"user_id": user.id, "business_id": joined, "role": "viewer", "created_at": NOW}
    db.execute(insert(models.UserBusinessMembership).values(row))
    caller = signed_in(db, user)
    with pytest.raises(BusinessRequired):
        enter(db, caller, None)
    assert enter(db, caller, joined) == (joined, Role.VIEWER)


def test_a_stranger_hears_the_same_of_a_business_and_of_nothing(db: Connection) -> None:
    stranger, business_id = signed_in(db, a_user(db)), a_business(db, a_user(db))
    answers = []
    for requested in (business_id, uuid.uuid4()):
        with pytest.raises(Forbidden) as caught:
            enter(db, stranger, requested)
        answers.append((caught.value.message, caught.value.details))
    assert answers[0] == answers[1]


def test_roles_are_read_afresh(db: Connection) -> None:
    user = a_user(db)
    business_id, caller = a_business(db, user), signed_in(db, user)
    db.execute(update(models.UserBusinessMembership).values(role="viewer"))
    assert enter(db, caller, business_id) == (business_id, Role.VIEWER)
    db.execute(delete(models.UserBusinessMembership))
    with pytest.raises(Forbidden):
        enter(db, caller, business_id)


def test_who_signed_out_enters_nothing(db: Connection) -> None:
    user = a_user(db)
    business_id, caller = a_business(db, user), signed_in(db, user)
    sessions.end(db, caller, NOW)
    for requested in (None, business_id):
        with pytest.raises(Unauthorized):
            enter(db, caller, requested)
