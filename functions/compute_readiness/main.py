"""Score the metrics that came without a score, and ask for the mails that tell what changed."""

from uuid import UUID

from vaultra.entrypoints import Call, event_function
from vaultra.schemas import Body
from vaultra.usecases import alerts, mailing, readiness


class MetricsComputed(Body):
    """Businesses that have new metrics."""

    business_ids: list[UUID]


@event_function
def compute_readiness(call: Call, body: MetricsComputed) -> None:
    alerts.lock_readers(call.db, body.business_ids)
    readiness.compute(call.db, body.business_ids, call.now)
    for mail_id in alerts.request(call.db, body.business_ids, call.now):
        call.publish(mailing.TOPIC, {"mail_id": str(mail_id)})
    # Also when the score is the same: more than the score is advised on, and a repeated message announces again.
    call.publish("readiness-computed", {"business_ids": body.business_ids})
