"""Replies about recommendations, which the API and the agent's tools give alike."""

import datetime as dt
from uuid import UUID

from pydantic import Field

from vaultra.domain.first_steps import Effort
from vaultra.domain.paging import Page
from vaultra.domain.recommendations import Priority, Recommendation, Status
from vaultra.schemas import Reply


class EvidenceReply(Reply):
    """How things stood: the score, and the metrics by their keys, amounts in the major unit of `currency`."""

    score: int
    currency: str | None
    metrics: dict[str, float | int | str | None]


class ProofReply(Reply):
    """The numbers when the recommendation was made, and when its reason was gone."""

    before: EvidenceReply
    after: EvidenceReply


class RecommendationReply(Reply):
    """One thing to do; `estimated_impact` in points of the score, null when it could not be told.

    `effort` and `first_step` tell what it takes and where to begin; null when its rule is no more. `evidence` is how
    things stood when it was made, null where that was not kept. `proof` is null unless it is resolved, `reason` unless
    its owner said why they dismissed it.
    """

    id: UUID
    business_id: UUID
    title: str
    description: str
    priority: Priority
    category: str
    status: Status
    estimated_impact: int | None
    metric_refs: tuple[str, ...] = Field(description="The keys of the metrics it rests on; see /metrics/definitions.")
    article: str | None
    effort: Effort | None
    first_step: str | None
    created_at: dt.datetime
    evidence: EvidenceReply | None
    proof: ProofReply | None
    reason: str | None

    @classmethod
    def of(cls, recommendation: Recommendation) -> "RecommendationReply":
        return cls.model_validate(recommendation, from_attributes=True)


class RecommendationsReply(Reply):
    """High first, then by estimated impact, then the newest; `next_cursor` is null on the last page."""

    recommendations: list[RecommendationReply]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Recommendation]) -> "RecommendationsReply":
        items = [RecommendationReply.of(item) for item in page.items]
        return cls(recommendations=items, next_cursor=page.next_cursor)
