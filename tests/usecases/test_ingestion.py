"""Applying events: exactly once, each for itself when one is bad, and with news for those who compute."""

import datetime as dt
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from tests import stripe_payloads as raw
from tests.connected import account_of, apply, connect, everything, keep, one, rollups, rows, statuses
from tests.fakes import FakeStripe
from tests.stripe_payloads import ACCOUNT, NOON, Json, at, event, event_of, subject_of
from vaultra.adapters.stripe_events import HANDLERS
from vaultra.db import inbox, objects
from vaultra.errors import AccessRevoked, Unavailable
from vaultra.usecases import ingestion

SECOND = dt.timedelta(seconds=1)


def charge_event(number: int = 1, **given: object) -> Json:
    return event("charge.succeeded", raw.charge(id=f"ch_{number}"), id=f"evt_{number}", **given)  # type: ignore[arg-type]


def test_an_event_has_its_effect_once(fresh_engine: Engine, stripe: FakeStripe) -> None:
    with fresh_engine.connect() as conn:
        account = connect(conn)
        outcome = apply(conn, stripe, [charge_event()])
        assert (outcome.done, outcome.failed, outcome.metrics_due) == (1, [], [account.business_id])
        before = everything(conn)
        again = apply(conn, stripe, [charge_event()])
        ids = [row["id"] for row in rows(conn, "stripe_events")]
        repeated = ingestion.apply(conn, stripe, ids * 2, NOON)
        assert (again, repeated) == (ingestion.Outcome(), ingestion.Outcome())
        assert (everything(conn), statuses(conn)) == (before, {"done": 1})
        assert ingestion.apply(conn, stripe, [], NOON) == ingestion.Outcome()


def test_every_type_of_event_can_be_applied_twice_with_the_effect_of_once(
    fresh_engine: Engine, stripe: FakeStripe
) -> None:
    subjects = {kind: subject_of(kind) for kind in HANDLERS if not kind.endswith("account.application.deauthorized")}
    events = [event_of(kind, subject) for kind, subject in subjects.items()]
    for held in subjects.values():
        if "id" in held and held["object"] != "account":
            stripe.put(ACCOUNT, f"{held['object']}s", held)
    with fresh_engine.connect() as conn:
        connect(conn)
        outcome = apply(conn, stripe, events)
        assert (outcome.done, outcome.failed) == (len(events), [])
        before = everything(conn)
        conn.execute(text("update stripe_events set status = 'pending'"))
        assert apply(conn, stripe, events).done == len(events)
        assert everything(conn) == before


def test_messages_carry_at_most_a_hundred() -> None:
    assert [len(part) for part in ingestion.messages_of(range(250))] == [100, 100, 50]
    assert ingestion.messages_of([]) == []


def test_an_unknown_account_is_parked_and_an_unknown_type_ignored(fresh_engine: Engine, stripe: FakeStripe) -> None:
    with fresh_engine.connect() as conn:
        outcome = apply(conn, stripe, [charge_event(), event("plan.created", {"object": "plan"})])
        assert (outcome.parked, outcome.ignored, statuses(conn)) == (1, 1, {"parked": 1, "ignored": 1})
        connect(conn)
        ids = ingestion.unpark(conn, ACCOUNT, True)
        assert ingestion.apply(conn, stripe, ids, NOON).done == 1


def test_an_account_that_was_never_read_is_read_first(fresh_engine: Engine, stripe: FakeStripe) -> None:
    with fresh_engine.connect() as conn:
        account = connect(conn, currency=None)
        assert apply(conn, stripe, [charge_event()]).done == 1
        stored = account_of(conn, account.id)
        assert (stored["default_currency"], stored["standing"]["charges_enabled"]) == ("usd", True)


def test_an_event_that_cannot_be_read_is_dead_at_once_and_stops_no_other(
    fresh_engine: Engine, stripe: FakeStripe
) -> None:
    bad = event("charge.succeeded", raw.charge(amount="a lot"), id="evt_bad")
    with fresh_engine.connect() as conn:
        connect(conn)
        outcome = apply(conn, stripe, [charge_event(1), bad, charge_event(2)])
        assert (outcome.done, len(outcome.failed), statuses(conn)) == (2, 1, {"done": 2, "dead": 1})
        letter = one(conn, "dead_letters")
        assert (letter["subscription"], letter["topic"]) == (ingestion.SUBSCRIPTION, ingestion.TOPIC)
        assert letter["data"] == b'{"ids":[%d]}' % outcome.failed[0]
        assert letter["error"].startswith("InvalidInput")


