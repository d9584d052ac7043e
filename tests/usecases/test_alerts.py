"""Alerts are asked for once, to those who look after a business, of what is new and lasts."""

import datetime as dt
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text, update
from sqlalchemy.exc import DBAPIError

from tests.db.billing import Books, open_books
from tests.domain.shops import AS_OF, days_ago, month, shop
from tests.fakes import FakeMailer
from tests.rows import a_user, join
from tests.statements import counting
from vaultra.config import SiteSettings
from vaultra.db import metrics, models
from vaultra.domain.metric_facts import MetricFacts, Standing
from vaultra.domain.metrics import compute_metrics
from vaultra.usecases import alerts, mailing, readiness

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)
SITE = SiteSettings(site_url="https://site.test", public_api_url="https://api.test/api/v1")
SECRETS = ("a-secret-of-the-tests-with-32-bytes",)
CALM = shop((1_200_000, 1_250_000, 1_150_000, 1_220_000, 1_180_000, 1_210_000))
DISABLED = replace(CALM, standing=Standing(charges_enabled=False, payouts_enabled=True, past_due=False))
WATCHED = replace(CALM, window=month(1_200_000, dispute_count=4, charge_count=900))


def a_shop(db: Connection, **account: Any) -> Books:
    """A business with an owner since last year, whose account was connected ten days ago."""
    books = open_books(db, **{"connected_at": AS_OF - 10 * DAY, **account})
    member(db, books, "owner")
    return books


def member(db: Connection, books: Books, role: str, since: dt.datetime = AS_OF - 400 * DAY) -> UUID:
    user_id = a_user(db)
    join(db, user_id, books.business_id, role)
    membership = models.UserBusinessMembership
    db.execute(update(membership).where(membership.user_id == user_id).values(created_at=since))
    return user_id


def switch_off(db: Connection, user_id: UUID) -> None:
    db.execute(update(models.User).where(models.User.id == user_id).values(alerts=False))


def look(db: Connection, books: Books, facts: MetricFacts | None = None, now: dt.datetime = AS_OF) -> list[str]:
    """What is told when these metrics are scored: the kinds of mails, in the order of the alphabet."""
    if facts is not None:
        metrics.upsert_snapshots(db, {books.business_id: compute_metrics(facts, now)}, now)
        readiness.compute(db, [books.business_id], now)
    asked = alerts.request(db, [books.business_id], now)
    return sorted(db.scalars(text("select kind from mails where id = any(cast(:ids as uuid[]))"), {"ids": asked}))


def told(db: Connection, books: Books) -> list[dict[str, Any]]:
    query = "select * from mails where business_id = :id order by created_at, kind, recipient"
    return [dict(row) for row in db.execute(text(query), {"id": books.business_id}).mappings()]


# --- disputes ------------------------------------------------------------------------------


def test_a_new_dispute_is_told_once_however_often_we_look(db: Connection) -> None:
    books = a_shop(db)
    books.dispute(
        AS_OF - MINUTE, "needs_response", amount_minor=5000, reason="fraudulent", evidence_due_at=AS_OF + 9 * DAY
    )
    assert look(db, books) == ["dispute_opened"]
    for later in (AS_OF, AS_OF + HOUR, AS_OF + 2 * DAY):
        assert look(db, books, now=later) == []
    [mail] = told(db, books)
    assert (mail["facts"]["amount_minor"], mail["facts"]["reason"]) == (5000, "fraudulent")
    assert dt.datetime.fromisoformat(mail["facts"]["evidence_due_at"]) == AS_OF + 9 * DAY


@pytest.mark.parametrize("status", ["warning_needs_response", "warning_under_review", "needs_response", "under_review"])
def test_whatever_can_still_be_answered_is_told(db: Connection, status: str) -> None:
    books = a_shop(db)
    books.dispute(AS_OF - MINUTE, status)
    assert look(db, books) == ["dispute_opened"]


@pytest.mark.parametrize("status", ["won", "lost", "warning_closed", "prevented"])
def test_what_is_over_is_not(db: Connection, status: str) -> None:
    books = a_shop(db)
    books.dispute(AS_OF - MINUTE, status)
    assert look(db, books) == []


