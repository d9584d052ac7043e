"""Recommendations follow the latest metrics of many businesses: set-based, once, whoever runs at the same time."""

import datetime as dt
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from tests.domain.shops import AS_OF, month, paid, shop
from tests.rows import a_business, a_user
from tests.statements import counting
from vaultra.db import metrics
from vaultra.domain.metric_facts import MetricFacts, Standing
from vaultra.domain.metrics import compute_metrics
from vaultra.domain.recommendations import Status
from vaultra.errors import Conflict
from vaultra.usecases import advising, readiness, recommendations

CALM = shop((1_200_000, 1_250_000, 1_150_000, 1_220_000, 1_180_000, 1_210_000))
DISPUTED = replace(CALM, window=month(1_200_000, dispute_count=12))
TROUBLED = replace(DISPUTED, payouts=paid(3, failed=1))
DAY = dt.timedelta(days=1)


def measure(db: Connection, facts: dict[UUID, MetricFacts], now: dt.datetime = AS_OF) -> None:
    """Store the metrics of businesses."""
    metrics.upsert_snapshots(db, {key: compute_metrics(known, now) for key, known in facts.items()}, now)


def generate(db: Connection, business_id: UUID, facts: MetricFacts, now: dt.datetime = AS_OF) -> None:
    measure(db, {business_id: facts}, now)
    advising.generate(db, [business_id], now)


def stored(db: Connection, business_id: UUID) -> list[dict[str, Any]]:
    query = "select * from recommendations where business_id = :id order by created_at, rule_key"
    return [dict(row) for row in db.execute(text(query), {"id": business_id}).mappings()]


def states(db: Connection, business_id: UUID) -> list[tuple[str, str]]:
    return [(row["rule_key"], row["status"]) for row in stored(db, business_id)]


def test_advice_is_stored_with_the_numbers_it_rests_on(db: Connection) -> None:
    business_id = a_business(db)
    generate(db, business_id, DISPUTED)
    [row] = stored(db, business_id)
    assert (row["rule_key"], row["status"], row["priority"], row["estimated_impact"]) == (
        "chargebacks", "pending", "high", 15)  # fmt: skip
    assert "12 on 500 charges" in row["description"]
    assert row["evidence"] == {
        "score": 68,
        "currency": "usd",
        "metrics": {"chargeback_ratio": 0.024, "chargeback_count": 12, "transaction_count": 500},
    }
    assert (row["proof"], row["decided_at"], row["created_at"]) == (None, None, AS_OF)


def test_repeating_it_writes_nothing(db: Connection) -> None:
    business_id = a_business(db)
    generate(db, business_id, TROUBLED)
    before = stored(db, business_id)
    for later in (AS_OF, AS_OF + dt.timedelta(hours=5)):
        advising.generate(db, [business_id], later)
    assert stored(db, business_id) == before


def test_new_numbers_refresh_the_text_and_leave_the_rest(db: Connection) -> None:
    owner = a_user(db)
    business_id = a_business(db, owner=owner)
    generate(db, business_id, DISPUTED)
    [before] = stored(db, business_id)
    recommendations.decide(
        db, user_id=owner, recommendation_id=before["id"], status=Status.ACCEPTED, now=AS_OF + DAY / 2
    )
    generate(db, business_id, replace(CALM, window=month(1_200_000, dispute_count=20)), AS_OF + DAY)
    [after] = stored(db, business_id)
    changed = {"status": "accepted", "decided_at": AS_OF + DAY / 2, "updated_at": AS_OF + DAY}
    assert "20 on 500 charges" in after["description"]
    assert after == {**before, **changed, "description": after["description"]}


def test_a_cleared_condition_is_resolved_with_the_numbers_before_and_after(db: Connection) -> None:
    business_id = a_business(db)
    generate(db, business_id, DISPUTED)
    generate(db, business_id, CALM, AS_OF + DAY)
    chargebacks, well = stored(db, business_id)
    assert (chargebacks["status"], well["rule_key"]) == ("resolved", "stay_ready")
    assert chargebacks["proof"] == {
        "before": chargebacks["evidence"],
        "after": {
            "score": 88,
            "currency": "usd",
            "metrics": {"chargeback_ratio": 0.002, "chargeback_count": 1, "transaction_count": 500},
        },
    }


