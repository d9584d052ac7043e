"""The first read of an account's history: charges from the API to rows and rollups.

`python -m tests.bench.backfill` measures it with one and with two processes (some minutes), `--quick` a little of it,
`--profile` shows where the time of one process goes.
"""

import argparse
import contextlib
import cProfile
import multiprocessing
import pstats
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import text

from tests.bench import load, servers, webhooks_sides
from tests.bench.api import DOCUMENT, write
from tests.bench.backfill_pages import PAGE
from tests.bench.servers import Server
from tests.bench.webhooks_sides import BUSINESSES, CONNECTED, House
from vaultra.adapters.stripe import StripeApi
from vaultra.config import RuntimeSettings, StripeSettings
from vaultra.db import engine as database
from vaultra.db import migrate, sync_runs
from vaultra.services import utc_now
from vaultra.telemetry import configure
from vaultra.usecases import sync
from vaultra_local.catalogue import ROOT

BEGIN = "<!-- made by tests.bench.backfill -->"
ACCOUNTS = 4
DATABASE = "backfill"
SHOWN = 40


@dataclass(frozen=True)
class Plan:
    """How much is read: `charges` by each of four accounts."""

    rounds: int
    charges: int


WHOLE = Plan(rounds=3, charges=50_000)
QUICK = Plan(rounds=1, charges=5_000)


@dataclass(frozen=True)
class Figures:
    """One measurement. CPU in microseconds per charge: our processes, the database, the simulator."""

    per_second: float
    app_cpu: float
    database_cpu: float
    simulator_cpu: float


def read_account(database_url: str, stripe_url: str, number: int) -> float:
    """Read one account's charges, step after step as `stripe_sync` does; gives the CPU seconds that it took."""
    began = time.process_time()
    configure(RuntimeSettings(log_level="WARNING"))
    settings = StripeSettings(stripe_secret_key=SecretStr("sk_test_of_the_bench"), stripe_api_base=stripe_url)
    # Without the pace that Stripe asks of us: it would be what is measured.
    stripe = StripeApi(settings, utc_now)
    engine = database.create(database_url, pool_size=1)
    with engine.connect() as conn:
        account: UUID = conn.execute(text(NTH_ACCOUNT), {"skip": number}).scalar_one()
        start = str(int(utc_now().timestamp()) - 100 * 86_400)
        reading = [{"resource": "charges", "params": {"created[gte]": start}}]
        run = sync_runs.open_run(conn, account, "incremental", reading, utc_now())
        conn.commit()
    steps = [(run.id, run.step)]
    while steps:
        with engine.connect() as conn:  # as each message's call has a transaction of its own
            steps = sync.take_step(conn, stripe, *steps[0], utc_now()).next_steps
            conn.commit()
    engine.dispose()
    return time.process_time() - began


def measure(house: House, simulator: Server, processes: int, charges: int) -> Figures:
    """Read all accounts with so many processes at once.

    Raises:
        SystemExit: the rows or the rollups are not what the simulator has.
    """
    url = house.postgres.url(DATABASE)
    _clear(url)
    method = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=method) as pool:
        list(pool.map(time.sleep, [0.2] * processes))  # the imports are not measured
        others = house.postgres.pid, simulator.pid
        before = [load.cpu_seconds(pid) for pid in others]
        began = time.monotonic()
        urls = [url] * ACCOUNTS, [simulator.address] * ACCOUNTS
        app = sum(pool.map(read_account, *urls, range(ACCOUNTS)))
        seconds = time.monotonic() - began
        used = [
            load.cpu_seconds(pid) - old for pid, old in zip((house.postgres.pid, simulator.pid), before, strict=True)
        ]
    total = ACCOUNTS * charges
    _check(url, total)
    return Figures(total / seconds, *(spent / total * 1e6 for spent in (app, *used)))


def _clear(url: str) -> None:
    engine = database.create(url, pool_size=1)
    with engine.begin() as conn:
        conn.execute(text("truncate charges, daily_rollups, metrics_due, sync_runs"))
    engine.dispose()


