"""The rows of mails: waiting, locked by one sender, settled, forgotten."""

import datetime as dt
import uuid
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, select, text

from vaultra.db import mails
from vaultra.db.models import Mail

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def insert(db: Connection, *, now: dt.datetime = NOON, **changes: Any) -> UUID | None:
    values: dict[str, Any] = {
        "kind": "password_reset",
        "recipient": "ana@example.com",
        "user_id": None,
        "business_id": None,
        "invitation_id": None,
        "facts": {},
        "dedupe_key": None,
    }
    return mails.insert_mail(db, **(values | changes), now=now)


def test_a_mail_waits_as_it_was_asked_for(db: Connection) -> None:
    mail_id = insert(db, facts={"n": 1})
    assert mail_id is not None
    found = mails.lock_waiting(db, mail_id)
    assert found is not None
    assert (found.id, found.kind, found.recipient) == (mail_id, "password_reset", "ana@example.com")
    assert (found.facts, found.user_id, found.business_id, found.invitation_id) == ({"n": 1}, None, None, None)
    assert mails.lock_waiting(db, uuid.uuid4()) is None


def test_of_a_mail_with_a_key_there_is_one(db: Connection) -> None:
    assert insert(db, dedupe_key="digest:1") is not None
    assert insert(db, dedupe_key="digest:1") is None
    assert insert(db, dedupe_key="digest:2") is not None
    assert None not in {insert(db), insert(db)}


def test_what_was_sent_or_dropped_no_longer_waits(db: Connection) -> None:
    sent, dropped = insert(db), insert(db)
    assert sent is not None
    assert dropped is not None
    mails.mark_sent(db, sent, NOON)
    mails.mark_dropped(db, dropped, "nobody has this address")
    assert mails.lock_waiting(db, sent) is None
    assert mails.lock_waiting(db, dropped) is None
    rows = db.execute(select(Mail.sent_at, Mail.dropped).where(Mail.id.in_([sent, dropped])).order_by(Mail.dropped))
    assert [tuple(row) for row in rows] == [(None, "nobody has this address"), (NOON, None)]


def test_one_sender_at_a_time(fresh_engine: Engine) -> None:
    with fresh_engine.begin() as conn:
        mail_id = insert(conn)
    assert mail_id is not None
    with fresh_engine.connect() as first, fresh_engine.connect() as second:
        second.execute(text("set local lock_timeout = '5s'"))
        assert mails.lock_waiting(first, mail_id) is not None
        assert mails.lock_waiting(second, mail_id) is None
        first.rollback()
        assert mails.lock_waiting(second, mail_id) is not None


def test_waiting_mails_are_listed_by_age(db: Connection) -> None:
    oldest, middle, newest = (insert(db, now=NOON + n * MINUTE) for n in range(3))
    settled = insert(db)
    assert settled is not None
    mails.mark_sent(db, settled, NOON)

    def listed(since: int, before: int, limit: int = 9) -> list[UUID]:
        return mails.list_waiting(db, since=NOON + since * MINUTE, before=NOON + before * MINUTE, limit=limit)

    assert listed(0, 3) == [oldest, middle, newest]
    assert listed(0, 2) == [oldest, middle]
    assert listed(1, 3) == [middle, newest]
    assert listed(0, 3, limit=1) == [oldest]


def test_old_ones_are_given_up_except_those_being_sent(fresh_engine: Engine) -> None:
    with fresh_engine.begin() as conn:
        old, being_sent = insert(conn), insert(conn)
        young = insert(conn, now=NOON + MINUTE)
    assert being_sent is not None
    with fresh_engine.connect() as sender, fresh_engine.begin() as conn:
        conn.execute(text("set local lock_timeout = '5s'"))
        assert mails.lock_waiting(sender, being_sent) is not None
        assert mails.drop_waiting(conn, before=NOON + MINUTE, reason="too late") == 1
        assert set(mails.list_waiting(conn, since=NOON, before=NOON + 9 * MINUTE, limit=9)) == {being_sent, young}
        assert conn.execute(text("select dropped from mails where id = :id"), {"id": old}).scalar_one() == "too late"


def test_settled_mails_are_forgotten_and_waiting_ones_kept(db: Connection) -> None:
    sent, dropped, waiting = insert(db), insert(db), insert(db)
    late = insert(db, now=NOON + MINUTE)
    assert sent is not None
    assert dropped is not None
    assert late is not None
    for mail_id in (sent, late):
        mails.mark_sent(db, mail_id, NOON)
    mails.mark_dropped(db, dropped, "x")
    assert mails.delete_settled(db, NOON + MINUTE) == 2
    assert set(db.scalars(select(Mail.id))) == {waiting, late}
