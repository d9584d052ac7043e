"""What is deleted is gone: no table says a word about it, and nobody else's row has changed (row O9).

Every table is filled with rows about two tenants. After one is deleted, the database must be, to the letter,
what it was before that one came.
"""

import datetime as dt
import hashlib
import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import Column, Connection, Engine, LargeBinary, insert, text
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.types import BigInteger, Boolean, Date, DateTime, Float, Integer, Numeric, String

from tests import stripe_payloads as raw
from tests.connected import OBJECT_TABLES, keep, statuses
from tests.fakes import FakeStripe
from tests.stripe_payloads import NOON, event
from vaultra.db import accounts as db_accounts
from vaultra.db.models import Base
from vaultra.domain.accounts import Membership, Role
from vaultra.errors import Conflict, Unavailable
from vaultra.ports import OauthGrant
from vaultra.usecases import connections, deletion, ingestion
from vaultra.usecases.applying import apply_once

TABLES = Base.metadata.tables
# Who is behind their rows is not to be told: they are keyed by hashes, or about no one.
ABOUT_NOBODY = {
    "broker_subscriptions",
    "knowledge_articles",
    "knowledge_vectors",
    "knowledge_versions",
    "rate_limits",
    "sign_in_states",
}
ABOUT_PEOPLE = {"users", "identities", "sessions", "password_resets"}
Rows = dict[str, list[dict[str, Any]]]
SHARED_MESSAGE = 900


@dataclass(frozen=True)
class Tenant:
    """Who owns what, by every name there is for it; `number` tells tenants apart and begins their serial ids."""

    number: int

    def id(self, what: str) -> UUID:
        return UUID(bytes=hashlib.sha256(f"{what} {self.number}".encode()).digest()[:16], version=4)

    @property
    def email(self) -> str:
        return f"Owner.{self.number}@example.com"

    @property
    def external_id(self) -> str:
        return f"acct_{self.number}"

    @property
    def names_of_business(self) -> list[str]:
        return [self.external_id, *(str(self.id(what)) for what in ("business", "account", "run", "mail"))]

    @property
    def names_of_user(self) -> list[str]:
        return [str(self.id("user")), self.email]


A, B = Tenant(1000), Tenant(2000)


