"""RELIABILITY row D11: what was given up is re-driven, all of it, and has one effect however often that happens."""

import asyncio
import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import orjson
import pytest
from sqlalchemy import Connection, Engine, text

from tests import stripe_payloads as raw
from tests.connected import connect, keep
from tests.digests import a_scored_reader
from tests.domain.shops import AS_OF, shop
from tests.fakes import FakeMailer, FakePublisher, FakeStripe
from tests.functions.envelopes import envelope
from tests.local.estate import contents
from tests.reliability.conftest import client
from tests.stripe_payloads import NOON, Json, event
from vaultra.config import RuntimeSettings
from vaultra.db import metrics as db_metrics
from vaultra.db import sync_runs
from vaultra.domain.metrics import compute_metrics
from vaultra.ports import Message
from vaultra.services import Services
from vaultra.telemetry import configure
from vaultra.usecases import ingestion, mailing, metrics, sync
from vaultra_local import catalogue, cli

FUNCTIONS = {function.topic: function for function in catalogue.load() if function.topic}
LETTERS = 40


@dataclass(frozen=True)
class Scene:
    """Messages that died, and what is to be counted once each of them has had its effect exactly once."""

    bodies: list[Json]
    effects: dict[str, int]

    @property
    def silent(self) -> set[str]:
        """Topics that are not delivered: computing the same metrics again within a second waits for its end."""
        return set() if "scores" in self.effects else {"metrics-due"}


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    yield
    configure(RuntimeSettings(log_level="CRITICAL"))


@pytest.fixture
def mailer(services: Services, monkeypatch: pytest.MonkeyPatch) -> FakeMailer:
    monkeypatch.setenv("JWT_SECRET", secrets.token_hex(32))  # signs the links that end a digest
    services.mailer = mailer = FakeMailer()
    return mailer


