"""Signing up and in, profiles, businesses, and whose business a call is about."""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from vaultra import auth
from vaultra.db import accounts
from vaultra.domain.accounts import Business, Credentials, Membership, User
from vaultra.errors import BusinessRequired, Conflict, Forbidden, Unauthorized, Unprocessable


def resolve_business(conn: Connection, user_id: UUID, requested: UUID | None) -> Membership:
    """The business a call is about, with the caller's role in it as it stands now.

    Args:
        requested: The business the caller named; None means their only one.

    Raises:
        BusinessRequired: none was named and the caller has several, or none at all.
        Forbidden: the caller is no member; the same for a business that does not exist.
    """
    if requested is not None:
        membership = accounts.find_membership(conn, user_id, requested)
        if membership is None:
            raise _no_access()
        return membership
    memberships = accounts.list_memberships(conn, user_id)
    if not memberships:
        raise BusinessRequired("You have no business yet. Create one first.")
    if len(memberships) > 1:
        raise BusinessRequired("You have several businesses. Say which one with business_id.")
    return memberships[0]


def sign_up(conn: Connection, *, email: str, name: str, password_hash: str, now: dt.datetime) -> User:
    """Create an account; raise `Conflict` when the email, in whatever case, has one."""
    user = accounts.insert_user(conn, email=email, name=name, password_hash=password_hash, now=now)
    if user is None:
        raise Conflict("There is an account with this email already.", details={"field": "email"})
    return user


def find_credentials(conn: Connection, email: str) -> Credentials | None:
    """What logging in with this email, in whatever case, is checked against; None when nobody has it."""
    return accounts.find_credentials(conn, email)


def log_in(credentials: Credentials | None, password: str) -> User:
    """The user these credentials belong to, if the password is theirs.

    Takes as long for an unknown email (None) as for a wrong password, and holds no database connection.

    Raises:
        Unauthorized: unknown email, no password set, or a wrong one; the same words for all.
    """
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


def get_profile(conn: Connection, user_id: UUID) -> tuple[User, list[Membership]]:
    """The signed-in user and their businesses, oldest membership first.

    Raises:
        Unauthorized: the account is gone.
    """
    return get_user(conn, user_id), accounts.list_memberships(conn, user_id)


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
        raise _no_access()
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
        raise _no_access()
    return business


def _check_founding(fields: Mapping[str, Any], now: dt.datetime) -> None:
    founded_at = fields.get("founded_at")
    if founded_at is not None and founded_at > now.date():
        reason = "must not lie in the future"
        raise Unprocessable(f"founded_at {reason}", details={"field": "founded_at", "reason": reason})


def _no_access() -> Forbidden:
    return Forbidden("You don't have access to this business.")


def _account_gone() -> Unauthorized:
    return Unauthorized("This account no longer exists.")
