"""Reading an account's objects from Stripe, one committed step after the other.

A step reads a few pages, writes them with the cursor in one transaction and announces the next step, so
that a run survives any crash, resumes where it was and never holds a transaction while Stripe answers.
"""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection

from vaultra.adapters.stripe_events import HANDLERS, received_event
from vaultra.adapters.stripe_objects import balance_amounts, parse
from vaultra.db import inbox, objects, rollups, sync_runs
from vaultra.db.inbox import ReceivedEvent
from vaultra.db.objects import Account
from vaultra.db.sync_runs import Run
from vaultra.errors import InvalidInput, NotFound, Unavailable, VaultraError
from vaultra.ports import Json, StripeGateway
from vaultra.telemetry import log
from vaultra.usecases import storing, sync_failures
from vaultra.usecases.ingestion import MOST_READINGS, messages_of
from vaultra.usecases.storing import Answers, State
from vaultra.usecases.sync_plans import EVENTS_LISTED, RECENT, SINGLETONS, fraction_read, plan, progress

__all__ = ["RECENT", "TOPIC", "StepResult", "go_on", "plan", "replay", "start", "take_step"]

TOPIC = "stripe-sync-due"
PAGE = 100
OBJECTS_PER_STEP = 1000
# Then a step ends with what it has read: its function has 300 s, and one more page may take 60 of them.
SECONDS_PER_STEP = 120
# Without these there is nothing to measure; every other resource an account may lack.
ESSENTIAL = ("account", "charges")
# Runs that are taken up where they failed; the others are short, and begin at what was read last.
RESUMED = ("initial", "history")
# What a reconciliation may begin from: after these no event was left unread.
COMPLETE = ("initial", "reconcile")

Timer = Callable[[], float]
"""Seconds of some clock that only goes forward."""


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
    pages: int = 0


@dataclass
class StepResult:
    """What to announce after a step: its run's next step, events found, businesses whose metrics are due."""

    next_steps: list[tuple[UUID, int]] = field(default_factory=list)
    events: list[list[int]] = field(default_factory=list)
    metrics_due: list[UUID] = field(default_factory=list)


def start(conn: Connection, *, integration_account_id: UUID, kind: str, now: dt.datetime) -> Run:
    """Begin a run, or give the one of its kind that is under way; an initial run ends all others first.

    An incremental run or a reconciliation needs Stripe's list of events from where the last one began. When that
    is longer ago than Stripe lists events, everything is read anew by an initial run instead.
    The caller announces (run.id, run.step) on `TOPIC`.
    """
    since = None
    if kind == "initial":
        sync_runs.abandon(conn, integration_account_id, now)
    elif kind != "history":
        of_kinds = (COMPLETE,) if kind == "reconcile" else ()
        since = sync_runs.last_finished(conn, integration_account_id, *of_kinds)
        if since is None or now - since > EVENTS_LISTED:
            return go_on(conn, integration_account_id=integration_account_id, kind="initial", now=now)
    return sync_runs.open_run(conn, integration_account_id, kind, plan(kind, now, since), now)


def go_on(conn: Connection, *, integration_account_id: UUID, kind: str, now: dt.datetime) -> Run:
    """Give the run of this kind that is under way, else begin one: where the last one failed, if it did.

    The caller announces (run.id, run.step) on `TOPIC`; for a run that is not `new` the sweeper would, too.
    """
    newest = sync_runs.find_newest(conn, integration_account_id, kind) if kind in RESUMED else None
    if newest is not None and newest.finished_at is None:
        return newest
    if newest is not None and newest.error not in (None, sync_runs.SUPERSEDED, sync_runs.DISCONNECTED):
        return sync_runs.open_run(conn, integration_account_id, kind, newest.plan, now, after=newest)
    return start(conn, integration_account_id=integration_account_id, kind=kind, now=now)


def replay(conn: Connection, run_id: UUID, now: dt.datetime) -> StepResult:
    """Go on with what a run that failed was to do; for an operator who has removed the cause."""
    run = sync_runs.find(conn, run_id)
    if run is None or objects.lock_account(conn, run.account_id) is None:
        return StepResult()
    following = go_on(conn, integration_account_id=run.account_id, kind=run.kind, now=now)
    return StepResult(next_steps=[(following.id, following.step)])


def take_step(
    conn: Connection,
    stripe: StripeGateway,
    run_id: UUID,
    step: int,
    now: dt.datetime,
    *,
    timer: Timer = time.monotonic,
) -> StepResult:
    """Do one step of a run; a step that was done before, or of a run that ended, changes nothing.

    Raises:
        Exception: The broker is to bring the message again; `sync_failures` says when.
    """
    run = sync_runs.find(conn, run_id)
    if run is None or run.finished_at is not None or run.step != step:
        return StepResult()
    account = objects.get_account(conn, run.account_id)
    conn.rollback()  # nothing is held while Stripe answers
    if account is None:
        sync_runs.stop(conn, run.id, sync_runs.DISCONNECTED, now)
        return StepResult()
    try:
        return _do(conn, stripe, account, run, now, timer)
    except Exception as error:
        conn.rollback()
        sync_failures.settle(conn, run, error, now)
        return StepResult()


