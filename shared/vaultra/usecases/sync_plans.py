"""What each kind of run reads, in which windows, and how far one has come."""

import datetime as dt
from typing import Any

from vaultra.ports import Json

RECENT = dt.timedelta(days=90)
HISTORY = dt.timedelta(days=731)  # 24 months
# What changed while the last run was reading is read again.
OVERLAP = dt.timedelta(hours=1)
# Read beyond the 90 days: a payout is created up to two weeks before it arrives, and movements tell the balance.
MARGIN = dt.timedelta(days=15)
# Stripe lists events for 30 days; a day less, so that none expires while a run is on its way to it.
EVENTS_LISTED = dt.timedelta(days=29)
# An event so young may still be on its way as a webhook: it is no missed one yet.
ON_ITS_WAY = dt.timedelta(minutes=15)

# Objects that have a time and are never changed but through events.
DATED = ("charges", "refunds", "disputes", "payouts", "invoices", "radar/early_fraud_warnings")
SINGLETONS = ("account", "balance")
# A payment has one charge and one movement, and seldom anything else.
WEIGHTS = {"charges": 20, "balance_transactions": 20}


def plan(kind: str, now: dt.datetime, since: dt.datetime | None = None) -> list[dict[str, Any]]:
    """What a run of this kind reads, in order: [{resource, params}].

    Args:
        kind: initial (the last 90 days, so that a score appears soon), history (the rest of 24 months),
            incremental (what is new since the last run), reconcile (the events since the last one).
        now: The run's beginning.
        since: For incremental and reconcile: when the last run began.
    """
    if kind == "history":
        window = _created(now - HISTORY, now - RECENT)
        return [{"resource": name, "params": window} for name in DATED if name != "payouts"]
    start = now - RECENT if since is None else since - OVERLAP
    if kind == "reconcile":
        return [{"resource": "events", "params": _created(start, now - ON_ITS_WAY)}]
    if kind == "initial":
        start -= MARGIN
    types = {"type": "payout.paid"} if kind == "initial" else {}
    return [
        *({"resource": name, "params": {}} for name in SINGLETONS),
        *({"resource": name, "params": _created(start)} for name in DATED),
        {"resource": "subscriptions", "params": {"status": "all"} | ({} if kind == "initial" else _created(start))},
        {"resource": "balance_transactions", "params": _created(start)},
        {"resource": "events", "params": _created(start) | types},
    ]


def _created(start: dt.datetime, end: dt.datetime | None = None) -> dict[str, str]:
    window = {"created[gte]": str(int(start.timestamp()))}
    if end is not None:
        window["created[lt]"] = str(int(end.timestamp()))
    return window


def progress(plan: list[dict[str, Any]], position: int, fraction: float) -> float:
    """The share of a run that is read, its resources weighted by how many objects they usually have.

    Args:
        position: How many of the plan's resources are read whole.
        fraction: The share of the next one that is read, 0 to 1.
    """
    weights = [WEIGHTS.get(entry["resource"], 1) for entry in plan]
    under_way = weights[position] * fraction if position < len(weights) else 0
    return (sum(weights[:position]) + under_way) / sum(weights)


def fraction_read(last: Json, params: dict[str, str], as_of: dt.datetime) -> float:
    """How much of a window is read when the newest come first and `last` was the last; 0 when it can't be told."""
    start = int(params.get("created[gte]", 0))
    end = int(params.get("created[lt]", as_of.timestamp()))
    created = last.get("created")
    if not start or not isinstance(created, int) or end <= start:
        return 0.0
    return min(max((end - created) / (end - start), 0.0), 1.0)