def rows_about(tenant: Tenant) -> Rows:
    """What a row of each table needs beside the ordinary to be about this tenant."""
    user, business, account, number = tenant.id("user"), tenant.id("business"), tenant.id("account"), tenant.number
    mine, of_account = {"business_id": business}, {"integration_account_id": account, "business_id": business}
    both = {"user_id": user, "business_id": business}
    letter = {"subscription": "stripe-event-received.apply-stripe-event", "topic": "stripe-event-received"}
    return {
        "users": [{"id": user, "email": tenant.email}],
        "identities": [{"user_id": user, "subject": str(number), "email": tenant.email}],
        "sessions": [{"user_id": user}],
        "password_resets": [{"user_id": user, "token_hash": str(number)}],
        "businesses": [{"id": business}],
        "user_business_memberships": [{**both, "role": "owner"}],
        "invitations": [{**mine, "id": tenant.id("invitation"), "role": "admin", "invited_by": user}],
        "personal_access_tokens": [{**both, "id": tenant.id("token")}],
        "mails": [
            {**mine, "id": tenant.id("mail"), "recipient": tenant.email, "user_id": user},
            {**mine, "invitation_id": tenant.id("invitation"), "dedupe_key": f"{business}:digest"},
            {"recipient": tenant.email.upper()},
        ],
        "oauth_states": [{**both, "state_hash": str(number)}],
        "integration_accounts": [{**mine, "id": account, "external_id": tenant.external_id, "status": "connected"}],
        "stripe_events": [
            {"id": number, "account": tenant.external_id, "livemode": True, "status": "done"},
            {"id": number + 1, "account": tenant.external_id, "livemode": False, "status": "ignored"},
            {"id": number + 2, "account": tenant.external_id, "livemode": True, "status": "dead", "event_id": "evt_2"},
        ],
        "sync_runs": [{"id": tenant.id("run"), "integration_account_id": account, "kind": "initial"}],
        **{table: [of_account] for table in (*OBJECT_TABLES, "daily_rollups")},
        "metrics_due": [mine],
        "financial_metric_snapshots": [{**mine, "id": tenant.id("snapshot")}],
        "readiness_scores": [{**mine, "snapshot_id": tenant.id("snapshot"), "tier": "improving"}],
        "recommendations": [{**mine, "priority": "high"}],
        "alert_states": [{**mine, "kind": "tier"}],
        "kept_facts": [{"integration_account_id": account}],
        "agent_conversations": [{**both, "id": tenant.id("conversation")}],
        "agent_messages": [{"conversation_id": tenant.id("conversation"), "role": "user"}],
        "agent_usage": [mine],
        "dead_letters": [
            {**letter, "message_id": f"event-{number + 2}", "data": orjson.dumps({"ids": [number + 2]})},
            {"message_id": f"{number}-run", "data": orjson.dumps({"run_id": tenant.id("run"), "step": 3})},
            {"message_id": f"{number}-junk", "data": f"\\ not JSON \x00\xff {tenant.external_id}!".encode("latin-1")},
            {"message_id": f"{number}-key", "ordering_key": str(account)},
            {"message_id": f"{number}-error", "error": f"VALIDATION_ERROR: no such mail: {tenant.id('mail')}"},
        ],
        "broker_messages": [
            {"id": number, "data": orjson.dumps({"business_ids": [business]})},
            {"id": number + 1, "data": orjson.dumps({"mail_id": tenant.id("mail")})},
            {"id": number + 2, "data": orjson.dumps({"run_id": tenant.id("run"), "step": 1})},
        ],
        "broker_deliveries": [
            {"message_id": number, "subscription": "s"},
            {"message_id": number + 1, "subscription": "s"},
        ],
    }


def ordinary(column: Column[Any]) -> Any:
    """Something to put into a column that needs a value and is not about anybody."""
    values: list[tuple[type, Any]] = [
        (Boolean, True),
        (DateTime, NOON),
        (Date, NOON.date()),
        (BigInteger, 1),
        (Integer, 1),
        (Float, 1.0),
        (Numeric, 1),
        (LargeBinary, b"{}"),
        (pg.JSON, {}),
        (pg.ARRAY, []),
        (pg.UUID, uuid.UUID(int=0)),
    ]
    if isinstance(column.type, String):
        return "x"[: column.type.length]
    return next(value for kind, value in values if isinstance(column.type, kind))


def fill(conn: Connection, given: Rows) -> None:
    """Insert rows, completed by what is ordinary, parents first."""
    for table in Base.metadata.sorted_tables:
        for row in given.get(table.name, []):
            needed = [column for column in table.columns if not (column.nullable or column.server_default is not None)]
            serial = table.autoincrement_column
            complete = {column.name: ordinary(column) for column in needed if column is not serial}
            conn.execute(insert(table).values({**complete, **row}))


def world(conn: Connection) -> None:
    """Whom nothing is about, the tenant who stays, and a message about that one."""
    knowledge = {"knowledge_articles", "knowledge_versions"}
    fill(conn, {name: [{}] for name in ABOUT_NOBODY - knowledge - {"broker_subscriptions"}})
    fill(conn, {name: [{"namespace": "kb-of-the-tests"}] for name in sorted(knowledge, reverse=True)})
    fill(conn, {"broker_subscriptions": [{"name": "s"}]})
    fill(conn, rows_about(B))
    text_about_b = f'{{"business_ids": ["{B.id("business")}"]}}'.encode()
    fill(conn, {"broker_messages": [{"id": SHARED_MESSAGE, "data": text_about_b}]})
    fill(conn, {"dead_letters": [{"id": SHARED_MESSAGE, "message_id": "shared", "data": text_about_b}]})


