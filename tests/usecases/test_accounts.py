"""Whose business a call is about, and what accounts may do."""

import datetime as dt
import uuid
from uuid import UUID

import pytest
from sqlalchemy import Connection, delete, insert, update

from vaultra import auth
from vaultra.db import accounts as rows
from vaultra.db import models
from vaultra.domain.accounts import Credentials, Industry, Role, User
from vaultra.errors import BusinessRequired, Conflict, Forbidden, Unauthorized, Unprocessable
from vaultra.usecases import accounts

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
PASSWORD_HASH = auth.hash_password("correct horse")


def a_user(db: Connection) -> User:
    return accounts.sign_up(
        db, email=f"{uuid.uuid4().hex}@example.com", name="Ana", password_hash=PASSWORD_HASH, now=NOW
    )


def a_business(db: Connection, owner: User, name: str = "Shop") -> UUID:
    return accounts.create_business(db, owner.id, {"name": name}, NOW).id


def test_the_only_business_is_inferred(db: Connection) -> None:
    user = a_user(db)
    business_id = a_business(db, user)
    for requested in (None, business_id):
        found = accounts.resolve_business(db, user.id, requested)
        assert (found.id, found.name, found.role) == (business_id, "Shop", Role.OWNER)


def test_with_several_businesses_or_none_one_has_to_be_named(db: Connection) -> None:
    user = a_user(db)
    with pytest.raises(BusinessRequired):
        accounts.resolve_business(db, user.id, None)
    businesses = [a_business(db, user, name) for name in ("One", "Two")]
    with pytest.raises(BusinessRequired):
        accounts.resolve_business(db, user.id, None)
    assert [accounts.resolve_business(db, user.id, business_id).name for business_id in businesses] == ["One", "Two"]


def test_a_stranger_hears_the_same_of_a_business_and_of_nothing(db: Connection) -> None:
    stranger, business_id = a_user(db), a_business(db, a_user(db))
    answers = []
    for requested in (business_id, uuid.uuid4()):
        with pytest.raises(Forbidden) as caught:
            accounts.resolve_business(db, stranger.id, requested)
        answers.append((caught.value.message, caught.value.details))
    assert answers[0] == answers[1]


def test_roles_are_read_afresh(db: Connection) -> None:
    user = a_user(db)
    business_id = a_business(db, user)
    db.execute(update(models.UserBusinessMembership).values(role="viewer"))
    assert accounts.resolve_business(db, user.id, business_id).role is Role.VIEWER
    db.execute(delete(models.UserBusinessMembership))
    with pytest.raises(Forbidden):
        accounts.resolve_business(db, user.id, business_id)


def test_a_role_includes_the_lesser_ones() -> None:
    order = [Role.VIEWER, Role.ADMIN, Role.OWNER]
    for mine, role in enumerate(order):
        assert [role.includes(needed) for needed in order] == [other <= mine for other in range(3)]


def test_an_email_signs_up_once(db: Connection) -> None:
    user = a_user(db)
    with pytest.raises(Conflict):
        accounts.sign_up(db, email=user.email.upper(), name="Eve", password_hash="x", now=NOW)


def test_logging_in_needs_the_password(db: Connection) -> None:
    user = a_user(db)
    credentials = rows.find_credentials(db, user.email)
    assert accounts.log_in(credentials, "correct horse") == user
    answers = set()
    for known, password in [(credentials, "wrong horse"), (None, "correct horse"), (Credentials(user, None), "")]:
        with pytest.raises(Unauthorized) as caught:
            accounts.log_in(known, password)
        answers.add(caught.value.message)
    assert len(answers) == 1


def test_who_was_deleted_is_signed_out(db: Connection) -> None:
    gone = uuid.uuid4()
    for attempt in (
        lambda: accounts.get_user(db, gone),
        lambda: accounts.update_user(db, gone, {"name": "Ghost"}, NOW),
        lambda: accounts.update_user(db, gone, {}, NOW),
        lambda: accounts.create_business(db, gone, {"name": "Ghost"}, NOW),
    ):
        with pytest.raises(Unauthorized):
            attempt()


def test_a_business_that_is_gone_is_forbidden(db: Connection) -> None:
    for attempt in (
        lambda: accounts.get_business(db, uuid.uuid4()),
        lambda: accounts.update_business(db, uuid.uuid4(), {"name": "Ghost"}, NOW),
    ):
        with pytest.raises(Forbidden):
            attempt()


def test_a_business_is_founded_today_or_before(db: Connection) -> None:
    user = a_user(db)
    business = accounts.create_business(db, user.id, {"name": "Shop", "founded_at": NOW.date()}, NOW)
    tomorrow = {"founded_at": NOW.date() + dt.timedelta(days=1)}
    with pytest.raises(Unprocessable):
        accounts.create_business(db, user.id, {"name": "Shop", **tomorrow}, NOW)
    with pytest.raises(Unprocessable):
        accounts.update_business(db, business.id, tomorrow, NOW)
    changed = accounts.update_business(db, business.id, {"founded_at": None, "industry": Industry.MEDIA}, NOW)
    assert (changed.founded_at, changed.industry) == (None, Industry.MEDIA)


def test_a_member_of_one_business_and_a_viewer_of_another_has_to_choose(db: Connection) -> None:
    user, other = a_user(db), a_user(db)
    a_business(db, user)
    joined = a_business(db, other)
    row = {"user_id": user.id, "business_id": joined, "role": "viewer", "created_at": NOW}
    db.execute(insert(models.UserBusinessMembership).values(row))
    with pytest.raises(BusinessRequired):
        accounts.resolve_business(db, user.id, None)
    assert accounts.resolve_business(db, user.id, joined).role is Role.VIEWER
