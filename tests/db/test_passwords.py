"""The rows behind choosing a new password."""

import datetime as dt
import uuid
from uuid import UUID

from sqlalchemy import Connection, select, text

from vaultra.db import accounts, passwords
from vaultra.db.models import PasswordReset, User

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def a_user(db: Connection, email: str = "Ana@example.com") -> UUID:
    user = accounts.insert_user(db, email=email, name="Ana", password_hash="old", now=NOON)
    assert user is not None
    return user.id


def test_a_mailbox_is_found_in_whatever_case_and_given_as_it_was_written(db: Connection) -> None:
    user_id = a_user(db)
    assert passwords.find_mailbox(db, "aNA@EXAMPLE.com") == (user_id, "Ana@example.com")
    assert passwords.find_mailbox(db, "bo@example.com") is None
    assert passwords.find_mailbox(db, "%@example.com") is None


def test_a_link_is_its_users_until_it_expires(db: Connection) -> None:
    user_id = a_user(db)
    passwords.insert_reset(db, "hash", user_id, NOON + HOUR)
    assert passwords.find_reset_user(db, "hash", NOON + HOUR - dt.timedelta(microseconds=1)) == user_id
    assert passwords.find_reset_user(db, "hash", NOON + HOUR) is None
    assert passwords.find_reset_user(db, "other", NOON) is None


def test_taking_forgets_all_links_of_the_user_and_of_nobody_else(db: Connection) -> None:
    user_id, other = a_user(db), a_user(db, "bo@example.com")
    for token_hash, owner, expires_at in [
        ("good", user_id, NOON + HOUR),
        ("good too", user_id, NOON + HOUR),
        ("expired", user_id, NOON),
        ("theirs", other, NOON + HOUR),
    ]:
        passwords.insert_reset(db, token_hash, owner, expires_at)
    assert passwords.take_resets(db, user_id, NOON) == {"good", "good too"}
    assert passwords.take_resets(db, user_id, NOON) == set()
    assert list(db.scalars(select(PasswordReset.token_hash))) == ["theirs"]


def test_a_new_password_proves_the_mailbox_once(db: Connection) -> None:
    user_id = a_user(db)
    assert passwords.set_password(db, user_id, "first", NOON) == ("Ana@example.com", True)
    assert passwords.set_password(db, user_id, "second", NOON + HOUR) == ("Ana@example.com", False)
    row = db.execute(select(User.password_hash, User.email_verified_at, User.updated_at).where(User.id == user_id))
    assert tuple(row.one()) == ("second", NOON, NOON + HOUR)


def test_locking_tells_whether_there_is_such_a_user(db: Connection) -> None:
    assert passwords.lock_user(db, a_user(db))
    assert not passwords.lock_user(db, uuid.uuid4())


def test_access_tokens_of_the_user_go_in_every_business(db: Connection) -> None:
    user_id, other = a_user(db), a_user(db, "bo@example.com")
    for owner in (user_id, user_id, other):
        business_id = accounts.insert_business(db, owner, {"name": "Shop"}, NOON).id
        db.execute(
            text(
                "insert into personal_access_tokens"
                " (id, user_id, business_id, name, token_hash, created_at, expires_at) values"
                " (gen_random_uuid(), :user, :business, 'token', 'hash', :now, :now)"
            ),
            {"user": owner, "business": business_id, "now": NOON},
        )
    assert passwords.delete_access_tokens(db, user_id) == 2
    assert list(db.scalars(text("select user_id from personal_access_tokens"))) == [other]
