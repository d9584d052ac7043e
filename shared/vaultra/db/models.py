"""The database's one page: every table, its columns and what they mean."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB, REAL, UUID
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

UtcTime = DateTime(timezone=True)
NEW_UUID = text("gen_random_uuid()")
NOW = text("now()")


class Base(DeclarativeBase):
    """Tables are read and written through Core statements; entities never travel."""

    type_annotation_map = {
        str: Text,
        int: BigInteger,
        float: Float,
        dt.datetime: UtcTime,
        dt.date: Date,
        uuid.UUID: UUID(as_uuid=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


# --- People and businesses ---------------------------------------------------------------


class User(Base):
    """A person who signs in. `email` is unique without regard to case.

    `email_verified_at` is when they first proved that its mailbox is theirs; None while they have not.
    `digest` and `alerts` are the mails they want; `time_zone` is an IANA name, in which their day begins.
    """

    __tablename__ = "users"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str | None]
    email_verified_at: Mapped[dt.datetime | None]
    avatar_url: Mapped[str | None]
    digest: Mapped[str] = mapped_column(server_default="daily")
    alerts: Mapped[bool] = mapped_column(server_default=text("true"))
    time_zone: Mapped[str] = mapped_column(server_default="UTC")
    created_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    __table_args__ = (
        CheckConstraint("digest in ('daily', 'weekly', 'off')", name="ck_users_digest"),
        Index("uq_users_email", text("lower(email)"), unique=True),
    )


class Identity(Base):
    """A user as an outside sign-in knows them. `email` is what it said when they first came."""

    __tablename__ = "identities"
    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    email: Mapped[str]
    created_at: Mapped[dt.datetime]


class Session(Base):
    """A bearer token is good while its session (`id` is its `jti`) exists and has not expired.

    `address_hash` is where the user signed in from. Refreshing opens a new session with the same
    `signed_in_at`, and lets the old one end a minute later.
    """

    __tablename__ = "sessions"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    address_hash: Mapped[str]
    signed_in_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)


class SignInState(Base):
    """One started Google sign-in; used once, within ten minutes, in the browser that started it.

    `state_hash` and `browser_hash` are hashes of what the address and the cookie carry.
    """

    __tablename__ = "sign_in_states"
    state_hash: Mapped[str] = mapped_column(primary_key=True)
    browser_hash: Mapped[str]
    nonce: Mapped[str]
    code_verifier: Mapped[str]
    next_path: Mapped[str | None]
    expires_at: Mapped[dt.datetime]


class PasswordReset(Base):
    """A mailed link to choose a new password; used once, within the hour. Only the token's hash is kept."""

    __tablename__ = "password_resets"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[dt.datetime]


class RateLimit(Base):
    """How much of a limit is used up: `key` names the limit and hashes who it is for.

    `full_at` is when the whole allowance is there again (GCRA's theoretical arrival time). Unlogged,
    because after a crash everybody may begin anew.
    """

    __tablename__ = "rate_limits"
    key: Mapped[str] = mapped_column(primary_key=True)
    full_at: Mapped[dt.datetime] = mapped_column(index=True)
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)


class Business(Base):
    """A business whose readiness Vaultra looks after."""

    __tablename__ = "businesses"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    name: Mapped[str]
    legal_entity: Mapped[str | None]
    industry: Mapped[str | None]
    revenue_estimate_minor: Mapped[int | None]
    founded_at: Mapped[dt.date | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)


class UserBusinessMembership(Base):
    """Who may see a business, and what they may do there."""

    __tablename__ = "user_business_memberships"
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    business_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("businesses.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    __table_args__ = (CheckConstraint("role in ('owner', 'admin', 'viewer')", name="ck_memberships_role"),)


class Invitation(Base):
    """An email address asked to join a business. `token_hash` is set when its mail is written."""

    __tablename__ = "invitations"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    business_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"))
    email: Mapped[str]
    role: Mapped[str]
    token_hash: Mapped[str | None] = mapped_column(unique=True)
    invited_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    __table_args__ = (
        CheckConstraint("role in ('owner', 'admin', 'viewer')", name="ck_invitations_role"),
        Index("uq_invitations_email", "business_id", text("lower(email)"), unique=True),
        Index("ix_invitations_email", text("lower(email)")),
    )


class PersonalAccessToken(Base):
    """A token for one's own assistant, good for one business as long as one is its member.

    The token is `vlt_{id}_{secret}`. `token_hash` is of the secret together with the ids of the token,
    the user and the business, so that a hash copied to another row opens nothing.
    """

    __tablename__ = "personal_access_tokens"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID]
    business_id: Mapped[uuid.UUID]
    name: Mapped[str]
    token_hash: Mapped[str]
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    last_used_at: Mapped[dt.datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(
            ["user_id", "business_id"],
            ["user_business_memberships.user_id", "user_business_memberships.business_id"],
            name="fk_personal_access_tokens_membership",
            ondelete="CASCADE",
        ),
        Index("ix_personal_access_tokens_membership", "user_id", "business_id"),
    )


