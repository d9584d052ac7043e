"""Deleting a business or an account for good: its Stripe access first, then every row about it at once."""

import datetime as dt
from collections.abc import Collection, Sequence
from uuid import UUID

import orjson
from sqlalchemy import Connection

from vaultra.db import accounts, deletion, members
from vaultra.domain.accounts import Membership, Role
from vaultra.errors import Conflict, Forbidden, Unauthorized, Unprocessable
from vaultra.ports import StripeGateway
from vaultra.usecases import connections


def delete_business(
    conn: Connection, stripe: StripeGateway, business: Membership, *, caller_id: UUID, confirm: str, now: dt.datetime
) -> None:
    """Delete a business and every row about it.

    Args:
        confirm: The business's name, as a sign that this is meant.

    Raises:
        Unprocessable: `confirm` is not its name.
        Unavailable: Stripe does not answer; nothing is deleted.
        Conflict: it was connected to Stripe again while it was being deleted.
        Forbidden: the caller is no longer an owner.
    """
    if confirm != business.name:
        raise _not_confirmed("must be the name of the business")
    _revoke_access(conn, stripe, [business.id], now)
    deletion.lock_accounts(conn, [business.id])
    found = deletion.lock_businesses(conn, [business.id])
    if not found or members.find_role(conn, business.id, caller_id) is not Role.OWNER:
        raise Forbidden("You don't have access to this business.")
    _delete(conn, found, set())


def delete_user(conn: Connection, stripe: StripeGateway, user_id: UUID, *, confirm: str, now: dt.datetime) -> None:
    """Delete a user, the businesses that have no other owner, and every row about them.

    Args:
        confirm: The user's email, in whatever case, as a sign that this is meant.

    Raises:
        Unprocessable: `confirm` is not their email.
        Unavailable: Stripe does not answer; nothing is deleted.
        Conflict: one of the businesses was connected to Stripe again meanwhile.
        Unauthorized: the account is gone.
    """
    user = accounts.find_user(conn, user_id)
    if user is None:
        raise _account_gone()
    if confirm.lower() != user.email.lower():
        raise _not_confirmed("must be your email address")
    expected = deletion.list_solely_owned(conn, user_id)
    _revoke_access(conn, stripe, expected, now)
    email = deletion.lock_user(conn, user_id)
    if email is None:
        raise _account_gone()
    deletion.lock_accounts(conn, expected)
    # All of the user's, so that who else owns them stays as it is seen now.
    deletion.lock_businesses(conn, deletion.list_business_ids(conn, user_id))
    alone = deletion.list_solely_owned(conn, user_id)
    if not set(alone) <= set(expected):
        raise Conflict("You became the only owner of a business a moment ago. Try again.")
    _delete(conn, alone, deletion.list_user_names(conn, user_id, email))
    deletion.delete_user(conn, user_id, email)


def _revoke_access(conn: Connection, stripe: StripeGateway, business_ids: Sequence[UUID], now: dt.datetime) -> None:
    for business_id in business_ids:
        connections.disconnect(conn, stripe, business_id=business_id, now=now)
        conn.commit()  # what was given back at Stripe stays given back, whatever fails later


def _delete(conn: Connection, business_ids: Sequence[UUID], names: Collection[str]) -> None:
    if deletion.has_connection(conn, business_ids):
        raise Conflict("A Stripe account was connected a moment ago. Try again.")
    names = {*names, *deletion.list_names(conn, business_ids)}
    deletion.delete_events(conn, business_ids)
    _forget_mentions(conn, names)
    deletion.delete_businesses(conn, business_ids)


def _forget_mentions(conn: Connection, names: Collection[str]) -> None:
    """Forget messages about what is deleted; one that is about other businesses too goes on without it."""
    for store in deletion.MENTIONING:
        mentions = deletion.list_mentions(conn, store, names)
        shared = {mention.id for mention in mentions if _tells_of_others(mention.data, names)}
        deletion.delete_messages(conn, store, {mention.id for mention in mentions} - shared)
        deletion.take_names_out(conn, store, shared, names)


def _tells_of_others(data: bytes, names: Collection[str]) -> bool:
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    told = body.get("business_ids") if isinstance(body, dict) and len(body) == 1 else None
    return isinstance(told, list) and all(isinstance(name, str) for name in told) and not set(told) <= set(names)


def _not_confirmed(reason: str) -> Unprocessable:
    return Unprocessable(f"confirm {reason}", details={"field": "confirm", "reason": reason})


def _account_gone() -> Unauthorized:
    return Unauthorized("This account no longer exists.")
