"""Latest metrics, the score and its explanation."""

import datetime as dt
from typing import Self
from uuid import UUID

from pydantic import ConfigDict

from vaultra.domain.metrics import METRICS, SEED_METRICS, Unit
from vaultra.domain.readiness import TIER_LABELS, Effect, ScoreTrend, TierKey
from vaultra.domain.rules import Group
from vaultra.domain.series import Direction
from vaultra.domain.stored_metrics import Snapshot, as_read
from vaultra.entrypoints import Access, Call, Routes, http_function
from vaultra.schemas import Params, Reply
from vaultra.usecases import metrics, readiness
from vaultra.usecases.readiness import CurrentReadiness

routes = Routes()


class BusinessScope(Params):
    business_id: UUID | None = None


class UnconvertedReply(Reply):
    """An amount in no sum, because it could not be converted; in minor units of its own currency."""

    id: str
    amount_minor: int
    currency: str


class CurrencyReply(Reply):
    """The window's charges made in one currency: `revenue` in it, `settled` in the settlement currency."""

    transaction_count: int
    revenue: float
    settled: float | None
    unconverted_count: int


class BucketReply(Reply):
    """Thirty complete days, both ends included; amounts in the settlement currency."""

    period_start: dt.date
    period_end: dt.date
    revenue_total: float | None
    net_volume: float | None
    transaction_count: int
    chargeback_count: int
    fraud_warnings: int


class DetailsReply(Reply):
    """Every further metric by its key (see /metrics/definitions), and what the numbers rest on."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, float | int | str | None]

    samples: dict[str, int]
    low_sample: list[str]
    not_measured: dict[str, str]
    unconverted: list[UnconvertedReply]
    by_currency: dict[str, CurrencyReply]
    buckets: list[BucketReply]
    history_complete: bool


class MetricsReply(Reply):
    """The latest metrics; amounts in the major unit of `currency`, null where not measured."""

    business_id: UUID
    period_start: dt.date
    period_end: dt.date
    currency: str | None
    revenue_total: float | None
    revenue_volatility: float | None
    revenue_trend: Direction | None
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

    @classmethod
    def of(cls, snapshot: Snapshot, now: dt.datetime) -> Self:
        read = as_read(snapshot)
        # Validated as one: a model for each of its parts costs five times as much.
        return cls.model_validate(
            {
                "business_id": snapshot.business_id,
                "period_start": snapshot.period_start,
                "period_end": snapshot.period_end,
                "currency": snapshot.currency,
                **{key: read.pop(key) for key in SEED_METRICS},
                "details": read,
                "computed_at": snapshot.computed_at,
                "stale": metrics.is_stale(snapshot, now),
            }
        )


class RuleReply(Reply):
    """One rule's part in the score; see Component."""

    key: str
    label: str
    group: Group
    value: float | str | None
    unit: Unit
    currency: str | None
    sample: int | None
    points: int
    best_points: int
    worst_points: int
    band: str
    effect: Effect
    reason: str | None
    sentence: str


class ComponentsReply(Reply):
    """The three gauges, 0–1, and every rule in the order of the catalogue."""

    revenue_stability: float | None
    risk_signals: float | None
    payout_reliability: float | None
    rules: list[RuleReply]


class ConfidenceReply(Reply):
    """The scores that the sample sizes leave possible."""

    low: int
    high: int


class ReadinessReply(Reply):
    """The score as it stands; `trend` is improving, stable or declining, null without a score 30 days ago."""

    business_id: UUID
    score: int
    tier: TierKey
    tier_label: str
    trend: ScoreTrend | None
    provisional: bool
    components: ComponentsReply
    seed_score: int
    confidence: ConfidenceReply
    formula_version: str
    snapshot_id: UUID | None
    created_at: dt.datetime

    @classmethod
    def of(cls, current: CurrentReadiness) -> Self:
        latest = current.latest
        return cls(
            business_id=latest.business_id,
            score=latest.score,
            tier=latest.tier,
            tier_label=TIER_LABELS[latest.tier],
            trend=current.trend,
            provisional=latest.provisional,
            components=ComponentsReply.model_validate(latest.components),
            seed_score=latest.seed_score,
            confidence=ConfidenceReply(low=latest.confidence_low, high=latest.confidence_high),
            formula_version=latest.formula_version,
            snapshot_id=latest.snapshot_id,
            created_at=latest.created_at,
        )


class DefinitionReply(Reply):
    """What a metric means and how it is computed; `low_sample_below` marks samples that are small."""

    key: str
    label: str
    unit: Unit
    meaning: str
    formula: str
    source: str
    low_sample_below: int | None


class DefinitionsReply(Reply):
    metrics: list[DefinitionReply]


@routes.get("/api/v1/metrics", access=Access.VIEWER, errors=(404,))
def get_metrics(call: Call, params: BusinessScope) -> MetricsReply:  # noqa: ARG001 - the edge reads it
    """The latest metrics of a business."""
    return MetricsReply.of(metrics.latest(call.db, call.business.id), call.now)


@routes.get("/api/v1/metrics/definitions", access=Access.PUBLIC)
def get_definitions(call: Call) -> DefinitionsReply:  # noqa: ARG001
    """What each metric means, its unit, formula and source."""
    fields = DefinitionReply.model_fields
    return DefinitionsReply(
        metrics=[DefinitionReply(**{name: getattr(metric, name) for name in fields}) for metric in METRICS]
    )


@routes.get("/api/v1/readiness", access=Access.VIEWER, errors=(404,))
def get_readiness(call: Call, params: BusinessScope) -> ReadinessReply:  # noqa: ARG001
    """The readiness score of a business, and what makes it."""
    return ReadinessReply.of(readiness.current(call.db, call.business.id))


metrics_api = http_function("metrics_api", routes)
