"""Stripe objects."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import ForeignKey, Index, Numeric, String, text
from sqlalchemy.orm import Mapped, mapped_column

from vaultra.db.models.declarative import Base


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