def test_an_event_without_an_effect_asks_for_no_metrics(fresh_engine: Engine, stripe: FakeStripe) -> None:
    bad = event("charge.succeeded", raw.charge(amount="a lot"), id="evt_bad")
    with fresh_engine.connect() as conn:
        connect(conn)
        assert apply(conn, stripe, [bad]).metrics_due == []
        assert rows(conn, "metrics_due", "business_id") == []


def test_a_handler_that_crashes_fails_alone(fresh_engine: Engine, stripe: FakeStripe) -> None:
    crash = event("charge.succeeded", raw.charge(id="ch_bad", currency="eur"), id="evt_bad")
    stripe.failures["ch_bad"] = RuntimeError("a secret value")
    with fresh_engine.connect() as conn:
        connect(conn)
        outcome = apply(conn, stripe, [*(charge_event(n) for n in range(9)), crash])
        assert (outcome.done, len(outcome.failed)) == (9, 1)
        assert statuses(conn) == {"done": 9, "pending": 1}
        [failed] = [row for row in rows(conn, "stripe_events") if row["status"] == "pending"]
        assert (failed["attempts"], failed["error"]) == (1, "RuntimeError")
        assert len(outcome.metrics_due) == 1


def test_an_amount_too_large_for_a_sum_fails_alone(fresh_engine: Engine, stripe: FakeStripe) -> None:
    huge = [event("charge.succeeded", raw.charge(amount=2**62, created=at(NOON) - 86_400 * 9)) for _ in range(4)]
    with fresh_engine.connect() as conn:
        connect(conn)
        outcome = apply(conn, stripe, [charge_event(1), *huge])
        assert outcome.done >= 1
        assert outcome.failed
        assert rollups(conn)[-1]["charge_count"] == 1


def test_stripes_outage_is_not_the_events_fault(fresh_engine: Engine, stripe: FakeStripe) -> None:
    foreign = event("charge.succeeded", raw.charge(id="ch_eur", currency="eur"), id="evt_eur")
    stripe.failures["ch_eur"] = Unavailable("Stripe does not answer")
    with fresh_engine.connect() as conn:
        connect(conn)
        for _ in range(10):
            apply(conn, stripe, [charge_event(1), foreign])
        assert statuses(conn) == {"done": 1, "pending": 1}
        assert rows(conn, "dead_letters") == []
        stripe.failures.clear()
        stripe.put(ACCOUNT, "charges", raw.charge(id="ch_eur", currency="eur", balance_transaction=None))
        assert apply(conn, stripe, [foreign]).done == 1


def test_a_backlog_is_drained_by_one_message_and_what_is_bad_waits(fresh_engine: Engine, stripe: FakeStripe) -> None:
    events = [charge_event(n) for n in range(64)]
    events[7]["data"]["object"]["currency"] = "eur"  # has to be read first
    with fresh_engine.connect() as conn:
        conn.execute(text("create function refuse() returns trigger language plpgsql as 'begin raise; end'"))
        conn.execute(text("create trigger no before insert on charges for each row "
                          "when (new.id in ('ch_40', 'ch_41')) execute function refuse()"))  # fmt: skip
        connect(conn)
        ids = keep(conn, events)
        conn.commit()
        outcome = ingestion.apply(conn, stripe, ids[:1], NOON)
        assert (outcome.failed, stripe.asked) == ([], [])
        assert outcome.done == 61
        assert ingestion.apply(conn, stripe, ids[1:2], NOON).done == 0
        assert outcome.metrics_due
        assert statuses(conn)["done"] == outcome.done


def test_access_taken_back_ends_after_seven_times(fresh_engine: Engine, stripe: FakeStripe) -> None:
    foreign = event("charge.succeeded", raw.charge(id="ch_eur", currency="eur"), id="evt_eur")
    stripe.failures["ch_eur"] = AccessRevoked("Connect it again")
    with fresh_engine.connect() as conn:
        connect(conn)
        for _ in range(7):
            apply(conn, stripe, [foreign])
        assert statuses(conn) == {"dead": 1}
        assert one(conn, "dead_letters")["attempts"] == 7


