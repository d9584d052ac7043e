"""Turn new metrics into an explained score."""

from uuid import UUID

from vaultra.entrypoints import Call, event_function
from vaultra.schemas import Body
from vaultra.usecases import readiness


class MetricsComputed(Body):
    """Businesses that have new metrics."""

    business_ids: list[UUID]


@event_function
def compute_readiness(call: Call, body: MetricsComputed) -> None:
    readiness.compute(call.db, body.business_ids, call.now)