@pytest.mark.parametrize(("age", "news"), [(3 * DAY, True), (3 * DAY + MINUTE, False)])
def test_after_three_days_a_dispute_is_no_news(db: Connection, age: dt.timedelta, news: bool) -> None:
    books = a_shop(db)
    books.dispute(AS_OF - age, "needs_response")
    assert look(db, books) == ["dispute_opened"] * news


@pytest.mark.parametrize("granted", [None, AS_OF - HOUR])
def test_what_arrives_with_the_first_reading_is_no_news(db: Connection, granted: dt.datetime | None) -> None:
    """By Stripe's clock where Stripe told it: ours may be ahead."""
    connected_at = AS_OF - HOUR if granted is None else AS_OF
    books = a_shop(db, connected_at=connected_at, granted_at=granted)
    books.dispute(AS_OF - HOUR - MINUTE, "needs_response")
    assert look(db, books) == []
    books.dispute(AS_OF - HOUR + MINUTE, "needs_response")
    assert look(db, books) == ["dispute_opened"]


def test_a_deleted_dispute_and_a_disconnected_account_tell_nothing(db: Connection) -> None:
    books, gone = a_shop(db), a_shop(db, status="disconnected")
    books.dispute(AS_OF - MINUTE, "needs_response", deleted=True)
    gone.dispute(AS_OF - MINUTE, "needs_response")
    assert (look(db, books), look(db, gone)) == ([], [])


# --- payouts -------------------------------------------------------------------------------


def test_a_failed_payout_is_told_once(db: Connection) -> None:
    books = a_shop(db)
    books.payout(days_ago(2), "failed", 12345, failure_code="account_closed", version_at=AS_OF - MINUTE)
    books.payout(days_ago(2), "paid", version_at=AS_OF - MINUTE)
    assert look(db, books) == ["payout_failed"]
    assert look(db, books, now=AS_OF + HOUR) == []
    facts = {"amount_minor": 12345, "currency": "usd", "arrival_on": "2026-11-18", "failure_code": "account_closed"}
    assert told(db, books)[0]["facts"] == facts


def test_a_payout_that_flips_to_failed_days_later_is_news_on_that_day(db: Connection) -> None:
    books = a_shop(db)
    payout = books.payout(days_ago(7), "paid", version_at=AS_OF - 6 * DAY)
    assert look(db, books) == []
    change = update(models.Payout).where(models.Payout.id == payout)
    db.execute(change.values(status="failed", version_at=AS_OF - MINUTE))
    assert look(db, books) == ["payout_failed"]


def test_a_payout_that_failed_days_ago_or_was_made_weeks_ago_is_no_news(db: Connection) -> None:
    books = a_shop(db, connected_at=AS_OF - 100 * DAY)
    books.payout(days_ago(6), "failed", version_at=AS_OF - 3 * DAY - MINUTE)
    books.payout(days_ago(20), "failed", version_at=AS_OF - MINUTE)  # read again, and nothing new in it
    assert look(db, books) == []


def test_a_payout_from_before_the_connection_is_no_news(db: Connection) -> None:
    books = a_shop(db, connected_at=AS_OF - HOUR)
    books.payout(days_ago(1), "failed", version_at=AS_OF)  # as the first reading dates it
    assert look(db, books) == []


# --- tiers and limits ----------------------------------------------------------------------


def test_a_lower_tier_is_told_and_the_first_score_is_not(db: Connection) -> None:
    books = a_shop(db)
    assert look(db, books, CALM) == []
    assert look(db, books, DISABLED, AS_OF + HOUR) == ["tier_changed"]
    assert look(db, books, DISABLED, AS_OF + HOUR) == []
    assert told(db, books)[0]["facts"] == {"score": 77, "before": "highly_attractive", "after": "funding_ready"}


def test_a_score_at_the_edge_of_a_tier_mails_once_a_day_at_most(db: Connection) -> None:
    books = a_shop(db)
    kinds = [look(db, books, (CALM, DISABLED)[hour % 2], AS_OF + hour * HOUR) for hour in range(72)]
    hours = [hour for hour, found in enumerate(kinds) if found]
    assert hours == [1, 26, 51]
    print(f"72 hours back and forth: {len(hours)} mails")


