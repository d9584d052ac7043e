"""RELIABILITY row O3: more callers than connections. Who gets none is told to come again; health answers."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Engine, text

from tests import loopback
from tests.reliability.servers import running_server
from vaultra.db import engine as database
from vaultra.db.engine import translate
from vaultra.errors import Unavailable

POOL, CALLERS = 2, 12
HOLD_SECONDS = 7.0
"""Longer than a caller waits for a connection: whoever waited for ever would be answered after this."""
JAM_SECONDS = 3.0


def test_o3_callers_beyond_the_pool_are_told_to_come_again_after_a_bounded_wait(fresh_database_url: str) -> None:
    engine = database.create(fresh_database_url, pool_size=POOL)
    together = Barrier(CALLERS)

    def call() -> tuple[str, float]:
        together.wait()
        began = time.monotonic()
        try:
            with engine.connect() as conn:
                conn.execute(text("select pg_sleep(:seconds)"), {"seconds": HOLD_SECONDS})
            return "answered", time.monotonic() - began
        except Exception as error:
            refused = translate(error)
            assert isinstance(refused, Unavailable)
            assert (refused.status, refused.retry_after) == (503, 5)
            return "503", time.monotonic() - began

    with ThreadPoolExecutor(CALLERS) as pool:
        found = [future.result() for future in [pool.submit(call) for _ in range(CALLERS)]]
    engine.dispose()
    waited = [seconds for what, seconds in found if what == "503"]
    print(f"\nO3: pool {POOL}, {CALLERS} callers: {dict(Counter(what for what, _ in found))}, "
          f"refused after {min(waited):.1f}-{max(waited):.1f} s")  # fmt: skip
    assert Counter(what for what, _ in found) == {"answered": POOL, "503": CALLERS - POOL}


@pytest.mark.long
def test_o3_a_jam_in_the_database_holds_up_callers_no_longer_than_it_lasts_and_health_answers(
    fresh_engine: Engine, fresh_database_url: str, tmp_path: Path
) -> None:
    with (
        running_server("auth_api", fresh_database_url, tmp_path / "log", POOL_SIZE=str(POOL)) as server,
        fresh_engine.connect() as jam,
        ThreadPoolExecutor(CALLERS) as pool,
    ):
        together = Barrier(CALLERS + 1)

        def call(number: int) -> tuple[int, float]:
            together.wait()
            began = time.monotonic()
            body = {"email": f"nobody-{number}@example.com", "password": "of somebody else"}
            answer = loopback.post(f"{server.url}/api/v1/auth/login", json=body, timeout=60)
            return answer.status_code, time.monotonic() - began

        jam.execute(text("lock table users in access exclusive mode"))
        calls = [pool.submit(call, number) for number in range(CALLERS)]
        together.wait()
        began, health = time.monotonic(), list[float]()
        while time.monotonic() - began < JAM_SECONDS:
            asked = time.monotonic()
            assert server.get("/health").status_code == 200
            health.append(time.monotonic() - asked)
            time.sleep(0.1)
        assert not [future for future in calls if future.done()], "nothing was in the way"
        jam.rollback()
        ended = [future.result() for future in calls]
        healthy = server.get("/health/ready").status_code
    print(f"\nO3: {CALLERS} callers through {POOL} connections, jammed for {JAM_SECONDS:.0f} s: "
          f"{dict(Counter(status for status, _ in ended))}, the last after {max(s for _, s in ended):.1f} s; "
          f"{len(health)} questions about health, answered in {max(health):.2f} s at most")  # fmt: skip
    assert healthy == 200
    assert {status for status, _ in ended} <= {401, 429, 503}, "the jam makes no error of its own"
    assert health, "health answers while everybody waits"
