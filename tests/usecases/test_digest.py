"""The digest: to everybody who wants one, once on each day of theirs, about what they may see when it is sent."""

import datetime as dt
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, event, func, select, text, update

from tests import rows
from tests.digests import (
    BERLIN_MORNING,
    DAY,
    HOUR,
    NEW_YORK_MORNING,
    a_dispute,
    a_failed_payout,
    a_reader,
    a_score,
    a_scored_reader,
    an_account,
    figures,
)
from tests.fakes import FakeMailer
from vaultra.config import SiteSettings
from vaultra.db import digest as db_digest
from vaultra.db.models import Business, Mail, User
from vaultra.domain.digest import Access, BusinessNews, DigestFacts, EventKind, Events
from vaultra.domain.unsubscribing import Purpose, Unsubscription, read_token
from vaultra.usecases import digest, dispatch, mailing
from vaultra.usecases.dispatch import Tick

JOB = "send_notification_digest"
SITE = SiteSettings(site_url="https://site.test", public_api_url="https://api.test/api/v1")
SECRETS = ["a-secret-of-the-tests-with-32-bytes"]
FRIDAY = dt.date(2026, 11, 20)
MONDAY_MORNING = BERLIN_MORNING + 3 * DAY


def run(db: Connection, now: dt.datetime) -> list[UUID]:
    """One run of the job: all of its pages, then what they announce; gives the mails. Nobody is announced in vain."""
    pages: list[list[UUID]] = []
    waiting = [Tick(JOB)]
    while waiting:
        for topic, body in dispatch.run(db, waiting.pop(), now):
            if topic == digest.TOPIC:
                pages.append([UUID(user) for user in body["user_ids"]])
            else:
                assert topic == dispatch.TICK_TOPIC
                waiting.append(Tick(body["job"], UUID(body["after"])))
    mails = [digest.request(db, page, now) for page in pages]
    assert [len(asked_for) for asked_for in mails] == [len(page) for page in pages]
    return [mail for asked_for in mails for mail in asked_for]


def asked(db: Connection) -> set[tuple[UUID | None, str]]:
    """Whom digests were asked for, and of which of their days."""
    found = db.execute(select(Mail.user_id, Mail.facts, Mail.dedupe_key).where(Mail.kind == "digest"))
    for row in found.all():
        assert row.dedupe_key == f"digest:{row.user_id}:{row.facts['day']}"
    return {(row.user_id, row.facts["day"]) for row in db.execute(select(Mail.user_id, Mail.facts))}


def gather(db: Connection, reader: UUID, now: dt.datetime = BERLIN_MORNING) -> DigestFacts:
    found = digest.gather(db, reader, FRIDAY, now)
    assert found is not None
    return found[1]


def only(db: Connection, reader: UUID, now: dt.datetime = BERLIN_MORNING) -> BusinessNews:
    [business] = gather(db, reader, now).businesses
    return business


# --- who gets one --------------------------------------------------------------------------


def test_it_is_asked_for_in_the_morning_of_each_readers_own_day(db: Connection) -> None:
    berlin, _ = a_scored_reader(db)
    new_york, _ = a_scored_reader(db, time_zone="America/New_York")
    a_scored_reader(db, time_zone="Asia/Tokyo")
    assert len(run(db, BERLIN_MORNING)) == 1
    assert asked(db) == {(berlin, "2026-11-20")}
    assert len(run(db, NEW_YORK_MORNING)) == 1
    assert asked(db) == {(berlin, "2026-11-20"), (new_york, "2026-11-20")}


def test_who_has_nothing_to_read_or_wants_none_gets_none(db: Connection) -> None:
    a_reader(db)
    without_score = a_reader(db)
    rows.a_business(db, owner=without_score)
    a_scored_reader(db, digest="off")
    gone, business = a_scored_reader(db)
    rows.leave(db, gone, business)
    assert run(db, BERLIN_MORNING) == []


@pytest.mark.parametrize("role", ["owner", "admin", "viewer"])
def test_every_member_who_may_read_the_numbers_gets_one(db: Connection, role: str) -> None:
    _, business = a_scored_reader(db, digest="off")
    member = a_reader(db)
    rows.join(db, member, business, role)
    run(db, BERLIN_MORNING)
    assert asked(db) == {(member, "2026-11-20")}


def test_a_weekly_one_comes_on_mondays(db: Connection) -> None:
    reader, _ = a_scored_reader(db, digest="weekly")
    for days in range(10):
        run(db, BERLIN_MORNING + days * DAY)
    assert asked(db) == {(reader, "2026-11-23")}


