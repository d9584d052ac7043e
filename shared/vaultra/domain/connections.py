"""A business's connection to its Stripe account, and how far reading its history has come."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True)
class OauthState:
    """Who started an OAuth round trip, and for which business."""

    user_id: UUID
    business_id: UUID


@dataclass(frozen=True)
class Connection:
    """A business's Stripe account that has not been disconnected.

    `working` is False once Stripe no longer lets us in, and `error` says why. `last_synced_at` is None
    until a first read has finished.
    """

    id: UUID
    business_id: UUID
    external_id: str
    livemode: bool
    working: bool
    error: str | None
    connected_at: dt.datetime
    last_synced_at: dt.datetime | None


class BackfillKind(StrEnum):
    """The two runs that read an account's past: the last 90 days first, then what came before."""

    RECENT = "initial"
    HISTORY = "history"


@dataclass(frozen=True)
class BackfillRun:
    """One run: the share of it that is done (0 to 1), and how many objects were read."""

    kind: BackfillKind
    progress: float
    objects: int
    started_at: dt.datetime
    finished: bool


class Phase(StrEnum):
    """What is being read now."""

    RECENT = "recent"
    HISTORY = "history"
    IDLE = "idle"


@dataclass(frozen=True)
class Backfill:
    """How far reading the past has come.

    Attributes:
        percent: 0–100, of the run under way; 100 when idle.
        objects: Read by all runs since the account was connected.
        started_at: When the first of those runs began.
    """

    phase: Phase
    percent: int
    objects: int
    started_at: dt.datetime


def backfill(runs: Sequence[BackfillRun]) -> Backfill | None:
    """The progress that runs since the connection add up to; None before the first one.

    While both kinds are under way, the recent days are the ones the owner waits for.
    """
    if not runs:
        return None
    open_runs = {run.kind: run for run in runs if not run.finished}
    current = open_runs.get(BackfillKind.RECENT) or open_runs.get(BackfillKind.HISTORY)
    return Backfill(
        phase=_phase(current),
        percent=100 if current is None else _percent(current),
        objects=sum(run.objects for run in runs),
        started_at=min(run.started_at for run in runs),
    )


def _phase(current: BackfillRun | None) -> Phase:
    if current is None:
        return Phase.IDLE
    return Phase.RECENT if current.kind is BackfillKind.RECENT else Phase.HISTORY


def _percent(run: BackfillRun) -> int:
    return int(100 * min(run.progress, 1))