def test_an_object_that_never_holds_still_comes_later(fresh_engine: Engine) -> None:
    class Restless(FakeStripe):
        def retrieve(self, account_id: str, resource: str, object_id: str | None = None):  # type: ignore[no-untyped-def]
            status = ("pending", "succeeded")[len(self.asked) % 2]
            self.put(ACCOUNT, "charges", raw.charge(id="ch_1", status=status, customer=f"cus_{len(self.asked)}"))
            with fresh_engine.begin() as other:
                other.execute(text("update charges set content_hash = content_hash || '.'"))
            return super().retrieve(account_id, resource, object_id)

    restless = Restless()
    restless.as_of = NOON - SECOND
    with fresh_engine.connect() as conn:
        connect(conn)
        apply(conn, restless, [charge_event(1)])
        tie = event("charge.updated", raw.charge(id="ch_1", status="failed"), id="evt_2")
        outcome = apply(conn, restless, [tie])
        assert (outcome.done, len(outcome.failed), len(restless.asked)) == (0, 1, 5)
        assert statuses(conn) == {"done": 1, "pending": 1}


def test_a_payout_remembers_when_it_was_first_paid(fresh_engine: Engine, stripe: FakeStripe) -> None:
    paid = raw.payout(id="po_1", status="paid")
    events = [
        event("payout.failed", raw.payout(id="po_1", status="failed"), NOON + 9 * SECOND),
        event("payout.paid", paid, NOON + 5 * SECOND),
        event("payout.paid", paid, NOON + 3 * SECOND),
    ]
    with fresh_engine.connect() as conn:
        connect(conn)
        for item in events:
            apply(conn, stripe, [item])
        payout = one(conn, "payouts")
        assert (payout["status"], payout["paid_event_at"]) == ("failed", NOON + 3 * SECOND)


def test_the_accounts_news_are_kept(fresh_engine: Engine, stripe: FakeStripe) -> None:
    with fresh_engine.connect() as conn:
        account = connect(conn)
        bad = event("account.updated", raw.account(payouts_enabled=False), NOON + SECOND)
        apply(conn, stripe, [bad, event("balance.available", raw.balance())])
        apply(conn, stripe, [event("account.updated", raw.account(), NOON)])
        stored = account_of(conn, account.id)
        assert stored["standing"]["payouts_enabled"] is False
        assert stored["balance"]["as_of"] == at(NOON)


@pytest.mark.parametrize(("seconds", "status"), [(-1, "connected"), (0, "connected"), (60, "disconnected")])
def test_a_goodbye_from_before_the_reconnection_is_old_news(
    fresh_engine: Engine, stripe: FakeStripe, seconds: int, status: str
) -> None:
    goodbye = event("account.application.deauthorized", {"object": "application"}, NOON + seconds * SECOND)
    with fresh_engine.connect() as conn:
        account = connect(conn, connected_at=NOON + dt.timedelta(milliseconds=400))
        assert apply(conn, stripe, [goodbye]).done == 1
        assert account_of(conn, account.id)["status"] == status
        assert apply(conn, stripe, [charge_event()]).parked == (status == "disconnected")


def test_several_accounts_in_one_message(fresh_engine: Engine, stripe: FakeStripe) -> None:
    with fresh_engine.connect() as conn:
        accounts = [connect(conn, f"acct_{n}") for n in range(3)]
        events = [charge_event(n, account=f"acct_{n % 3}") for n in range(30)]
        outcome = apply(conn, stripe, events)
        assert (outcome.done, len(outcome.metrics_due)) == (30, 3)
        assert outcome.metrics_due == sorted(account.business_id for account in accounts)
        assert [row["charge_count"] for row in rows(conn, "daily_rollups", "1")] == [10, 10, 10]
        assert keep(conn, events) == []


def test_an_outage_of_the_database_is_told_to_the_broker(fresh_engine: Engine, stripe: FakeStripe) -> None:
    with fresh_engine.connect() as conn, fresh_engine.connect() as other:
        account = connect(conn)
        ids = keep(conn, [charge_event()])
        conn.commit()
        other.execute(text("select 1 from integration_accounts where id = :id for update"), {"id": account.id})
        conn.execute(text("set lock_timeout = '50ms'"))
        with pytest.raises(Exception, match="55P03"):
            ingestion.apply(conn, stripe, ids, NOON)
        other.rollback()
        assert [row["attempts"] for row in rows(conn, "stripe_events")] == [0]


