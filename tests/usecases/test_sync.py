"""Reading an account: committed steps, resumed anywhere, harmless twice, and never past what events know better."""

import datetime as dt
import itertools
import random
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from tests import stripe_payloads as raw
from tests.connected import account_of, apply, connect, everything, one, rollups, rows, store
from tests.fakes import FakeStripe
from tests.stripe_payloads import ACCOUNT, NOON, Json, at, event
from vaultra.adapters.stripe_objects import parse
from vaultra.db import sync_runs
from vaultra.db.objects import Account
from vaultra.db.sync_runs import Run
from vaultra.errors import AccessRevoked, InvalidInput, NotFound, RateLimited, Unavailable
from vaultra.ports import StripeRead
from vaultra.usecases import ingestion, storing, sync
from vaultra.usecases.sync import StepResult

SECOND = dt.timedelta(seconds=1)
DAY = dt.timedelta(days=1)


def begin(conn: Connection, account: Account, kind: str = "initial", now: dt.datetime = NOON) -> Run:
    run = sync.start(conn, integration_account_id=account.id, kind=kind, now=now)
    conn.commit()
    return run


def step(conn: Connection, stripe: FakeStripe, run_id: Any, number: int) -> StepResult:
    result = sync.take_step(conn, stripe, run_id, number, NOON)
    conn.commit()
    return result


def finish(conn: Connection, stripe: FakeStripe, run: Run) -> list[StepResult]:
    """Take every step of a run."""
    results, number = [], run.step
    for _ in range(100):
        results.append(step(conn, stripe, run.id, number))
        if (run.id, number + 1) not in results[-1].next_steps:
            return results
        number += 1
    raise AssertionError("the run never ends")


def a_history(stripe: FakeStripe, charges: int) -> None:
    made = [raw.charge(id=f"ch_{n}", created=at(NOON) - n * 60) for n in range(charges)]
    stripe.put(ACCOUNT, "charges", *made)
    stripe.put(ACCOUNT, "refunds", raw.refund(id="re_1", charge="ch_1", created=at(NOON) - 50))
    stripe.put(ACCOUNT, "disputes", raw.dispute(id="dp_1", created=at(NOON) - 40))
    stripe.put(ACCOUNT, "payouts", raw.payout(id="po_1", created=at(NOON) - 30))
    stripe.put(ACCOUNT, "subscriptions", raw.subscription(id="sub_1", customer=raw.customer(id="cus_1")))
    stripe.put(ACCOUNT, "invoices", raw.invoice(id="in_1", created=at(NOON) - 20))
    stripe.put(ACCOUNT, "balance_transactions", raw.balance_transaction(id="txn_1", created=at(NOON) - 10))
    stripe.put(ACCOUNT, "radar/early_fraud_warnings", raw.early_fraud_warning(id="issfr_1", created=at(NOON) - 5))
    paid = raw.payout(id="po_1", status="paid")
    stripe.put(ACCOUNT, "events", event("payout.paid", paid, at(NOON) - 3, id="evt_1"))


def test_a_run_reads_everything_and_hands_over_to_the_history(fresh_engine: Engine, stripe: FakeStripe) -> None:
    a_history(stripe, 2_345)
    with fresh_engine.connect() as conn:
        account = connect(conn, currency=None)
        run = begin(conn, account)
        results = finish(conn, stripe, run)
        assert len(results) == 3
        assert results[-1].metrics_due == [account.business_id]
        [(history_id, number)] = results[-1].next_steps
        for ids in results[-1].events:
            assert ingestion.apply(conn, stripe, ids, NOON).done == 1
        counts = {table: len(found) for table, found in everything(conn).items()}
        assert counts == {
            "charges": 2345, "refunds": 1, "disputes": 1, "early_fraud_warnings": 1, "payouts": 1, "customers": 1,
            "balance_transactions": 1, "subscriptions": 1, "invoices": 1, "daily_rollups": 3,
        }  # fmt: skip
        assert sum(row["charge_count"] for row in rollups(conn)) == 2345
        assert one(conn, "payouts")["paid_event_at"] == NOON - 3 * SECOND
        stored = account_of(conn, account.id)
        assert (stored["default_currency"], stored["last_synced_at"], stored["history_complete"]) == (
            "usd",
            NOON,
            False,
        )
        assert stored["standing"] == {"charges_enabled": True, "payouts_enabled": True, "past_due": False}
        history = sync_runs.find(conn, history_id)
        assert history is not None
        assert (history.kind, number) == ("history", 0)
        [*_, last] = finish(conn, stripe, history)
        assert (last.next_steps, account_of(conn, account.id)["history_complete"]) == ([], True)


