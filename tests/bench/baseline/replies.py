"""The response models of the baseline."""

import datetime as dt
import uuid
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator


class BusinessMembershipReply(BaseModel):
    id: uuid.UUID
    name: str
    role: str


class ProfileReply(BaseModel):
    id: uuid.UUID
    email: str
    name: str
    avatar_url: str | None
    businesses: list[BusinessMembershipReply]


class UnconvertedReply(BaseModel):
    id: str
    amount_minor: int
    currency: str


class CurrencyReply(BaseModel):
    transaction_count: int
    revenue: float
    settled: float | None
    unconverted_count: int


class BucketReply(BaseModel):
    period_start: dt.date
    period_end: dt.date
    revenue_total: float | None
    net_volume: float | None
    transaction_count: int
    chargeback_count: int
    fraud_warnings: int


class DetailsReply(BaseModel):
    model_config = ConfigDict(extra="allow")
    samples: dict[str, int]
    low_sample: list[str]
    not_measured: dict[str, str]
    unconverted: list[UnconvertedReply]
    by_currency: dict[str, CurrencyReply]
    buckets: list[BucketReply]
    history_complete: bool


class MetricsReply(BaseModel):
    business_id: uuid.UUID
    period_start: dt.date
    period_end: dt.date
    currency: str | None
    revenue_total: float | None
    revenue_volatility: float | None
    revenue_trend: str | None
    chargeback_count: int | None
    chargeback_ratio: float | None
    refund_count: int | None
    refund_ratio: float | None
    payout_reliability: float | None
    transaction_count: int | None
    average_transaction_size: float | None
    mrr: float | None
    details: DetailsReply
    computed_at: dt.datetime
    stale: bool


class RuleReply(BaseModel):
    key: str
    label: str
    group: str
    value: float | str | None
    unit: str
    currency: str | None
    sample: int | None
    points: int
    best_points: int
    worst_points: int
    band: str
    effect: str
    reason: str | None
    sentence: str


class ComponentsReply(BaseModel):
    revenue_stability: float | None
    risk_signals: float | None
    payout_reliability: float | None
    rules: list[RuleReply]


class ConfidenceReply(BaseModel):
    low: int
    high: int


class ReadinessReply(BaseModel):
    business_id: uuid.UUID
    score: int
    tier: str
    tier_label: str
    trend: str | None
    provisional: bool
    components: ComponentsReply
    seed_score: int
    confidence: ConfidenceReply
    formula_version: str
    snapshot_id: uuid.UUID | None
    created_at: dt.datetime


class RecommendationReply(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    business_id: uuid.UUID
    title: str
    description: str
    priority: str
    category: str
    status: str
    estimated_impact: int | None
    metric_refs: list[Any]
    article: str | None
    effort: str | None = None  # of the rules that are measured nothing is known
    first_step: str | None = None
    created_at: dt.datetime
    evidence: dict[str, Any] | None
    proof: dict[str, Any] | None
    reason: str | None

    @field_validator("evidence", mode="before")
    @classmethod
    def none_when_empty(cls, value: dict[str, Any]) -> dict[str, Any] | None:
        return value or None


class RecommendationsReply(BaseModel):
    recommendations: list[RecommendationReply]
    next_cursor: str | None
