"""The outbox: written when it is sent, sent once, given up after a day."""

import datetime as dt
import hashlib
import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, func, insert, select, text

from tests.fakes import FakeMailer
from vaultra.config import SiteSettings
from vaultra.db import accounts
from vaultra.db.models import Invitation, Mail, PasswordReset
from vaultra.domain.mails import MAILS
from vaultra.errors import InvalidInput, Unavailable
from vaultra.ports import Mail as SentMail
from vaultra.usecases import dispatch, mailing

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
SITE = SiteSettings(site_url="https://site.test", public_api_url="https://api.test/api/v1")
SECRETS = ["a-secret-of-the-tests-with-32-bytes"]
EMAIL = "Ana@example.com"


def a_user(db: Connection, email: str = EMAIL) -> UUID:
    user = accounts.insert_user(db, email=email, name="Ana", password_hash="old", now=NOON)
    assert user is not None
    return user.id


def ask(db: Connection, **changes: Any) -> UUID:
    values: dict[str, Any] = {"kind": "password_reset", "recipient": EMAIL, "now": NOON}
    mail_id = mailing.request(db, **(values | changes))
    assert mail_id is not None
    return mail_id


def invite(db: Connection, expires_at: dt.datetime = NOON + 7 * 24 * HOUR) -> tuple[UUID, UUID]:
    """An invitation and its mail."""
    owner = a_user(db)
    business_id = accounts.insert_business(db, owner, {"name": "Fernhill"}, NOON).id
    values = {
        "business_id": business_id,
        "email": "bo@example.com",
        "role": "viewer",
        "invited_by": owner,
        "created_at": NOON,
        "expires_at": expires_at,
    }
    invitation_id = db.execute(insert(Invitation).values(values).returning(Invitation.id)).scalar_one()
    mail_id = ask(
        db, kind="invitation", recipient="bo@example.com", business_id=business_id, invitation_id=invitation_id
    )
    return invitation_id, mail_id


def state(db: Connection, mail_id: UUID) -> tuple[dt.datetime | None, str | None]:
    """When it was sent, and why it was dropped."""
    row = db.execute(select(Mail.sent_at, Mail.dropped).where(Mail.id == mail_id)).one()
    return row.sent_at, row.dropped


def deliver(db: Connection, mailer: FakeMailer, mail_id: UUID, now: dt.datetime = NOON) -> None:
    mailing.deliver(db, mailer, SITE, SECRETS, mail_id, now)


@pytest.fixture
def mailer() -> FakeMailer:
    return FakeMailer()


# --- asking --------------------------------------------------------------------------------


def test_asking_for_a_mail_nobody_can_write_is_a_mistake(db: Connection) -> None:
    with pytest.raises(ValueError, match="no mail love_letter"):
        mailing.request(db, kind="love_letter", recipient=EMAIL, now=NOON)


def test_of_a_mail_with_a_key_there_is_one(db: Connection) -> None:
    values: dict[str, Any] = {"kind": "password_reset", "recipient": EMAIL, "now": NOON, "dedupe_key": "k"}
    assert mailing.request(db, **values) is not None
    assert mailing.request(db, **values) is None


def test_every_kind_has_its_facts() -> None:
    assert mailing.FACTS.keys() == MAILS.keys()


# --- each kind -----------------------------------------------------------------------------


def test_a_reset_goes_to_the_accounts_address_with_a_link_whose_token_is_nowhere_stored(
    db: Connection, mailer: FakeMailer
) -> None:
    user_id = a_user(db)
    mail_id = ask(db, recipient="ANA@EXAMPLE.COM")
    deliver(db, mailer, mail_id)
    [sent] = mailer.sent
    assert (sent.id, sent.recipient, sent.unsubscribe_url) == (str(mail_id), EMAIL, None)
    link = re.search(r"https://site\.test/auth/reset/#token=([\w-]{43})\n", sent.text)
    assert link is not None
    row = db.execute(select(PasswordReset.token_hash, PasswordReset.user_id, PasswordReset.expires_at)).one()
    assert tuple(row) == (hashlib.sha256(link[1].encode()).hexdigest(), user_id, NOON + HOUR)
    assert "within 60 minutes" in sent.text
    assert link[1] not in str(db.execute(text("select cast(mails as text) from mails")).all())
    assert state(db, mail_id) == (NOON, None)


def test_a_reset_for_nobody_is_dropped(db: Connection, mailer: FakeMailer) -> None:
    mail_id = ask(db, recipient="nobody@example.com")
    deliver(db, mailer, mail_id)
    assert mailer.sent == []
    assert state(db, mail_id) == (None, "nobody has this address")


def test_a_changed_password_is_told_with_the_time_of_the_change(db: Connection, mailer: FakeMailer) -> None:
    facts = {"changed_at": NOON.isoformat()}
    mail_id = ask(db, kind="password_changed", user_id=a_user(db), facts=facts)
    deliver(db, mailer, mail_id, NOON + HOUR)
    [sent] = mailer.sent
    assert sent.recipient == EMAIL
    assert "20 November 2026, 12:00 UTC" in sent.text
    assert "https://site.test/auth/forgot/" in sent.text
    assert "token=" not in sent.text


def test_an_invitation_carries_a_fresh_token(db: Connection, mailer: FakeMailer) -> None:
    invitation_id, mail_id = invite(db)
    deliver(db, mailer, mail_id)
    [sent] = mailer.sent
    assert (sent.recipient, sent.subject) == ("bo@example.com", "Invitation to Fernhill on Vaultra")
    link = re.search(r"https://site\.test/auth/invitation/#token=([\w-]+)\n", sent.text)
    assert link is not None
    stored = db.execute(select(Invitation.token_hash).where(Invitation.id == invitation_id)).scalar_one()
    assert stored == hashlib.sha256(link[1].encode()).hexdigest()
    assert "Ana invites you" in sent.text