def tell_of_both(conn: Connection) -> None:
    """Let the message about the tenant who stays be about the other too."""
    data = orjson.dumps({"business_ids": [A.id("business"), B.id("business")]})
    for table in ("broker_messages", "dead_letters"):
        conn.execute(text(f"update {table} set data = :data where id = :id"), {"data": data, "id": SHARED_MESSAGE})


def as_text(column: Column[Any]) -> str:
    return (
        f"encode({column.name}, 'escape')" if isinstance(column.type, LargeBinary) else f"cast({column.name} as text)"
    )


def dump(conn: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every column of every row of every table, as text."""
    found = {}
    for name, table in TABLES.items():
        columns = ", ".join(as_text(column) for column in table.columns)
        found[name] = sorted(tuple(row) for row in conn.execute(text(f"select {columns} from {name}")))
    return found


def hits(conn: Connection, names: Iterable[str]) -> dict[str, int]:
    """In how many cells of which columns one of the names stands, in whatever case."""
    wanted = [name.lower() for name in names]
    found: dict[str, int] = {}
    for table in TABLES.values():
        for column in table.columns:
            statement = text(
                f"select count(*) from {table.name}, unnest(cast(:names as text[])) wanted(word)"
                f" where position(word in lower({as_text(column)})) > 0"
            )
            count = conn.execute(statement, {"names": wanted}).scalar_one()
            if count:
                found[f"{table.name}.{column.name}"] = count
    return found


def split(given: Rows) -> tuple[Rows, Rows]:
    """Rows about a person, and those about their business."""
    people: Rows = {name: given[name] for name in ABOUT_PEOPLE}
    people["mails"] = [mail for mail in given["mails"] if "business_id" not in mail]
    rest = {name: rows for name, rows in given.items() if name not in ABOUT_PEOPLE}
    rest["mails"] = [mail for mail in given["mails"] if "business_id" in mail]
    return people, rest


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}


def delete_a(conn: Connection, stripe: FakeStripe | None = None) -> None:
    """Delete business A as its owner, up to the commit."""
    deletion.delete_business(
        conn,
        stripe or FakeStripe(),
        Membership(A.id("business"), "x", Role.OWNER),
        caller_id=A.id("user"),
        confirm="x",
        now=NOON,
    )


def test_every_table_is_filled() -> None:
    """A table that is added has to be deleted from too: say here what a row of it about a tenant is."""
    assert set(rows_about(A)) | ABOUT_NOBODY == set(TABLES)
    for name, rows in rows_about(A).items():
        assert rows, name


def test_a_deleted_business_is_in_no_column_of_any_table(fresh_engine: Engine) -> None:
    stripe = FakeStripe()
    people, business = split(rows_about(A))
    with fresh_engine.connect() as conn:
        world(conn)
        fill(conn, people)
        before = dump(conn)
        fill(conn, business)
        tell_of_both(conn)
        filled = hits(conn, A.names_of_business)
        of_b = hits(conn, [*B.names_of_business, *B.names_of_user])
        conn.commit()
        delete_a(conn, stripe)
        conn.commit()
        left = hits(conn, A.names_of_business)
        assert left == {}
        assert hits(conn, [*B.names_of_business, *B.names_of_user]) == of_b
        assert differences(before, dump(conn)) == {}
    assert stripe.deauthorized == [A.external_id]
    columns = sum(len(table.columns) for table in TABLES.values())
    print(
        f"deleted business: {sum(filled.values())} cells in {len(filled)} columns named it before, {len(left)} after;"
        f" {columns} columns of {len(TABLES)} tables scanned, 0 other rows changed"
    )


def test_a_deleted_user_is_in_no_column_of_any_table(fresh_engine: Engine) -> None:
    stripe = FakeStripe()
    guest = {"user_id": A.id("user"), "business_id": B.id("business")}
    with fresh_engine.connect() as conn:
        world(conn)
        sent = {"id": A.id("sent"), "business_id": B.id("business"), "email": "friend@example.com", "role": "viewer"}
        fill(conn, {"invitations": [sent]})
        before = dump(conn)
        fill(conn, rows_about(A))
        tell_of_both(conn)
        # In the business of the other, too, they left traces: all go, but what they asked of others stays.
        fill(
            conn,
            {
                "user_business_memberships": [{**guest, "role": "admin"}],
                "personal_access_tokens": [{**guest, "id": A.id("guest's token")}],
                "oauth_states": [{**guest, "state_hash": "guest's"}],
                "agent_conversations": [{**guest, "id": A.id("guest's talk")}],
                "agent_messages": [{"conversation_id": A.id("guest's talk"), "role": "assistant"}],
                "invitations": [{"business_id": B.id("business"), "email": A.email.lower(), "role": "owner"}],
                "broker_messages": [{"id": A.number + 9, "data": orjson.dumps({"user_id": A.id("user")})}],
            },
        )
        conn.execute(text("update invitations set invited_by = :user where id = :id"), {"user": A.id("user"), **sent})
        names = [*A.names_of_business, *A.names_of_user]
        filled = hits(conn, names)
        conn.commit()
        deletion.delete_user(conn, stripe, A.id("user"), confirm=A.email.upper(), now=NOON)
        conn.commit()
        left = hits(conn, names)
        assert left == {}
        assert differences(before, dump(conn)) == {}
    assert stripe.deauthorized == [A.external_id]
    print(
        f"deleted user: {sum(filled.values())} cells in {len(filled)} columns named them before, {len(left)} after;"
        " 0 other rows changed"
    )


# --- While events come in ------------------------------------------------------------------------


def connected(conn: Connection) -> list[int]:
    """Tenant A, connected, with an event that is still to be applied."""
    people, business = split(rows_about(A))
    for name in ("dead_letters", "broker_messages", "broker_deliveries", "stripe_events"):
        business.pop(name)
    business["integration_accounts"][0]["default_currency"] = "usd"
    fill(conn, {**people, **business, "mails": []})
    return arrive(conn, 1)


def arrive(conn: Connection, count: int) -> list[int]:
    """Events of tenant A's account, kept and committed."""
    named = [f"ch_{uuid.uuid4().hex}" for _ in range(count)]
    payloads = [
        event("charge.succeeded", raw.charge(id=name), id=f"evt_{name}", account=A.external_id) for name in named
    ]
    ids = keep(conn, payloads)
    conn.commit()
    return ids


def wait_for_a_lock(engine: Engine) -> None:
    """Until somebody waits for somebody else."""
    waiting = text("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")
    with engine.connect() as conn:
        until = time.monotonic() + 20
        while not conn.execute(waiting).scalar_one():
            assert time.monotonic() < until, "nobody waits"
            conn.rollback()
            time.sleep(0.01)


class Worker(threading.Thread):
    """Applies events on a connection of its own; `ended` is its outcome or what it failed with."""

    def __init__(self, engine: Engine, ids: list[int]) -> None:
        super().__init__()
        self._engine, self._ids = engine, ids
        self.ended: ingestion.Outcome | Exception | None = None

    def run(self) -> None:
        try:
            with self._engine.connect() as conn:
                self.ended = ingestion.apply(conn, FakeStripe(), self._ids, NOON)
                conn.commit()
        except Exception as error:
            self.ended = error


class Deletion(threading.Thread):
    """Deletes business A on a connection of its own; `ended` is what it failed with, or None."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine
        self.ended: Exception | None = None

    def run(self) -> None:
        try:
            with self._engine.connect() as conn:
                delete_a(conn)
                conn.commit()
        except Exception as error:
            self.ended = error


def test_an_event_that_waits_for_the_deletion_finds_nothing_to_do(fresh_engine: Engine) -> None:
    with fresh_engine.connect() as conn:
        ids = connected(conn)
        delete_a(conn)
        worker = Worker(fresh_engine, ids)
        worker.start()
        wait_for_a_lock(fresh_engine)
        conn.commit()
        worker.join()
        assert worker.ended == ingestion.Outcome()
        assert ingestion.apply(conn, FakeStripe(), ids, NOON) == ingestion.Outcome()
        assert hits(conn, A.names_of_business) == {}


def test_the_deletion_waits_for_the_event_that_is_being_applied(fresh_engine: Engine) -> None:
    with fresh_engine.connect() as conn:
        ids = connected(conn)
        outcome, _ = apply_once(conn, ids, {}, NOON, wait=True)
        assert outcome.done == 1
        deleting = Deletion(fresh_engine)
        deleting.start()
        wait_for_a_lock(fresh_engine)
        conn.commit()
        deleting.join()
        assert deleting.ended is None
        assert hits(conn, A.names_of_business) == {}


def test_the_deletion_takes_the_events_in_the_order_of_whoever_applies_them(fresh_engine: Engine) -> None:
    with fresh_engine.connect() as conn:
        connected(conn)
        first, *others = arrive(conn, 20)
        conn.execute(
            text("update stripe_events set error = 'the first is now the last in the table' where id = :id"),
            {"id": first},
        )
        conn.commit()
        ingestion.inbox.claim(conn, [first])
        deleting = Deletion(fresh_engine)
        deleting.start()
        wait_for_a_lock(fresh_engine)
        assert len(ingestion.inbox.claim(conn, others)) == len(others)
        conn.commit()
        deleting.join()
        assert deleting.ended is None


@pytest.mark.parametrize("before", ["disconnected", "never connected"])
def test_a_business_that_is_being_connected_is_not_deleted(fresh_engine: Engine, before: str) -> None:
    with fresh_engine.connect() as conn:
        connected(conn)
        change = "update" if before == "disconnected" else "delete from"
        rest = " set status = 'disconnected'" if before == "disconnected" else ""
        conn.execute(text(f"{change} integration_accounts{rest}"))
        conn.commit()
        grant = OauthGrant(A.external_id, livemode=True)
        connections.connect(conn, business_id=A.id("business"), grant=grant, now=NOON)
        deleting = Deletion(fresh_engine)
        deleting.start()
        wait_for_a_lock(fresh_engine)
        conn.commit()
        deleting.join()
        assert isinstance(deleting.ended, Conflict)
        assert connections.status(conn, A.id("business")).connection is not None


def test_an_event_that_comes_later_waits_aside_and_is_forgotten(fresh_engine: Engine) -> None:
    with fresh_engine.connect() as conn:
        connected(conn)
        delete_a(conn)
        conn.commit()
        late = arrive(conn, 1)
        for _ in range(2):
            outcome = ingestion.apply(conn, FakeStripe(), late, NOON)
            assert outcome.failed == []
        conn.commit()
        assert statuses(conn) == {"parked": 1}
        ingestion.inbox.purge(conn, NOON + dt.timedelta(hours=72, minutes=1))
        assert hits(conn, A.names_of_business) == {}


@pytest.mark.parametrize("delay_ms", [0, 2, 5, 10, 20, 40])
def test_events_and_the_deletion_at_once_end_without_an_error(fresh_engine: Engine, delay_ms: int) -> None:
    with fresh_engine.connect() as conn:
        connected(conn)
        arrived = [arrive(conn, 50) for _ in range(3)]
        workers = [Worker(fresh_engine, ids) for ids in arrived]
        for worker in workers:
            worker.start()
        time.sleep(delay_ms / 1000)
        delete_a(conn)
        conn.commit()
        for worker in workers:
            worker.join()
        for worker in workers:
            assert isinstance(worker.ended, ingestion.Outcome | Unavailable)
        for ids in arrived:
            assert ingestion.apply(conn, FakeStripe(), ids, NOON).failed == []
        conn.commit()
        assert hits(conn, A.names_of_business) == {}
        assert db_accounts.find_business(conn, A.id("business")) is None
