"""Write a mail that is due and hand it to the mail server."""

from uuid import UUID

from vaultra.entrypoints import Call, event_function
from vaultra.schemas import Body
from vaultra.usecases import mailing


class MailDue(Body):
    """A mail in the outbox."""

    mail_id: UUID


@event_function
def send_mail(call: Call, body: MailDue) -> None:
    mailing.deliver(call.db, call.services.mailer, call.services.site, body.mail_id, call.now)
