"""What no implementation passes on this machine: raw inserts into the same Postgres, and the work an event needs."""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from tests.bench import webhooks_events
from tests.bench.webhooks_events import KINDS, ORDER, SECRET
from tests.bench.webhooks_sides import House
from vaultra.adapters.stripe_events import receive
from vaultra.adapters.stripe_signature import verify_signature
from vaultra.services import utc_now
from vaultra_local.postgres_files import find_binaries, unprivileged_user
from vaultra_local.stripe_sim import sign

CLIENTS = 16
BATCH = 100
EVENTS = 2000


def limits(house: House, seconds: int) -> list[str]:
    """Rows of a table: what, per second, CPU µs of one core per event where it is one core's work."""
    engine = house.engine("limits")
    with engine.begin() as conn:
        conn.execute(text("create table kept (id bigserial primary key, payload jsonb)"))
    engine.dispose()
    payload = receive(_bodies(1)[0]).payload
    one = f"insert into kept (payload) values ({_literal(payload)})"
    many = f"insert into kept (payload) select * from jsonb_array_elements({_literal([payload] * BATCH)})"
    return [
        f"| inserts of one event each, {CLIENTS} connections | {_pgbench(house, one, seconds):.0f} | – |",
        f"| inserts of {BATCH} events, {CLIENTS} connections | {_pgbench(house, many, seconds) * BATCH:.0f} | – |",
        *_work(),
    ]


def _pgbench(house: House, statement: str, seconds: int) -> float:
    """Transactions per second of one statement."""
    script = house.folder / "limit.sql"
    script.write_text(statement + ";\n")
    command = [str(find_binaries(unprivileged_user()) / "pgbench"), "--no-vacuum", "--protocol=prepared"]
    command += ["--file", str(script), "--client", str(CLIENTS), "--jobs", "1", "--time", str(seconds)]
    url = house.postgres.url("limits").replace("+pg8000", "")
    done = subprocess.run([*command, url], capture_output=True, text=True, env=dict(os.environ))
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode != 0 or found is None:
        raise SystemExit(f"pgbench: {done.stderr.strip()}")
    return float(found.group(1))


def _literal(value: Any) -> str:
    """A JSON value in SQL; pgbench takes a colon before a letter for a variable, JSON has a space there or a sign."""
    return "'" + json.dumps(value).replace("'", "''") + "'"


def _bodies(count: int) -> list[bytes]:
    now = int(utc_now().timestamp())
    kinds = {kind.letter: kind for kind in KINDS}
    return [
        webhooks_events.example(kinds[ORDER[n % len(ORDER)]], number=f"limit{n:09d}", account="acct_Bench0001", now=now)
        for n in range(count)
    ]


def _work() -> list[str]:
    now = utc_now()
    bodies = _bodies(EVENTS)
    headers = [sign(body, SECRET, int(now.timestamp())) for body in bodies]

    def verify() -> None:
        for body, header in zip(bodies, headers, strict=True):
            verify_signature(body, header, [SECRET], now)

    def read() -> None:
        for body in bodies:
            receive(body)

    costs = {"the signature (HMAC of 4.6 KB)": _cpu(verify), "reading the event and leaving out the rest": _cpu(read)}
    return [f"| {what} | {1e6 / cost:.0f} | {cost:.1f} |" for what, cost in costs.items()]


def _cpu(work: Callable[[], None]) -> float:
    """Microseconds of CPU per event, the least of five."""
    spent = []
    for _ in range(5):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent) / EVENTS * 1e6
