"""Turn stored Stripe events into billing rows and daily rollups."""

from vaultra.entrypoints import Call, event_function
from vaultra.schemas import Body
from vaultra.usecases import ingestion


class StoredEvents(Body):
    """Inbox rows to apply."""

    ids: list[int]


@event_function
def apply_stripe_event(call: Call, body: StoredEvents) -> None:
    outcome = ingestion.apply(call.db, call.services.stripe, body.ids, call.now)
    if outcome.metrics_due:
        call.publish("metrics-due", {"business_ids": outcome.metrics_due})