def test_a_step_that_was_done_before_does_nothing(fresh_engine: Engine, stripe: FakeStripe) -> None:
    a_history(stripe, 1_200)
    with fresh_engine.connect() as conn:
        run = begin(conn, connect(conn, currency=None))
        step(conn, stripe, run.id, 0)
        before, asked = everything(conn), len(stripe.asked)
        assert step(conn, stripe, run.id, 0) == StepResult()
        assert step(conn, stripe, run.id, 5) == StepResult()
        assert (everything(conn), len(stripe.asked)) == (before, asked)


def test_two_that_take_one_step_write_it_once(fresh_engine: Engine, stripe: FakeStripe) -> None:
    a_history(stripe, 1_200)
    raced: list[StepResult] = []

    class Raced(FakeStripe):
        def retrieve(self, account_id: str, resource: str, object_id: str | None = None) -> StripeRead:
            if not raced:
                raced.append(StepResult())
                with fresh_engine.connect() as other:
                    raced[0] = step(other, stripe, run.id, 0)
            return stripe.retrieve(account_id, resource, object_id)

        def list_page(self, account_id: str, resource: str, params: Mapping[str, str]) -> StripeRead:
            return stripe.list_page(account_id, resource, params)

    with fresh_engine.connect() as conn:
        run = begin(conn, connect(conn, currency=None))
        assert step(conn, Raced(), run.id, 0) == StepResult()
        assert raced[0].next_steps == [(run.id, 1)]
        found = sync_runs.find(conn, run.id)
        assert found is not None
        assert (found.step, found.objects) == (1, 1000)


def test_a_busy_stripe_changes_nothing_and_the_step_succeeds_later(fresh_engine: Engine, stripe: FakeStripe) -> None:
    a_history(stripe, 10)
    with fresh_engine.connect() as conn:
        run = begin(conn, connect(conn, currency=None))
        stripe.failures["account"] = RateLimited("Stripe asks us to slow down")
        with pytest.raises(RateLimited):
            step(conn, stripe, run.id, 0)
        assert one(conn, "sync_runs")["step"] == 0
        stripe.failures.clear()
        assert step(conn, stripe, run.id, 0).metrics_due


@pytest.mark.parametrize(("resource", "kept"), [("charges", 0), ("refunds", 10), ("events", 10)])
def test_what_was_read_before_stripe_failed_is_kept(
    fresh_engine: Engine, stripe: FakeStripe, resource: str, kept: int
) -> None:
    a_history(stripe, 10)
    with fresh_engine.connect() as conn:
        run = begin(conn, connect(conn, currency=None))
        stripe.failures[resource] = Unavailable("Stripe does not answer")
        assert step(conn, stripe, run.id, 0).next_steps == [(run.id, 1)]
        assert len(rows(conn, "charges")) == kept
        asked = len(stripe.asked)
        with pytest.raises(Unavailable):
            step(conn, stripe, run.id, 1)
        assert [name for name, _ in stripe.asked[asked:]] == [resource]  # nothing is read twice
        stripe.failures.clear()
        assert step(conn, stripe, run.id, 1).metrics_due


