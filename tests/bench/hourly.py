"""The hourly run: every business's metrics and score computed and stored, as `dispatch` and the two rooms behind it do.

`python -m tests.bench.hourly` measures 10,000 businesses with five million charges, and 100,000 over daily rollups (a
quarter of an hour, six gigabytes of disk), beside what the machine allows and what DuckDB takes over the raw charges.
`--quick` measures 1,000 and 5,000.
"""

import argparse
import contextlib
import datetime as dt
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine, text

from tests.bench import data, hourly_data, hourly_limits, hourly_worker, load, servers
from tests.bench.api import DOCUMENT, OWNERS, PREFIX, write
from tests.bench.hourly_worker import Page
from vaultra.db import engine as database
from vaultra.usecases import dispatch, sessions
from vaultra.usecases.accounts import get_user
from vaultra_local.postgres import EmbeddedPostgres, erase

BEGIN = "<!-- made by tests.bench.hourly -->"
PROCESSES = 2
"""One for each core. Each takes a page at a time, as an instance of `compute_metrics` takes a message."""
MIDDAY = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)
USUAL = "a usual hour"
# What is kept of the objects was read before; a day's first run stores a snapshot and a score of every business.
RUNS = {
    "the first ever": MIDDAY,
    "the first of a day": MIDDAY + dt.timedelta(hours=12, minutes=7),
    USUAL: MIDDAY + dt.timedelta(hours=13, minutes=7),
}
READ_CONNECTIONS, READ_SECONDS = 16, 8


@dataclass(frozen=True)
class Size:
    """How many businesses, and whether with their charges or with rollups alone."""

    businesses: int
    raw: bool

    def __str__(self) -> str:
        return f"{self.businesses:,}, {'with charges' if self.raw else 'over rollups'}"


WHOLE = (Size(10_000, raw=True), Size(100_000, raw=False))
QUICK = (Size(1_000, raw=True), Size(5_000, raw=False))


@dataclass(frozen=True)
class Figures:
    """One run. CPU in microseconds per business; memory is the most that a worker had after a page."""

    seconds: float
    app_cpu: float
    database_cpu: float
    megabytes: float


# --- a run -----------------------------------------------------------------------------------


def run(url: str, postgres: int, size: Size, now: dt.datetime) -> Figures:
    """One hourly run by processes that have started; raises SystemExit when it left a business out."""
    engine = database.create(url, pool_size=1)
    method = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=method, initializer=hourly_worker.start, initargs=(url,)) as pool:
        list(pool.map(time.sleep, [0.5] * PROCESSES))  # the imports are not measured
        before, began = load.cpu_seconds(postgres), time.monotonic()
        pages: list[Future[Page]] = []
        after: UUID | None = None
        while True:
            with engine.begin() as conn:
                told = dict(dispatch.run(conn, dispatch.Tick("compute_metrics", after), now))
            if page := told.get(dispatch.METRICS_TOPIC):
                pages.append(pool.submit(hourly_worker.run_page, [UUID(one) for one in page["business_ids"]], now))
            if dispatch.TICK_TOPIC not in told:
                break
            after = UUID(told[dispatch.TICK_TOPIC]["after"])
        done = [page.result() for page in pages]
        seconds, used = time.monotonic() - began, load.cpu_seconds(postgres) - before
    _check(engine, size, now)
    engine.dispose()
    return Figures(
        seconds=seconds,
        app_cpu=sum(page.cpu_seconds for page in done) / size.businesses * 1e6,
        database_cpu=used / size.businesses * 1e6,
        megabytes=max(page.megabytes for page in done),
    )


def _change(url: str, run: str) -> None:
    """Before a usual hour, something happened at every twentieth business; before the others nothing need have."""
    if run != USUAL:
        return
    engine = database.create(url, pool_size=1)
    with engine.begin() as conn:
        conn.execute(text("create temporary table changed as select * from integration_accounts where random() < 0.05"))
        of_changed = "where id in (select id from changed)"
        conn.execute(text(f"update integration_accounts set objects_version = objects_version + 1 {of_changed}"))
        conn.execute(text("insert into metrics_due (business_id, requested_at) select business_id, now() from changed"))
    engine.dispose()


def _check(engine: Engine, size: Size, now: dt.datetime) -> None:
    values = {"day": now.date(), "now": now}
    with engine.connect() as conn:
        fresh = conn.scalar(text("select count(*) from financial_metric_snapshots where computed_at = :now"), values)
        scored = conn.scalar(
            text("select count(distinct business_id) from readiness_scores where scored_on = :day"), values
        )
    if fresh != size.businesses or scored != size.businesses:
        raise SystemExit(f"of {size.businesses} businesses {fresh} have metrics and {scored} a score")


