"""Reading an account's objects from Stripe, one committed step after the other.

A step reads a few pages, writes them with the cursor in one transaction and announces the next step, so
that a run survives any crash, resumes where it was and never holds a transaction while Stripe answers.
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from vaultra.adapters.stripe_events import HANDLERS, received_event
from vaultra.adapters.stripe_objects import balance_amounts, parse
from vaultra.db import inbox, objects, rollups, sync_runs
from vaultra.db.inbox import ReceivedEvent
from vaultra.db.objects import Account
from vaultra.db.sync_runs import Run
from vaultra.errors import AccessRevoked, InvalidInput, NotFound, Unavailable
from vaultra.ports import Json, StripeGateway
from vaultra.telemetry import log
from vaultra.usecases import storing
from vaultra.usecases.ingestion import MOST_READINGS, messages_of
from vaultra.usecases.storing import Answers, State

TOPIC = "stripe-sync-due"
PAGE = 100
OBJECTS_PER_STEP = 1000
RECENT = dt.timedelta(days=90)
HISTORY = dt.timedelta(days=731)  # 24 months
# What changed while the last run was reading is read again.
OVERLAP = dt.timedelta(hours=1)
# Read beyond the 90 days: a payout is created up to two weeks before it arrives, and movements tell the balance.
MARGIN = dt.timedelta(days=15)

# Objects that have a time and are never changed but through events.
DATED = ("charges", "refunds", "disputes", "payouts", "invoices", "radar/early_fraud_warnings")
SINGLETONS = ("account", "balance")
# A payment has one charge and one movement, and seldom anything else.
WEIGHTS = {"charges": 20, "balance_transactions": 20}
# Without these there is nothing to measure; every other resource an account may lack.
ESSENTIAL = ("account", "charges")
UNREADABLE = "Stripe did not let Vaultra read this account's payments. Connect it again."


@dataclass
class StepRead:
    """What one step read: objects, events, account and balance, and where the next step begins."""

    states: list[State] = field(default_factory=list)
    events: list[ReceivedEvent] = field(default_factory=list)
    balance: tuple[Json, dt.datetime] | None = None
    account: tuple[Json, dt.datetime] | None = None
    position: int = 0
    cursor: str | None = None
    fraction: float = 0.0
    read: int = 0


@dataclass
class StepResult:
    """What to announce after a step: its run's next step, events found, businesses whose metrics are due."""

    next_steps: list[tuple[UUID, int]] = field(default_factory=list)
    events: list[list[int]] = field(default_factory=list)
    metrics_due: list[UUID] = field(default_factory=list)


def plan(kind: str, now: dt.datetime, since: dt.datetime | None = None) -> list[dict[str, Any]]:
    """What a run of this kind reads, in order: [{resource, params}].

    Args:
        kind: initial (the last 90 days, so that a score appears soon), history (the rest of 24 months),
            incremental (what is new since the last run).
        now: The run's beginning.
        since: For incremental: when the last run began.
    """
    if kind == "history":
        window = _created(now - HISTORY, now - RECENT)
        return [{"resource": name, "params": window} for name in DATED if name != "payouts"]
    start = now - RECENT if since is None else since - OVERLAP
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


def start(conn: Connection, *, integration_account_id: UUID, kind: str, now: dt.datetime) -> Run:
    """Begin a run, or give the one of its kind that is under way; an initial run ends all others first.

    The caller announces (run.id, run.step) on `TOPIC`.
    """
    if kind == "initial":
        sync_runs.abandon(conn, integration_account_id, now)
    since = sync_runs.last_finished(conn, integration_account_id) if kind == "incremental" else None
    return sync_runs.open_run(conn, integration_account_id, kind, plan(kind, now, since), now)


def take_step(conn: Connection, stripe: StripeGateway, run_id: UUID, step: int, now: dt.datetime) -> StepResult:
    """Do one step of a run; a step that was done before, or of a run that ended, changes nothing.

    Raises:
        Unavailable, RateLimited: When Stripe does not answer; the broker brings the message again.
    """
    run = sync_runs.find(conn, run_id)
    if run is None or run.finished_at is not None or run.step != step:
        return StepResult()
    account = objects.get_account(conn, run.account_id)
    conn.rollback()  # nothing is held while Stripe answers
    if account is None:
        return _stop(conn, run, "disconnected", now)
    try:
        read = _read(stripe, account, run)
        answers: Answers = {}
        for _ in range(MOST_READINGS):
            result, needed = _write(conn, run, read, answers, now)
            if not needed:
                return result
            conn.rollback()
            answers.update(storing.read_again(stripe, needed))
    except AccessRevoked as error:
        conn.rollback()
        objects.mark_error(conn, account.id, error.message)
        return _stop(conn, run, error.message, now)
    raise Unavailable("The objects change faster than they can be read")


def _stop(conn: Connection, run: Run, reason: str, now: dt.datetime) -> StepResult:
    log.warning("sync.stopped", run_id=str(run.id), kind=run.kind, reason=reason)
    sync_runs.stop(conn, run.id, reason, now)
    return StepResult()