class Mail(Base):
    """A mail to send, or sent. It is written when it is sent, so that no link in it is ever stored.

    `kind` is a name in `domain.mails.MAILS`; `facts` is what it tells beside that. `dedupe_key` makes
    a mail of which there must be one only. `sent_at` is None while it waits; `dropped` says why it was
    not sent after all.
    """

    __tablename__ = "mails"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    kind: Mapped[str]
    recipient: Mapped[str]
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    business_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"), index=True)
    invitation_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("invitations.id", ondelete="CASCADE"), index=True
    )
    facts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    dedupe_key: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[dt.datetime]
    sent_at: Mapped[dt.datetime | None]
    dropped: Mapped[str | None]
    __table_args__ = (
        Index("ix_mails_waiting", "created_at", postgresql_where=text("sent_at is null and dropped is null")),
        Index("ix_mails_recipient", text("lower(recipient)")),
    )


# --- Connected accounts and the event inbox --------------------------------------------------


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


# --- Stripe objects ------------------------------------------------------------------------


class StripeObject:
    """What every stored Stripe object has.

    `version_at` is the time of the state we hold (event.created, or Stripe's clock when a read began);
    the newest state wins. `content_hash` tells two states of the same second apart. `deleted` is a
    tombstone. Amounts are minor units of `currency`; `settled_minor` is the amount in the account's
    settlement currency, None while it cannot be told.
    """

    integration_account_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("integration_accounts.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    business_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[dt.datetime]
    version_at: Mapped[dt.datetime]
    content_hash: Mapped[str]
    deleted: Mapped[bool] = mapped_column(server_default=text("false"))


class Charge(StripeObject, Base):
    """A payment attempt. It counts as a charge when it succeeded and was captured.

    `exchange_rate` turns minor units of `currency` into minor units of the settlement currency.
    """

    __tablename__ = "charges"
    amount_minor: Mapped[int]
    captured_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    settled_minor: Mapped[int | None]
    exchange_rate: Mapped[float | None] = mapped_column(Numeric)
    status: Mapped[str]
    captured: Mapped[bool]
    customer: Mapped[str | None]
    card_fingerprint: Mapped[str | None]
    payment_intent: Mapped[str | None]
    invoice: Mapped[str | None]
    balance_transaction: Mapped[str | None]
    __table_args__ = (Index("ix_charges_created", "integration_account_id", "created_at"),)


class Refund(StripeObject, Base):
    """Money given back; it counts when it succeeded, on the day it was created."""

    __tablename__ = "refunds"
    charge: Mapped[str | None]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    settled_minor: Mapped[int | None]
    status: Mapped[str | None]
    balance_transaction: Mapped[str | None]
    __table_args__ = (Index("ix_refunds_created", "integration_account_id", "created_at"),)


class Dispute(StripeObject, Base):
    """A chargeback or an inquiry. `counted_at` is when it begins to count, None while it does not.

    `movements` are its balance transactions: [{id, amount_minor, currency, created_at}]. `evidence_due_at` is
    until when the owner may answer it, None where Stripe did not tell.
    """

    __tablename__ = "disputes"
    charge: Mapped[str | None]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[str]
    reason: Mapped[str | None]
    counted_at: Mapped[dt.datetime | None]
    movements: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    evidence_due_at: Mapped[dt.datetime | None]
    __table_args__ = (
        Index("ix_disputes_created", "integration_account_id", "created_at"),
        Index("ix_disputes_counted", "integration_account_id", "counted_at"),
    )


class EarlyFraudWarning(StripeObject, Base):
    """A card network's warning about a charge; never part of the chargeback ratio."""

    __tablename__ = "early_fraud_warnings"
    charge: Mapped[str | None]
    actionable: Mapped[bool | None]
    __table_args__ = (Index("ix_early_fraud_warnings_created", "integration_account_id", "created_at"),)


class Payout(StripeObject, Base):
    """Money sent to the bank. `paid_event_at` is the time of its first `payout.paid` event, if one was seen."""

    __tablename__ = "payouts"
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    arrival_on: Mapped[dt.date]
    status: Mapped[str]
    automatic: Mapped[bool | None]
    reversed_by: Mapped[str | None]
    failure_balance_transaction: Mapped[str | None]
    failure_code: Mapped[str | None]
    balance_transaction: Mapped[str | None]
    paid_event_at: Mapped[dt.datetime | None]
    __table_args__ = (Index("ix_payouts_arrival", "integration_account_id", "arrival_on"),)


class BalanceTransaction(StripeObject, Base):
    """A movement of the Stripe balance, in the settlement currency."""

    __tablename__ = "balance_transactions"
    amount_minor: Mapped[int]
    net_minor: Mapped[int]
    fee_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    type: Mapped[str]
    source: Mapped[str | None]
    exchange_rate: Mapped[float | None] = mapped_column(Numeric)
    __table_args__ = (Index("ix_balance_transactions_created", "integration_account_id", "created_at"),)


class Subscription(StripeObject, Base):
    """A subscription with what its monthly value needs.

    `items` : [{id, quantity, currency, unit_amount, interval, interval_count, usage_type, billing_scheme,
    tiers_mode, tiers, transform_quantity, discounts}]; `discounts`: [{id, start, end, percent_off,
    amount_off, currency, duration}].
    """

    __tablename__ = "subscriptions"
    customer: Mapped[str | None]
    currency: Mapped[str | None] = mapped_column(String(3))
    status: Mapped[str]
    started_at: Mapped[dt.datetime | None]
    trial_end_at: Mapped[dt.datetime | None]
    cancel_at: Mapped[dt.datetime | None]
    canceled_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]
    pause: Mapped[dict[str, Any] | None]
    items: Mapped[list[Any]]
    discounts: Mapped[list[Any]]


