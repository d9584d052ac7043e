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
    services = call.services
    mailing.deliver(call.db, services.mailer, services.site, services.auth.jwt_secrets, body.mail_id, call.now)
