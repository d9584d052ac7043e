"""What an operator does by hand: nothing is lost by it, and nothing counts twice."""

import datetime as dt
from uuid import UUID

import orjson
import pytest
from sqlalchemy import Connection, Engine, text

from tests import stripe_payloads as raw
from tests.connected import connect, keep, one, rollups, rows, statuses
from tests.fakes import FakeStripe
from tests.stripe_payloads import NOON, Json, event
from vaultra.db import dead_letters, inbox, objects, operations, sync_runs
from vaultra.db import rollups as rollups_db
from vaultra.db.sync_runs import Run
from vaultra.ports import Delivery
from vaultra.usecases import operations as operator
from vaultra.usecases import sync
from vaultra.usecases.sync_plans import OVERLAP, RECENT

MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
EVENTS = "stripe-event-received.apply-stripe-event"


def die(db: Connection, event_ids: list[int]) -> None:
    """Make events dead, as their seventh failure does."""
    for pending in inbox.claim(db, event_ids):
        inbox.record_failure(db, pending, "No amount", final=True, now=NOON)
        message = Delivery(f"event-{pending.id}", EVENTS, orjson.dumps({"ids": [pending.id]}), {}, "", 7)
        dead_letters.record(db, message, error="No amount", now=NOON)


def events(db: Connection, count: int) -> list[int]:
    return keep(db, [event("charge.succeeded", raw.charge(id=f"ch_{n}"), id=f"evt_{n}") for n in range(count)])


def test_replaying_revives_dead_events_and_no_other(db: Connection) -> None:
    connect(db)
    dead, done, waiting = events(db, 3)
    inbox.settle(db, [done], "done", NOON)
    die(db, [dead])
    body = f'{{"ids": [{dead}, {done}, {waiting}]}}'.encode()
    dead_letters.record(db, Delivery("7", EVENTS, body, {}, "", 7), error="Failed seven times", now=NOON)
    told = operator.replay(db, operator.choose_letters(db))
    assert told.facts == {"letters": 2, "topics": "stripe-event-received", "events_revived": 1}
    assert [row["status"] for row in rows(db, "stripe_events")] == ["pending", "done", "pending"]
    assert [row["attempts"] for row in rows(db, "stripe_events")] == [0, 0, 0]


def test_a_revived_event_is_found_by_the_sweeper_when_its_announcement_is_lost(db: Connection) -> None:
    connect(db)
    ids = events(db, 1)
    die(db, ids)
    assert inbox.list_overdue(db, NOON + HOUR, 10) == []
    operator.replay(db, operator.choose_letters(db))
    assert inbox.list_overdue(db, NOON + HOUR, 10) == ids


def test_a_letter_that_fails_again_before_it_is_marked_goes_on_waiting(db: Connection) -> None:
    [dead] = events(db, 1)
    die(db, [dead])
    told = operator.replay(db, operator.choose_letters(db))
    # Published, delivered, dead again: all that before the operator's command comes to its last statement.
    again = Delivery(f"event-{dead}", EVENTS, b"{}", {}, "", 7)
    dead_letters.record(db, again, error="Another", now=NOON + MINUTE)
    operator.mark_replayed(db, told, NOON + 2 * MINUTE)
    assert [letter.error for letter in dead_letters.list_letters(db)] == ["Another"]


def test_a_message_of_a_strange_shape_names_no_events(db: Connection) -> None:
    [waiting] = events(db, 1)
    die(db, [waiting])
    for number, data in enumerate((b"\x00", b"[1]", b'{"ids": 1}', b'{"ids": ["1", true, null]}', b"{}")):
        dead_letters.record(db, Delivery(str(number), EVENTS, data, {}, "", 7), error="", now=NOON)
    letters = [letter for letter in operator.choose_letters(db) if operator.read_body(letter) != {"ids": [waiting]}]
    assert operator.replay(db, letters).facts["events_revived"] == 0