class Customer(StripeObject, Base):
    """A payer's id and discount; no name, no email."""

    __tablename__ = "customers"
    discount: Mapped[dict[str, Any] | None]


class Invoice(StripeObject, Base):
    """Which charges paid for which subscription. `paid_by` lists payment intents and charges."""

    __tablename__ = "invoices"
    customer: Mapped[str | None]
    subscription: Mapped[str | None]
    status: Mapped[str | None]
    currency: Mapped[str | None] = mapped_column(String(3))
    amount_paid_minor: Mapped[int | None]
    paid_by: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))


# --- What is derived -----------------------------------------------------------------------


class DailyRollup(Base):
    """One account's day in one currency, recomputed from the rows above and never incremented.

    Sums ending in `_minor` are in the settlement currency, except `captured_minor`, which is in `currency`.
    """

    __tablename__ = "daily_rollups"
    integration_account_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("integration_accounts.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    business_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"), index=True)
    charge_count: Mapped[int]
    captured_minor: Mapped[int]
    settled_minor: Mapped[int]
    unconverted_count: Mapped[int]
    failed_count: Mapped[int]
    refund_count: Mapped[int]
    refunded_minor: Mapped[int]
    dispute_count: Mapped[int]
    withdrawn_minor: Mapped[int]
    reinstated_minor: Mapped[int]
    fraud_warning_count: Mapped[int]


class KeptFacts(Base):
    """What was last read of an account's objects, so that they need not be read again while nothing changes.

    `basis` is made of what it was read from; at another one it says nothing. `payers` are the numbers of
    `domain.metric_facts.PayerTotals`; `balance` is {opening_minor, ages, nets}, by days before `read_on`.
    """

    __tablename__ = "kept_facts"
    integration_account_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("integration_accounts.id", ondelete="CASCADE"), primary_key=True
    )
    basis: Mapped[str]
    read_on: Mapped[dt.date]
    payers: Mapped[list[Any]] = mapped_column(JSON)
    balance: Mapped[dict[str, Any]] = mapped_column(JSON)


class MetricsDue(Base):
    """A business whose metrics were asked for and not yet begun; keeps a burst to a handful of computations.

    `traceparents` are the spans of the requests because of which; None when none of them is traced.
    """

    __tablename__ = "metrics_due"
    business_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"), primary_key=True)
    requested_at: Mapped[dt.datetime]
    traceparents: Mapped[list[str] | None] = mapped_column(ARRAY(Text))