def test_a_number_at_the_edge_of_its_band_makes_one_recommendation_and_not_one_an_hour(db: Connection) -> None:
    business_id = a_business(db)
    for hour in range(48):
        generate(db, business_id, (DISPUTED, CALM)[hour % 2], AS_OF + hour * DAY / 24)
    assert sorted(states(db, business_id)) == [("chargebacks", "resolved"), ("stay_ready", "pending")]
    generate(db, business_id, DISPUTED, AS_OF + 4 * DAY)
    assert sorted(states(db, business_id)) == [
        ("chargebacks", "pending"), ("chargebacks", "resolved"), ("stay_ready", "resolved")]  # fmt: skip


@pytest.mark.parametrize(("age", "back"), [(dt.timedelta(days=30, seconds=-1), False), (dt.timedelta(days=30), True)])
def test_a_dismissed_one_stays_away_for_thirty_days(db: Connection, age: dt.timedelta, back: bool) -> None:
    owner = a_user(db)
    business_id = a_business(db, owner=owner)
    generate(db, business_id, DISPUTED)
    [row] = stored(db, business_id)
    recommendations.decide(db, user_id=owner, recommendation_id=row["id"], status=Status.DISMISSED, now=AS_OF)
    for days in range(1, 30):
        generate(db, business_id, DISPUTED, AS_OF + days * DAY)
    assert states(db, business_id) == [("chargebacks", "dismissed")]
    generate(db, business_id, DISPUTED, AS_OF + age)
    assert states(db, business_id) == [("chargebacks", "dismissed")] + [("chargebacks", "pending")] * back


def test_while_the_history_is_arriving_nothing_changes(db: Connection) -> None:
    business_id = a_business(db)
    generate(db, business_id, replace(DISPUTED, history_complete=False))
    assert stored(db, business_id) == []
    generate(db, business_id, DISPUTED)
    generate(db, business_id, replace(CALM, history_complete=False), AS_OF + DAY)
    assert states(db, business_id) == [("chargebacks", "pending")]


def test_one_without_metrics_and_one_that_is_gone_are_passed_over(db: Connection) -> None:
    business_id, without = a_business(db), a_business(db)
    measure(db, {business_id: DISPUTED})
    advising.generate(db, [UUID(int=5), without, business_id], AS_OF)
    assert (states(db, business_id), states(db, without)) == ([("chargebacks", "pending")], [])


def test_a_business_changes_no_others(db: Connection) -> None:
    mine, foreign = a_business(db), a_business(db)
    generate(db, foreign, DISPUTED)
    generate(db, mine, CALM, AS_OF + DAY)
    assert states(db, foreign) == [("chargebacks", "pending")]


def test_the_score_of_a_month_ago_is_named(db: Connection) -> None:
    business_id = a_business(db)
    for facts, age in ((CALM, 36), (DISPUTED, 31), (TROUBLED, 28)):
        measure(db, {business_id: facts}, AS_OF - age * DAY)
        readiness.compute(db, [business_id], AS_OF - age * DAY)
    bad = replace(TROUBLED, standing=Standing(charges_enabled=False, payouts_enabled=True, past_due=False))
    generate(db, business_id, bad)
    [core] = [row for row in stored(db, business_id) if row["rule_key"] == "core_metrics"]
    assert "The score is 37, after 61 on 20 October 2026, and 50 is" in core["description"]


def test_a_score_of_long_before_is_not_taken_for_that_of_a_month_ago(db: Connection) -> None:
    business_id = a_business(db)
    measure(db, {business_id: TROUBLED}, AS_OF - 36 * DAY)
    readiness.compute(db, [business_id], AS_OF - 36 * DAY)
    generate(db, business_id, TROUBLED)
    [core] = [row for row in stored(db, business_id) if row["rule_key"] == "core_metrics"]
    assert core["description"].startswith("The score is 48, and 50 is")