# --- reading accounts again ------------------------------------------------------------------


def finish(db: Connection, run: Run, now: dt.datetime) -> None:
    sync_runs.advance(db, run, position=99, cursor=None, progress=1, read=1, now=now, finished=True)


def read_once(db: Connection, started: dt.datetime = NOON - DAY) -> operations.AccountState:
    """An account whose first run began then and has ended."""
    account = connect(db)
    finish(db, sync.start(db, integration_account_id=account.id, kind="initial", now=started), started)
    [state] = operations.list_accounts(db, account.external_id)
    return state


def window(db: Connection) -> dt.datetime:
    """From when on the run under way reads charges."""
    [found] = [row for row in rows(db, "sync_runs", "started_at, finished_at") if row["finished_at"] is None]
    [charges] = [entry for entry in found["plan"] if entry["resource"] == "charges"]
    return dt.datetime.fromtimestamp(int(charges["params"]["created[gte]"]), dt.UTC)


def resync(
    db: Connection, state: operations.AccountState, now: dt.datetime, since: dt.datetime | None = None,
    whole: bool = False,
) -> Json:  # fmt: skip
    return operator.resync(db, [state], now, since=since, whole=whole).facts


def test_a_resync_reads_ninety_days_or_from_a_moment_on(db: Connection) -> None:
    state = read_once(db)
    assert resync(db, state, NOON)["kind"] == "incremental"
    assert window(db) == NOON - RECENT - OVERLAP
    [run_id] = db.scalars(text("select id from sync_runs where finished_at is null"))
    found = sync_runs.find(db, run_id)
    assert found is not None
    finish(db, found, NOON)
    resync(db, state, NOON + HOUR, since=NOON - 10 * DAY)
    assert window(db) == NOON - 10 * DAY - OVERLAP


def test_a_resync_leaves_no_gap_behind_the_last_run(db: Connection) -> None:
    """Its end counts as the last run's: what came between the last one and its window would never be read."""
    state = read_once(db, started=NOON - 10 * DAY)
    resync(db, state, NOON, since=NOON - DAY)
    assert window(db) == NOON - 10 * DAY - OVERLAP


def test_a_gap_longer_than_stripe_lists_events_is_read_from_the_beginning(db: Connection) -> None:
    state = read_once(db, started=NOON - 40 * DAY)
    assert resync(db, state, NOON, since=NOON - DAY)["kind"] == "initial"


def test_a_resync_under_way_is_kept_when_it_reads_as_much_and_gives_way_to_a_longer_one(db: Connection) -> None:
    state = read_once(db)
    sync.start(db, integration_account_id=state.id, kind="incremental", now=NOON)
    assert resync(db, state, NOON + MINUTE)["begun"] == NOON + MINUTE
    assert window(db) == NOON + MINUTE - RECENT - OVERLAP
    superseded = [row["error"] for row in rows(db, "sync_runs", "started_at")]
    assert superseded == [None, "superseded", None]
    assert resync(db, state, NOON + 2 * MINUTE)["begun"] == NOON + MINUTE
    assert resync(db, state, NOON + 2 * MINUTE, since=NOON - 5 * DAY)["begun"] == NOON + MINUTE
    assert len(rows(db, "sync_runs", "started_at")) == 3


def test_an_account_that_was_never_read_is_read_from_the_beginning(db: Connection) -> None:
    account = connect(db)
    [state] = operations.list_accounts(db, account.external_id)
    assert resync(db, state, NOON, since=NOON - DAY)["kind"] == "initial"
    assert resync(db, state, NOON + MINUTE, since=NOON - DAY)["begun"] == NOON
    assert resync(db, state, NOON + MINUTE, whole=True)["begun"] == NOON