def test_a_tier_that_came_within_the_day_and_stayed_is_told_when_the_day_is_over(db: Connection) -> None:
    books = a_shop(db)
    look(db, books, CALM)
    look(db, books, DISABLED, AS_OF + HOUR)
    assert look(db, books, CALM, AS_OF + 2 * HOUR) == []
    assert look(db, books, now=AS_OF + 25 * HOUR) == ["tier_changed"]


def test_while_the_history_arrives_no_tier_is_told(db: Connection) -> None:
    books = a_shop(db)
    for hour, facts in enumerate((CALM, DISABLED, CALM)):
        assert look(db, books, replace(facts, history_complete=False), AS_OF + hour * HOUR) == []
    assert look(db, books, DISABLED, AS_OF + 3 * HOUR) == []  # the first complete look


def test_a_limit_that_comes_near_is_told_once(db: Connection) -> None:
    books = a_shop(db)
    look(db, books, CALM)
    assert look(db, books, WATCHED, AS_OF + HOUR) == ["network_near"]
    assert look(db, books, WATCHED, AS_OF + 2 * DAY) == []
    assert told(db, books)[0]["facts"] == {"charges": 900, "disputes": 4, "warnings": 0}


# --- whom, and how often -------------------------------------------------------------------


def test_owners_and_admins_who_want_alerts_are_told_and_nobody_else(db: Connection) -> None:
    books, foreign = a_shop(db), a_shop(db)
    admin, viewer, quiet = (member(db, books, role) for role in ("admin", "viewer", "owner"))
    late = member(db, books, "admin", since=AS_OF)
    switch_off(db, quiet)
    look(db, books, CALM)
    books.dispute(AS_OF - MINUTE, "needs_response")
    assert look(db, books, DISABLED, AS_OF + HOUR) == ["dispute_opened"] * 2 + ["tier_changed"] * 3
    readers = {(mail["kind"], mail["user_id"]) for mail in told(db, books)}
    assert {("dispute_opened", admin), ("tier_changed", admin), ("tier_changed", late)} <= readers
    assert {viewer, quiet}.isdisjoint(user_id for _, user_id in readers)
    assert told(db, foreign) == []


def test_many_who_look_at_once_ask_once(fresh_engine: Engine) -> None:
    with fresh_engine.begin() as db:
        books = a_shop(db)
        look(db, books, CALM)
        metrics.upsert_snapshots(db, {books.business_id: compute_metrics(DISABLED, AS_OF + HOUR)}, AS_OF + HOUR)
        readiness.compute(db, [books.business_id], AS_OF + HOUR)
        for _ in range(5):
            books.dispute(AS_OF, "needs_response")
    barrier = threading.Barrier(4)

    def run(_: int) -> int:
        barrier.wait()
        with fresh_engine.begin() as db:
            return len(alerts.request(db, [books.business_id], AS_OF + HOUR))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(4))) == 6
    with fresh_engine.connect() as db:
        assert len(told(db, books)) == 6


def test_what_is_undone_asked_for_nothing(fresh_engine: Engine) -> None:
    with fresh_engine.begin() as db:
        books = a_shop(db)
        look(db, books, CALM)
        books.dispute(AS_OF, "needs_response")
    with fresh_engine.connect() as db:
        assert look(db, books, DISABLED, AS_OF + HOUR) == ["dispute_opened", "tier_changed"]
        db.rollback()
        assert told(db, books) == []
        assert look(db, books, DISABLED, AS_OF + HOUR) == ["dispute_opened", "tier_changed"]