class FinancialMetricSnapshot(Base):
    """The metrics of the 30 days from `period_start` to `period_end`, both inclusive; one row per business and day.

    `basis` is what they were computed from, and by which definitions; null for those of an earlier release.
    """

    __tablename__ = "financial_metric_snapshots"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    business_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"))
    period_start: Mapped[dt.date]
    period_end: Mapped[dt.date]
    currency: Mapped[str | None] = mapped_column(String(3))
    revenue_total_minor: Mapped[int | None]
    revenue_volatility: Mapped[float | None]
    revenue_trend: Mapped[str | None]
    chargeback_count: Mapped[int | None]
    chargeback_ratio: Mapped[float | None]
    refund_count: Mapped[int | None]
    refund_ratio: Mapped[float | None]
    payout_reliability: Mapped[float | None]
    transaction_count: Mapped[int | None]
    average_transaction_size_minor: Mapped[float | None] = mapped_column(Numeric)
    mrr_minor: Mapped[int | None]
    metrics_json: Mapped[dict[str, Any]]
    computed_at: Mapped[dt.datetime]
    basis: Mapped[str | None]
    __table_args__ = (UniqueConstraint("business_id", "period_end", name="uq_financial_metric_snapshots_day"),)


class ReadinessScore(Base):
    """A stored score is never rewritten; a computation that changes nothing adds no row."""

    __tablename__ = "readiness_scores"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    business_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"))
    snapshot_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("financial_metric_snapshots.id", ondelete="SET NULL"), index=True
    )
    scored_on: Mapped[dt.date]
    score: Mapped[int] = mapped_column(Integer)
    tier: Mapped[str]
    seed_score: Mapped[int] = mapped_column(Integer)
    confidence_low: Mapped[int] = mapped_column(Integer)
    confidence_high: Mapped[int] = mapped_column(Integer)
    provisional: Mapped[bool]
    components: Mapped[dict[str, Any]]
    formula_version: Mapped[str]
    created_at: Mapped[dt.datetime]
    __table_args__ = (
        CheckConstraint("score between 0 and 100", name="ck_readiness_scores_score"),
        CheckConstraint(
            "tier in ('not_ready', 'improving', 'funding_ready', 'highly_attractive')", name="ck_readiness_scores_tier"
        ),
        Index("ix_readiness_scores_latest", "business_id", text("created_at desc")),
    )


class Recommendation(Base):
    """What to do next, why, and what it is worth in points.

    `evidence` holds the score and the metrics of `metric_refs` as they stood when it was made; `proof` holds them
    before and after, once it is resolved. `reason` is why its owner dismissed it, `decided_at` when they accepted or
    dismissed it; `updated_at` is when it was last written.
    """

    __tablename__ = "recommendations"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    business_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"), index=True)
    rule_key: Mapped[str]
    title: Mapped[str]
    description: Mapped[str]
    priority: Mapped[str]
    category: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="pending")
    estimated_impact: Mapped[int | None] = mapped_column(Integer)
    metric_refs: Mapped[list[Any]]
    article: Mapped[str | None]
    evidence: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    proof: Mapped[dict[str, Any] | None]
    reason: Mapped[str | None]
    decided_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    __table_args__ = (
        CheckConstraint("priority in ('high', 'medium', 'low')", name="ck_recommendations_priority"),
        CheckConstraint("status in ('pending', 'accepted', 'dismissed', 'resolved')", name="ck_recommendations_status"),
        Index(
            "uq_recommendations_live",
            "business_id",
            "rule_key",
            unique=True,
            postgresql_where=text("status in ('pending', 'accepted')"),
        ),
    )


class AlertState(Base):
    """What an alert about a business last told: `kind` says which, `told` what, as `domain.alerts` names it.

    `told_at` is None while nobody has been told: it was so when we first looked.
    """

    __tablename__ = "alert_states"
    business_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    told: Mapped[str]
    told_at: Mapped[dt.datetime | None]
    __table_args__ = (CheckConstraint("kind in ('tier', 'network')", name="ck_alert_states_kind"),)


class AgentConversation(Base):
    """A conversation of one person about one business."""

    __tablename__ = "agent_conversations"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    business_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    title: Mapped[str | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)


