"""Compute the metrics of the businesses whose numbers are due, and store them with their scores."""

import time
from uuid import UUID

from vaultra.entrypoints import Call, event_function
from vaultra.schemas import Body
from vaultra.usecases import metrics


class MetricsDue(Body):
    """Businesses whose stored objects changed, or whose hour has come."""

    business_ids: list[UUID]


@event_function
def compute_metrics(call: Call, body: MetricsDue) -> None:
    pause = metrics.pause_before(call.db, body.business_ids, call.now)
    if pause:
        call.rollback()  # nothing is held while waiting
        time.sleep(pause.total_seconds())
    first = call.message is not None and call.message.attempt == 1
    computed = metrics.compute(call.db, body.business_ids, call.now + pause, unless_unchanged=first)
    if computed:
        call.publish("metrics-computed", {"business_ids": computed})