def test_a_step_ends_when_its_time_is_up(fresh_engine: Engine, stripe: FakeStripe) -> None:
    a_history(stripe, 950)
    ticks = itertools.count(0, 20)  # every page takes twenty seconds
    with fresh_engine.connect() as conn:
        run = begin(conn, connect(conn, currency=None))
        result = sync.take_step(conn, stripe, run.id, 0, NOON, timer=lambda: next(ticks))
        conn.commit()
        assert result.next_steps == [(run.id, 1)]
        assert len(stripe.asked) == sync.SECONDS_PER_STEP // 20 - 1
        step(conn, stripe, run.id, 1)
        assert len(rows(conn, "charges")) == 950
        places = [what.get("starting_after") for name, what in stripe.asked if name == "charges"]  # type: ignore[attr-defined]
        assert len(places) == len(set(places)) == 10  # no page twice


def test_access_taken_back_ends_the_run_and_tells_the_owner(fresh_engine: Engine, stripe: FakeStripe) -> None:
    with fresh_engine.connect() as conn:
        account = connect(conn, currency=None)
        run = begin(conn, account)
        stripe.failure = AccessRevoked("Connect it again.")
        assert step(conn, stripe, run.id, 0) == StepResult()
        asked = len(stripe.asked)
        assert step(conn, stripe, run.id, 0) == StepResult()
        assert len(stripe.asked) == asked == 1
        stored = account_of(conn, account.id)
        assert (stored["status"], stored["error"]) == ("error", "Connect it again.")
        assert one(conn, "sync_runs")["error"] == sync_runs.REFUSED
        assert sync_runs.take_stalled(conn, NOON + DAY, NOON + DAY, 5) == []
        assert rows(conn, "dead_letters") == []


def test_a_disconnected_account_is_not_read(fresh_engine: Engine, stripe: FakeStripe) -> None:
    with fresh_engine.connect() as conn:
        account = connect(conn)
        run = begin(conn, account)
        conn.execute(text("update integration_accounts set status = 'disconnected'"))
        conn.commit()
        assert step(conn, stripe, run.id, 0) == StepResult()
        assert stripe.asked == []
        assert one(conn, "sync_runs")["error"] == "disconnected"


def test_a_resource_that_is_not_there_is_passed_over(fresh_engine: Engine, stripe: FakeStripe) -> None:
    a_history(stripe, 3)
    stripe.failures |= {
        "radar/early_fraud_warnings": NotFound("Unrecognized request URL"),
        "disputes": InvalidInput("No"),
    }
    with fresh_engine.connect() as conn:
        run = begin(conn, connect(conn, currency=None))
        assert finish(conn, stripe, run)[-1].metrics_due
        assert [len(rows(conn, table)) for table in ("charges", "early_fraud_warnings", "disputes")] == [3, 0, 0]


def test_a_lost_cursor_begins_the_window_again(fresh_engine: Engine, stripe: FakeStripe) -> None:
    a_history(stripe, 250)

    class Forgetful(FakeStripe):
        def list_page(self, account_id: str, resource: str, params: Mapping[str, str]) -> StripeRead:
            if resource == "charges" and params.get("starting_after") == "ch_99" and not self.asked:
                self.asked.append((resource, "gone"))
                raise NotFound("No such charge")
            return stripe.list_page(account_id, resource, params)

        def retrieve(self, account_id: str, resource: str, object_id: str | None = None) -> StripeRead:
            return stripe.retrieve(account_id, resource, object_id)

    with fresh_engine.connect() as conn:
        run = begin(conn, connect(conn, currency=None))
        forgetful = Forgetful()
        finish(conn, forgetful, run)
        assert forgetful.asked == [("charges", "gone")]
        assert len(rows(conn, "charges")) == 250