def test_of_a_day_there_is_one_however_often_and_wherever_it_is_asked_for(db: Connection) -> None:
    reader, _ = a_scored_reader(db, time_zone="Pacific/Kiritimati")
    for hours in range(-2, 24):
        run(db, BERLIN_MORNING - 14 * HOUR + hours * HOUR)
        run(db, BERLIN_MORNING - 14 * HOUR + hours * HOUR)
    assert len(asked(db)) == 1
    # Flown to the other side of the date line, they live the same day again.
    db.execute(update(User).where(User.id == reader).values(time_zone="Pacific/Honolulu"))
    run(db, dt.datetime(2026, 11, 20, 17, 10, tzinfo=dt.UTC))
    assert asked(db) == {(reader, "2026-11-20")}


def test_asked_for_again_by_a_restored_database_it_has_the_same_id(db: Connection) -> None:
    a_scored_reader(db)
    mails = run(db, BERLIN_MORNING)
    db.execute(text("delete from mails"))
    assert run(db, BERLIN_MORNING) == mails
    assert run(db, BERLIN_MORNING + DAY) != mails


def test_a_run_that_was_held_up_until_eleven_makes_up_for_it_and_one_at_noon_does_not(db: Connection) -> None:
    reader, _ = a_scored_reader(db)
    assert run(db, BERLIN_MORNING + 5 * HOUR) == []
    assert len(run(db, BERLIN_MORNING + 4 * HOUR)) == 1
    assert asked(db) == {(reader, "2026-11-20")}


def test_a_time_zone_nobody_knows_keeps_nobody_else_waiting(db: Connection) -> None:
    a_scored_reader(db, time_zone="Mars/Olympus_Mons")
    reader, _ = a_scored_reader(db)
    run(db, BERLIN_MORNING)
    assert {user for user, _ in asked(db)} == {reader}


def test_people_are_taken_page_by_page(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "PAGE", 2)
    readers = {a_scored_reader(db)[0] for _ in range(5)}
    assert len(run(db, BERLIN_MORNING)) == 5
    assert {user for user, _ in asked(db)} == readers
    assert run(db, BERLIN_MORNING) == []


def test_a_page_that_comes_twice_at_once_asks_once(fresh_engine: Engine) -> None:
    with fresh_engine.begin() as conn:
        readers = [a_scored_reader(conn)[0] for _ in range(20)]

    def work() -> list[UUID]:
        with fresh_engine.begin() as conn:
            return digest.request(conn, readers, BERLIN_MORNING)

    with ThreadPoolExecutor(1) as thread, fresh_engine.connect() as first, fresh_engine.connect() as watcher:
        assert len(digest.request(first, readers, BERLIN_MORNING)) == 20
        second = thread.submit(work)
        while not watcher.execute(WAITING).scalar_one():
            watcher.rollback()
        first.commit()
        assert second.result(30) == []
        assert first.execute(select(func.count()).select_from(Mail)).scalar_one() == 20


WAITING = text("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()")


# --- what it tells -------------------------------------------------------------------------


def test_the_change_is_against_the_score_that_stood_when_the_last_one_was_sent(db: Connection) -> None:
    reader, business = a_scored_reader(db)
    a_score(db, business, BERLIN_MORNING - 26 * HOUR, {"revenue_trend": "declining"})
    a_score(db, business, BERLIN_MORNING - 22 * HOUR, {"revenue_trend": "stable"})
    a_score(db, business, BERLIN_MORNING - HOUR, {"revenue_trend": "increasing"})
    told = only(db, reader)
    assert told.change is not None
    assert (told.change.before.score, told.change.after.score) == (45, 60)
    [mail] = run(db, BERLIN_MORNING - 23 * HOUR)
    db.execute(update(Mail).where(Mail.id == mail).values(sent_at=BERLIN_MORNING - 21 * HOUR))
    told = only(db, reader)
    assert told.change is not None
    assert (told.change.before.score, told.change.after.score) == (50, 60)


def test_a_week_is_told_of_by_the_weekly_one(db: Connection) -> None:
    reader, business = a_scored_reader(db, BERLIN_MORNING - 9 * DAY, digest="weekly")
    a_score(db, business, BERLIN_MORNING - 6 * DAY, {"revenue_trend": "declining"})
    told = only(db, reader)
    assert told.change is not None
    assert (told.change.before.score, told.change.after.score) == (75, 45)


