"""RELIABILITY row O7: a database restored to an earlier moment, brought up to date as docs/OPERATIONS.md says."""

import asyncio
import datetime as dt
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from sqlalchemy import Connection, Engine, text

from tests.connected import everything
from tests.fakes import FakeMailer, FakePublisher, FakeStripe
from tests.functions.conftest import SignedIn
from tests.oracle.oracle import answer, compare, random_shop
from tests.oracle.test_product_agrees import AS_OF, RATES, Loader, earlier, every_object
from tests.own_postgres import own_postgres
from tests.reliability.conftest import client
from tests.reliability.test_operations import pump
from tests.stripe_payloads import Json, at
from vaultra.config import AuthSettings, RuntimeSettings
from vaultra.db import engine as database
from vaultra.db import migrate, sync_runs
from vaultra.ports import Message
from vaultra.services import Services
from vaultra.telemetry import configure
from vaultra.usecases import accounts, dispatch, mailing, sessions, sync
from vaultra_local import cli
from vaultra_local.postgres import EmbeddedPostgres
from vaultra_local.postgres_files import find_binaries, unprivileged_user

ACCOUNT = "acct_restored"
POINT = AS_OF - dt.timedelta(hours=20)
"""To this moment the database is restored; what happened from here to AS_OF is lost."""

HOUR = dt.timedelta(hours=1)
CHANGES = {
    "charge": "charge.updated",
    "refund": "refund.updated",
    "dispute": "charge.dispute.updated",
    "payout": "payout.updated",
    "invoice": "invoice.updated",
    "subscription": "customer.subscription.updated",
    "customer": "customer.updated",
    "radar.early_fraud_warning": "radar.early_fraud_warning.updated",
}
UNTOLD = ("balance_transaction", "customer")
"""No event tells of the first; a subscription brings the second."""


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    yield
    configure(RuntimeSettings(log_level="CRITICAL"))


@pytest.fixture
def new_server() -> Iterator[EmbeddedPostgres]:
    """The cluster that is restored into."""
    with own_postgres(durable=False) as server:
        yield server


@pytest.mark.parametrize("seed", [3, 4])
def test_o7_a_restored_database_is_brought_up_to_date_and_nobody_gets_a_mail_twice(
    seed: int,
    fresh_engine: Engine,
    fresh_database_url: str,
    new_server: EmbeddedPostgres,
    wire: Callable[..., Services],
    publisher: FakePublisher,
    stripe: FakeStripe,
    tmp_path: Path,
) -> None:
    mailer = FakeMailer()
    shop = random_shop(seed, AS_OF)
    stripe.as_of = AS_OF
    with fresh_engine.connect() as conn:
        owner = sign_up(conn)
        loader = Loader(conn, stripe, owner, shop, ACCOUNT)
        before, news = split(shop, random.Random(seed))
        loader.store(before, POINT - HOUR)
        loader.apply(raw for raw in shop["events"] if raw["created"] < at(POINT))
        conn.execute(text("update integration_accounts set balance = null"))
        first = sync.start(conn, integration_account_id=loader.account.id, kind="initial", now=POINT - HOUR)
        sync_runs.advance(conn, first, position=9, cursor=None, progress=1, read=0, now=POINT, finished=True)
        waiting = mailing.request(conn, kind="password_changed", recipient="ana@example.com", now=POINT - HOUR,
                                  facts={"changed_at": POINT.isoformat()})  # fmt: skip
        conn.commit()
        dump(fresh_database_url, tmp_path / "backup")

        # Three days that will be lost: payments and changes, a mail that waited, another one, a sign-in.
        loader.store([raw for raw in shop["balance_transactions"] if raw["created"] >= at(POINT)])
        loader.apply(news)
        later = mailing.request(conn, kind="password_changed", recipient="bo@example.com", now=POINT + HOUR,
                                facts={"changed_at": POINT.isoformat()})  # fmt: skip
        conn.commit()
        services = serve(wire(fresh_engine, publisher, stripe), mailer)
        for mail_id in (waiting, later):
            assert mail_id is not None
            mailing.deliver(conn, mailer, services.site, services.auth.jwt_secrets, mail_id, POINT + HOUR)
            conn.commit()
        lost = everything(conn)
    at_stripe(stripe, shop, news)
    assert Counter(mail.recipient for mail in mailer.sent) == {"ana@example.com": 1, "bo@example.com": 1}

    restore(new_server, tmp_path / "backup")
    migrate.upgrade(new_server.url())
    engine = database.create(new_server.url(), pool_size=4)
    with engine.connect() as conn:
        assert everything(conn) != lost
    services = serve(wire(engine, publisher, stripe), mailer)
    for command in (
        ["sessions", "end", "--everyone"],
        ["mails", "drop", "--before", POINT.isoformat()],
        ["account", "resync", "--every", "--since", POINT.isoformat()],
    ):
        for _ in range(2):  # and the one who was woken may repeat each
            assert cli.main(command) == 0
    # Open: messages and schedule flow again.
    asyncio.run(pump(publisher, silent={"metrics-due"}))
    tick(publisher, "sweep")
    tick(publisher, "compute_metrics")
    asyncio.run(pump(publisher))
    with engine.connect() as conn:
        found = everything(conn)
        token = sessions.begin(conn, accounts.get_user(conn, UUID(owner.id)), address="192.0.2.1",
                               secrets=services.auth.jwt_secrets, now=AS_OF)  # fmt: skip
        conn.commit()
    given = asyncio.run(ask(token, "metrics", "readiness"))
    differences = compare(answer(shop, AS_OF, usd_reference=RATES), *given)
    engine.dispose()
    assert differences == []
    assert {name: len(rows) for name, rows in found.items()} == {name: len(rows) for name, rows in lost.items()}
    twice = {who: times for who, times in Counter(mail.recipient for mail in mailer.sent).items() if times > 1}
    assert twice == {}
    objects = sum(len(rows) for name, rows in found.items() if name != "daily_rollups")
    print(f"O7 shop {seed}: restored to 20 hours ago; {len(news)} lost events, {objects} objects afterwards, "
          f"{len(differences)} differences from the oracle, {len(twice)} mails twice")  # fmt: skip


