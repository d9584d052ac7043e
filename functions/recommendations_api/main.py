"""What to do next, and what became of it."""

import datetime as dt
from uuid import UUID

from pydantic import Field

from vaultra.domain.paging import Page
from vaultra.domain.recommendations import Decision, Priority, Recommendation, Status
from vaultra.entrypoints import Access, Call, Routes, http_function
from vaultra.schemas import Body, Params, Reason, Reply
from vaultra.usecases import recommendations

routes = Routes()


class RecommendationFilter(Params):
    """Which recommendations, and how many at once; `cursor` is the `next_cursor` of the page before."""

    business_id: UUID | None = None
    status: Status | None = None
    priority: Priority | None = None
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = None


class RecommendationParams(Params):
    """The recommendation in the path."""

    recommendation_id: UUID


class RecommendationDecision(Body):
    """What the owner makes of it: `pending` takes an acceptance back, a `reason` is for dismissing only."""

    status: Decision
    reason: Reason | None = None


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

    `proof` is null unless it is resolved, `reason` unless its owner said why they dismissed it.
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
    created_at: dt.datetime
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


@routes.get("/api/v1/recommendations", access=Access.VIEWER)
def list_recommendations(call: Call, params: RecommendationFilter) -> RecommendationsReply:
    """What a business can do next."""
    found = recommendations.page(
        call.db,
        call.business.id,
        status=params.status,
        priority=params.priority,
        cursor=params.cursor,
        limit=params.limit,
    )
    return RecommendationsReply.of(found)


@routes.patch("/api/v1/recommendations/{recommendation_id}", access=Access.USER, errors=(403, 409, 422))
def decide_recommendation(
    call: Call, params: RecommendationParams, body: RecommendationDecision
) -> RecommendationReply:
    """Accept a recommendation, take that back, or dismiss it for 30 days; for owners and admins of its business."""
    decided = recommendations.decide(
        call.db,
        user_id=call.caller.user_id,
        recommendation_id=params.recommendation_id,
        status=body.status,
        reason=body.reason,
        now=call.now,
    )
    return RecommendationReply.of(decided)


recommendations_api = http_function("recommendations_api", routes)
