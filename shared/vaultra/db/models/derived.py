"""What is derived."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Numeric, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSON
from sqlalchemy.orm import Mapped, mapped_column

from vaultra.db.models.declarative import NEW_UUID, NOW, Base


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
    __table_args__ = (
        Index(
            "ix_daily_rollups_whole",
            "integration_account_id",
            "day",
            "currency",
            postgresql_include=[
                "charge_count",
                "captured_minor",
                "settled_minor",
                "unconverted_count",
                "failed_count",
                "refund_count",
                "refunded_minor",
                "dispute_count",
                "withdrawn_minor",
                "reinstated_minor",
                "fraud_warning_count",
            ],
        ),
    )


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
