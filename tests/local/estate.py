"""A small filled database for the operator's commands, the same every time: something of everything they look at."""

import base64
import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, Engine, insert, text, update

from tests import stripe_payloads as raw
from tests.connected import keep
from tests.stripe_payloads import NOON, event
from vaultra.db import dead_letters, inbox, models, sync_runs
from vaultra.db.models import Base
from vaultra.ports import Delivery
from vaultra.sealing import Place, Sealing
from vaultra.usecases import sync

ACCOUNT, GONE, STRANGER = "acct_1Example", "acct_1Gone", "acct_1Stranger"
BUSINESS = UUID("11111111-1111-4111-8111-111111111111")
ACCOUNT_ID = UUID("22222222-2222-4222-8222-222222222222")
OTHER_BUSINESS = UUID("33333333-3333-4333-8333-333333333333")
USER = UUID("44444444-4444-4444-8444-444444444444")
EMAIL = "owner@example.com"
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)

# The first is the one to seal with from now on.
ENCRYPTION_KEYS = [base64.urlsafe_b64encode(letter * 32).decode() for letter in (b"n", b"o")]

DEAD_EVENT, DEAD_SCORE, DEAD_MAIL = 1, 2, 3
"""The dead letters' ids."""


def fill(conn: Connection) -> None:
    """A connected account, one that was disconnected, events of a third; three dead letters; an owner's sessions."""
    for business, external, status, account_id in (
        (BUSINESS, ACCOUNT, "connected", ACCOUNT_ID),
        (OTHER_BUSINESS, GONE, "disconnected", None),
    ):
        add(conn, models.Business, id=business, name="Shop")
        add(
            conn, models.IntegrationAccount,
            **({} if account_id is None else {"id": account_id}),
            business_id=business, external_id=external, livemode=True, status=status, default_currency="usd",
            history_complete=True, connected_at=NOON - 100 * DAY, last_synced_at=NOON - HOUR,
            disconnected_at=NOON - 2 * DAY if status == "disconnected" else None,
        )  # fmt: skip
    sealed = Sealing(ENCRYPTION_KEYS[1:]).seal("rk_live_ofTheEstate", Place(ACCOUNT_ID, BUSINESS, ACCOUNT))
    conn.execute(
        update(models.IntegrationAccount).where(models.IntegrationAccount.id == ACCOUNT_ID).values(sealed_key=sealed)
    )
    first = sync.start(conn, integration_account_id=ACCOUNT_ID, kind="initial", now=NOON - 2 * HOUR)
    sync_runs.advance(
        conn, first, position=9, cursor=None, progress=1.0, read=840, now=NOON - HOUR, finished=True
    )  # fmt: skip
    _events(conn)
    _letters(conn)
    add(conn, models.User, id=USER, email=EMAIL, name="Ana")
    add(conn, models.UserBusinessMembership, user_id=USER, business_id=BUSINESS, role="owner")
    for days in (1, 5):
        times = {"signed_in_at": NOON - days * DAY, "expires_at": NOON + (7 - days) * DAY}
        add(conn, models.Session, user_id=USER, address_hash="of-an-address", **times)
    add(conn, models.Mail, kind="password_reset", recipient=EMAIL, user_id=USER, created_at=NOON - 2 * HOUR)


def _events(conn: Connection) -> None:
    """Of the connected account one dead and one that waits, of the stranger two parked."""
    mine = [event("charge.succeeded", raw.charge(id=f"ch_{n}"), id=f"evt_{n}", account=ACCOUNT) for n in (1, 2)]
    theirs = [event("charge.succeeded", raw.charge(id=f"ch_{n}"), id=f"evt_{n}", account=STRANGER) for n in (3, 4)]
    dead, _ = keep(conn, mine, NOON - 3 * HOUR)
    inbox.settle(conn, keep(conn, theirs, NOON - 5 * HOUR), "parked", NOON - 5 * HOUR)
    change = "update stripe_events set status = 'dead', attempts = 7, error = 'KeyError' where id = :id"
    conn.execute(text(change), {"id": dead})
    letter(conn, "stripe-event-received.apply-stripe-event", {"ids": [dead]}, error="KeyError")


def _letters(conn: Connection) -> None:
    letter(conn, "metrics-computed.compute-readiness", {"business_ids": [str(BUSINESS)]})
    letter(conn, "mail-due.send-mail", {"mail_id": str(USER)}, dead_at=NOON - 2 * DAY)


def letter(
    conn: Connection,
    subscription: str,
    body: Mapping[str, Any],
    *,
    error: str = "Failed seven times",
    dead_at: dt.datetime = NOON - HOUR,
) -> None:
    """A message that its subscription gave up."""
    data, attributes = orjson.dumps(body), {"request_id": "of-the-first-time"}
    dead_letters.record(conn, Delivery(subscription, subscription, data, attributes, "", 7), error=error, now=dead_at)


def add(conn: Connection, model: type[Base], **values: Any) -> None:
    """A row."""
    conn.execute(insert(model).values(**values))


def contents(engine: Engine) -> dict[str, list[str]]:
    """The whole database: every row of every table as text, for comparing it before and after.

    How often an account's days were summed up is no effect.
    """
    rows = "select cast(to_jsonb(t) - 'objects_version' as text) from {} as t"
    with engine.connect() as conn:
        return {name: sorted(conn.scalars(text(rows.format(name)))) for name in sorted(Base.metadata.tables)}
