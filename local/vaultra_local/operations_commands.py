"""The operator's commands, one function each; `cli.COMMANDS` names them."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from vaultra.config import ScheduleSettings
from vaultra.db import accounts, dead_letters
from vaultra.db import deletion as deletion_rows
from vaultra.db import operations as db
from vaultra.errors import NotFound
from vaultra.ports import Schedule
from vaultra.usecases import deletion, knowledge, operations, owners_keys
from vaultra.usecases.operations import Done
from vaultra_local import articles, jobs
from vaultra_local.known_vectors import KnownVectors
from vaultra_local.operations import Desk

Rows = list[dict[str, Any]]
LONGEST_ERROR = 60
KEYS_AT_ONCE = 500

# --- dead letters ---------------------------------------------------------------------------


def dlq_list(desk: Desk) -> dict[str, Rows]:
    """The letters that wait, oldest first."""
    options = desk.options
    letters = dead_letters.list_letters(desk.conn, topic=options.topic, since=options.since, replayed=options.replayed)
    return {
        "dead letters": [
            {
                "id": letter.id,
                "topic": letter.topic,
                "dead_at": letter.dead_at,
                "attempts": letter.attempts,
                "replayed_at": letter.replayed_at,
                "error": (letter.error or "")[:LONGEST_ERROR],
            }
            for letter in letters
        ]
    }


def dlq_show(desk: Desk) -> dict[str, Any]:
    """One letter, with what its message says: ids, never anything personal."""
    [letter] = operations.choose_letters(desk.conn, ids=[desk.options.id])
    told = {**asdict(letter), "data": operations.read_body(letter)}
    if told["data"] is None:
        told["data"] = f"{len(letter.data)} bytes that are not JSON"
    return {"letter": told}


def dlq_replay(desk: Desk) -> Done:
    letters = operations.choose_letters(desk.conn, ids=desk.options.ids, topic=desk.options.topic)
    return operations.replay(desk.conn, letters)


def dlq_drop(desk: Desk) -> Done:
    return operations.drop(desk.conn, operations.choose_letters(desk.conn, ids=desk.options.ids))


# --- accounts -------------------------------------------------------------------------------


def account_list(desk: Desk) -> dict[str, Rows]:
    """Every connection there is or was."""
    return {"accounts": [_account_row(account) for account in db.list_accounts(desk.conn)]}


def account_show(desk: Desk) -> dict[str, Rows]:
    """One Stripe account: its connections, their latest runs, its events."""
    accounts = operations.find_accounts(desk.conn, desk.options.account)
    runs = [
        {"livemode": account.livemode, **asdict(run), "progress": f"{run.progress:.0%}"}
        for account in accounts
        for run in db.list_runs(desk.conn, account.id)
    ]
    events = [
        {"livemode": count.livemode, "status": count.status, "events": count.events, "oldest": count.oldest}
        for count in db.count_events(desk.conn, desk.options.account)
    ]
    return {"connections": [_account_row(account) for account in accounts], "runs": runs, "events": events}


def _account_row(account: db.AccountState) -> dict[str, Any]:
    return {
        "account": account.account,
        "mode": "live" if account.livemode else "test",
        "status": account.status,
        "business": account.business_id,
        "history": "complete" if account.history_complete else "incomplete",
        "last_synced_at": account.last_synced_at,
        "error": account.error,
    }


def account_resync(desk: Desk) -> Done:
    options = desk.options
    accounts = operations.connected_accounts(desk.conn, options.account)
    return operations.resync(desk.conn, accounts, desk.now, since=options.since, whole=options.whole)


def account_reconcile(desk: Desk) -> Done:
    accounts = operations.connected_accounts(desk.conn, desk.options.account)
    return operations.reconcile(desk.conn, accounts, desk.now)


def account_disconnect(desk: Desk) -> Done:
    accounts = operations.connected_accounts(desk.conn, desk.options.account)
    stripe = None if desk.options.dry_run else desk.services.stripe
    return operations.disconnect(desk.conn, stripe, accounts, desk.now)


# --- events, metrics, people, keys, mails ---------------------------------------------------


def events_parked(desk: Desk) -> dict[str, Rows]:
    """Events whose account nobody has connected: forgotten after 72 hours."""
    counts = db.count_events(desk.conn, desk.options.account, status="parked")
    return {
        "parked events": [
            {
                "account": count.account,
                "mode": "live" if count.livemode else "test",
                "events": count.events,
                "oldest": count.oldest,
                "forgotten_at": count.oldest + db.PARKED_KEPT,
            }
            for count in counts
        ]
    }


def events_redrive(desk: Desk) -> Done:
    return operations.redrive(desk.conn, desk.options.account)


def recompute(desk: Desk) -> Done:
    return operations.recompute(desk.conn, desk.options.business, desk.now, since=desk.options.since)


def sessions_end(desk: Desk) -> Done:
    return operations.end_sessions(desk.conn, desk.options.user, desk.now)


def people_delete(desk: Desk) -> Done:
    """As their own button does it: the businesses that only they own go, too."""
    user = accounts.find_user(desk.conn, desk.options.user)
    if user is None:
        raise NotFound(f"Nobody has the id {desk.options.user}")
    alone = deletion_rows.list_solely_owned(desk.conn, user.id)
    if not desk.options.dry_run:
        deletion.delete_user(desk.conn, desk.services.stripe, user.id, confirm=user.email, now=desk.now)
    return Done({"people_deleted": 1, "businesses_deleted": len(alone)})


def keys_reseal(desk: Desk) -> Done:
    """Page by page, because a page's rows are locked until it is committed."""
    resealed, broken, after, more = 0, list[UUID](), None, True
    while more:
        page = owners_keys.reseal(desk.conn, desk.services.sealing, after, KEYS_AT_ONCE)
        if not desk.options.dry_run:
            desk.conn.commit()
        resealed, broken, after, more = resealed + page.keys, broken + page.broken, page.last, page.last is not None
    return Done({"keys_resealed": resealed, "keys_broken": len(broken), "connections_of_broken": broken})


