"""Ask for the digests of a page of people in whose time zone it is morning."""

from uuid import UUID

from vaultra.entrypoints import Call, event_function
from vaultra.schemas import Body
from vaultra.usecases import digest, mailing


class DigestsDue(Body):
    """People who want a digest and have none of today yet."""

    user_ids: list[UUID]


@event_function
def send_notification_digest(call: Call, body: DigestsDue) -> None:
    for mail_id in digest.request(call.db, body.user_ids, call.now):
        call.publish(mailing.TOPIC, {"mail_id": mail_id})