def sign_up(conn: Connection) -> SignedIn:
    user = accounts.sign_up(conn, email="ana@example.com", name="Ana", password_hash="x", now=POINT - HOUR)
    return SignedIn(str(user.id), user.email, {})


def serve(services: Services, mailer: FakeMailer) -> Services:
    """Everything at the present moment."""
    services.clock = lambda: AS_OF
    services.mailer = mailer
    services.auth = AuthSettings(jwt_secret="a-secret-of-the-tests-with-32-bytes")
    return services


def split(shop: Json, chance: random.Random) -> tuple[list[Json], list[Json]]:
    """What was stored at the point, a fifth of it in an earlier state; and the events since, which tell the rest."""
    stored, news = [], [raw for raw in shop["events"] if raw["created"] >= at(POINT)]
    for raw in every_object(shop):
        if raw.get("created", 0) < at(POINT) or raw["object"] == "customer":
            changed = raw["object"] not in UNTOLD and chance.random() < 0.2
            stored.append(earlier(raw) if changed else raw)
        else:
            changed = raw["object"] not in UNTOLD
        if changed:
            news.append(told(raw, max(raw.get("created", 0), at(POINT)) + chance.randrange(3600)))
    return stored, sorted(news, key=lambda item: item["created"])


def told(raw: Json, created: int) -> Json:
    """The event that tells an object's present state."""
    return {
        "id": f"evt_of_{raw['id']}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": min(created, at(AS_OF)),
        "livemode": raw.get("livemode", True),
        "type": CHANGES[raw["object"]],
        "data": {"object": raw},
    }


def at_stripe(stripe: FakeStripe, shop: Json, news: list[Json]) -> None:
    """What Stripe lists beside the objects: the account, its balance, the events since the point."""
    stripe.put(ACCOUNT, "account", shop["account"])
    if shop["balance"] is not None:
        stripe.put(ACCOUNT, "balance", shop["balance"])
    stripe.put(ACCOUNT, "events", *reversed(news))


def dump(url: str, file: Path) -> None:
    _postgres("pg_dump", "--format=custom", "--file", str(file), plain(url))


def restore(server: EmbeddedPostgres, file: Path) -> None:
    _postgres("pg_restore", "--exit-on-error", "--dbname", plain(server.url()), str(file))


def plain(url: str) -> str:
    return url.replace("postgresql+pg8000://", "postgresql://")


def _postgres(program: str, *arguments: str) -> None:
    binaries = find_binaries(unprivileged_user())
    done = subprocess.run([str(binaries / program), *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def tick(publisher: FakePublisher, job: str) -> None:
    """What the schedule does."""
    publisher.publish([Message(dispatch.TICK_TOPIC, orjson.dumps({"job": job}))])


async def ask(token: str, *names: str) -> list[Json]:
    """Ask the deployed room, as an owner's browser does."""
    async with client("metrics_api") as room:
        replies = [await room.get(f"/api/v1/{name}", headers={"Authorization": f"Bearer {token}"}) for name in names]
    assert [reply.status_code for reply in replies] == [200] * len(names), [reply.text for reply in replies]
    return [reply.json() for reply in replies]