def test_whoever_may_be_told_cannot_be_deleted_meanwhile(fresh_engine: Engine) -> None:
    """Deletion takes people before businesses, so it waits here and never for a business while we wait for a person."""
    with fresh_engine.begin() as db:
        books = a_shop(db)
        stranger = a_user(db)
    taking = text(
        "select id from users where id = any(select user_id from user_business_memberships) for update nowait"
    )
    with fresh_engine.connect() as db, fresh_engine.connect() as other:
        alerts.lock_readers(db, [books.business_id])
        with pytest.raises(DBAPIError, match="could not obtain lock"):
            other.execute(taking)
        other.rollback()
        other.execute(text("select from users where id = :id for update nowait"), {"id": stranger})
        other.execute(text("update users set name = 'Bo'"))  # what any profile change does


# --- what is sent --------------------------------------------------------------------------


def test_an_alert_is_sent_with_the_businesss_name_and_a_way_to_stop_it(db: Connection) -> None:
    books, mailer = a_shop(db), FakeMailer()
    books.dispute(AS_OF - MINUTE, "needs_response", amount_minor=5000)
    [mail_id] = alerts.request(db, [books.business_id], AS_OF)
    mailing.deliver(db, mailer, SITE, SECRETS, mail_id, AS_OF)
    [sent] = mailer.sent
    assert sent.subject == "A Shop: New dispute over $50.00"
    assert f"https://site.test/dashboard/?business_id={books.business_id}\n" in sent.text
    assert sent.unsubscribe_url is not None


@pytest.mark.parametrize("change", ["switched off", "left", "viewer now"])
def test_who_no_longer_looks_after_the_business_is_not_told_any_more(db: Connection, change: str) -> None:
    books, mailer = a_shop(db), FakeMailer()
    books.dispute(AS_OF - MINUTE, "needs_response")
    [mail_id] = alerts.request(db, [books.business_id], AS_OF)
    [mail] = told(db, books)
    if change == "switched off":
        switch_off(db, mail["user_id"])
    elif change == "left":
        db.execute(text("delete from user_business_memberships where user_id = :id"), {"id": mail["user_id"]})
    else:
        join(db, mail["user_id"], books.business_id, "viewer")
    mailing.deliver(db, mailer, SITE, SECRETS, mail_id, AS_OF)
    assert mailer.sent == []
    assert told(db, books)[0]["dropped"] == "they switched alerts off, or no longer look after this business"


# --- speed ---------------------------------------------------------------------------------


def test_a_page_of_500_is_a_handful_of_statements(fresh_engine: Engine) -> None:
    """Each with a hundred disputes and payouts of the past; one in ten has something to tell."""
    with fresh_engine.begin() as db:
        shops = [a_shop(db) for _ in range(500)]
        db.execute(text(MANY_OF_THE_PAST), {"now": AS_OF})
        for number, books in enumerate(shops):
            if number % 10 == 0:
                books.dispute(AS_OF - MINUTE, "needs_response")
        ids = [books.business_id for books in shops]
        metrics.upsert_snapshots(db, dict.fromkeys(ids, compute_metrics(CALM, AS_OF)), AS_OF)
        readiness.compute(db, ids, AS_OF)
        db.execute(text("analyze"))
    figures = []
    for asked in (50, 0, 0):
        with counting(fresh_engine) as statements, fresh_engine.begin() as db:
            began = time.process_time()
            assert len(alerts.request(db, ids, AS_OF)) == asked
            figures.append((len(statements), time.process_time() - began))
    assert [count for count, _ in figures] == [5 + 50, 4, 4]
    print(f"500 businesses: {', '.join(f'{count} statements, {cpu * 1000:.0f} ms of CPU' for count, cpu in figures)}")


MANY_OF_THE_PAST = """
    with past as (
        select account.id as account, business_id, n, cast(:now as timestamptz) - (n + 13) * interval '1 day' as moment
        from integration_accounts account, generate_series(1, 100) n
    ), disputed as (
        insert into disputes (integration_account_id, business_id, id, created_at, version_at, content_hash,
            amount_minor, currency, status)
        select account, business_id, 'du_' || n, moment, moment, '', 1000, 'usd', 'needs_response' from past
    )
    insert into payouts (integration_account_id, business_id, id, created_at, version_at, content_hash,
        amount_minor, currency, arrival_on, status)
    select account, business_id, 'po_' || n, moment, moment, '', 1000, 'usd', cast(moment as date), 'failed' from past
"""
