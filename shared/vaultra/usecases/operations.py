"""What an operator does by hand. Each is safe to do twice, and says what it did; who calls it commits or rolls back.

An operation changes rows first; its messages are published after the commit, so that a crash between the two is
healed by doing it again.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection

from vaultra.db import dead_letters, mails, objects, operations, rollups, sync_runs
from vaultra.db.dead_letters import DeadLetter
from vaultra.db.operations import AccountState
from vaultra.db.sync_runs import Run
from vaultra.errors import NotFound
from vaultra.ports import Message, StripeGateway
from vaultra.usecases import connections, dispatch, ingestion, sync
from vaultra.usecases.sync_plans import EVENTS_LISTED, RECENT
from vaultra.usecases.sync_plans import plan as plan_of

MAY_HAVE_GONE_OUT = "it waited when the database was restored, and may have been sent before"
DISCONNECTED = "disconnected"


@dataclass(frozen=True)
class Done:
    """What an operation did.

    `facts` are for its operator, by name. `messages` are to be published after the commit, and `letters` to be
    marked as replayed once they are.
    """

    facts: dict[str, Any]
    messages: list[Message] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)


# --- dead letters ---------------------------------------------------------------------------


def choose_letters(conn: Connection, *, ids: Sequence[int] = (), topic: str | None = None) -> list[DeadLetter]:
    """The letters of these ids, replayed before or not; without ids all that wait, or those of a topic.

    Raises:
        NotFound: there is no letter with one of the ids.
    """
    if not ids:
        return dead_letters.list_letters(conn, topic=topic)
    found = dead_letters.list_named(conn, ids)
    missing = sorted(set(ids) - {letter.id for letter in found})
    if missing:
        raise NotFound(f"There is no dead letter {', '.join(map(str, missing))}")
    return found


def replay(conn: Connection, letters: Sequence[DeadLetter]) -> Done:
    """Publish the letters' messages again. Events that are dead begin anew with all their attempts; no other does.

    A message whose work is done already changes nothing when it comes again, as with any delivery.
    """
    revived = operations.revive_events(conn, _event_ids(letters))
    facts = {"letters": len(letters), "topics": _topics(letters), "events_revived": revived}
    return Done(facts, [letter.message for letter in letters], list(letters))


def drop(conn: Connection, letters: Sequence[DeadLetter]) -> Done:
    """Forget letters for good. Their dead events are ignored from now on, and forgotten with all that are."""
    ignored = operations.ignore_events(conn, _event_ids(letters))
    dead_letters.delete_letters(conn, [letter.id for letter in letters])
    return Done({"letters": len(letters), "topics": _topics(letters), "events_ignored": ignored})


def mark_replayed(conn: Connection, done: Done, now: dt.datetime) -> None:
    """Note what was published; a letter whose message has failed again meanwhile goes on waiting."""
    dead_letters.mark_replayed(conn, done.letters, now)


def _event_ids(letters: Iterable[DeadLetter]) -> list[int]:
    """The inbox rows these letters are about; none for a message that can't be read."""
    found: list[int] = []
    for letter in letters:
        if letter.topic == ingestion.TOPIC:
            body = read_body(letter)
            ids = body.get("ids") if isinstance(body, dict) else None
            found += [number for number in ids if type(number) is int] if isinstance(ids, list) else []
    return sorted(set(found))


def read_body(letter: DeadLetter) -> Any:
    """What the message says, decoded; None when it is not JSON."""
    try:
        return orjson.loads(letter.data)
    except orjson.JSONDecodeError:
        return None


def _topics(letters: Iterable[DeadLetter]) -> str:
    return ", ".join(sorted({letter.topic for letter in letters}))


# --- accounts -------------------------------------------------------------------------------


def find_accounts(conn: Connection, external_id: str) -> list[AccountState]:
    """All connections of a Stripe account, past ones too; raises `NotFound` when there never was one."""
    found = operations.list_accounts(conn, external_id)
    if not found:
        raise NotFound(f"No business has ever connected {external_id}")
    return found


def connected_accounts(conn: Connection, external_id: str | None) -> list[AccountState]:
    """The connections of a Stripe account, or of all when None, that are not disconnected; by our own id.

    Raises:
        NotFound: the Stripe account is not connected.
    """
    found = operations.list_accounts(conn, external_id)
    active = sorted((account for account in found if account.status != DISCONNECTED), key=lambda account: account.id)
    if external_id is not None and not active:
        raise NotFound(f"{external_id} is not connected")
    return active


def resync(
    conn: Connection, accounts: Sequence[AccountState], now: dt.datetime, *, since: dt.datetime | None, whole: bool
) -> Done:
    """Read accounts again through a run like any other.

    Args:
        since: Read what was created or changed since then; None means the last 90 days. An earlier moment is
            taken when the last run that ended well began earlier, so that no gap is left behind; when Stripe
            no longer lists the events since that one, everything is read.
        whole: Read everything from the beginning instead, as after a first connection.
    """
    return _begun([(account, _resync(conn, account, now, since, whole)) for account in accounts])


def reconcile(conn: Connection, accounts: Sequence[AccountState], now: dt.datetime) -> Done:
    """Look through accounts' recent events at Stripe for what the webhooks missed."""
    runs = [
        (account, sync.start(conn, integration_account_id=account.id, kind="reconcile", now=now))
        for account in accounts
    ]
    return _begun(runs)


