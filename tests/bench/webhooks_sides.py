"""The servers of the webhook comparison, each over a database of its own on the same durable Postgres."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from tests.bench import servers, webhooks_events
from tests.bench.webhooks_chain import FUNCTION, subscription
from vaultra.db import broker, migrate
from vaultra.db import engine as database
from vaultra_local.catalogue import ROOT
from vaultra_local.keeper import keeper
from vaultra_local.postgres import EmbeddedPostgres, erase

PEERS = Path(__file__).with_name("peers")
PACKAGES = {"supabase": "@supabase/stripe-sync-engine", "stripe": "@stripe/sync-engine"}
DRAIN_SECONDS = 300.0
NOBODY = "http://127.0.0.1:9"


class Side:
    """One server that takes webhooks, and its database.

    Attributes:
        processes: What is measured as the application, each with its children.
    """

    def __init__(self, name: str, url: str, processes: list[int], engine: Engine | None = None) -> None:
        self.name = name
        self.url = url
        self.processes = processes
        self._engine = engine

    @property
    def engine(self) -> Engine:
        """Connections to the side's database."""
        assert self._engine is not None, "this side keeps nothing"
        return self._engine

    def clear(self) -> None:
        """Forget every event, so that no cell pays for the one before."""

    def lost(self, run: str, sent: int, answered: int) -> int:
        """How many events of a run were answered with 200 and are not stored."""
        return 0

    def _scalar(self, statement: str, **values: str) -> int:
        with self.engine.connect() as conn:
            return int(conn.scalar(text(statement), values) or 0)

    def _truncate(self, tables: str) -> None:
        with self.engine.begin() as conn:
            conn.execute(text(f"truncate {tables}"))
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("checkpoint"))


class Ours(Side):
    """`stripe_webhook`, alone or with the chain behind it."""

    def clear(self) -> None:
        self._truncate(
            "stripe_events, broker_messages, broker_deliveries, charges, payouts, disputes, daily_rollups, metrics_due"
        )

    def lost(self, run: str, sent: int, answered: int) -> int:
        stored = self._scalar("select count(*) from stripe_events where event_id like :run", run=f"evt_{run}x%")
        return max(0, answered - stored)

    def wait_until_drained(self) -> int:
        """Until every event is applied to its rows and rollups; how many were. Fails when one can't be applied."""
        end = time.monotonic() + DRAIN_SECONDS
        while self._scalar("select count(*) from stripe_events where status = 'pending'"):
            if time.monotonic() > end:
                raise SystemExit(f"ours: not drained after {DRAIN_SECONDS:g} s")
            time.sleep(0.02)
        done = self._scalar("select count(*) from stripe_events where status = 'done'")
        if done != self._scalar("select count(*) from stripe_events"):
            raise SystemExit("ours: some events were not applied")
        counted = self._scalar("select sum(charge_count) from daily_rollups")
        if counted != self._scalar("select count(*) from charges") or not counted:
            raise SystemExit("ours: the rollups do not say what the rows say")
        return done


class Peer(Side):
    """An engine that stores charges and disputes, and answers payouts without keeping them."""

    def clear(self) -> None:
        self._truncate("stripe.charges, stripe.disputes")

    def lost(self, run: str, sent: int, answered: int) -> int:
        stored = self._scalar(
            "select (select count(*) from stripe.charges where id like 'ch' || :run)"
            " + (select count(*) from stripe.disputes where id like 'dp' || :run)",
            run=f"\\_{run}x%",
        )
        # What was sent last and not answered may be missing.
        return max(0, webhooks_events.stored_by_peers(sent) - (sent - answered) - stored)


@dataclass(frozen=True)
class House:
    """The durable Postgres that all sides share."""

    postgres: EmbeddedPostgres
    folder: Path

    def engine(self, name: str) -> Engine:
        """Connections to a new database."""
        admin = database.create(self.postgres.url(), pool_size=1, isolation_level="AUTOCOMMIT")
        with admin.connect() as conn:
            conn.execute(text(f"create database {name}"))
        admin.dispose()
        return database.create(self.postgres.url(name), pool_size=2)


