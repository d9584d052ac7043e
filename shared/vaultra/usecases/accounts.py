"""Signing up and in, profiles, and businesses."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from vaultra import auth
from vaultra.db import accounts
from vaultra.domain.accounts import Business, Credentials, User, hash_address
from vaultra.domain.limits import LOGIN_BY_ACCOUNT, LOGIN_BY_ADDRESS, Use
from vaultra.errors import Conflict, Unauthorized, Unprocessable
from vaultra.usecases import limits
from vaultra.usecases.memberships import no_access


def sign_up(conn: Connection, *, email: str, name: str, password_hash: str, now: dt.datetime) -> User:
    """Create an account; raise `Conflict` when the email, in whatever case, has one."""
    user = accounts.insert_user(conn, email=email, name=name, password_hash=password_hash, now=now)
    if user is None:
        raise Conflict("There is an account with this email already.", details={"field": "email"})
    return user


@dataclass(frozen=True)
class LoginAttempt:
    """What a password is checked against, and the allowance the attempt was counted on.

    `credentials` is None when nobody has the email.
    """

    credentials: Credentials | None
    allowance: Use


def begin_login(conn: Connection, *, email: str, address: str, now: dt.datetime) -> LoginAttempt:
    """Count an attempt to log in, and find what its password is checked against. Commit before checking it.

    All strangers share one allowance per email; an address from which the user signed in before has its own,
    so that nobody can lock an owner out.

    Raises:
        RateLimited: too many attempts; the same for an email that nobody has.
    """
    credentials = accounts.find_credentials(conn, email, hash_address(address))
    familiar = credentials is not None and credentials.familiar
    allowance = LOGIN_BY_ACCOUNT.of(f"{email.lower()} {address if familiar else 'strangers'}")
    limits.take(conn, now, allowance, LOGIN_BY_ADDRESS.of(address))
    return LoginAttempt(credentials, allowance)


def log_in(attempt: LoginAttempt, password: str) -> User:
    """The user who logs in, if the password is theirs.

    Takes as long for an unknown email as for a wrong password, and holds no database connection.

    Raises:
        Unauthorized: unknown email, no password set, or a wrong one; the same words for all.
    """
    credentials = attempt.credentials
    known_hash = credentials.password_hash if credentials is not None else None
    if not auth.check_password(password, known_hash) or credentials is None:
        raise Unauthorized("Email or password is wrong.")
    return credentials.user


def get_user(conn: Connection, user_id: UUID) -> User:
    """The signed-in user; raise `Unauthorized` when the account is gone."""
    user = accounts.find_user(conn, user_id)
    if user is None:
        raise _account_gone()
    return user


def update_user(conn: Connection, user_id: UUID, changes: Mapping[str, Any], now: dt.datetime) -> User:
    """The signed-in user after setting `name` or `avatar_url`; raise `Unauthorized` when the account is gone."""
    if not changes:
        return get_user(conn, user_id)
    user = accounts.update_user(conn, user_id, changes, now)
    if user is None:
        raise _account_gone()
    return user


def create_business(conn: Connection, owner_id: UUID, fields: Mapping[str, Any], now: dt.datetime) -> Business:
    """A new business, owned by the user who creates it.

    Raises:
        Unprocessable: it would have been founded in the future.
        Unauthorized: the account is gone.
    """
    _check_founding(fields, now)
    if not accounts.lock_user(conn, owner_id):
        raise _account_gone()
    return accounts.insert_business(conn, owner_id, fields, now)


def get_business(conn: Connection, business_id: UUID) -> Business:
    """A business the caller is a member of; raise `Forbidden` when it was deleted a moment ago."""
    business = accounts.find_business(conn, business_id)
    if business is None:
        raise no_access()
    return business


def update_business(conn: Connection, business_id: UUID, changes: Mapping[str, Any], now: dt.datetime) -> Business:
    """The business after setting the given fields.

    Raises:
        Unprocessable: it would have been founded in the future.
        Forbidden: it was deleted a moment ago.
    """
    _check_founding(changes, now)
    if not changes:
        return get_business(conn, business_id)
    business = accounts.update_business(conn, business_id, changes, now)
    if business is None:
        raise no_access()
    return business


def _check_founding(fields: Mapping[str, Any], now: dt.datetime) -> None:
    founded_at = fields.get("founded_at")
    if founded_at is not None and founded_at > now.date():
        reason = "must not lie in the future"
        raise Unprocessable(f"founded_at {reason}", details={"field": "founded_at", "reason": reason})


def _account_gone() -> Unauthorized:
    return Unauthorized("This account no longer exists.")
