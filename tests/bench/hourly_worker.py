"""What a process of the hourly run does: pages of businesses, one after another."""

import datetime as dt
import time
from dataclasses import dataclass
from uuid import UUID

import psutil  # type: ignore[import-untyped,unused-ignore]
from sqlalchemy import Engine

from vaultra.db import engine as database
from vaultra.process import configure_once
from vaultra.usecases import metrics, readiness

_engine: Engine | None = None


@dataclass(frozen=True)
class Page:
    """What a page took. `computed` are businesses, memory is what the process has afterwards."""

    computed: int
    cpu_seconds: float
    megabytes: float


def start(url: str) -> None:
    """What an instance does when it starts."""
    global _engine
    configure_once()
    _engine = database.create(url, pool_size=1)


def run_page(business_ids: list[UUID], now: dt.datetime) -> Page:
    """One message of `compute_metrics` and the one that it announces, each in its transaction."""
    assert _engine is not None
    began = time.process_time()
    with _engine.begin() as conn:
        computed = metrics.compute(conn, business_ids, now, unless_unchanged=True)
    with _engine.begin() as conn:
        readiness.compute(conn, computed, now)
    used = time.process_time() - began
    return Page(len(computed), used, psutil.Process().memory_info().rss / 2**20)