@contextlib.contextmanager
def house() -> Iterator[House]:
    """A server with fsync on, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="vaultra-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root, the server runs as another user, who must get in
        try:
            with EmbeddedPostgres(folder / "postgres") as postgres:
                yield House(postgres, folder)
        finally:
            erase(folder / "postgres")


@contextlib.contextmanager
def ours(house: House, *, chain: bool) -> Iterator[Ours]:
    """The webhook function, with a hundred connected accounts; `chain` adds broker and worker."""
    name = "ours_chain" if chain else "ours"
    engine = house.engine(name)
    url = house.postgres.url(name)
    migrate.upgrade_engine(engine)
    with engine.begin() as conn:
        conn.execute(text(BUSINESSES), {"count": webhooks_events.ACCOUNTS})
        conn.execute(text(CONNECTED), {"count": webhooks_events.ACCOUNTS})
        # Somebody listens, so an announcement is kept, as in the product.
        broker.write_subscriptions(conn, [subscription(NOBODY)])
    with contextlib.ExitStack() as stack:
        stack.callback(engine.dispose)
        webhook = stack.enter_context(
            servers.function("stripe_webhook", url, STRIPE_WEBHOOK_SECRET=webhooks_events.SECRET)
        )
        processes = [webhook.pid]
        if chain:
            worker = stack.enter_context(servers.function(FUNCTION, url, STRIPE_SECRET_KEY="sk_test_of_the_bench"))
            processes += [worker.pid, stack.enter_context(_pusher(url, worker.address))]
        yield Ours("ours, drained" if chain else "ours", f"{webhook.address}/api/v1/webhooks/stripe", processes, engine)


@contextlib.contextmanager
def _pusher(url: str, endpoint: str) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.webhooks_chain", endpoint],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": url, "POOL_SIZE": "1"},
        stderr=subprocess.DEVNULL,
    )
    keeper().watch(process.pid)
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(servers.STOP_SECONDS)
        keeper().release(process.pid)


@contextlib.contextmanager
def peer(house: House, name: str) -> Iterator[Peer]:
    """One of the engines as its repository serves it."""
    _install_peers()
    engine = house.engine(name)
    with engine.begin() as conn:
        conn.execute(text(ROLE))
    specification = house.folder / "openapi.json"
    specification.write_text(json.dumps(_openapi()))
    environment = {
        "DATABASE_URL": house.postgres.url(name).replace("+pg8000", ""),
        "STRIPE_WEBHOOK_SECRET": webhooks_events.SECRET,
        "OPENAPI_SPEC": str(specification),
        "NODE_ENV": "production",
    }
    try:
        with servers.serve(["node", f"{name}.js"], environment, PEERS, port_option=None) as server:
            yield Peer(PACKAGES[name], f"{server.address}/webhooks", [server.pid], engine)
    finally:
        engine.dispose()


@contextlib.contextmanager
def null() -> Iterator[Side]:
    """Nobody: what remains is the load's own cost."""
    command = [sys.executable, "-m", "uvicorn", "tests.bench.webhooks_null:app", "--host", "127.0.0.1"]
    command += ["--log-level", "warning", "--no-access-log"]
    with servers.serve(command, {}, ROOT, port_option="--port") as server:
        yield Side("a server that only answers", f"{server.address}/", [server.pid])


def _install_peers() -> None:
    if (PEERS / "node_modules" / ".package-lock.json").exists():
        return
    done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=PEERS, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"The engines we compare with do not install: {done.stderr.strip()}")


def _openapi() -> dict[str, object]:
    """What @stripe/sync-engine makes its columns of. It would fetch Stripe's whole document from GitHub."""
    kinds: dict[type, str] = {bool: "boolean", int: "integer", dict: "object", list: "array"}
    schemas = {}
    for name in ("charge", "dispute"):
        fixture = webhooks_events.fixtures()[name]
        properties = {field: {"type": kinds.get(type(value), "string")} for field, value in fixture.items()}
        schemas[name] = {"type": "object", "x-resourceId": name, "properties": properties}
    return {"openapi": "3.0.0", "info": {"version": "2020-08-27"}, "components": {"schemas": schemas}}


# @supabase/stripe-sync-engine grants rights to it.
ROLE = "do $$ begin create role postgres; exception when duplicate_object then null; end $$"
BUSINESSES = """
    insert into businesses (id, name, created_at, updated_at)
    select md5('business-' || n)::uuid, 'Shop number ' || n, now(), now()
    from generate_series(1, cast(:count as int)) as n
"""
CONNECTED = """
    insert into integration_accounts (business_id, external_id, livemode, status, default_currency, connected_at)
    select md5('business-' || n)::uuid, 'acct_Bench' || lpad(n::text, 4, '0'), true, 'connected', 'usd', now()
    from generate_series(1, cast(:count as int)) as n
"""