def _do(
    conn: Connection, stripe: StripeGateway, account: Account, run: Run, now: dt.datetime, timer: Timer
) -> StepResult:
    read = _read(stripe, account, run, timer)
    answers: Answers = {}
    for _ in range(MOST_READINGS):
        result, needed = _write(conn, run, read, answers, now)
        if not needed:
            return result
        conn.rollback()
        answers.update(storing.read_again(stripe, needed))
    raise Unavailable("The objects change faster than they can be read")


def _read(stripe: StripeGateway, account: Account, run: Run, timer: Timer) -> StepRead:
    """Read pages until a thousand objects, the end of the plan or of the step's time; or until Stripe fails us."""
    read = StepRead(position=run.position, cursor=run.cursor)
    began = timer()
    while read.position < len(run.plan) and read.read < OBJECTS_PER_STEP and timer() - began < SECONDS_PER_STEP:
        entry = run.plan[read.position]
        try:
            _read_page(stripe, account, entry["resource"], entry["params"], read)
            read.pages += 1
        except (NotFound, InvalidInput) as error:
            if isinstance(error, NotFound) and read.cursor is not None:
                # The object after which to go on is gone: read the window again, all of it.
                log.warning("sync.cursor_lost", resource=entry["resource"])
                read.cursor, read.fraction = None, 0.0
                continue
            if entry["resource"] in ESSENTIAL:
                raise sync_failures.Unreadable(error.message) from error
            # An account, or a Stripe, without this resource: what it would tell is not measured.
            log.warning("sync.resource_missing", resource=entry["resource"], reason=error.message)
            _next_resource(read)
        except VaultraError as error:
            if not error.retry or read.pages == 0:
                raise
            # What was read is kept: the next step asks for the rest.
            log.info("sync.interrupted", run_id=str(run.id), pages=read.pages, reason=error.message)
            break
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
    for item in items:
        try:
            _take(item, resource, account, page.as_of, read)
        except InvalidInput as error:
            # One object we can't read must not keep us from all the others.
            log.error("sync.object_unreadable", resource=resource, object_id=item.get("id"), reason=error.message)
    read.read += len(items)
    if not page.body.get("has_more") or not items:
        _next_resource(read)
    else:
        read.cursor = items[-1]["id"]
        read.fraction = fraction_read(items[-1], params, page.as_of)


def _take(item: Json, resource: str, account: Account, as_of: dt.datetime, read: StepRead) -> None:
    if resource == "events":
        if item.get("type") in HANDLERS:
            read.events.append(received_event({**item, "account": account.external_id}))
        return
    if item.get("livemode", account.livemode) != account.livemode:
        return  # the other mode's objects never mix with this one's
    parsed = parse(item, account.settlement_currency or _currency_read(read))
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


def _write(
    conn: Connection, run: Run, read: StepRead, answers: Answers, now: dt.datetime
) -> tuple[StepResult, list[storing.ReadRequest]]:
    account = objects.lock_account(conn, run.account_id)
    current = sync_runs.find(conn, run.id, lock=True)
    if account is None or current is None:
        sync_runs.stop(conn, run.id, sync_runs.DISCONNECTED, now)
        return StepResult(), []
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
    result = StepResult(events=_keep_events(conn, run, read.events, now))
    finished = read.position >= len(run.plan)
    sync_runs.advance(
        conn,
        run,
        position=read.position,
        cursor=read.cursor,
        progress=progress(run.plan, read.position, read.fraction),
        read=read.read,
        now=now,
        finished=finished,
    )
    if finished:
        _finish(conn, account, run, now, result)
    else:
        result.next_steps.append((run.id, run.step + 1))
    return result, []


def _keep_events(conn: Connection, run: Run, events: list[ReceivedEvent], now: dt.datetime) -> list[list[int]]:
    if not events:
        return []
    if run.kind == "reconcile":
        missed = len(events) - inbox.count_known(conn, events)
        # Counted by the metric of this name: every one of them is a webhook that was lost.
        log.info("reconcile.found", run_id=str(run.id), missed=missed, read=len(events))
    return messages_of(inbox.keep(conn, events, now))


def _finish(conn: Connection, account: Account, run: Run, now: dt.datetime, result: StepResult) -> None:
    if run.kind in sync_runs.READING:
        complete = True if run.kind == "history" else None
        objects.mark_synced(conn, account.id, now, history_complete=complete)
        result.metrics_due = rollups.request_metrics(conn, [account.business_id], now)
    if run.kind == "initial":
        history = go_on(conn, integration_account_id=account.id, kind="history", now=now)
        result.next_steps.append((history.id, history.step))
    log.info("sync.finished", run_id=str(run.id), kind=run.kind, objects=run.objects)
