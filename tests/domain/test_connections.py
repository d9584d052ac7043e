"""How progress of reading the past is told."""

import datetime as dt
from typing import Any

from vaultra.domain.connections import BackfillKind, BackfillRun, Phase, backfill

START = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def run(kind: BackfillKind, progress: float, **changes: Any) -> BackfillRun:
    fields = {"objects": 100, "started_at": START, "finished": False, **changes}
    return BackfillRun(kind=kind, progress=progress, **fields)


def test_before_the_first_run_there_is_nothing_to_tell() -> None:
    assert backfill([]) is None


def test_the_recent_days_come_first() -> None:
    told = backfill([run(BackfillKind.HISTORY, 0.1), run(BackfillKind.RECENT, 0.3125)])
    assert told is not None
    assert (told.phase, told.percent, told.objects) == (Phase.RECENT, 31, 200)


def test_history_counts_once_the_recent_days_are_read() -> None:
    later = START + dt.timedelta(minutes=1)
    told = backfill([run(BackfillKind.RECENT, 1, finished=True), run(BackfillKind.HISTORY, 0.25, started_at=later)])
    assert told is not None
    assert (told.phase, told.percent, told.started_at) == (Phase.HISTORY, 25, START)


def test_when_everything_is_read_it_is_idle_at_a_hundred() -> None:
    told = backfill([run(BackfillKind.RECENT, 1, finished=True), run(BackfillKind.HISTORY, 1, finished=True)])
    assert told is not None
    assert (told.phase, told.percent) == (Phase.IDLE, 100)


def test_the_share_stays_below_100_until_the_run_has_ended() -> None:
    for progress, percent in [(0, 0), (0.9999, 99), (1, 99), (1.1, 99)]:
        told = backfill([run(BackfillKind.RECENT, progress)])
        assert told is not None
        assert told.percent == percent
