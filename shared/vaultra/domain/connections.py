"""A business's connection to its Stripe account, and how far reading its history has come."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True)
class OauthState:
    """Who started an OAuth round trip, and for which business."""

    user_id: UUID
    business_id: UUID


class Mode(StrEnum):
    """How an account lets us in: by its owner's consent at Stripe, or by a restricted key of theirs."""

    OAUTH = "oauth"
    KEY = "key"


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
    mode: Mode
    working: bool
    error: str | None
    connected_at: dt.datetime
    last_synced_at: dt.datetime | None


@dataclass(frozen=True)
class SealedKey:
    """An owner's restricted key as it is stored, and the connection it belongs to; `sealed` None when there is none."""

    connection_id: UUID
    business_id: UUID
    external_id: str
    sealed: str | None


_RESTRICTED_KEY = re.compile(r"rk_(live|test)_[A-Za-z0-9]{10,240}")


def refusal_of_key(key: str) -> str | None:
    """Why this can't be a restricted key of Stripe's, in words for whoever pasted it; None when it may be one."""
    if key.startswith("sk_"):
        return (
            "This is a secret key, which can do everything in your Stripe account. Vaultra keeps nothing of it. "
            "Create a restricted key that can only read, and paste that one."
        )
    if key.startswith("pk_"):
        return "This is a publishable key, which can't read your payments. Create a restricted key and paste that one."
    if _RESTRICTED_KEY.fullmatch(key) is None:
        return "This is not a whole restricted key: those begin with rk_live_ or rk_test_. Copy it again from Stripe."
    return None


def is_live_key(key: str) -> bool:
    """Whether a key of Stripe's belongs to live mode; what is no test key does."""
    return not key.startswith(("sk_test", "rk_test"))


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
    return min(int(100 * run.progress), 99)  # it is whole when it has ended, and not before
