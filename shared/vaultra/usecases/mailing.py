"""The outbox: a mail is asked for in the transaction of what it tells about, and written when it is sent."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from vaultra.config import SiteSettings
from vaultra.db import alerts, mails
from vaultra.domain.alert_letters import ALERT_LETTERS
from vaultra.domain.mails import MAILS, Facts, WaitingMail
from vaultra.domain.unsubscribing import Purpose, Unsubscription, write_token
from vaultra.errors import InvalidInput
from vaultra.failpoints import reach
from vaultra.ports import Mail, Mailer
from vaultra.usecases import digest, members, resets

TOPIC = "mail-due"

# Longer than any announcement takes, and shorter than anybody waits.
OVERDUE = dt.timedelta(seconds=60)
# A mail server that does not answer for so long is not asked for every mail every minute.
OFTEN = dt.timedelta(minutes=10)
SELDOM_MINUTES = 10
GIVEN_UP = dt.timedelta(hours=24)
KEPT = dt.timedelta(days=30)
PAGE = 500

# The site's pages behind the links. A token goes into the fragment, which no server and no log ever sees.
RESET_PAGE = "/auth/reset/#token="
INVITATION_PAGE = "/auth/invitation/#token="
FORGOT_PAGE = "/auth/forgot/"
OVERVIEW_PAGE = "/dashboard/"
UNSUBSCRIBE_PAGE = "/unsubscribe/#token="
# One click in a mail program is a POST to this route, with the token where such programs can put it.
UNSUBSCRIBE_ROUTE = "/users/unsubscribe?token="

# The kinds that come without having been asked for: what one click ends.
UNSUBSCRIBES = {"digest": Purpose.DIGEST, **dict.fromkeys(ALERT_LETTERS, Purpose.ALERTS)}


class _NotWanted(Exception):
    """There is no longer a reason to send this mail; the message says why, and names nobody."""


def request(
    conn: Connection,
    *,
    kind: str,
    recipient: str,
    now: dt.datetime,
    user_id: UUID | None = None,
    business_id: UUID | None = None,
    invitation_id: UUID | None = None,
    facts: Mapping[str, Any] | None = None,
    dedupe_key: str | None = None,
) -> UUID | None:
    """Ask for a mail. After the commit, announce its id on `TOPIC`; if that gets lost, the sweeper announces it.

    Args:
        kind: A name in `domain.mails.MAILS`.
        user_id: Whose account it is about. It is deleted with the user; likewise for the other two ids.
        facts: What it tells beside what its row says; JSON, and nothing secret.
        dedupe_key: Names a mail of which there must be one only.

    Returns:
        The mail's id; None when there is one with this `dedupe_key` already.
    """
    if kind not in MAILS:
        raise ValueError(f"There is no mail {kind}")
    return mails.insert_mail(
        conn,
        kind=kind,
        recipient=recipient,
        user_id=user_id,
        business_id=business_id,
        invitation_id=invitation_id,
        facts=facts or {},
        dedupe_key=dedupe_key,
        now=now,
    )


def deliver(
    conn: Connection, mailer: Mailer, site: SiteSettings, secrets: Sequence[str], mail_id: UUID, now: dt.datetime
) -> None:
    """Write a mail and send it; nothing happens when it was sent or dropped, is gone, or is just being sent.

    It is sent inside the transaction that marks it, so that it is marked exactly when it went out. A crash
    between the two sends it again, with the same id for the mail server to recognise, and a fresh link.

    Args:
        secrets: What links that end such mails are signed with; the first signs.

    Raises:
        Unavailable: the mail server can't take it now; nothing is changed.
    """
    waiting = mails.lock_waiting(conn, mail_id)
    if waiting is None:
        return
    try:
        mailer.send(_write(conn, waiting, site, secrets, now))
        reach("mail_taken")
    except _NotWanted as reason:
        mails.mark_dropped(conn, mail_id, str(reason))
    except InvalidInput as refusal:
        mails.mark_dropped(conn, mail_id, refusal.message)
    else:
        mails.mark_sent(conn, mail_id, now)


def sweep(conn: Connection, now: dt.datetime) -> list[UUID]:
    """Give up what has waited for a day, and list what has waited too long: to be announced again."""
    mails.drop_waiting(conn, before=now - GIVEN_UP, reason="it could not be sent within 24 hours")
    age = GIVEN_UP if now.minute % SELDOM_MINUTES == 0 else OFTEN
    return mails.list_waiting(conn, since=now - age, before=now - OVERDUE, limit=PAGE)


def purge(conn: Connection, now: dt.datetime) -> int:
    """Forget mails that were sent or dropped a month ago; how many."""
    return mails.delete_settled(conn, now - KEPT)


# --- what each kind tells ------------------------------------------------------------------

Addressed = tuple[str, Facts]
"""Where a mail goes, and what it tells."""


def _write(
    conn: Connection, waiting: WaitingMail, site: SiteSettings, secrets: Sequence[str], now: dt.datetime
) -> Mail:
    recipient, facts = FACTS[waiting.kind](conn, waiting, site.site_url, now)
    purpose, unsubscribe_url = UNSUBSCRIBES.get(waiting.kind), None
    if purpose is not None:
        assert waiting.user_id is not None, "it comes to somebody who may switch it off"
        token = write_token(Unsubscription(waiting.user_id, purpose), secrets)
        facts = {**facts, "unsubscribe_link": f"{site.site_url}{UNSUBSCRIBE_PAGE}{token}"}
        unsubscribe_url = f"{site.public_api_url}{UNSUBSCRIBE_ROUTE}{token}"
    letter = MAILS[waiting.kind](facts)
    return Mail(str(waiting.id), recipient, letter.subject, letter.text, letter.html, unsubscribe_url)


def _password_reset(conn: Connection, waiting: WaitingMail, site_url: str, now: dt.datetime) -> Addressed:
    reset = resets.write(conn, waiting.recipient, now)
    if reset is None:
        raise _NotWanted("nobody has this address")
    minutes = resets.LIFETIME // dt.timedelta(minutes=1)
    return reset.email, {"link": f"{site_url}{RESET_PAGE}{reset.token}", "minutes": minutes}


def _password_changed(_conn: Connection, waiting: WaitingMail, site_url: str, _now: dt.datetime) -> Addressed:
    changed_at = dt.datetime.fromisoformat(waiting.facts["changed_at"])
    return waiting.recipient, {"changed_at": changed_at, "link": f"{site_url}{FORGOT_PAGE}"}


def _invitation(conn: Connection, waiting: WaitingMail, site_url: str, now: dt.datetime) -> Addressed:
    letter = members.write_invitation(conn, waiting.invitation_id, now) if waiting.invitation_id is not None else None
    if letter is None:
        raise _NotWanted("the invitation was taken back or has expired")
    return letter.email, {
        "link": f"{site_url}{INVITATION_PAGE}{letter.token}",
        "email": letter.email,
        "business_name": letter.business_name,
        "role": letter.role,
        "inviter_name": letter.inviter_name,
        "expires_at": letter.expires_at,
    }


def _digest(conn: Connection, waiting: WaitingMail, site_url: str, now: dt.datetime) -> Addressed:
    assert waiting.user_id is not None, "a digest is a person's"
    found = digest.gather(conn, waiting.user_id, dt.date.fromisoformat(waiting.facts["day"]), now)
    if found is None:
        raise _NotWanted("its day is over, it was switched off, or there is no business to tell of any more")
    email, told = found
    return email, {"digest": told, "link": f"{site_url}{OVERVIEW_PAGE}"}


def _alert(conn: Connection, waiting: WaitingMail, site_url: str, _now: dt.datetime) -> Addressed:
    assert waiting.user_id is not None, "it tells a person"
    assert waiting.business_id is not None, "of a business"
    addressee = alerts.find_addressee(conn, waiting.user_id, waiting.business_id)
    if addressee is None:
        raise _NotWanted("they switched alerts off, or no longer look after this business")
    email, name = addressee
    link = f"{site_url}{OVERVIEW_PAGE}?business_id={waiting.business_id}"
    return email, {**waiting.facts, "business_name": name, "link": link}


FACTS: dict[str, Callable[[Connection, WaitingMail, str, dt.datetime], Addressed]] = {
    "password_reset": _password_reset,
    "password_changed": _password_changed,
    "invitation": _invitation,
    "digest": _digest,
    **dict.fromkeys(ALERT_LETTERS, _alert),
}