class AgentMessage(Base):
    """One message of a conversation, with the tools and citations behind it.

    The last four are of answers only; `degraded` says that another than the first configured one had to answer.
    """

    __tablename__ = "agent_messages"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agent_conversations.id", ondelete="CASCADE"))
    role: Mapped[str]
    content: Mapped[str]
    tool_calls: Mapped[list[Any] | None]
    citations: Mapped[list[Any] | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    provider: Mapped[str | None]
    degraded: Mapped[bool | None]
    input_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    __table_args__ = (
        CheckConstraint("role in ('user', 'assistant')", name="ck_agent_messages_role"),
        Index("ix_agent_messages_conversation", "conversation_id", "created_at"),
    )


class AgentUsage(Base):
    """How many tokens of models a business has used, or set aside for calls under way, on a day of UTC."""

    __tablename__ = "agent_usage"
    business_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    tokens: Mapped[int]


# --- Knowledge ------------------------------------------------------------------------------


class KnowledgeVersion(Base):
    """A set of articles that was published under `namespace`: the embedder's name and a hash of what it embedded."""

    __tablename__ = "knowledge_versions"
    namespace: Mapped[str] = mapped_column(primary_key=True)
    is_current: Mapped[bool]
    created_at: Mapped[dt.datetime]
    published_at: Mapped[dt.datetime | None]
    __table_args__ = (
        Index("uq_knowledge_versions_current", "is_current", unique=True, postgresql_where=text("is_current")),
    )


class KnowledgeArticle(Base):
    """An article as it was published; `content` is `domain.knowledge.Article` in JSON."""

    __tablename__ = "knowledge_articles"
    namespace: Mapped[str] = mapped_column(
        ForeignKey("knowledge_versions.namespace", ondelete="CASCADE"), primary_key=True
    )
    doc_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    content: Mapped[dict[str, Any]]


class KnowledgeVector(Base):
    """A passage's or a question's vector, where no vector database is set up. Written before its version is."""

    __tablename__ = "knowledge_vectors"
    namespace: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    vector: Mapped[list[float]] = mapped_column(ARRAY(REAL))


# --- Messages that failed, and the embedded broker -------------------------------------------


class DeadLetter(Base):
    """A message that failed for good, kept until an operator replays or drops it."""

    __tablename__ = "dead_letters"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    message_id: Mapped[str]
    subscription: Mapped[str]
    topic: Mapped[str]
    data: Mapped[bytes] = mapped_column(LargeBinary)
    attributes: Mapped[dict[str, Any]]
    ordering_key: Mapped[str] = mapped_column(server_default="")
    attempts: Mapped[int] = mapped_column(Integer)
    error: Mapped[str | None]
    dead_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    replayed_at: Mapped[dt.datetime | None]
    __table_args__ = (UniqueConstraint("subscription", "message_id", name="uq_dead_letters_message"),)


class BrokerSubscription(Base):
    """The embedded broker's subscriptions; written from functions.yaml when it starts."""

    __tablename__ = "broker_subscriptions"
    name: Mapped[str] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(index=True)
    endpoint: Mapped[str]
    ack_deadline_seconds: Mapped[float]
    min_backoff_seconds: Mapped[float]
    max_backoff_seconds: Mapped[float]
    max_attempts: Mapped[int | None] = mapped_column(Integer)
    dead_letter_topic: Mapped[str | None]
    max_outstanding: Mapped[int] = mapped_column(Integer)


class BrokerMessage(Base):
    """A published message of the embedded broker."""

    __tablename__ = "broker_messages"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    topic: Mapped[str]
    data: Mapped[bytes] = mapped_column(LargeBinary)
    attributes: Mapped[dict[str, Any]]
    ordering_key: Mapped[str] = mapped_column(server_default="")
    published_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)


class BrokerDelivery(Base):
    """A message on its way to one subscription; deleted when acknowledged.

    `attempts` counts deliveries begun; `visible_at` is when the next one may begin (the end of the
    running one's ack deadline, or of the back-off).
    """

    __tablename__ = "broker_deliveries"
    subscription: Mapped[str] = mapped_column(
        ForeignKey("broker_subscriptions.name", ondelete="CASCADE"), primary_key=True
    )
    message_id: Mapped[int] = mapped_column(ForeignKey("broker_messages.id", ondelete="CASCADE"), primary_key=True)
    ordering_key: Mapped[str]
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    visible_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    last_error: Mapped[str | None]
    __table_args__ = (
        Index("ix_broker_deliveries_due", "subscription", "visible_at"),
        Index("ix_broker_deliveries_message", "message_id"),
    )
