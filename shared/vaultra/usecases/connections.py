"""Connecting a business to its Stripe account, by consent or by key, reporting the connection, and ending it."""

import contextlib
import datetime as dt
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import Connection as Database

from vaultra.db import accounts, connections, round_trips
from vaultra.db.sync_runs import Run
from vaultra.domain.accounts import Role
from vaultra.domain.connections import Backfill, Connection, Mode, OauthState, backfill
from vaultra.domain.limits import SYNC_BY_BUSINESS
from vaultra.domain.secret_tokens import hash_token, new_token
from vaultra.errors import AccessRevoked, Conflict, Forbidden, InvalidInput, NotFound
from vaultra.ports import KeyRights, OauthGrant, StripeGateway
from vaultra.sealing import Place, Sealing
from vaultra.usecases import ingestion, limits, sync

STATE_LIFETIME = dt.timedelta(minutes=10)


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
    trip = RoundTrip(new_token(), browser or new_token())
    round_trips.insert_state(
        conn,
        round_trips.STRIPE,
        state_hash=hash_token(trip.state),
        browser_hash=hash_token(trip.browser),
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
    started = round_trips.take_state(
        conn, round_trips.STRIPE, state_hash=hash_token(state), browser_hash=hash_token(browser or ""), now=now
    )
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
        Forbidden: the business is being deleted.
    """
    connection = _connect(conn, business_id, grant.account_id, grant.livemode, now, grant.granted_at)
    return _begin_to_read(conn, connection, now)


def connect_with_key(
    conn: Database,
    stripe: StripeGateway,
    sealing: Sealing,
    *,
    business_id: UUID,
    key: str,
    rights: KeyRights,
    now: dt.datetime,
) -> Connected:
    """Connect the key's account to the business, store the key sealed, and begin to read.

    A connection of the two by consent becomes one by key: the access given at Stripe is given back.

    Raises:
        Conflict: the account is connected to another business, or the business to another account.
        Forbidden: the business is being deleted.
        Unavailable: the access can't be given back now.
    """
    assert rights.account_id is not None, "a key that reads all we need reads its account"
    before = connections.find_connection(conn, business_id)
    connection = _connect(conn, business_id, rights.account_id, rights.livemode, now)
    place = Place(connection.id, business_id, connection.external_id)
    if not connections.keep_key(conn, connection.id, sealing.seal(key, place)):
        raise _taken()
    if before is not None and before.id == connection.id and before.mode is Mode.OAUTH:
        _give_back(stripe, connection)
    return _begin_to_read(conn, replace(connection, mode=Mode.KEY), now)


def sync_now(conn: Database, business_id: UUID, now: dt.datetime) -> Run:
    """Begin to read what is new, or give the run that does so already; the caller announces (run.id, run.step).

    While the first reading has not ended, that is the run: it goes on from where it is.

    Raises:
        Conflict: no account is connected.
        RateLimited: it was asked for less than a minute ago.
    """
    connection = connections.find_connection(conn, business_id)
    if connection is None:
        raise Conflict("No Stripe account is connected to this business. Connect one first.")
    limits.take(conn, now, SYNC_BY_BUSINESS.of(str(business_id)))
    return sync.start(conn, integration_account_id=connection.id, kind="incremental", now=now)


def status(conn: Database, business_id: UUID) -> Status:
    """The business's connection, and how far reading its past has come."""
    connection = connections.find_connection(conn, business_id)
    if connection is None:
        return Status(None, None)
    return Status(connection, backfill(connections.list_backfill_runs(conn, connection)))


def disconnect(conn: Database, stripe: StripeGateway, *, business_id: UUID, now: dt.datetime) -> None:
    """Give the access back at Stripe and forget the connection; nothing happens when there is none.

    A restricted key is wiped here, and nothing can be given back for it: only its owner can delete it at Stripe.
    """
    connection = connections.find_connection(conn, business_id)
    if connection is None:
        return
    if connection.mode is Mode.OAUTH:
        _give_back(stripe, connection)
    connections.disconnect(conn, connection.id, now)


def _connect(
    conn: Database,
    business_id: UUID,
    account_id: str,
    livemode: bool,
    now: dt.datetime,
    granted_at: dt.datetime | None = None,
) -> Connection:
    try:
        connection = connections.connect(
            conn, business_id=business_id, external_id=account_id, livemode=livemode, now=now, granted_at=granted_at
        )
    except NotFound as error:
        raise Forbidden("You don't have access to this business.") from error
    if connection is not None:
        return connection
    if connections.find_connection(conn, business_id) is not None:
        raise Conflict("Another Stripe account is connected to this business. Disconnect it first.")
    raise _taken()


def _begin_to_read(conn: Database, connection: Connection, now: dt.datetime) -> Connected:
    waiting = ingestion.unpark(conn, connection.external_id, connection.livemode)
    run = sync.start(conn, integration_account_id=connection.id, kind="initial", now=now)
    return Connected(connection, run, ingestion.messages_of(waiting))


def _give_back(stripe: StripeGateway, connection: Connection) -> None:
    with contextlib.suppress(AccessRevoked):
        stripe.deauthorize(connection.external_id)


def _taken() -> Conflict:
    return Conflict("This Stripe account is connected to another business. Disconnect it there first.")
