"""The statements about people, businesses and memberships."""

import datetime as dt
import uuid
from uuid import UUID

import pytest
from sqlalchemy import Connection, insert
from sqlalchemy.exc import DBAPIError

from vaultra.db import accounts, models
from vaultra.domain.accounts import Credentials, Industry, Membership, Role, User

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)


def a_user(db: Connection, email: str = "ana@example.com") -> User:
    user = accounts.insert_user(db, email=email, name="Ana", password_hash="hash", now=NOW)
    assert user is not None
    return user


def join(db: Connection, user_id: UUID, business_id: UUID, role: Role, at: dt.datetime = NOW) -> None:
    row = {"user_id": user_id, "business_id": business_id, "role": role.value, "created_at": at}
    db.execute(insert(models.UserBusinessMembership).values(row))


def test_a_user_is_found_by_id_and_by_email_in_whatever_case(db: Connection) -> None:
    user = a_user(db, "Ana@Example.com")
    assert (user.email, user.name, user.avatar_url, user.created_at) == ("Ana@Example.com", "Ana", None, NOW)
    assert accounts.find_user(db, user.id) == user
    assert accounts.find_credentials(db, "aNA@eXAMPLE.com", "here") == Credentials(user, "hash", familiar=False)
    assert accounts.find_user(db, uuid.uuid4()) is None
    assert accounts.find_credentials(db, "an@example.com", "here") is None
    assert accounts.find_credentials(db, "ana@example_com", "here") is None


def test_a_taken_email_gives_none_and_leaves_the_transaction_usable(db: Connection) -> None:
    user = a_user(db)
    assert accounts.insert_user(db, email="ANA@example.com", name="Eve", password_hash="x", now=NOW) is None
    assert accounts.find_user(db, user.id) == user


def test_a_user_changes_only_in_the_given_columns(db: Connection) -> None:
    user, other = a_user(db), a_user(db, "bo@example.com")
    changed = accounts.update_user(db, user.id, {"name": "Ana Lima"}, LATER)
    assert changed == User(user.id, user.email, "Ana Lima", None, NOW)
    assert accounts.find_user(db, other.id) == other
    assert accounts.update_user(db, uuid.uuid4(), {"name": "Nobody"}, LATER) is None


def test_a_locked_user_exists(db: Connection) -> None:
    assert accounts.lock_user(db, a_user(db).id)
    assert not accounts.lock_user(db, uuid.uuid4())


def test_a_new_business_belongs_to_its_owner(db: Connection) -> None:
    user = a_user(db)
    fields = {
        "name": "Shop",
        "legal_entity": "Shop Ltd",
        "industry": Industry.FOOD_AND_BEVERAGE,
        "revenue_estimate_minor": 10**14,
        "founded_at": dt.date(2015, 2, 28),
    }
    business = accounts.insert_business(db, user.id, fields, NOW)
    assert {name: getattr(business, name) for name in fields} == fields
    assert isinstance(business.industry, Industry)
    assert accounts.find_business(db, business.id) == business
    assert accounts.find_membership(db, user.id, business.id) == Membership(business.id, "Shop", Role.OWNER)


def test_a_business_changes_only_in_the_given_columns(db: Connection) -> None:
    user = a_user(db)
    first, second = (accounts.insert_business(db, user.id, {"name": name}, NOW) for name in ("One", "Two"))
    changed = accounts.update_business(db, first.id, {"industry": Industry.RETAIL}, LATER)
    assert changed is not None
    assert (changed.name, changed.industry, changed.created_at, changed.updated_at) == (
        "One",
        Industry.RETAIL,
        NOW,
        LATER,
    )
    assert accounts.find_business(db, second.id) == second
    assert accounts.update_business(db, uuid.uuid4(), {"name": "None"}, LATER) is None
    assert accounts.find_business(db, uuid.uuid4()) is None


def test_a_membership_is_a_users_own(db: Connection) -> None:
    user, other = a_user(db), a_user(db, "bo@example.com")
    own = accounts.insert_business(db, user.id, {"name": "Own"}, NOW)
    joined = accounts.insert_business(db, other.id, {"name": "Joined"}, NOW)
    foreign = accounts.insert_business(db, other.id, {"name": "Foreign"}, NOW)
    join(db, user.id, joined.id, Role.VIEWER, at=NOW - dt.timedelta(days=1))
    assert accounts.find_membership(db, user.id, own.id) == Membership(own.id, "Own", Role.OWNER)
    assert accounts.find_membership(db, user.id, joined.id) == Membership(joined.id, "Joined", Role.VIEWER)
    assert accounts.find_membership(db, user.id, foreign.id) is None
    assert accounts.find_membership(db, user.id, uuid.uuid4()) is None


def test_the_database_itself_refuses_a_role_it_does_not_know(db: Connection) -> None:
    user = a_user(db)
    business = accounts.insert_business(db, user.id, {"name": "Shop"}, NOW)
    row = {"user_id": a_user(db, "bo@example.com").id, "business_id": business.id, "role": "root"}
    with pytest.raises(DBAPIError):
        db.execute(insert(models.UserBusinessMembership).values(row))
