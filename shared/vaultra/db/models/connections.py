"""Connected accounts and the event inbox."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from vaultra.db.models.declarative import NEW_UUID, NOW, Base


class OauthState(Base):
    """One started OAuth round trip; used once, within ten minutes, in the browser that started it.

    `state_hash` and `browser_hash` are hashes of what the address and the cookie carry.
    """

    __tablename__ = "oauth_states"
    state_hash: Mapped[str] = mapped_column(primary_key=True)
    browser_hash: Mapped[str]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    business_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"))
    expires_at: Mapped[dt.datetime]


class IntegrationAccount(Base):
    """A connection of one business to one outside account (`external_id`, Stripe's `acct_…`).

    The row outlives a disconnection: objects belong to it and are never moved to another business.
    `standing` is what the account object says: charges_enabled, payouts_enabled, past_due. `granted_at` is when
    Stripe let us in, by Stripe's clock. `sealed_key` is the owner's restricted key, sealed to this row
    (`vaultra.sealing`); None when the account is read with the platform's key. `objects_version` grows with every
    transaction that stores objects of the account.
    """

    __tablename__ = "integration_accounts"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    business_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str] = mapped_column(server_default="stripe")
    external_id: Mapped[str]
    livemode: Mapped[bool]
    status: Mapped[str]
    error: Mapped[str | None]
    default_currency: Mapped[str | None] = mapped_column(String(3))
    standing: Mapped[dict[str, Any] | None]
    balance: Mapped[dict[str, Any] | None]
    version_at: Mapped[dt.datetime | None]
    history_complete: Mapped[bool] = mapped_column(server_default=text("false"))
    connected_at: Mapped[dt.datetime]
    granted_at: Mapped[dt.datetime | None]
    disconnected_at: Mapped[dt.datetime | None]
    last_synced_at: Mapped[dt.datetime | None]
    sealed_key: Mapped[str | None]
    objects_version: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    __table_args__ = (
        CheckConstraint("status in ('connected', 'error', 'disconnected')", name="ck_integration_accounts_status"),
        UniqueConstraint("business_id", "provider", "external_id", "livemode", name="uq_integration_accounts_business"),
        Index(
            "uq_integration_accounts_active",
            "provider",
            "livemode",
            "external_id",
            unique=True,
            postgresql_where=text("status <> 'disconnected'"),
        ),
        Index(
            "uq_integration_accounts_one_per_business",
            "business_id",
            "provider",
            unique=True,
            postgresql_where=text("status <> 'disconnected'"),
        ),
        # A read names an account and no mode, so an account has one key at a time.
        Index(
            "uq_integration_accounts_key",
            "provider",
            "external_id",
            unique=True,
            postgresql_where=text("sealed_key is not null"),
        ),
        CheckConstraint("sealed_key is null or status <> 'disconnected'", name="ck_integration_accounts_key_wiped"),
    )


class StripeEvent(Base):
    """The inbox: every verified event, kept before the 2xx is sent.

    status: pending (to do), done, parked (its account is not connected yet), ignored (other mode,
    or nothing to keep), dead (failed for good; replayable).
    """

    __tablename__ = "stripe_events"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    event_id: Mapped[str]
    account: Mapped[str]
    livemode: Mapped[bool]
    type: Mapped[str]
    api_version: Mapped[str | None]
    occurred_at: Mapped[dt.datetime]
    payload: Mapped[dict[str, Any] | None]
    status: Mapped[str] = mapped_column(server_default="pending")
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    error: Mapped[str | None]
    received_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    processed_at: Mapped[dt.datetime | None]
    traceparent: Mapped[str | None]
    __table_args__ = (
        CheckConstraint("status in ('pending', 'done', 'parked', 'ignored', 'dead')", name="ck_stripe_events_status"),
        UniqueConstraint("livemode", "account", "event_id", name="uq_stripe_events_event"),
        Index("ix_stripe_events_open", "status", "received_at", postgresql_where=text("status <> 'done'")),
        Index("ix_stripe_events_received_at", "received_at"),
    )


class SyncRun(Base):
    """One pass over an account's objects at Stripe; each step commits its cursor with its rows.

    kind: initial (last 90 days), history (back to 24 months), incremental, reconcile (events that no
    webhook brought). `plan` lists the resources with their windows, `position` is the index in it,
    `cursor` the last object's id, `progress` the share of the run that is read (0 to 1). `attempts` are
    the failures of its present step in a row, `failing_since` the first of them. `updated_at` is when a
    step of it was last done, tried or announced again.
    """

    __tablename__ = "sync_runs"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    integration_account_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("integration_accounts.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str]
    plan: Mapped[list[Any]]
    position: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    cursor: Mapped[str | None]
    progress: Mapped[float] = mapped_column(server_default=text("0"))
    step: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    objects: Mapped[int] = mapped_column(server_default=text("0"))
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    error: Mapped[str | None]
    failing_since: Mapped[dt.datetime | None]
    started_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]
    __table_args__ = (
        CheckConstraint("kind in ('initial', 'history', 'incremental', 'reconcile')", name="ck_sync_runs_kind"),
        Index(
            "uq_sync_runs_open",
            "integration_account_id",
            "kind",
            unique=True,
            postgresql_where=text("finished_at is null"),
        ),
    )