def _read(stripe: StripeGateway, account: Account, run: Run) -> StepRead:
    """Read pages until a thousand objects or the end of the plan."""
    read = StepRead(position=run.position, cursor=run.cursor)
    while read.position < len(run.plan) and read.read < OBJECTS_PER_STEP:
        entry = run.plan[read.position]
        try:
            _read_page(stripe, account, entry["resource"], entry["params"], read)
        except (NotFound, InvalidInput) as error:
            if isinstance(error, NotFound) and read.cursor is not None:
                # The object after which to go on is gone: read the window again, all of it.
                log.warning("sync.cursor_lost", resource=entry["resource"])
                read.cursor, read.fraction = None, 0.0
                continue
            if entry["resource"] in ESSENTIAL:
                raise AccessRevoked(UNREADABLE) from error
            # An account, or a Stripe, without this resource: what it would tell is not measured.
            log.warning("sync.resource_missing", resource=entry["resource"], reason=error.message)
            _next_resource(read)
    return read


def _read_page(stripe: StripeGateway, account: Account, resource: str, params: dict[str, str], read: StepRead) -> None:
    if resource in SINGLETONS:
        answer = (
            storing.read_account(stripe, account)
            if resource == "account"
            else stripe.retrieve(account.external_id, resource)
        )
        if resource == "account":
            read.account = (answer.body, answer.as_of)
        else:
            read.balance = (balance_amounts(answer.body), answer.as_of)
        _next_resource(read)
        return
    after = {"starting_after": read.cursor} if read.cursor else {}
    page = stripe.list_page(account.external_id, resource, {"limit": str(PAGE), **params, **after})
    items: list[Json] = page.body.get("data") or []
    settlement = account.settlement_currency or _currency_read(read)
    for item in items:
        try:
            _take(item, resource, account, settlement, page.as_of, read)
        except InvalidInput as error:
            # One object we can't read must not keep us from all the others.
            log.error("sync.object_unreadable", resource=resource, object_id=item.get("id"), reason=error.message)
    read.read += len(items)
    if not page.body.get("has_more") or not items:
        _next_resource(read)
    else:
        read.cursor = items[-1]["id"]
        read.fraction = _fraction(items[-1], params, page.as_of)


def _take(item: Json, resource: str, account: Account, settlement: str, as_of: dt.datetime, read: StepRead) -> None:
    if resource == "events":
        if item.get("type") in HANDLERS:
            read.events.append(received_event({**item, "account": account.external_id}))
        return
    if item.get("livemode", account.livemode) != account.livemode:
        return  # the other mode's objects never mix with this one's
    parsed = parse(item, settlement)
    if parsed is not None:
        read.states += storing.states_of(parsed, as_of)


def _currency_read(read: StepRead) -> str:
    if read.account is None:
        raise Unavailable("The account's settlement currency is not known yet")
    currency = read.account[0].get("default_currency")
    if not isinstance(currency, str):
        raise Unavailable("Stripe's account object names no currency")
    return currency.lower()


def _next_resource(read: StepRead) -> None:
    read.position += 1
    read.cursor = None
    read.fraction = 0.0


def _progress(plan: list[dict[str, Any]], position: int, fraction: float) -> float:
    """The share of a run that is read, its resources weighted by how many objects they usually have."""
    weights = [WEIGHTS.get(entry["resource"], 1) for entry in plan]
    under_way = weights[position] * fraction if position < len(weights) else 0
    return (sum(weights[:position]) + under_way) / sum(weights)


def _fraction(last: Json, params: dict[str, str], as_of: dt.datetime) -> float:
    """How much of a window is read, when the newest come first."""
    start = int(params.get("created[gte]", 0))
    end = int(params.get("created[lt]", as_of.timestamp()))
    created = last.get("created")
    if not start or not isinstance(created, int) or end <= start:
        return 0.0
    return min(max((end - created) / (end - start), 0.0), 1.0)


def _write(
    conn: Connection, run: Run, read: StepRead, answers: Answers, now: dt.datetime
) -> tuple[StepResult, list[storing.ReadRequest]]:
    account = objects.lock_account(conn, run.account_id)
    current = sync_runs.find(conn, run.id, lock=True)
    if account is None or current is None:
        return _stop(conn, run, "disconnected", now), []
    if current.step != run.step or current.finished_at is not None:
        return StepResult(), []  # another delivery of this message was faster
    if read.account is not None:
        body, as_of = read.account
        raw = storing.Answer(State(storing.ACCOUNT, account.external_id, as_of, None), body, None)
        account = storing.keep_account(conn, account, raw)
    if read.balance is not None:
        objects.update_account(conn, account.id, version_at=read.balance[1], balance=read.balance[0])
    stored = storing.store(conn, account, read.states, answers)
    if stored.needed:
        return StepResult(), stored.needed
    result = StepResult(events=messages_of(inbox.keep(conn, read.events, now)) if read.events else [])
    finished = read.position >= len(run.plan)
    sync_runs.advance(
        conn,
        run,
        position=read.position,
        cursor=read.cursor,
        progress=_progress(run.plan, read.position, read.fraction),
        read=read.read,
        now=now,
        finished=finished,
    )
    if finished:
        _finish(conn, account, run, now, result)
    else:
        result.next_steps.append((run.id, run.step + 1))
    return result, []


def _finish(conn: Connection, account: Account, run: Run, now: dt.datetime, result: StepResult) -> None:
    complete = True if run.kind == "history" else None
    objects.mark_synced(conn, account.id, now, history_complete=complete)
    result.metrics_due = rollups.request_metrics(conn, [account.business_id], now)
    if run.kind == "initial":
        history = start(conn, integration_account_id=account.id, kind="history", now=now)
        result.next_steps.append((history.id, history.step))
    log.info("sync.finished", run_id=str(run.id), kind=run.kind, objects=run.objects)