def test_reading_everything_begins_anew_once_the_last_time_has_ended(db: Connection) -> None:
    state = read_once(db)
    assert resync(db, state, NOON, whole=True)["begun"] == NOON
    assert resync(db, state, NOON + MINUTE, whole=True)["begun"] == NOON
    [open_run] = [row for row in rows(db, "sync_runs", "started_at") if row["finished_at"] is None]
    assert open_run["kind"] == "initial"


def test_resync_brings_what_the_webhooks_missed(fresh_engine: Engine) -> None:
    stripe = FakeStripe()
    with fresh_engine.connect() as db:
        state = read_once(db, started=NOON - HOUR)
        stripe.put(state.account, "account", raw.account(id=state.account))
        stripe.put(state.account, "balance", raw.balance())
        settled = raw.balance_transaction(id="txn_of_the_charge", amount=5000)
        missed = raw.charge(id="ch_missed", balance_transaction=settled, created=raw.at(NOON - 20 * DAY))
        stripe.put(state.account, "charges", missed)
        [message] = operator.resync(db, [state], NOON, since=None, whole=False).messages
        db.commit()
        body = orjson.loads(message.data)
        sync.take_step(db, stripe, UUID(body["run_id"]), body["step"], NOON)
        assert [row["id"] for row in rows(db, "charges")] == ["ch_missed"]


# --- the rest --------------------------------------------------------------------------------


def test_days_are_made_anew_from_their_rows(db: Connection) -> None:
    account = connect(db)
    objects.write(
        db, account, "charges",
        [objects.ObjectRow("ch_1", NOON, NOON, "a-hash", {
            "amount_minor": 5000, "captured_minor": 5000, "currency": "usd", "settled_minor": 5000,
            "status": "succeeded", "captured": True,
        })],
    )  # fmt: skip
    rollups_db.recompute(db, account, [NOON.date()])
    right = rollups(db)
    db.execute(text("update daily_rollups set charge_count = 7, settled_minor = 1"))
    for _ in range(2):
        told = operator.recompute(db, account.business_id, NOON, since=NOON.date() - DAY)
        assert rollups(db) == right
    assert told.facts == {"businesses": 1, "days": 2}
    assert one(db, "metrics_due")["business_id"] == account.business_id


def test_without_a_day_the_sums_stay_as_they_are(db: Connection) -> None:
    account = connect(db)
    operator.recompute(db, None, NOON)
    assert one(db, "metrics_due")["business_id"] == account.business_id
    assert "days" not in operator.recompute(db, None, NOON).facts


def test_a_disconnected_business_is_not_asked_for(db: Connection) -> None:
    connect(db, status="disconnected")
    assert operator.recompute(db, None, NOON).messages == []


def test_redriving_releases_each_mode_for_itself(db: Connection) -> None:
    connect(db, livemode=True)
    ids = [
        *keep(db, [event("charge.succeeded", raw.charge(), id="evt_live")]),
        *keep(db, [event("charge.succeeded", raw.charge(livemode=False), id="evt_test", livemode=False)]),
    ]
    inbox.settle(db, ids, "parked", NOON)
    told = operator.redrive(db, raw.ACCOUNT)
    assert told.facts == {"events_announced": 1, "released": 1, "still_parked": 1}
    assert statuses(db) == {"pending": 1, "parked": 1}


def test_only_what_was_asked_for_before_is_given_up(db: Connection) -> None:
    asked = "insert into mails (kind, recipient, created_at) values ('password_reset', 'ana@example.com', :at)"
    for at in (NOON - MINUTE, NOON):
        db.execute(text(asked), {"at": at})
    assert operator.drop_mails(db, NOON).facts == {"mails_dropped": 1}
    assert operator.drop_mails(db, NOON).facts == {"mails_dropped": 0}
    assert [row["dropped"] for row in rows(db, "mails", "created_at")] == [operator.MAY_HAVE_GONE_OUT, None]


def test_nobody_is_named_by_mistake(db: Connection) -> None:
    with pytest.raises(operator.NotFound):
        operator.end_sessions(db, "", NOON)
