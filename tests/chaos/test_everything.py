"""RELIABILITY rows D1 and D2: everything at once and nothing lost, and a harness that would see it."""

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from tests.chaos import inline
from tests.chaos.audit import audit, open_books
from tests.chaos.inline import Dice, Worker
from tests.chaos.storm import Plan, Report, own_server, storm
from tests.chaos.world import BEGIN, World
from tests.stripe_payloads import Json
from vaultra.domain.versions import Verdict, Version
from vaultra.ports import StripeGateway
from vaultra.services import utc_now
from vaultra.usecases import ingestion, storing

SEED = int(os.environ.get("VAULTRA_SEED", "1"))
"""Another run: VAULTRA_SEED=7 pytest tests/chaos. Which process dies at which failpoint, the machine decides."""


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Plan], Report]:
    def rage(plan: Plan) -> Report:
        with own_server() as server:
            report = storm(plan, server, tmp_path)
        print(f"\nD1 {'embedded broker' if plan.emulator_host is None else 'Pub/Sub emulator'}: {report}")
        assert report.findings.errors == 0, report.findings.examples[:20] + report.findings.differences[:20]
        assert (report.stops, report.ingress_killed > 0) == (plan.database_stops, True)
        return report

    return rage


@pytest.fixture(params=["embedded", pytest.param("emulator", marks=pytest.mark.long)])
def host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Where Pub/Sub is; None for the embedded broker."""
    if request.param == "embedded":
        return None
    found: str = request.getfixturevalue("emulator_host")
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", found)
    return found


def test_d1_everything_at_once_loses_nothing(host: str | None, run: Callable[[Plan], Report]) -> None:
    deliveries = 5000 if host is None else 2000
    report = run(Plan(SEED, deliveries, ingress_kills=4, database_stops=5, emulator_host=host))
    assert len(report.world.deliveries) == deliveries


@pytest.mark.long
def test_d1_a_hundred_thousand_deliveries(host: str | None, run: Callable[[Plan], Report]) -> None:
    deliveries = 100_000 if host is None else 30_000
    kills = deliveries // 1100
    report = run(Plan(SEED, deliveries, kills, database_stops=5, emulator_host=host, overdue_seconds=30))
    assert report.seconds < 600
    assert report.workers_died > 0


# --- D2: what the harness would say of others ----------------------------------------------------


def newest_strictly(stored: Version | None, arrived: Version) -> Verdict:
    return Verdict.WRITE if stored is None or stored.at < arrived.at else Verdict.KEEP


def newest_or_equal(stored: Version | None, arrived: Version) -> Verdict:
    return Verdict.WRITE if stored is None or stored.at <= arrived.at else Verdict.KEEP


def as_it_arrives(event: Json) -> Json:
    """The time of its arrival is what counts: whatever arrives last wins."""
    return {**event, "created": next(_arrivals)}


_arrivals = itertools.count(BEGIN + 1_000_000)


class Memory:
    """A table of its own says what was seen, in a transaction of its own: both known-bad ways to be 'exactly once'."""

    def __init__(self, engine: Engine) -> None:
        with engine.begin() as conn:
            conn.execute(text("create table seen (id bigint primary key)"))

    def mark_first(self, conn: Connection, stripe: StripeGateway, ids: list[int], dice: Dice) -> None:
        new = self._unseen(conn, ids)
        self._mark(conn, new)
        dice.reach()
        ingestion.apply(conn, stripe, new, utc_now())

    def effect_first(self, conn: Connection, stripe: StripeGateway, ids: list[int], dice: Dice) -> None:
        new = self._unseen(conn, ids)
        conn.execute(text("update stripe_events set status = 'pending' where id = any(:ids)"), {"ids": new})
        ingestion.apply(conn, stripe, new, utc_now())
        conn.commit()
        dice.reach()
        self._mark(conn, new)

    def _unseen(self, conn: Connection, ids: list[int]) -> list[int]:
        seen = set(conn.scalars(text("select id from seen where id = any(:ids)"), {"ids": ids}))
        return [number for number in ids if number not in seen]

    def _mark(self, conn: Connection, ids: list[int]) -> None:
        conn.execute(text("insert into seen select unnest(cast(:ids as bigint[]))"), {"ids": ids})
        conn.commit()


@pytest.mark.parametrize("variant", ["shipped", "last", "strict <", "<=", "mark-first", "effect-first"])
def test_d2_the_harness_sees_what_is_wrong(variant: str, fresh_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.make(SEED, 600)
    with fresh_engine.connect() as conn:
        open_books(conn, world)
    worker: Worker = inline.shipped
    if variant in ("strict <", "<="):
        monkeypatch.setattr(storing, "judge", newest_strictly if variant == "strict <" else newest_or_equal)
    if variant in ("mark-first", "effect-first"):
        memory = Memory(fresh_engine)
        worker = memory.mark_first if variant == "mark-first" else memory.effect_first
    delivered = inline.run(fresh_engine, world, worker, as_it_arrives if variant == "last" else inline.as_it_came)
    monkeypatch.undo()
    findings = audit(fresh_engine, world, delivered.accepted)
    print(f"\nD2 {variant}: {findings}")
    assert (findings.errors == 0) == (variant == "shipped"), findings.examples[:10] + findings.differences[:10]