def _check(url: str, total: int) -> None:
    engine = database.create(url, pool_size=1)
    with engine.connect() as conn:
        rows, captured = conn.execute(text("select count(*), sum(captured_minor) from charges")).one()
        counted, summed = conn.execute(text("select sum(charge_count), sum(captured_minor) from daily_rollups")).one()
    engine.dispose()
    if not (rows == counted == total and captured == summed):
        raise SystemExit(f"of {total} charges {rows} are rows and {counted} are in the rollups")


@contextlib.contextmanager
def running(charges: int) -> Iterator[tuple[House, Server]]:
    """A durable Postgres with four connected accounts, and the simulator."""
    with webhooks_sides.house() as house:
        engine = house.engine(DATABASE)
        migrate.upgrade_engine(engine)
        with engine.begin() as conn:
            for statement in (BUSINESSES, CONNECTED):
                conn.execute(text(statement), {"count": ACCOUNTS})
        engine.dispose()
        command = [sys.executable, "-m", "tests.bench.backfill_pages", "--charges", str(charges)]
        with servers.serve(command, {}, ROOT, port_option="--port") as simulator:
            yield house, simulator


def pages_per_second(simulator: Server, seconds: int) -> float:
    """How fast the simulator gives pages to whoever does nothing with them."""
    address = f"{simulator.address}/v1/charges?limit={PAGE}"
    done = subprocess.run(
        ["wrk", "--threads", "1", "--connections", "4", "--duration", f"{seconds}s", address],
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("Requests/sec:"))
    return float(line.split()[1])


def table(limit: float, results: dict[int, Figures]) -> str:
    """The results in Markdown."""
    lines = [
        "| processes | charges/s | CPU µs per charge: ours + database | simulator |",
        "|---|---|---|---|",
    ]
    for processes, figures in results.items():
        lines.append(
            f"| {processes} | **{figures.per_second:.0f}** | {figures.app_cpu:.0f} + {figures.database_cpu:.0f} "
            f"| {figures.simulator_cpu:.0f} |"
        )
    lines.append(f"| the simulator alone: {limit:.0f} pages/s | {limit * PAGE:.0f} | – | – |")
    return "\n".join(lines)


def median(rounds: Sequence[Figures]) -> Figures:
    """Each figure's median."""
    return Figures(*(statistics.median(values) for values in zip(*map(astuple, rounds), strict=True)))


def compare(plan: Plan) -> str:
    """Measure one process and two in turns."""
    measured: dict[int, list[Figures]] = {1: [], 2: []}
    with running(plan.charges) as (house, simulator):
        limit = pages_per_second(simulator, 2)
        for number in range(plan.rounds):
            for processes, rounds in measured.items():
                rounds.append(measure(house, simulator, processes, plan.charges))
                print(f"round {number + 1}: {processes} {rounds[-1]}", file=sys.stderr)
    return table(limit, {processes: median(rounds) for processes, rounds in measured.items()})


def profile(charges: int) -> None:
    """Read one account in this process under cProfile, which makes calls look dearer than they are."""
    with running(charges) as (house, simulator):
        arguments = house.postgres.url(DATABASE), simulator.address
        seconds = read_account(*arguments, 0)
        print(f"{seconds / charges * 1e6:.0f} µs of CPU per charge")
        profiler = cProfile.Profile()
        profiler.runcall(read_account, *arguments, 1)
    pstats.Stats(profiler).strip_dirs().sort_stats("tottime").print_stats(SHOWN)


NTH_ACCOUNT = "select id from integration_accounts order by external_id limit 1 offset :skip"


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of 5,000 charges per account")
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    parser.add_argument("--write", action="store_true", help="put the table into docs/PERFORMANCE.md")
    options = parser.parse_args()
    load.check_wrk()
    if options.profile:
        profile(QUICK.charges)
        return
    made = compare(QUICK if options.quick else WHOLE)
    print(made)
    if options.write:
        write(DOCUMENT, made, BEGIN)


if __name__ == "__main__":
    main()