def test_a_page_of_500_is_a_handful_of_statements(fresh_engine: Engine) -> None:
    fortunes = (CALM, DISPUTED, TROUBLED)
    with fresh_engine.begin() as db:
        ids = [a_business(db) for _ in range(500)]
        measure(db, {business_id: fortunes[number % 3] for number, business_id in enumerate(ids)})
    figures = []
    for turn in range(3):
        now = AS_OF + turn * DAY / 24
        with counting(fresh_engine) as statements, fresh_engine.begin() as db:
            began = time.process_time()
            advising.generate(db, ids, now)
            figures.append((len(statements), time.process_time() - began))
        with fresh_engine.begin() as db:
            measure(db, {business_id: fortunes[(number + turn) % 3] for number, business_id in enumerate(ids)}, now)
    assert max(count for count, _ in figures) <= 6
    with fresh_engine.connect() as db:
        assert db.execute(text("select count(*) from recommendations")).scalar_one() > 500
    told = ", ".join(f"{count} statements and {seconds * 1000:.0f} ms of CPU" for count, seconds in figures)
    print(f"500 businesses: {told}")


def test_of_many_at_once_each_advice_is_stored_once(fresh_engine: Engine) -> None:
    with fresh_engine.begin() as db:
        ids = [a_business(db) for _ in range(30)]
        measure(db, dict.fromkeys(ids, TROUBLED))
    barrier = threading.Barrier(4)

    def run(turn: int) -> None:
        for repeat in range(5):
            barrier.wait()
            with fresh_engine.begin() as db:
                order = ids if turn % 2 else ids[::-1]
                advising.generate(db, order, AS_OF + dt.timedelta(minutes=repeat))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    with fresh_engine.connect() as db:
        assert {tuple(states(db, business_id)) for business_id in ids} == {
            (("chargebacks", "pending"), ("core_metrics", "pending"), ("payouts", "pending"))
        }


def test_whoever_comes_while_metrics_are_computed_waits_for_them(fresh_engine: Engine) -> None:
    """Else of two at once the one that read the older metrics could write last."""
    with fresh_engine.begin() as db:
        business_id = a_business(db)
        generate(db, business_id, DISPUTED)

    def advise() -> None:
        with fresh_engine.begin() as db:
            advising.generate(db, [business_id], AS_OF + DAY)

    waiting = text("select count(*) from pg_locks where not granted")
    with ThreadPoolExecutor(1) as pool, fresh_engine.connect() as db, fresh_engine.connect() as watch:
        metrics.lock_businesses(db, [business_id])
        measure(db, {business_id: CALM}, AS_OF + DAY)
        done = pool.submit(advise)
        while not done.done() and not watch.execute(waiting).scalar_one():
            time.sleep(0.01)
        db.commit()
        done.result()
        assert states(db, business_id) == [("chargebacks", "resolved"), ("stay_ready", "pending")]


def test_a_decision_made_meanwhile_is_never_overwritten(fresh_engine: Engine) -> None:
    """A dismissal and a computation that would resolve: whoever is second waits, and the dismissal stands."""
    with fresh_engine.begin() as db:
        owner = a_user(db)
        ids = [a_business(db, owner=owner) for _ in range(10)]
        measure(db, dict.fromkeys(ids, DISPUTED))
        advising.generate(db, ids, AS_OF)
        rows = [stored(db, business_id)[0]["id"] for business_id in ids]
        measure(db, dict.fromkeys(ids, CALM), AS_OF + DAY)
    barrier = threading.Barrier(2)
    dismissed: set[UUID] = set()

    def dismiss() -> None:
        for row_id in rows:
            barrier.wait()
            try:
                with fresh_engine.begin() as db:
                    recommendations.decide(
                        db, user_id=owner, recommendation_id=row_id, status=Status.DISMISSED, now=AS_OF + DAY
                    )
            except Conflict:
                continue  # it was resolved first
            dismissed.add(row_id)

    def compute() -> None:
        for business_id in ids:
            barrier.wait()
            with fresh_engine.begin() as db:
                advising.generate(db, [business_id], AS_OF + DAY)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda work: work(), (dismiss, compute)))
    with fresh_engine.connect() as db:
        ended = {row["id"]: row["status"] for business_id in ids for row in stored(db, business_id)}
    assert {row_id: ended[row_id] for row_id in rows} == {
        row_id: "dismissed" if row_id in dismissed else "resolved" for row_id in rows
    }