def test_an_object_that_can_not_be_read_keeps_nobody_from_the_others(fresh_engine: Engine, stripe: FakeStripe) -> None:
    a_history(stripe, 3)
    stripe.put(ACCOUNT, "charges", {"id": "ch_bad", "object": "charge", "created": at(NOON)})
    stripe.put(ACCOUNT, "events", {"id": "evt_bad", "object": "event", "type": "payout.paid", "created": at(NOON)})
    with fresh_engine.connect() as conn:
        run = begin(conn, connect(conn, currency=None))
        assert finish(conn, stripe, run)[-1].metrics_due
        assert len(rows(conn, "charges")) == 3


def test_the_other_modes_objects_are_passed_over(fresh_engine: Engine, stripe: FakeStripe) -> None:
    stripe.put(ACCOUNT, "charges", raw.charge(id="ch_1"), raw.charge(id="ch_2", livemode=False))
    with fresh_engine.connect() as conn:
        finish(conn, stripe, begin(conn, connect(conn, currency=None)))
        assert [row["id"] for row in rows(conn, "charges")] == ["ch_1"]


def test_an_incremental_run_takes_what_was_missed_from_the_events(fresh_engine: Engine, stripe: FakeStripe) -> None:
    a_history(stripe, 1)
    with fresh_engine.connect() as conn:
        account = connect(conn, currency=None)
        finish(conn, stripe, begin(conn, account))
        lost = event("charge.refunded", raw.charge(id="ch_0", amount_refunded=1, customer="cus_9"), NOON + SECOND)
        strange = event("plan.created", {"object": "plan"}, NOON + SECOND)
        stripe.put(ACCOUNT, "events", lost, strange)
        results = finish(conn, stripe, begin(conn, account, "incremental", NOON + 2 * SECOND))
        for ids in results[-1].events:
            ingestion.apply(conn, stripe, ids, NOON)
        conn.commit()
        assert one(conn, "charges")["customer"] == "cus_9"
        assert {row["type"] for row in rows(conn, "stripe_events")} == {"payout.paid", "charge.refunded"}


@pytest.mark.parametrize("seed", range(3))
def test_e4_a_backfill_that_races_with_events_takes_nothing_back(fresh_engine: Engine, seed: int) -> None:
    """Each charge changes several times; pages and events come in any order, and our own clock is minutes off."""
    chance = random.Random(seed)
    cases = 50
    truth, events, pages = {}, [], []
    for n in range(cases):
        second, status = at(NOON), "pending"
        for change in range(chance.randint(1, 4)):
            second += chance.choice([0, 1, 7])
            status = f"state {change}"
            events.append(event("charge.updated", raw.charge(id=f"ch_{n}", status=status), second))
            if chance.random() < 0.5:  # Stripe answered a page in this second, or in the next
                moment = dt.datetime.fromtimestamp(second - chance.randint(0, 1), dt.UTC)
                pages.append((moment, raw.charge(id=f"ch_{n}", status=status)))
        truth[f"ch_{n}"] = status
    stripe = FakeStripe()
    stripe.as_of = NOON + 60 * SECOND
    stripe.put(ACCOUNT, "charges", *(raw.charge(id=name, status=status) for name, status in truth.items()))
    work: list[Any] = [*events, *pages]
    chance.shuffle(work)
    with fresh_engine.connect() as conn:
        account = connect(conn)
        for item in work:
            ours = NOON + chance.randint(-10, 10) * 60 * SECOND
            if isinstance(item, dict):
                apply(conn, stripe, [item], ours)
            else:
                page(conn, account, stripe, *item)
        assert {row["id"]: row["status"] for row in rows(conn, "charges")} == truth
    print(f"E4: {len(work)} pages and events of {cases} charges interleaved: 0 taken back")


def page(conn: Connection, account: Account, stripe: FakeStripe, as_of: dt.datetime, payload: Json) -> None:
    """What a step does with one object it has listed."""
    parsed = parse(payload, "usd")
    assert parsed is not None
    store(conn, account, storing.states_of(parsed, as_of), stripe)
    conn.commit()