def dead_events(conn: Connection, stripe: FakeStripe) -> Scene:
    """Events given up by themselves, events whose message alone was, and events that are done already."""
    connect(conn)
    ids = keep(conn, [event("charge.succeeded", raw.charge(id=f"ch_{n}"), id=f"evt_{n}") for n in range(LETTERS)])
    conn.commit()
    done, dead = ids[: LETTERS // 4], ids[LETTERS // 4 : LETTERS // 2]
    ingestion.apply(conn, stripe, done, NOON)
    # Set back what is not done yet: a backlog is drained by whoever comes.
    change = "update stripe_events set status = :status, attempts = :attempts, error = :error, processed_at = null "
    fresh, died = (
        {"status": "pending", "attempts": 0, "error": None},
        {"status": "dead", "attempts": 7, "error": "KeyError"},
    )
    conn.execute(text(change + "where id <> all(:ids)"), {**fresh, "ids": done})
    conn.execute(text(change + "where id = any(:ids)"), {**died, "ids": dead})
    return Scene([{"ids": [event_id]} for event_id in ids], {"charges": LETTERS, "rollups": LETTERS})


def failed_runs(conn: Connection, stripe: FakeStripe) -> Scene:
    """First reads that failed for good, each of an account with one charge."""
    bodies = []
    for number in range(LETTERS):
        name = f"acct_{number}"
        account = connect(conn, name)
        _at_stripe(stripe, name)
        run = sync.start(conn, integration_account_id=account.id, kind="initial", now=NOON)
        sync_runs.stop(conn, run.id, "Something crashed", NOON)
        bodies.append({"run_id": str(run.id), "step": run.step, "again": True})
    return Scene(bodies, {"charges": LETTERS, "rollups": LETTERS, "good_first_runs": LETTERS})


def ticks(conn: Connection, stripe: FakeStripe) -> Scene:
    """The same job again and again, over three accounts that have been read before."""
    for number in range(3):
        account = connect(conn, f"acct_{number}")
        _at_stripe(stripe, f"acct_{number}")
        run = sync.start(conn, integration_account_id=account.id, kind="initial", now=NOON)
        sync_runs.advance(conn, run, position=9, cursor=None, progress=1, read=0, now=NOON, finished=True)
    return Scene([{"job": "stripe_sync"}] * LETTERS, {"charges": 3, "rollups": 3, "increments": 3})


def metrics_asked_for(conn: Connection, _stripe: FakeStripe) -> Scene:
    businesses = [str(connect(conn, f"acct_{number}").business_id) for number in range(2 * LETTERS)]
    pairs = zip(businesses[::2], businesses[1::2], strict=True)
    return Scene([{"business_ids": list(pair)} for pair in pairs], {"snapshots": 2 * LETTERS, "scores": 2 * LETTERS})


def metrics_to_score(conn: Connection, _stripe: FakeStripe) -> Scene:
    businesses = [connect(conn, f"acct_{number}").business_id for number in range(LETTERS)]
    metrics.compute(conn, businesses, NOON)
    bodies = [{"business_ids": [str(business)]} for business in businesses]
    return Scene(bodies, {"snapshots": LETTERS, "scores": LETTERS})


def scores_to_advise_on(conn: Connection, _stripe: FakeStripe) -> Scene:
    """Businesses whose revenue dropped in the last period."""
    businesses = [connect(conn, f"acct_{number}").business_id for number in range(LETTERS)]
    dropped = compute_metrics(shop(), AS_OF)
    db_metrics.upsert_snapshots(conn, dict.fromkeys(businesses, dropped), AS_OF)
    return Scene([{"business_ids": [str(business)]} for business in businesses], {"recommendations": LETTERS})


def mails_to_send(conn: Connection, _stripe: FakeStripe) -> Scene:
    bodies = []
    for number in range(LETTERS):
        facts = {"changed_at": NOON.isoformat()}
        asked = mailing.request(
            conn, kind="password_changed", recipient=f"{number}@example.com", now=NOON, facts=facts
        )  # fmt: skip
        bodies.append({"mail_id": str(asked)})
    return Scene(bodies, {"mails": LETTERS})


def digests_to_write(conn: Connection, _stripe: FakeStripe) -> Scene:
    """People in whose time zone it is seven in the morning."""
    readers = [a_scored_reader(conn, time_zone="America/New_York")[0] for _ in range(LETTERS)]
    return Scene([{"user_ids": [str(reader)]} for reader in readers], {"mails": LETTERS})


SCENES: dict[str, Callable[[Connection, FakeStripe], Scene]] = {
    "stripe-event-received": dead_events,
    "stripe-sync-due": failed_runs,
    "metrics-due": metrics_asked_for,
    "metrics-computed": metrics_to_score,
    "readiness-computed": scores_to_advise_on,
    "mail-due": mails_to_send,
    "digests-due": digests_to_write,
    "tick": ticks,
}


def _at_stripe(stripe: FakeStripe, account: str) -> None:
    stripe.put(account, "account", raw.account(id=account))
    stripe.put(account, "balance", raw.balance())
    settled = raw.balance_transaction(amount=5000)
    stripe.put(account, "charges", raw.charge(id=f"ch_of_{account}", balance_transaction=settled))


def test_every_topic_of_the_catalogue_has_its_scene() -> None:
    assert set(SCENES) == set(FUNCTIONS)


@pytest.mark.parametrize("topic", SCENES)
def test_d11_replaying_everything_twice_has_one_effect_each(
    topic: str,
    services: Services,
    publisher: FakePublisher,
    stripe: FakeStripe,
    mailer: FakeMailer,
    fresh_engine: Engine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with fresh_engine.connect() as conn:
        scene = SCENES[topic](conn, stripe)
        conn.commit()
    asyncio.run(bury(topic, scene.bodies, times=2))
    assert len(letters(capsys)) == LETTERS

    assert cli.main(["dlq", "replay", "--all"]) == 0
    replayed = len(publisher.messages)
    asyncio.run(pump(publisher, times=2, silent=scene.silent))  # at least once, as any broker delivers
    first = effects(fresh_engine, mailer, scene)
    assert letters(capsys) == []

    before = {name: rows for name, rows in contents(fresh_engine).items() if name in LASTING}
    everything = letters(capsys, "--replayed")
    assert cli.main(["dlq", "replay", *everything]) == 0, "a replay is never refused for being one"
    again = len(publisher.messages)
    asyncio.run(pump(publisher, times=2, silent=scene.silent))
    second = effects(fresh_engine, mailer, scene)
    assert {name: rows for name, rows in contents(fresh_engine).items() if name in LASTING} == before
    assert (first, second) == (scene.effects, scene.effects)
    assert (replayed, again) == (LETTERS, LETTERS)
    assert letters(capsys) == []
    with capsys.disabled():
        print(f"\nD11 {topic}: {LETTERS} letters recorded twice, replayed twice, delivered 4 times each: "
              f"{replayed} re-driven, effects {first}, {_extra(first, second)} extra")  # fmt: skip


def test_d11_an_event_that_dies_again_waits_again_and_is_replayed_again(
    services: Services, publisher: FakePublisher, fresh_engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = event("charge.succeeded", {**raw.charge(id="ch_1"), "amount": "much"}, id="evt_1")
    with fresh_engine.begin() as conn:
        connect(conn)
        [event_id] = keep(conn, [broken])
    publisher.publish([Message("stripe-event-received", orjson.dumps({"ids": [event_id]}))])
    asyncio.run(pump(publisher))
    for _ in range(3):
        assert len(letters(capsys)) == 1
        assert cli.main(["dlq", "replay", "--all"]) == 0
        asyncio.run(pump(publisher))
    with fresh_engine.begin() as conn:
        repaired = raw.charge(id="ch_1")
        conn.execute(text("update stripe_events set payload = jsonb_set(payload, '{data,object,amount}', '5000')"))
        assert repaired["amount"] == 5000
    assert cli.main(["dlq", "replay", "--all"]) == 0
    asyncio.run(pump(publisher))
    assert letters(capsys) == []
    with fresh_engine.connect() as conn:
        assert conn.execute(text("select count(*) from charges")).scalar_one() == 1


LASTING = {
    "charges",
    "daily_rollups",
    "financial_metric_snapshots",
    "readiness_scores",
    "recommendations",
    "mails",
    "stripe_events",
}
"""The tables in which an effect lasts."""


def effects(engine: Engine, mailer: FakeMailer, scene: Scene) -> dict[str, int]:
    """How often each effect happened that the scene is about."""
    with engine.connect() as conn:
        found = {name: conn.execute(text(query)).scalar_one() for name, query in COUNTS.items()}
    found["mails"] = len(mailer.sent)
    return {name: found[name] for name in scene.effects}


COUNTS = {
    "charges": "select count(*) from charges",
    "rollups": "select coalesce(sum(charge_count), 0)::int from daily_rollups",
    "good_first_runs": "select count(distinct integration_account_id) from sync_runs "
    "where kind = 'initial' and finished_at is not null and error is null",
    "increments": "select count(*) from sync_runs where kind = 'incremental'",
    "snapshots": "select count(*) from financial_metric_snapshots",
    "scores": "select count(*) from readiness_scores",
    "recommendations": "select count(*) from recommendations",
}


def _extra(first: dict[str, int], second: dict[str, int]) -> int:
    return sum(second[name] - first[name] for name in first)


def letters(capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    """The ids that the operator's list shows."""
    capsys.readouterr()
    assert cli.main(["dlq", "list", "--json", *options]) == 0
    return [str(row["id"]) for row in orjson.loads(capsys.readouterr().out)["dead letters"]]


async def bury(topic: str, bodies: list[Json], *, times: int) -> None:
    """Give messages up as a broker does, whose dead-lettering may happen twice."""
    function = FUNCTIONS[topic]
    attributes = {
        "CloudPubSubDeadLetterSourceSubscription": f"{topic}.{function.hyphenated}",
        "CloudPubSubDeadLetterSourceDeliveryCount": "7",
    }
    async with client("record_dead_letter") as room:
        for number, body in enumerate(bodies):
            for _ in range(times):
                letter = envelope(body, message_id=f"{topic}-{number}", attributes=attributes)
                assert (await room.post("/", json=letter)).status_code == 204


async def pump(publisher: FakePublisher, *, times: int = 1, silent: Collection[str] = ()) -> None:
    """Deliver what was published, and what that publishes, until nothing is left."""
    async with AsyncExitStack() as stack:
        rooms: dict[str, httpx.AsyncClient] = {}
        while publisher.messages:
            taken, publisher.messages = publisher.messages, []
            for message in taken:
                if message.topic in silent:
                    continue
                if message.topic not in rooms:
                    rooms[message.topic] = await stack.enter_async_context(client(FUNCTIONS[message.topic].name))
                for _ in range(times):
                    await deliver(rooms[message.topic], orjson.loads(message.data))


async def deliver(room: httpx.AsyncClient, body: Json) -> None:
    assert (await room.post("/", json=envelope(body))).status_code == 204