def test_an_expired_invitation_is_dropped(db: Connection, mailer: FakeMailer) -> None:
    _, mail_id = invite(db, expires_at=NOON)
    deliver(db, mailer, mail_id, NOON + MINUTE)
    assert mailer.sent == []
    assert state(db, mail_id) == (None, "the invitation was taken back or has expired")


# --- exactly once --------------------------------------------------------------------------


def test_delivered_twice_it_is_sent_once(db: Connection, mailer: FakeMailer) -> None:
    a_user(db)
    mail_id = ask(db)
    for _ in range(3):
        deliver(db, mailer, mail_id)
    assert len(mailer.sent) == 1
    assert db.execute(select(func.count()).select_from(PasswordReset)).scalar_one() == 1


def test_a_mail_that_is_gone_is_no_matter(db: Connection, mailer: FakeMailer) -> None:
    deliver(db, mailer, uuid.uuid4())
    assert mailer.sent == []


class SlowMailer(FakeMailer):
    """Sends when it is told to; `begun` says that it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def send(self, mail: SentMail) -> None:
        self.begun.set()
        assert self.go_on.wait(20)
        super().send(mail)


def test_two_deliveries_at_once_send_it_once(fresh_engine: Engine) -> None:
    mailer = SlowMailer()
    with fresh_engine.begin() as conn:
        a_user(conn)
        mail_id = ask(conn)

    def work() -> None:
        with fresh_engine.begin() as conn:
            deliver(conn, mailer, mail_id)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(work)
        assert mailer.begun.wait(20)
        threads.submit(work).result(20)  # ends at once: somebody else is sending it
        mailer.go_on.set()
        first.result(20)
    work()
    assert len(mailer.sent) == 1


@pytest.mark.parametrize(
    "failure", [Unavailable("not now"), KeyError("a bug"), SystemExit()], ids=lambda e: type(e).__name__
)
def test_whatever_interrupts_it_leaves_it_waiting_as_if_nothing_had_been(
    fresh_engine: Engine, mailer: FakeMailer, failure: BaseException
) -> None:
    with fresh_engine.begin() as conn:
        a_user(conn)
        mail_id = ask(conn)
    mailer.failure = failure  # type: ignore[assignment]
    with pytest.raises(type(failure)), fresh_engine.begin() as conn:
        deliver(conn, mailer, mail_id)
    with fresh_engine.begin() as conn:
        assert state(conn, mail_id) == (None, None)
        assert conn.execute(select(func.count()).select_from(PasswordReset)).scalar_one() == 0
    mailer.failure = None
    with fresh_engine.begin() as conn:
        deliver(conn, mailer, mail_id)
        assert state(conn, mail_id) == (NOON, None)
    assert len(mailer.sent) == 1


def test_a_crash_after_sending_sends_it_again_under_the_same_id(fresh_engine: Engine, mailer: FakeMailer) -> None:
    with fresh_engine.begin() as conn:
        a_user(conn)
        mail_id = ask(conn)
    with fresh_engine.connect() as conn:
        deliver(conn, mailer, mail_id)
        conn.rollback()
    with fresh_engine.begin() as conn:
        deliver(conn, mailer, mail_id)
    assert [sent.id for sent in mailer.sent] == [str(mail_id)] * 2


def test_refused_for_good_it_is_dropped_and_never_tried_again(db: Connection, mailer: FakeMailer) -> None:
    a_user(db)
    mail_id = ask(db)
    mailer.failure = InvalidInput("The mail server refuses it for good (550)")
    deliver(db, mailer, mail_id)
    mailer.failure = None
    deliver(db, mailer, mail_id)
    assert mailer.sent == []
    assert state(db, mail_id) == (None, "The mail server refuses it for good (550)")


# --- sweeping ------------------------------------------------------------------------------


def announced(db: Connection, now: dt.datetime) -> list[UUID]:
    found = dispatch.run(db, dispatch.Tick("sweep"), now)
    assert {topic for topic, _ in found} <= {mailing.TOPIC}
    return [UUID(body["mail_id"]) for _, body in found]


def test_a_mail_that_lost_its_announcement_is_announced_after_a_minute(db: Connection, mailer: FakeMailer) -> None:
    a_user(db)
    mail_id = ask(db)
    assert announced(db, NOON + MINUTE) == []
    assert announced(db, NOON + MINUTE + dt.timedelta(seconds=1)) == [mail_id]
    deliver(db, mailer, mail_id)
    assert announced(db, NOON + 2 * MINUTE) == []


def test_it_is_announced_every_minute_then_every_ten_then_given_up(db: Connection) -> None:
    mail_id = ask(db, now=NOON + dt.timedelta(seconds=30))
    watched = [*range(60), *range(6 * 60, 7 * 60), *range(23 * 60, 25 * 60)]
    minutes = [n for n in watched if announced(db, NOON + n * MINUTE)]
    assert minutes == [*range(2, 11), *(n for n in watched if 20 <= n <= 24 * 60 and n % 10 == 0)]
    assert state(db, mail_id) == (None, "it could not be sent within 24 hours")
    print(f"\n{len(minutes)} announcements in {len(watched)} minutes of 24 hours, then none")


def test_a_month_later_it_is_forgotten(db: Connection) -> None:
    mail_id = ask(db)
    waiting = ask(db, now=NOON + 40 * 24 * HOUR)
    announced(db, NOON + 25 * HOUR)
    for days, kept in [(30, {mail_id, waiting}), (31, {waiting})]:
        dispatch.run(db, dispatch.Tick("purge"), NOON + days * 24 * HOUR)
        assert set(db.scalars(select(Mail.id))) == kept
