"""Starts the whole product on one machine, watches over it, and ends it without leaving anything behind."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType

import httpx
from sqlalchemy import text

from vaultra.db import broker, migrate
from vaultra.db import engine as database
from vaultra_local import catalogue, environment, state, subscriptions
from vaultra_local.lock import AlreadyRunning, hold
from vaultra_local.ports import answers, free_port, is_free
from vaultra_local.postgres import EmbeddedPostgres
from vaultra_local.postgres_files import PostgresError
from vaultra_local.processes import Child, ProcessFailed
from vaultra_local.progress import say, step

DATABASE = "vaultra"
START_SECONDS = 90.0
SUCCESS = "exit status 0"
POOLS = {"gateway": 12, "functions": 16, "messages": 2, "articles": 2}
"""Each process's database connections; together far below the server's 100."""


class Refused(RuntimeError):
    """It can't be started like this; the message says what to change."""


class Runtime:
    """The product's processes on one machine.

    Args:
        mode: `demo` has the Stripe simulator and its own settings; `dev` takes what the environment names.
        port: The gateway's.
        folder: Where data, secrets and logs are.
    """

    def __init__(self, mode: str, port: int, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.stopping = threading.Event()
        self._mode = mode
        self._port = port
        self._folder = folder
        self._postgres: EmbeddedPostgres | None = None
        self._children: list[Child] = []
        self._articles: Child | None = None

    def start(self) -> None:
        """Bring everything up in the order in which one part needs another; ends early when asked to stop."""
        catalogue.check()
        if not is_free(self._port):
            raise Refused(
                f"Port {self._port} is taken by another program. Choose another one: PORT=8090 make {self._mode}"
            )
        variables = self._environment()
        if "DATABASE_URL" not in variables:
            with step("Database"):
                variables["DATABASE_URL"] = self._start_postgres()
        state.keep_environment(self._folder, variables)
        functions_port = free_port()
        functions_url = f"http://127.0.0.1:{functions_port}"
        with step("Tables"):
            migrate.upgrade(variables["DATABASE_URL"])
            # Before anything publishes: a topic without subscriptions keeps nothing.
            _write_subscriptions(variables["DATABASE_URL"], functions_url)
        if self.stopping.is_set():
            return
        self._children = self._make_children(variables, functions_port)
        # Begun together, because each spends its first second importing; waited for in order.
        for child in self._children:
            child.start()
        for child in self._children:
            with step(child.name):
                child.wait_until_ready(START_SECONDS, self.stopping.is_set)
        # Not waited for: on the first start it takes a while, and only questions need what it makes.
        self._articles = self._child(variables, "Help articles", "articles", "cli", "knowledge", "ingest")
        self._articles.start()

    def watch(self) -> None:
        """Until asked to stop: start again what ended by itself.

        Raises:
            ProcessFailed: Something does not stay up.
        """
        while not self.stopping.wait(0.3):
            if self._postgres is not None and not self._postgres.alive:
                say("  The database ended by itself; starting it again.")
                self._postgres.restart()
            for child in self._children:
                status = child.exit_status
                if status is not None and not self.stopping.is_set():
                    say(f"  {child.name} ended by itself ({status}); starting it again. Its log: {child.log}")
                    child.restart()
            self._look_after_articles()

    def stop(self) -> None:
        """End everything: first what serves, the database last."""
        self.stopping.set()
        children = [*self._children, *([self._articles] if self._articles is not None else [])]
        for child in children:
            child.ask_to_stop()
        for child in children:
            child.wait_until_stopped()
        if self._postgres is not None:
            self._postgres.stop()

    def _look_after_articles(self) -> None:
        """Say so when the help articles could not be published."""
        if self._articles is None or (status := self._articles.exit_status) is None:
            return
        if status != SUCCESS:
            say(f"  The help articles could not be published ({status}). See {self._articles.log}")
        self._articles.wait_until_stopped()
        self._articles = None

    def _environment(self) -> dict[str, str]:
        secrets = state.generated_secrets(self._folder)
        self._mailbox_port = free_port()
        if self._mode == "demo":
            self._simulator_port, self._sign_in_port = free_port(), free_port()
            stripe = environment.of_demo(os.environ, secrets, self._port, self._simulator_port, self._mailbox_port)
            return stripe | environment.of_sign_in_simulator(self._sign_in_port)
        variables, hints = environment.of_dev(os.environ, secrets, self._port, self._mailbox_port)
        for hint in hints:
            say(f"  {hint}")
        return variables

    def _start_postgres(self) -> str:
        self._postgres = EmbeddedPostgres(self._folder / "postgres").start()
        admin = database.create(self._postgres.url(), pool_size=1, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            known = connection.scalar(text("select 1 from pg_database where datname = :name"), {"name": DATABASE})
            if known is None:
                connection.execute(text(f"create database {DATABASE}"))
        admin.dispose()
        return self._postgres.url(DATABASE)

    def _child(
        self,
        variables: Mapping[str, str],
        name: str,
        log: str,
        module: str,
        *options: str,
        ready: Callable[[], bool] = lambda: True,
    ) -> Child:
        return Child(
            name,
            [sys.executable, "-m", f"vaultra_local.{module}", *options],
            environment.for_process(variables, POOLS.get(log, 1)),
            self._folder / "logs" / f"{log}.log",
            ready,
        )

    def _make_children(self, variables: Mapping[str, str], functions_port: int) -> list[Child]:
        def child(name: str, log: str, module: str, *options: str, ready: Callable[[], bool] = lambda: True) -> Child:
            return self._child(variables, name, log, module, *options, ready=ready)

        functions, gateway = str(functions_port), str(self._port)
        children = [
            child("Functions", "functions", "server", "--port", functions, ready=lambda: answers(functions_port)),
            child(
                "Messages and schedule",
                "messages",
                "messaging",
                *("--functions-url", f"http://127.0.0.1:{functions}"),
                *("--record", str(self._folder / "scheduler.json")),
            ),
        ]
        mails: tuple[str, ...] = ()
        if variables["SMTP_URL"] == environment.mailbox_url(self._mailbox_port):
            mails = ("--mailbox", str(self._folder / "mails"))
            mailbox = child(
                "Mailbox",
                "mailbox",
                "mailbox",
                *("--port", str(self._mailbox_port), "--folder", str(self._folder / "mails")),
                ready=lambda: answers(self._mailbox_port),
            )
            children.append(mailbox)
        children.append(
            child(
                "Gateway and site", "gateway", "gateway", "--port", gateway, *mails, ready=lambda: answers(self._port)
            )
        )
        if self._mode == "demo":
            simulator = child(
                "Stripe simulator",
                "simulator",
                "stripe_sim",
                *("--port", str(self._simulator_port), "--state", str(self._folder / "simulator")),
                *("--webhook-url", f"{self.url}/api/v1/webhooks/stripe"),
                *("--webhook-secret", variables["STRIPE_WEBHOOK_SECRET"]),
                *("--secret-key", environment.SIMULATOR_KEY, "--client-id", environment.SIMULATOR_CLIENT),
                ready=lambda: _is_healthy(f"http://127.0.0.1:{self._simulator_port}/_sim/health"),
            )
            sign_in = child(
                "Sign-in simulator",
                "sign_in",
                "openid_sim",
                *("--port", str(self._sign_in_port)),
                ready=lambda: _is_healthy(f"http://127.0.0.1:{self._sign_in_port}/_sim/health"),
            )
            children[:0] = [simulator, sign_in]
        return children


def run(mode: str, port: int, after_start: Callable[[str], None]) -> int:
    """Start, do `after_start(url)` beside the running product, and wait for Ctrl-C or SIGTERM.

    Returns:
        The exit status: 130 after Ctrl-C, 143 after SIGTERM, 1 when something did not work.
    """
    folder = state.folder(mode)
    folder.mkdir(parents=True, exist_ok=True)
    runtime = Runtime(mode, port, folder)
    received: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if received:  # asked twice: leave at once; the keeper ends what we leave behind
            os._exit(128 + number)
        received.append(number)
        runtime.stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    failures: list[str] = []
    try:
        handle = hold(folder)
        try:
            runtime.start()
            if not runtime.stopping.is_set():
                beside = threading.Thread(target=_beside, args=(after_start, runtime, failures), daemon=True)
                beside.start()
                runtime.watch()
        finally:
            if received:
                say("\nStopping …")
            runtime.stop()
            os.close(handle)
    except (AlreadyRunning, Refused, catalogue.CatalogueError, PostgresError, ProcessFailed) as error:
        if not received:
            failures.append(str(error))
    for failure in failures:
        say(failure)
    if failures:
        return 1
    return 128 + received[0] if received else 0


def _beside(work: Callable[[str], None], runtime: Runtime, failures: list[str]) -> None:
    try:
        work(runtime.url)
    except Exception as error:
        if not runtime.stopping.is_set():
            failures.append(f"{type(error).__name__}: {error}")
            runtime.stopping.set()


def _write_subscriptions(database_url: str, functions_url: str) -> None:
    engine = database.create(database_url, pool_size=1)
    with engine.begin() as connection:
        broker.write_subscriptions(connection, subscriptions.from_catalogue(catalogue.load(), functions_url))
    engine.dispose()


def _is_healthy(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    time.sleep(0.1)
    return False