def knowledge_ingest(desk: Desk) -> Done:
    found = articles.read_all(desk.options.folder)
    embedder, store = KnownVectors(desk.services.embedder, desk.options.folder), desk.services.vectors
    if desk.options.dry_run:
        published = knowledge.compare(desk.conn, embedder, store, found)
    else:
        published = knowledge.publish(desk.conn, embedder, store, found, desk.now)
    return Done(asdict(published))


def mails_drop(desk: Desk) -> Done:
    return operations.drop_mails(desk.conn, desk.options.before)


# --- jobs -----------------------------------------------------------------------------------


def jobs_list(desk: Desk) -> dict[str, Rows]:
    """Every job; a paused one has no next time."""
    return {"jobs": [asdict(job) for job in _schedule(desk).list_jobs()]}


def jobs_run(desk: Desk) -> Done:
    schedule = _schedule(desk)
    [job] = jobs.chosen(schedule, desk.options.job)
    if not desk.options.dry_run:
        schedule.run(job.name)
    return Done({"job": job.name}, schedule.ticks(job.name))


def jobs_pause(desk: Desk) -> Done:
    """Those that run; a paused one stays as it is."""
    schedule = _schedule(desk)
    running = [job.name for job in jobs.chosen(schedule, desk.options.job) if not job.paused]
    for name in () if desk.options.dry_run else running:
        schedule.pause(name)
    return Done({"jobs_paused": len(running), "jobs": ", ".join(running)})


def jobs_resume(desk: Desk) -> Done:
    """Those that are paused."""
    schedule = _schedule(desk)
    resting = [job.name for job in jobs.chosen(schedule, desk.options.job) if job.paused]
    for name in () if desk.options.dry_run else resting:
        schedule.resume(name)
    return Done({"jobs_resumed": len(resting), "jobs": ", ".join(resting)})


def _schedule(desk: Desk) -> Schedule:
    return jobs.schedule_of(ScheduleSettings(), desk.services.clock)
