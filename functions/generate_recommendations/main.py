"""Turn new scores into recommendations, and resolve those whose reason is gone."""

from uuid import UUID

from vaultra.entrypoints import Call, event_function
from vaultra.schemas import Body
from vaultra.usecases import advising


class ReadinessComputed(Body):
    """Businesses whose score was computed, or whose day has come."""

    business_ids: list[UUID]


@event_function
def generate_recommendations(call: Call, body: ReadinessComputed) -> None:
    advising.generate(call.db, body.business_ids, call.now)
