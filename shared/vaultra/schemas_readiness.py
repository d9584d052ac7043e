"""Requests and replies about the score: what it is, what it was, what it would be, and what lenders ask for."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from vaultra.domain.components import Effect
from vaultra.domain.criteria import Comparison, Status
from vaultra.domain.disclaimer import DISCLAIMER, NOT_OFFERS
from vaultra.domain.lender_criteria import Bound, Grade, Subject
from vaultra.domain.metrics import Unit
from vaultra.domain.readiness import TIER_LABELS, ScoreTrend, TierKey, components_json
from vaultra.domain.rules import Group
from vaultra.schemas import Body, Params, Reply
from vaultra.usecases.readiness import CurrentReadiness
from vaultra.usecases.what_if import Simulation

if TYPE_CHECKING:
    MetricKey = str
else:
    MetricKey = Annotated[str, StringConstraints(pattern="^[a-z0-9_]{1,60}$")]


# --- What comes in ---------------------------------------------------------------------------


class ScoreHistoryParams(Params):
    """How many days of history."""

    business_id: UUID | None = None
    limit: int = Field(default=30, ge=1, le=366, description="How many of the latest days that have a score.")


class SimulateBody(Body):
    """New values by metric: amounts in major units of the business's currency, ratios as fractions."""

    business_id: UUID | None = None
    changes: dict[MetricKey, int | float | str] = Field(min_length=1, max_length=40)

    @property
    def exact_changes(self) -> dict[str, Decimal | str]:
        """The values as they were written: 0.02 is two hundredths."""
        return {
            key: value if isinstance(value, str) else Decimal(repr(value) if isinstance(value, float) else value)
            for key, value in self.changes.items()
        }


# --- The score -------------------------------------------------------------------------------


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
        return cls.model_validate(
            {
                "business_id": latest.business_id,
                "score": latest.score,
                "tier": latest.tier,
                "tier_label": TIER_LABELS[latest.tier],
                "trend": current.trend,
                "provisional": latest.provisional,
                "components": latest.explained,
                "seed_score": latest.seed_score,
                "confidence": {"low": latest.confidence_low, "high": latest.confidence_high},
                "formula_version": latest.formula_version,
                "snapshot_id": latest.snapshot_id,
                "created_at": latest.created_at,
            }
        )


class DayScoreReply(Reply):
    """The score with which a UTC day ended."""

    score: int
    tier: TierKey
    created_at: dt.datetime


class ScoreHistoryReply(Reply):
    """One for each day that has one, newest first."""

    scores: list[DayScoreReply]


# --- What it would be --------------------------------------------------------------------------


class SimulationReply(Reply):
    """The score with the changed metrics beside the one the latest metrics give; nothing is stored."""

    business_id: UUID
    score: int
    tier: TierKey
    tier_label: str
    difference: int
    before: int
    components: ComponentsReply
    disclaimer: str

    @classmethod
    def of(cls, simulation: Simulation) -> Self:
        before, after = simulation.before, simulation.after
        return cls(
            business_id=simulation.snapshot.business_id,
            score=after.score,
            tier=after.tier.key,
            tier_label=after.tier.label,
            difference=after.score - before.score,
            before=before.score,
            components=ComponentsReply.model_validate(components_json(after)),
            disclaimer=DISCLAIMER,
        )


# --- What lenders ask for ----------------------------------------------------------------------


class CriterionReply(Reply):
    """A published minimum beside the owner's number; amounts in major units of `currency`, ratios as fractions.

    `headroom` is how far on the good side the value is, `projected_on` when it will be if things go on as they do.
    `grade` tells who says so: the lender, a third party, or a single article that nobody confirmed.
    """

    key: str
    lender: str
    subject: Subject
    bound: Bound
    unit: Unit
    threshold: float | None
    value: float | None
    currency: str | None
    status: Status
    headroom: float | None
    projected_on: dt.date | None
    reason: str | None
    sentence: str
    grade: Grade
    source: str
    as_of: dt.date

    @classmethod
    def of(cls, compared: Comparison) -> Self:
        criterion = compared.criterion
        return cls(
            key=criterion.key,
            lender=criterion.lender,
            subject=criterion.subject,
            bound=criterion.bound,
            unit=compared.unit,
            threshold=_number(criterion.threshold),
            value=_number(compared.value),
            currency=compared.currency,
            status=compared.status,
            headroom=_number(compared.headroom),
            projected_on=compared.projected_on,
            reason=compared.reason,
            sentence=compared.sentence,
            grade=criterion.grade,
            source=criterion.source,
            as_of=criterion.as_of,
        )


class CriteriaReply(Reply):
    """Published minimums, each with its source: information, not offers."""

    criteria: list[CriterionReply]
    note: str
    disclaimer: str

    @classmethod
    def of(cls, compared: Iterable[Comparison]) -> Self:
        return cls(criteria=[CriterionReply.of(one) for one in compared], note=NOT_OFFERS, disclaimer=DISCLAIMER)


def _number(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
