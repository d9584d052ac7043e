"""The statements about connected accounts."""

import datetime as dt
import threading
import uuid
from uuid import UUID

import pytest
from sqlalchemy import Connection as Database
from sqlalchemy import Engine, insert, select, update

from tests.threads import in_threads
from vaultra.db import accounts, connections, models
from vaultra.domain.connections import BackfillKind, BackfillRun, Connection
from vaultra.errors import NotFound

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)


def a_business(db: Database) -> UUID:
    """A business with its owner."""
    user = accounts.insert_user(db, email=f"{uuid.uuid4().hex}@example.com", name="Ana", password_hash="hash", now=NOW)
    assert user is not None
    return accounts.insert_business(db, user.id, {"name": "Shop"}, NOW).id


def connect(
    db: Database, business_id: UUID, external_id: str = "acct_1", *, livemode: bool = False, now: dt.datetime = NOW
) -> Connection | None:
    return connections.connect(db, business_id=business_id, external_id=external_id, livemode=livemode, now=now)


def connected(db: Database, business_id: UUID, external_id: str = "acct_1", *, now: dt.datetime = NOW) -> Connection:
    connection = connect(db, business_id, external_id, now=now)
    assert connection is not None
    return connection


def test_a_connection_is_found_until_it_is_ended(db: Database) -> None:
    business_id = a_business(db)
    assert connections.find_connection(db, business_id) is None
    connection = connected(db, business_id)
    assert connection.working
    assert (connection.external_id, connection.livemode, connection.connected_at) == ("acct_1", False, NOW)
    assert connections.find_connection(db, business_id) == connection
    connections.disconnect(db, connection.id, LATER)
    assert connections.find_connection(db, business_id) is None
    ended = db.execute(select(models.IntegrationAccount.__table__)).one()
    assert (ended.id, ended.status, ended.disconnected_at) == (connection.id, "disconnected", LATER)


def test_ending_twice_keeps_the_first_time(db: Database) -> None:
    connection = connected(db, a_business(db))
    connections.disconnect(db, connection.id, NOW)
    connections.disconnect(db, connection.id, LATER)
    assert db.scalars(select(models.IntegrationAccount.disconnected_at)).one() == NOW


def test_reconnecting_revives_the_row_and_asks_for_the_history_again(db: Database) -> None:
    business_id = a_business(db)
    first = connected(db, business_id)
    db.execute(update(models.IntegrationAccount).values(history_complete=True))
    connections.disconnect(db, first.id, NOW)
    again = connected(db, business_id, now=LATER)
    assert (again.id, again.working, again.connected_at) == (first.id, True, LATER)
    row = db.execute(select(models.IntegrationAccount.__table__)).one()
    assert (row.disconnected_at, row.history_complete) == (None, False)


def test_connecting_a_connected_account_again_mends_it_and_keeps_its_history(db: Database) -> None:
    business_id = a_business(db)
    first = connected(db, business_id)
    db.execute(update(models.IntegrationAccount).values(history_complete=True, status="error", error="revoked"))
    broken = connections.find_connection(db, business_id)
    assert broken is not None
    assert (broken.working, broken.error) == (False, "revoked")
    again = connected(db, business_id, now=LATER)
    assert (again.id, again.working, again.error) == (first.id, True, None)
    assert db.scalars(select(models.IntegrationAccount.history_complete)).one()


def test_an_account_has_one_business_and_a_business_one_account(db: Database) -> None:
    one, two = a_business(db), a_business(db)
    connection = connected(db, one)
    assert connect(db, two) is None
    assert connect(db, one, "acct_2") is None
    assert connect(db, one, livemode=True) is None
    assert connections.find_connection(db, one) == connection  # and the transaction is usable
    assert connect(db, two, livemode=True) is not None  # the other mode's account is another account


def test_a_disconnected_account_may_go_elsewhere_but_not_be_revived_then(db: Database) -> None:
    one, two = a_business(db), a_business(db)
    first = connected(db, one)
    connections.disconnect(db, first.id, NOW)
    second = connected(db, two)
    assert second.id != first.id
    assert connect(db, one) is None
    assert connect(db, one, "acct_2") is not None


def test_an_unknown_business_is_an_error_and_no_conflict(db: Database) -> None:
    with pytest.raises(NotFound):
        connect(db, uuid.uuid4())


def test_of_many_businesses_one_gets_the_account(fresh_engine: Engine) -> None:
    with fresh_engine.begin() as db:
        businesses = [a_business(db) for _ in range(8)]
    gate = threading.Barrier(len(businesses))
    results: list[Connection | None] = []

    def compete(business_id: UUID) -> None:
        with fresh_engine.begin() as db:
            gate.wait(timeout=20)
            results.append(connect(db, business_id))

    in_threads(compete, businesses)
    assert len(results) == len(businesses)
    assert sum(result is not None for result in results) == 1


def insert_run(db: Database, connection: Connection, kind: str, started_at: dt.datetime, **columns: object) -> None:
    values = {
        "integration_account_id": connection.id,
        "kind": kind,
        "plan": [{}, {}, {}, {}],
        "started_at": started_at,
        "updated_at": started_at,
        **columns,
    }
    db.execute(insert(models.SyncRun).values(values))


def test_runs_are_the_newest_of_each_kind_since_the_connection(db: Database) -> None:
    connection = connected(db, a_business(db))
    other = connected(db, a_business(db), "acct_2")
    before = NOW - dt.timedelta(days=1)
    insert_run(db, connection, "history", before, objects=900, finished_at=before)
    insert_run(db, connection, "initial", NOW, objects=5, finished_at=NOW)
    insert_run(db, connection, "initial", LATER, objects=7, position=2, progress=0.5)
    insert_run(db, connection, "initial", LATER, objects=6, finished_at=LATER)
    insert_run(db, connection, "incremental", LATER, objects=1)
    insert_run(db, other, "history", LATER, objects=900)
    assert connections.list_backfill_runs(db, connection) == [
        BackfillRun(BackfillKind.RECENT, progress=0.5, objects=7, started_at=LATER, finished=False)
    ]
    insert_run(db, connection, "history", NOW, objects=3, finished_at=LATER)
    kinds = [(run.kind, run.finished) for run in connections.list_backfill_runs(db, connection)]
    assert kinds == [(BackfillKind.HISTORY, True), (BackfillKind.RECENT, False)]
