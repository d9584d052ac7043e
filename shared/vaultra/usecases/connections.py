"""Connecting a business to its Stripe account through OAuth, reporting the connection, and ending it."""

import contextlib
import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection as Database

from vaultra.db import accounts, connections
from vaultra.db.sync_runs import Run
from vaultra.domain.accounts import Role
from vaultra.domain.connections import Backfill, Connection, OauthState, backfill
from vaultra.errors import AccessRevoked, Conflict, Forbidden, InvalidInput
from vaultra.ports import OauthGrant, StripeGateway
from vaultra.usecases import ingestion, sync

STATE_LIFETIME = dt.timedelta(minutes=10)
STATE_BYTES = 32


class StateExpired(InvalidInput):
    """The round trip was never started in this browser, took longer than ten minutes, or was finished before."""


@dataclass(frozen=True)
class Connected:
    """A new connection and what to announce: the first step of its run, and the events that waited for it."""

    connection: Connection
    run: Run
    events: list[list[int]]


@dataclass(frozen=True)
class Status:
    """A business's connection; both None when there is none. `progress` is None before the first read."""

    connection: Connection | None
    progress: Backfill | None


@dataclass(frozen=True)
class RoundTrip:
    """What a started round trip is bound to: `state` goes with it, `browser` stays in the browser's cookie."""

    state: str
    browser: str


def begin(conn: Database, *, user_id: UUID, business_id: UUID, browser: str | None, now: dt.datetime) -> RoundTrip:
    """Start a round trip, good once, for ten minutes, in this browser. Only hashes are kept.

    Args:
        browser: What the browser's cookie says already, so that two of its tabs can be on their way at once.
    """
    trip = RoundTrip(secrets.token_urlsafe(STATE_BYTES), browser or secrets.token_urlsafe(STATE_BYTES))
    connections.delete_expired_states(conn, now)
    connections.insert_state(
        conn,
        state_hash=_hash(trip.state),
        browser_hash=_hash(trip.browser),
        started=OauthState(user_id, business_id),
        expires_at=now + STATE_LIFETIME,
    )
    return trip


def claim(conn: Database, *, state: str, browser: str | None, now: dt.datetime) -> OauthState:
    """Use a state up: of two callbacks with the same one, the second gets nothing. Commit before asking Stripe.

    Args:
        browser: What the browser's cookie says; None when it has none. Another browser than the one that started
            would connect its account to a stranger's business.

    Raises:
        StateExpired: there is no such round trip in this browser, or no longer.
        Forbidden: whoever started it is no longer an owner or admin of the business.
    """
    started = connections.take_state(conn, state_hash=_hash(state), browser_hash=_hash(browser or ""), now=now)
    if started is None:
        raise StateExpired(
            "This link was used already, is older than ten minutes, or is another browser's. Start again."
        )
    membership = accounts.find_membership(conn, started.user_id, started.business_id)
    if membership is None or not membership.role.includes(Role.ADMIN):
        raise Forbidden("You may no longer connect accounts to this business.")
    return started


def connect(conn: Database, *, business_id: UUID, grant: OauthGrant, now: dt.datetime) -> Connected:
    """Connect the granted account to the business and begin to read it; connecting the same two again is fine.

    Raises:
        Conflict: the account is connected to another business, or the business to another account.
    """
    connection = connections.connect(
        conn, business_id=business_id, external_id=grant.account_id, livemode=grant.livemode, now=now
    )
    if connection is None:
        if connections.find_connection(conn, business_id) is not None:
            raise Conflict("Another Stripe account is connected to this business. Disconnect it first.")
        raise Conflict("This Stripe account is connected to another business. Disconnect it there first.")
    waiting = ingestion.unpark(conn, grant.account_id, grant.livemode)
    run = sync.start(conn, integration_account_id=connection.id, kind="initial", now=now)
    return Connected(connection, run, ingestion.messages_of(waiting))


def status(conn: Database, business_id: UUID) -> Status:
    """The business's connection, and how far reading its past has come."""
    connection = connections.find_connection(conn, business_id)
    if connection is None:
        return Status(None, None)
    return Status(connection, backfill(connections.list_backfill_runs(conn, connection)))


def disconnect(conn: Database, stripe: StripeGateway, *, business_id: UUID, now: dt.datetime) -> None:
    """Give the access back at Stripe and forget the connection; nothing happens when there is none."""
    connection = connections.find_connection(conn, business_id)
    if connection is None:
        return
    with contextlib.suppress(AccessRevoked):
        stripe.deauthorize(connection.external_id)
    connections.disconnect(conn, connection.id, now)


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8")).hexdigest()