def test_everything_of_the_period_is_told_and_nothing_else(db: Connection) -> None:
    reader, business = a_scored_reader(db)
    account = an_account(db, business)
    since = BERLIN_MORNING - DAY
    for at in (since, BERLIN_MORNING - HOUR):
        a_dispute(db, account, at, 5000)
        a_failed_payout(db, account, at, 70000, currency="eur")
        rows.a_recommendation(db, business, created_at=at, estimated_impact=5)
    for at in (since - dt.timedelta(seconds=1), BERLIN_MORNING):
        a_dispute(db, account, at, 100)
        a_failed_payout(db, account, at, 100)
    a_dispute(db, account, since, 700, status="warning_needs_response")
    a_dispute(db, account, since, 100, deleted=True)
    a_failed_payout(db, account, since, 100, status="paid")
    rows.a_recommendation(db, business, created_at=since - HOUR, status="accepted", priority="low")
    for status in ("dismissed", "resolved"):
        rows.a_recommendation(db, business, created_at=since, status=status)
    told = only(db, reader)
    assert told.events == (
        Events(EventKind.DISPUTE, 2, 10000, "usd"),
        Events(EventKind.FAILED_PAYOUT, 2, 140000, "eur"),
        Events(EventKind.INQUIRY, 1, 700, "usd"),
    )
    assert [(step.impact, step.priority) for step in told.steps] == [(5, "high"), (5, "high"), (15, "low")]
    assert told.new_steps == 2


def test_figures_are_late_after_two_hours_where_they_could_be_read(db: Connection) -> None:
    reader, business = a_scored_reader(db)
    account = an_account(db, business)
    figures(db, business, BERLIN_MORNING - 2 * HOUR)
    assert (only(db, reader).access, only(db, reader).stale) == (Access.CONNECTED, False)
    later = BERLIN_MORNING + dt.timedelta(seconds=1)
    assert only(db, reader, later).stale
    db.execute(
        text("update integration_accounts set status = 'error', error = 'Connect it again.' where id = :id"),
        {"id": account},
    )
    told = only(db, reader, later)
    assert (told.access, told.trouble, told.stale) == (Access.FAILING, "Connect it again.", False)
    assert told.computed_at == BERLIN_MORNING - 2 * HOUR


def test_a_business_that_was_connected_again_is_connected(db: Connection) -> None:
    reader, business = a_scored_reader(db)
    assert only(db, reader).access is Access.NEVER
    an_account(db, business, status="disconnected", disconnected_at=BERLIN_MORNING - DAY)
    assert only(db, reader).access is Access.DISCONNECTED
    an_account(db, business)
    assert only(db, reader).access is Access.CONNECTED


def test_only_what_one_may_still_see_is_told(db: Connection) -> None:
    reader, business = a_scored_reader(db)
    stranger, theirs = a_scored_reader(db)
    a_score(db, theirs, BERLIN_MORNING - HOUR, {"chargeback_ratio": "high"})
    a_dispute(db, an_account(db, theirs), BERLIN_MORNING - HOUR, 100)
    rows.a_recommendation(db, theirs, created_at=BERLIN_MORNING - HOUR)
    told = only(db, reader)
    assert (told.id, told.is_new) == (business, False)
    rows.join(db, reader, theirs, "viewer")
    assert [found.id for found in gather(db, reader).businesses] == [theirs, business]
    rows.leave(db, reader, business)
    assert [found.id for found in gather(db, reader).businesses] == [theirs]
    assert only(db, stranger).id == theirs


# --- sending it ----------------------------------------------------------------------------


NOT_WANTED = "its day is over, it was switched off, or there is no business to tell of any more"


def deliver(
    db: Connection, mailer: FakeMailer, mail_id: UUID, now: dt.datetime = BERLIN_MORNING
) -> tuple[dt.datetime | None, str | None]:
    mailing.deliver(db, mailer, SITE, SECRETS, mail_id, now)
    row = db.execute(select(Mail.sent_at, Mail.dropped).where(Mail.id == mail_id)).one()
    return row.sent_at, row.dropped


def test_it_is_written_when_it_is_sent_to_the_address_of_that_moment(db: Connection) -> None:
    mailer = FakeMailer()
    reader, business = a_scored_reader(db)
    [mail] = run(db, BERLIN_MORNING)
    db.execute(update(User).where(User.id == reader).values(email="new@example.com"))
    db.execute(update(Business).where(Business.id == business).values(name="Fernhill"))
    assert deliver(db, mailer, mail) == (BERLIN_MORNING, None)
    [sent] = mailer.sent
    assert (sent.id, sent.recipient, sent.subject) == (str(mail), "new@example.com", "Fernhill: 75, nothing new")
    assert "Open the overview:\nhttps://site.test/dashboard/\n" in sent.text
    assert db.execute(select(Mail.facts)).scalar_one() == {"day": "2026-11-20"}


