"""Read one step of an account's history from Stripe, then hand over to the next step."""

from uuid import UUID

from vaultra.entrypoints import Call, event_function
from vaultra.schemas import Body
from vaultra.usecases import ingestion, sync


class SyncStep(Body):
    """A step of a run; a step that was done before does nothing.

    `again`: the run failed at this step, and is to go on; its dead letter says so.
    """

    run_id: UUID
    step: int
    again: bool = False


@event_function
def stripe_sync(call: Call, body: SyncStep) -> None:
    if body.again:
        result = sync.replay(call.db, body.run_id, call.now)
    else:
        result = sync.take_step(call.db, call.services.stripe, body.run_id, body.step, call.now)
    for run_id, step in result.next_steps:
        call.publish(sync.TOPIC, {"run_id": run_id, "step": step})
    for ids in result.events:
        call.publish(ingestion.TOPIC, {"ids": ids})
    if result.metrics_due:
        call.publish("metrics-due", {"business_ids": result.metrics_due})
