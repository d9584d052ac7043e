"""What to do next, and what became of it."""

from uuid import UUID

from pydantic import Field

from vaultra.domain.recommendations import Decision, Priority, Status
from vaultra.entrypoints import Access, Call, Routes, http_function
from vaultra.schemas import Body, Params, Reason
from vaultra.schemas_recommendations import RecommendationReply, RecommendationsReply
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
