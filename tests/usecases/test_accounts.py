"""What accounts may do, and how often one may try to get into them."""

import datetime as dt
import uuid
from uuid import UUID

import pytest
from sqlalchemy import Connection

from vaultra import auth
from vaultra.domain.accounts import Credentials, Industry, User
from vaultra.errors import Conflict, Forbidden, RateLimited, Unauthorized, Unprocessable
from vaultra.usecases import accounts, sessions

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
PASSWORD_HASH = auth.hash_password("correct horse")


def a_user(db: Connection) -> User:
    return accounts.sign_up(
        db, email=f"{uuid.uuid4().hex}@example.com", name="Ana", password_hash=PASSWORD_HASH, now=NOW
    )


def a_business(db: Connection, owner: User, name: str = "Shop") -> UUID:
    return accounts.create_business(db, owner.id, {"name": name}, NOW).id


def test_an_email_signs_up_once(db: Connection) -> None:
    user = a_user(db)
    with pytest.raises(Conflict):
        accounts.sign_up(db, email=user.email.upper(), name="Eve", password_hash="x", now=NOW)


def attempt(db: Connection, email: str, address: str = "192.0.2.1") -> accounts.LoginAttempt:
    return accounts.begin_login(db, email=email, address=address, now=NOW)


def test_logging_in_needs_the_password(db: Connection) -> None:
    user = a_user(db)
    known = attempt(db, user.email.upper())
    assert accounts.log_in(known, "correct horse") == user
    without_password = accounts.LoginAttempt(Credentials(user, None, familiar=False), known.allowance)
    answers = set()
    for tried, password in [(known, "wrong horse"), (attempt(db, "nobody@example.com"), ""), (without_password, "")]:
        with pytest.raises(Unauthorized) as caught:
            accounts.log_in(tried, password)
        answers.add(caught.value.message)
    assert len(answers) == 1


@pytest.mark.parametrize("known", [True, False])
def test_an_account_is_tried_ten_times_and_then_every_ninety_seconds(db: Connection, known: bool) -> None:
    email = a_user(db).email if known else "nobody@example.com"
    for number in range(10):
        attempt(db, email, f"192.0.2.{number}")
    with pytest.raises(RateLimited) as caught:
        attempt(db, email.upper(), "192.0.2.99")
    assert caught.value.retry_after == 90


def test_strangers_do_not_use_up_what_a_familiar_address_may(db: Connection) -> None:
    user = a_user(db)
    sessions.begin(db, user, address="198.51.100.1", secrets=["a secret of thirty-two different b"], now=NOW)
    for _ in range(10):
        attempt(db, user.email)
    with pytest.raises(RateLimited):
        attempt(db, user.email)
    assert accounts.log_in(attempt(db, user.email, "198.51.100.1"), "correct horse") == user


def test_an_address_is_limited_over_all_accounts(db: Connection) -> None:
    for number in range(100):
        attempt(db, f"somebody{number}@example.com")
    with pytest.raises(RateLimited):
        attempt(db, "another@example.com")


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