def _resync(conn: Connection, account: AccountState, now: dt.datetime, since: dt.datetime | None, whole: bool) -> Run:
    last = sync_runs.last_finished(conn, account.id)
    if whole or last is None or now - last > EVENTS_LISTED:
        under_way = operations.find_open_run(conn, account.id, "initial")
        return under_way or sync.start(conn, integration_account_id=account.id, kind="initial", now=now)
    plan = plan_of("incremental", now, min(since or now - RECENT, last))
    under_way = operations.find_open_run(conn, account.id, "incremental")
    if under_way is not None:
        if _reads_from(under_way.plan) <= _reads_from(plan):
            return under_way
        sync_runs.stop(conn, under_way.id, sync_runs.SUPERSEDED, now)
    return sync_runs.open_run(conn, account.id, "incremental", plan, now)


def _reads_from(plan: Sequence[Mapping[str, Any]]) -> dt.datetime:
    """From when on a run reads what has a time."""
    seconds = min(int(entry["params"]["created[gte]"]) for entry in plan if "created[gte]" in entry["params"])
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _begun(runs: Sequence[tuple[AccountState, Run]]) -> Done:
    messages = [_message(sync.TOPIC, {"run_id": run.id, "step": run.step}) for _, run in runs]
    facts: dict[str, Any] = {"runs": len(runs)}
    if len(runs) == 1:
        [(account, run)] = runs
        facts |= {
            "account": account.account,
            "livemode": account.livemode,
            "kind": run.kind,
            "begun": run.started_at,
            "reads_from": _reads_from(run.plan),
        }
    return Done(facts, messages)


def disconnect(
    conn: Connection, stripe: StripeGateway | None, accounts: Sequence[AccountState], now: dt.datetime
) -> Done:
    """Give the access back at Stripe and forget it here, as the owner's button does; the numbers stay.

    Args:
        stripe: None for a look at what would happen: nothing can be taken back at Stripe.

    Raises:
        Unavailable: Stripe does not answer; nothing is changed.
    """
    for account in accounts:
        if stripe is not None:
            connections.disconnect(conn, stripe, business_id=account.business_id, now=now)
    return Done({"disconnected": len(accounts), "businesses": ", ".join(str(one.business_id) for one in accounts)})


# --- events, metrics, sessions, mails -------------------------------------------------------


def redrive(conn: Connection, external_id: str) -> Done:
    """Release an account's parked events if it is connected by now, and announce all that are to be applied."""
    connected = [one for one in operations.list_accounts(conn, external_id) if one.status != DISCONNECTED]
    released = sum(len(ingestion.unpark(conn, one.account, one.livemode)) for one in connected)
    pending = operations.list_pending(conn, external_id)
    parked = sum(count.events for count in operations.count_events(conn, external_id, status="parked"))
    messages = [_message(ingestion.TOPIC, {"ids": ids}) for ids in ingestion.messages_of(pending)]
    facts = {"events_announced": len(pending), "released": released, "still_parked": parked}
    return Done(facts, messages)


def recompute(conn: Connection, business_id: UUID | None, now: dt.datetime, *, since: dt.date | None = None) -> Done:
    """Ask for the metrics of a business, or of all when None, from what is stored.

    Args:
        since: Make the daily rollups anew too, from this UTC day on.

    Raises:
        NotFound: the business has no connected account.
    """
    businesses = operations.list_businesses(conn, business_id)
    if business_id is not None and not businesses:
        raise NotFound("This business has no connected account")
    facts: dict[str, Any] = {"businesses": len(businesses)}
    if since is not None:
        facts["days"] = _recompute_days(conn, businesses, since, now.date())
    rollups.request_metrics(conn, businesses, now)
    pages = [businesses[start : start + dispatch.PAGE] for start in range(0, len(businesses), dispatch.PAGE)]
    return Done(facts, [_message(dispatch.METRICS_TOPIC, {"business_ids": page}) for page in pages])


def _recompute_days(conn: Connection, businesses: Sequence[UUID], first: dt.date, last: dt.date) -> int:
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    for account_id in operations.list_account_ids(conn, businesses):
        account = objects.lock_account(conn, account_id)
        if account is not None and account.settlement_currency is not None:
            rollups.recompute(conn, account, days)
    return len(days)


def end_sessions(conn: Connection, email: str | None, now: dt.datetime) -> Done:
    """Sign a user out everywhere, or everybody when None. Tokens of their own assistants stay.

    Raises:
        NotFound: nobody has this address.
    """
    user_id = None if email is None else operations.find_user_id(conn, email)
    if email is not None and user_id is None:
        raise NotFound("Nobody has this address")
    facts = {
        "sessions_ended": operations.end_sessions(conn, user_id, now),
        "access_tokens_left": operations.count_tokens(conn, user_id, now),
    }
    return Done(facts)


def drop_mails(conn: Connection, before: dt.datetime) -> Done:
    """Give up mails that were asked for before a moment and still wait: after a restore they may have gone out."""
    return Done({"mails_dropped": mails.drop_waiting(conn, before=before, reason=MAY_HAVE_GONE_OUT)})


def _message(topic: str, body: Mapping[str, Any]) -> Message:
    return Message(topic, orjson.dumps(body))
