"""What bounds the hourly run: the aggregate alone, storing alone, and an analytical database over the raw charges."""

import datetime as dt
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, text

from vaultra.db import engine as database
from vaultra.db.statements import statement

ROUNDS = 5
# Our frames, over the charges of all accounts at once.
FRAMES = """
    select account, (age + 29) // 30 - 1 as bucket, age in (30, 90) as ends_frame, 'usd' as currency,
        sum(captured) as captured_minor, count(*) filter (where charged) as charges,
        sum(captured) filter (where charged) as revenue, count(*) filter (where not charged) as failed,
        min(age) filter (where charged) as latest, list(distinct age) filter (where charged) as ages
    from (select account, date_diff('day', made, cast(? as date)) as age, charged, captured from charges)
    group by all
"""


def lines(url: str, businesses: int, now: dt.datetime, *, raw: bool) -> list[str]:
    """Sentences about one database that the run has been through."""
    engine = database.create(url, pool_size=1)
    with engine.connect() as conn:
        accounts = conn.execute(text("select array_agg(id)::text from integration_accounts")).scalar_one()
        values = {"accounts": accounts, "today": now.date(), "first_day": now.date()}
        aggregate, _ = _timed(lambda: _accounts_of_ours(conn, values))
        stored = _stored(conn)
        said = [
            f"- {businesses:,} businesses: the aggregate over their daily rollups alone takes {aggregate:.2f} s in one "
            f"statement; storing a snapshot and a score of that size for each, with their indexes and committed, "
            f"{stored:.1f} s in one statement."
        ]
        if raw:
            seconds, theirs = _duckdb(conn, Path(conn.scalar(text("show data_directory"))) / "charges.csv", now)
            if theirs != (ours := _revenue_of_ours(conn, values)):
                raise SystemExit(f"the aggregates differ: {ours} and {theirs}")
            said.append(
                f"- DuckDB makes the same sums of the raw charges in {seconds:.2f} s with two "
                f"threads: ours takes **{aggregate / seconds:.2f}** of that."
            )
    engine.dispose()
    return said


def _timed(work: Callable[[], int]) -> tuple[float, int]:
    """The median of some rounds' seconds, and what the work gave."""
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), found


def _accounts_of_ours(conn: Connection, values: dict[str, object]) -> int:
    whole = statement("metric_facts_rollups").text
    return int(conn.execute(text(f"select count(parts) from ({whole}) as account"), values).scalar_one())


def _revenue_of_ours(conn: Connection, values: dict[str, object]) -> int:
    whole = statement("metric_facts_rollups").text
    summed = f"select sum((part ->> 6)::bigint) from ({whole}) as account, json_array_elements(parts::json) as part"
    return int(conn.execute(text(summed), values).scalar_one())


def _stored(conn: Connection) -> float:
    """Seconds to store what the last run stored once more, its JSON read from text and compressed anew."""
    days = {"financial_metric_snapshots": "period_end", "readiness_scores": "scored_on"}
    copies = {table: _copy(conn, table, day) for table, day in days.items()}
    for table in copies:
        conn.execute(text(f"create table copy_of_{table} (like {table} including indexes including defaults)"))
        if options := conn.scalar(OPTIONS, {"table": table}):
            conn.execute(text(f"alter table copy_of_{table} set ({options})"))
    conn.commit()
    began = time.perf_counter()
    for copied in copies.values():
        conn.execute(text(copied))
    conn.commit()
    seconds = time.perf_counter() - began
    for table in copies:
        conn.execute(text(f"drop table copy_of_{table}"))
    conn.commit()
    return seconds


def _copy(conn: Connection, table: str, day: str) -> str:
    found = conn.execute(text(COLUMNS), {"name": table}).all()
    read = [f"cast({name}::text as jsonb)" if kind == "jsonb" else name for name, kind in found]
    latest = f"{day} = (select max({day}) from {table})"
    return f"insert into copy_of_{table} select {', '.join(read)} from {table} where {latest}"


# What `like` leaves out.
OPTIONS = text("select array_to_string(reloptions, ', ') from pg_class where oid = cast(:table as regclass)")
COLUMNS = """
    select column_name, data_type from information_schema.columns where table_name = :name order by ordinal_position
"""


def _duckdb(conn: Connection, file: Path, now: dt.datetime) -> tuple[float, int]:
    """Seconds of the aggregate over the raw charges, and the revenue it finds."""
    # Here, because every process of the run imports this module too.
    import duckdb

    conn.execute(text(f"copy ({CHARGES}) to '{file}' with (format csv, header)"))
    try:
        with duckdb.connect(config={"threads": 2}) as duck:
            duck.execute("create table charges as select * from read_csv(?)", [str(file)])
            return _timed(
                lambda: int(duck.execute(f"select sum(revenue) from ({FRAMES})", [now.date()]).fetchall()[0][0])
            )
    finally:
        file.unlink()


CHARGES = """
    select integration_account_id::text as account, (created_at at time zone 'UTC')::date as made,
        captured as charged, captured_minor as captured
    from charges
"""