def test_it_carries_a_link_that_ends_it_and_nothing_else(db: Connection) -> None:
    mailer = FakeMailer()
    reader, _ = a_scored_reader(db)
    [mail] = run(db, BERLIN_MORNING)
    deliver(db, mailer, mail)
    [sent] = mailer.sent
    assert sent.unsubscribe_url is not None
    address, _, token = sent.unsubscribe_url.partition("?token=")
    assert address == "https://api.test/api/v1/users/unsubscribe"
    assert read_token(token, SECRETS) == Unsubscription(reader, Purpose.DIGEST)
    assert f"https://site.test/unsubscribe/#token={token}\n" in sent.text
    assert f'href="https://site.test/unsubscribe/#token={token}"' in sent.html
    assert token not in str(db.execute(text("select cast(mails as text) from mails")).all())


def test_what_the_mail_server_did_not_take_all_day_is_left_to_the_next_one(db: Connection) -> None:
    mailer = FakeMailer()
    _, business = a_scored_reader(db, BERLIN_MORNING - 9 * DAY)
    [sent] = run(db, BERLIN_MORNING - 2 * DAY)
    deliver(db, mailer, sent, BERLIN_MORNING - 2 * DAY)
    a_score(db, business, BERLIN_MORNING - 36 * HOUR, {"revenue_trend": "declining"})
    [held_up] = run(db, BERLIN_MORNING - DAY)
    [today] = run(db, BERLIN_MORNING)
    assert deliver(db, mailer, held_up) == (None, NOT_WANTED)
    assert deliver(db, mailer, today) == (BERLIN_MORNING, None)
    assert mailer.sent[-1].text.startswith("What is new since Wednesday 18 November\n")


def test_a_digest_is_sent_until_its_readers_midnight(db: Connection) -> None:
    mailer = FakeMailer()
    midnight = dt.datetime(2026, 11, 20, 23, tzinfo=dt.UTC)
    for at, sent in ((midnight, False), (midnight - dt.timedelta(seconds=1), True)):
        a_scored_reader(db)
        [mail] = run(db, BERLIN_MORNING)
        assert (deliver(db, mailer, mail, at)[0] is not None) == sent


@pytest.mark.parametrize("change", ["off", "left", "deleted"])
def test_who_has_no_use_for_it_any_more_gets_none(db: Connection, change: str) -> None:
    mailer = FakeMailer()
    reader, business = a_scored_reader(db)
    [mail] = run(db, BERLIN_MORNING)
    if change == "off":
        db.execute(update(User).where(User.id == reader).values(digest="off"))
    elif change == "left":
        rows.leave(db, reader, business)
    else:
        db.execute(text("delete from users where id = :id"), {"id": reader})
        mailing.deliver(db, mailer, SITE, SECRETS, mail, BERLIN_MORNING)
        assert asked(db) == set()
    if change != "deleted":
        assert deliver(db, mailer, mail) == (None, NOT_WANTED)
    assert mailer.sent == []


def test_nobody_has_a_digest(db: Connection) -> None:
    assert digest.gather(db, uuid.uuid4(), FRIDAY, BERLIN_MORNING) is None
    assert db_digest.find_reader(db, uuid.uuid4()) is None


# --- at scale ------------------------------------------------------------------------------

CROWD = """
    with people as (
        insert into users (email, name, time_zone) select 'u' || n || '@example.com', 'U', 'Europe/Berlin'
        from generate_series(1, :count) as n returning id
    ), shops as (
        insert into businesses (name) select 'Shop ' || n from generate_series(1, :count) as n returning id
    ), members as (
        insert into user_business_memberships (user_id, business_id, role)
        select p.id, s.id, 'owner' from (select id, row_number() over () as n from people) as p
        join (select id, row_number() over () as n from shops) as s using (n)
    )
    insert into readiness_scores (business_id, scored_on, score, tier, seed_score, confidence_low, confidence_high,
        provisional, components, formula_version, created_at)
    select id, :day, 75, 'funding_ready', 75, 75, 75, false, '{"rules": []}', '1', :at from shops
"""


def test_ten_thousand_people_are_asked_for_in_pages_of_five_hundred(fresh_engine: Engine) -> None:
    people = 10_000
    at = BERLIN_MORNING - DAY
    with fresh_engine.begin() as conn:
        conn.execute(text(CROWD), {"count": people, "day": at.date(), "at": at})
        conn.execute(text("analyze"))
    statements = 0

    def count(*_: object) -> None:
        nonlocal statements
        statements += 1

    event.listen(fresh_engine, "before_cursor_execute", count)
    with fresh_engine.begin() as conn:
        began = time.perf_counter()
        assert len(run(conn, BERLIN_MORNING)) == people
        seconds = time.perf_counter() - began
        began = time.perf_counter()
        assert run(conn, BERLIN_MORNING + HOUR) == []
        again = time.perf_counter() - began
    pages = people // dispatch.PAGE
    assert statements <= 8 * (pages + 2)
    print(f"\n{people:,} digests asked for in {seconds:.2f} s, {pages} pages; the next run finds none in {again:.2f} s")
