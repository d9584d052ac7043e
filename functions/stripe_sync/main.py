"""Read one step of an account's history from Stripe, then hand over to the next step."""

from uuid import UUID

from vaultra.entrypoints import Call, event_function
from vaultra.schemas import Body
from vaultra.usecases import ingestion, sync


class SyncStep(Body):
    """A step of a run; a step that was done before does nothing."""

    run_id: UUID
    step: int


@event_function
def stripe_sync(call: Call, body: SyncStep) -> None:
    result = sync.take_step(call.db, call.services.stripe, body.run_id, body.step, call.now)
    for run_id, step in result.next_steps:
        call.publish(sync.TOPIC, {"run_id": run_id, "step": step})
    for ids in result.events:
        call.publish(ingestion.TOPIC, {"ids": ids})
    if result.metrics_due:
        call.publish("metrics-due", {"business_ids": result.metrics_due})