@contextlib.contextmanager
def filled(size: Size) -> Iterator[tuple[EmbeddedPostgres, str]]:
    """A durable Postgres with so many businesses in it, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="vaultra-bench-") as folder:
        Path(folder).chmod(0o755)  # as root, the server runs as another user, who must get in
        state = Path(folder) / "postgres"
        try:
            with EmbeddedPostgres(state) as postgres:
                began = time.monotonic()
                hourly_data.fill(postgres.url(), businesses=size.businesses, raw=size.raw, now=MIDDAY)
                print(f"{size}: filled in {time.monotonic() - began:.0f} s", file=sys.stderr)
                yield postgres, postgres.url()
        finally:
            erase(state)


# --- what is measured beside -----------------------------------------------------------------


def reads(url: str, postgres: EmbeddedPostgres, businesses: int) -> dict[str, load.Figures]:
    """What asking for the stored numbers takes while the tables are full."""
    tokens = _owners(url, businesses)
    measured = {}
    with tempfile.TemporaryDirectory(prefix="vaultra-bench-") as folder:
        token_file = Path(folder) / "tokens"
        token_file.write_text("\n".join(tokens))
        for path in ("/readiness", "/metrics", "/recommendations"):
            with servers.function(OWNERS[path], url) as server:
                processes = {"app": server.pid, "postgres": postgres.pid}
                for seconds in (2, READ_SECONDS):  # the first warms it up
                    measured[path] = load.measure(
                        server.address + PREFIX + path,
                        token_file,
                        connections=READ_CONNECTIONS,
                        seconds=seconds,
                        **processes,
                    )
    return measured


def _owners(url: str, businesses: int) -> list[str]:
    """Give every business an owner and recommendations; the bearer tokens of a thousand owners."""
    engine, now = database.create(url, pool_size=1), servers.utc_now()
    with engine.begin() as conn:
        for statement in (data.USERS, data.MEMBERSHIPS, data.SESSIONS, data.RECOMMENDATIONS):
            conn.execute(text(statement), {"count": businesses, "now": now})
        owners = [get_user(conn, data._id("user", number)) for number in range(1, 1001)]
        secrets = [servers.SECRET]
        tokens = [sessions.begin(conn, owner, address="203.0.113.7", secrets=secrets, now=now) for owner in owners]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        # What autovacuum does within minutes would else go on, and be measured, while the reads are.
        conn.execute(text("vacuum analyze"))
        conn.execute(text("checkpoint"))
    engine.dispose()
    return tokens


# --- the table -------------------------------------------------------------------------------


def table(results: Mapping[Size, Mapping[str, Figures]]) -> str:
    """The runs in Markdown."""
    lines = [
        "| businesses | run | seconds | CPU µs per business: app | database | memory of a worker, MB |",
        "|---|---|---|---|---|---|",
    ]
    for size, runs in results.items():
        for name, figures in runs.items():
            lines.append(
                f"| {size} | {name} | **{figures.seconds:.1f}** | {figures.app_cpu:.0f} | {figures.database_cpu:.0f} "
                f"| {figures.megabytes:.0f} |"
            )
    return "\n".join(lines)


def read_table(measured: Mapping[str, load.Figures]) -> str:
    """The reads in Markdown."""
    lines = ["| read, 16 connections | requests/s | p50, p95, p99 in ms |", "|---|---|---|"]
    for path, found in measured.items():
        lines.append(f"| {path} | {found.per_second:.0f} | {found.p50:.1f}, {found.p95:.1f}, {found.p99:.1f} |")
    return "\n".join(lines)


def measure(sizes: tuple[Size, ...]) -> str:
    """Everything, in Markdown."""
    results: dict[Size, dict[str, Figures]] = {}
    beside: list[str] = []
    for size in sizes:
        with filled(size) as (postgres, url):
            results[size] = {}
            for name, now in RUNS.items():
                _change(url, name)
                results[size][name] = run(url, postgres.pid, size, now)
                print(f"{size}, {name}: {results[size][name]}", file=sys.stderr)
            beside += hourly_limits.lines(url, size.businesses, MIDDAY, raw=size.raw)
            if size is sizes[-1]:
                made = read_table(reads(url, postgres, size.businesses))
    return "\n".join([table(results), "", *beside, "", made])


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1,000 and 5,000 businesses")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/PERFORMANCE.md")
    options = parser.parse_args()
    load.check_wrk()
    made = measure(QUICK if options.quick else WHOLE)
    print(made)
    if options.write:
        write(DOCUMENT, made, BEGIN)


if __name__ == "__main__":
    main()