def test_a_message_waits_for_whoever_holds_its_event_and_applies_it_when_they_leave_it(
    fresh_engine: Engine, stripe: FakeStripe
) -> None:
    """A drain takes what others' messages announce; were those acknowledged meanwhile, its rollback would lose time."""
    with fresh_engine.connect() as conn:
        connect(conn)
        [row_id] = keep(conn, [charge_event()])
        conn.commit()
    with fresh_engine.connect() as drain, ThreadPoolExecutor(1) as pool:
        assert inbox.list_waiting(drain, 10) == [row_id]

        def handle() -> ingestion.Outcome:
            with fresh_engine.connect() as conn:
                return ingestion.apply(conn, stripe, [row_id], NOON)

        handled = pool.submit(handle)
        with pytest.raises(TimeoutError):
            handled.result(timeout=0.3)
        drain.rollback()
        assert handled.result(timeout=10).done == 1


def test_a_batch_of_several_accounts_is_applied_to_each_its_own(fresh_engine: Engine, stripe: FakeStripe) -> None:
    with fresh_engine.connect() as conn:
        mine, other, new = connect(conn), connect(conn, "acct_other"), connect(conn, "acct_new", currency=None)
        stripe.put("acct_other", "charges", raw.charge(id="ch_1", status="failed"))
        stripe.put("acct_new", "accounts", raw.account(id="acct_new"))
        apply(conn, stripe, [charge_event(1), charge_event(1, account="acct_other")])
        tie = event("charge.failed", raw.charge(id="ch_1", status="pending"), id="evt_tie", account="acct_other")
        paid = [
            event("payout.paid", raw.payout(id="po_1"), id=f"evt_paid_{account}", account=account, created=at(NOON))
            for account in (ACCOUNT, "acct_other")
        ]
        outcome = apply(
            conn,
            stripe,
            [charge_event(2), tie, *paid, charge_event(3, account="acct_new"), charge_event(4, account="acct_gone")],
        )
        assert (outcome.done, outcome.parked, outcome.failed) == (5, 1, [])
        assert sorted(outcome.metrics_due) == [new.business_id]
        held = {(row["integration_account_id"], row["id"]): row["status"] for row in rows(conn, "charges")}
        assert held == {
            (mine.id, "ch_1"): "succeeded",
            (mine.id, "ch_2"): "succeeded",
            (other.id, "ch_1"): "failed",
            (new.id, "ch_3"): "succeeded",
        }
        assert [row["paid_event_at"] for row in rows(conn, "payouts")] == [NOON, NOON]


def test_a_message_whose_events_a_burst_took_along_does_nothing(fresh_engine: Engine, stripe: FakeStripe) -> None:
    with fresh_engine.connect() as conn:
        connect(conn)
        first = keep(conn, [charge_event(1)])
        second = keep(conn, [charge_event(2)])
        conn.commit()
        assert ingestion.apply(conn, stripe, first, NOON).done == 2
        late = keep(conn, [charge_event(number) for number in range(3, 6)])
        conn.commit()
        assert ingestion.apply(conn, stripe, second, NOON) == ingestion.Outcome()  # nor takes others along
        assert statuses(conn) == {"done": 2, "pending": 3}
        assert ingestion.apply(conn, stripe, late, NOON).done == 3


def test_events_of_an_account_that_is_being_disconnected_wait_for_its_return(
    fresh_engine: Engine, stripe: FakeStripe
) -> None:
    goodbye = event("account.application.deauthorized", {"object": "application"}, id="evt_goodbye")
    waiting = text("select count(*) from pg_locks where not granted")
    with fresh_engine.connect() as conn, fresh_engine.connect() as owner, fresh_engine.connect() as watch:
        account = connect(conn)
        ids = keep(conn, [charge_event(1), goodbye])
        conn.commit()
        objects.mark_disconnected(owner, account, NOON)
        with ThreadPoolExecutor(1) as pool:
            applied = pool.submit(ingestion.apply, conn, stripe, ids, NOON)
            while not watch.scalar(waiting) and not applied.done():
                time.sleep(0.01)
            owner.commit()
            outcome = applied.result(60)
        assert (outcome.done, outcome.parked, outcome.ignored) == (0, 1, 1)
