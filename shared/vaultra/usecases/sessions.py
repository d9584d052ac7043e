"""Sessions: what makes a bearer token good, and what ends it before its time."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection

from vaultra import auth
from vaultra.db import sessions
from vaultra.domain.accounts import Caller, Membership, Profile, User, hash_address
from vaultra.errors import Unauthorized
from vaultra.usecases import accounts, memberships

LONGEST = dt.timedelta(days=30)
"""However often a token is refreshed, its user signs in again after this."""
# Other tabs still use the token that one of them has just refreshed.
OVERLAP = dt.timedelta(minutes=1)
LANDING = dt.timedelta(minutes=1)
"""How long a token is good that travels in an address: a browser's history keeps it, so it is exchanged at once."""


def begin(
    conn: Connection,
    user: User,
    *,
    address: str,
    secrets: Sequence[str],
    now: dt.datetime,
    lifetime: dt.timedelta = auth.TOKEN_LIFETIME,
) -> str:
    """Open a session for a user who has just proved who they are; gives its bearer token.

    Args:
        lifetime: How long the token is good; refreshing it within that time gives one for seven days.
    """
    caller = _insert(conn, user, hash_address(address), signed_in_at=now, expires_at=now + lifetime)
    return auth.issue_token(caller, secrets, now, now + lifetime)


def refresh(conn: Connection, caller: Caller, *, secrets: Sequence[str], now: dt.datetime) -> str:
    """A new token in place of the caller's, which is good for another minute.

    Raises:
        Unauthorized: the token is not good, or its user signed in more than thirty days ago.
    """
    found = sessions.find_open(conn, caller, now)
    if found is None or found[1] + LONGEST <= now:
        raise _ended()
    address_hash, signed_in_at = found
    sessions.shorten(conn, caller.session_id, now + OVERLAP)
    user = accounts.get_user(conn, caller.user_id)
    expires_at = min(now + auth.TOKEN_LIFETIME, signed_in_at + LONGEST)
    new = _insert(conn, user, address_hash, signed_in_at=signed_in_at, expires_at=expires_at)
    return auth.issue_token(new, secrets, now, expires_at)


def end(conn: Connection, caller: Caller, now: dt.datetime) -> None:
    """End the caller's session: their token is dead from the next request on."""
    sessions.shorten(conn, caller.session_id, now)


def end_all(conn: Connection, user_id: UUID) -> None:
    """End every session of a user, and forget from where they signed in: any of those may have been a thief's."""
    sessions.delete_sessions(conn, user_id)


def know_address(conn: Connection, user_id: UUID, address: str, now: dt.datetime) -> None:
    """Let an address be familiar although nobody is signed in from there: a session that has ended already."""
    sessions.insert_session(conn, user_id, address_hash=hash_address(address), signed_in_at=now, expires_at=now)


def get_profile(conn: Connection, caller: Caller, now: dt.datetime) -> Profile:
    """The caller and their businesses; raise `Unauthorized` when the caller's session has ended."""
    profile = sessions.find_profile(conn, caller, now)
    if profile is None:
        raise _ended()
    return profile


def enter_business(conn: Connection, caller: Caller, requested: UUID | None, now: dt.datetime) -> Membership:
    """The business a call is about, with the caller's role in it as it stands now.

    Args:
        requested: The business the caller named; None means their only one.

    Raises:
        Unauthorized: the caller's session has ended.
        BusinessRequired: none was named and the caller has several, or none at all.
        Forbidden: the caller is no member; the same for a business that does not exist.
    """
    found = sessions.list_memberships(conn, caller, requested, now)
    if found is None:
        raise _ended()
    return memberships.choose_business(found, named=requested is not None)


def _insert(
    conn: Connection, user: User, address_hash: str, *, signed_in_at: dt.datetime, expires_at: dt.datetime
) -> Caller:
    session_id = sessions.insert_session(
        conn, user.id, address_hash=address_hash, signed_in_at=signed_in_at, expires_at=expires_at
    )
    return Caller(user_id=user.id, email=user.email, session_id=session_id)


def _ended() -> Unauthorized:
    return Unauthorized("This session has ended. Sign in again.")
