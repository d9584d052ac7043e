"""What is true after the chaos: every event counted once, every object, every rollup and every metric compared."""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from uuid import UUID

from functions_framework.aio import create_asgi_app
from sqlalchemy import Connection, Engine, insert, text
from starlette.testclient import TestClient

from tests.chaos.world import AS_OF, Shop, World, as_read
from tests.connected import OBJECT_TABLES, connect
from tests.fakes import FakePublisher, FakeStripe
from tests.oracle.oracle import answer, compare
from tests.stripe_payloads import Json
from vaultra import services as wiring
from vaultra.adapters.stripe_events import HANDLERS
from vaultra.adapters.stripe_objects import account_currency, account_standing, balance_amounts, parse, resource_of
from vaultra.config import AuthSettings
from vaultra.db import models, objects
from vaultra.db.objects import Account
from vaultra.domain.reference_rates import USD_REFERENCE
from vaultra.services import Services
from vaultra.usecases import accounts, metrics, readiness, sessions, storing
from vaultra.usecases.storing import Answers, State
from vaultra_local.catalogue import FUNCTIONS

RATES = {currency: Fraction(rate) for currency, rate in USD_REFERENCE.items()}
HIDDEN = {"integration_account_id", "business_id", "version_at", "content_hash"}
LEDGER = """
    create table ledger (event_id bigint not null);
    create function note_effect() returns trigger language plpgsql as $$
        begin insert into ledger values (new.id); return new; end $$;
    create trigger effects after update of status on stripe_events
        for each row when (new.status = 'done') execute function note_effect();
"""


@dataclass
class Findings:
    """What is wrong; all zero, or empty, when nothing is."""

    lost: int = 0
    double: int = 0
    wrong_objects: int = 0
    wrong_cells: int = 0
    differences: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)

    @property
    def errors(self) -> int:
        return self.lost + self.double + self.wrong_objects + self.wrong_cells + len(self.differences)

    def __str__(self) -> str:
        return (
            f"{self.lost} lost, {self.double} double, {self.wrong_objects} wrong objects, "
            f"{self.wrong_cells} wrong rollup cells, {len(self.differences)} differences from the oracle"
        )


def open_books(conn: Connection, world: World) -> None:
    """Connect the world's shops, with what a sync has brought, and note every effect in a ledger from now on."""
    for shop in world.shops:
        _prepare(conn, shop, connect(conn, shop.external_id, currency=None))
    conn.execute(text(LEDGER))
    conn.commit()


def audit(engine: Engine, world: World, accepted: Collection[str]) -> Findings:
    """Compare the database with the world once everything has been delivered."""
    findings = Findings()
    with engine.connect() as conn:
        _count_effects(conn, world, accepted, findings)
        known = _accounts(conn)
        for shop in world.shops:
            found = known[shop.external_id]
            calm = connect(conn, f"calm_{shop.external_id}", currency=None)
            _prepare(conn, shop, calm)
            _store_truth(conn, world, shop, calm)
            _compare_rows(conn, shop, found, calm, findings)
            conn.rollback()
    _compare_with_oracle(engine, world, known, findings)
    return findings


def _prepare(conn: Connection, shop: Shop, account: Account) -> None:
    standing, balance = shop.objects["account"], shop.objects["balance"]
    objects.update_account(
        conn,
        account.id,
        version_at=AS_OF,
        standing=account_standing(standing),
        settlement_currency=account_currency(standing),
        balance=balance_amounts(balance),
    )
    objects.mark_synced(conn, account.id, AS_OF, history_complete=True)
    states = [
        state
        for raw in shop.objects["balance_transactions"]
        if (parsed := parse(raw, shop.currency)) is not None
        for state in storing.states_of(parsed, AS_OF)
    ]
    _store(conn, account, states, FakeStripe())


def _store(conn: Connection, account: Account, states: list[State], stripe: FakeStripe) -> None:
    answers: Answers = {}
    while True:
        locked = objects.lock_account(conn, account.id)
        assert locked is not None
        stored = storing.store(conn, locked, states, answers)
        if not stored.needed:
            return
        answers.update(storing.read_again(stripe, stored.needed))


def _store_truth(conn: Connection, world: World, shop: Shop, account: Account) -> None:
    """The final states only, once, in one piece."""
    stripe, states = FakeStripe(), []
    for (external_id, object_id), history in world.histories.items():
        second, raw = history[-1]
        if external_id != shop.external_id or (raw or {}).get("livemode") is False:
            continue
        at = dt.datetime.fromtimestamp(second, dt.UTC)
        if raw is None:
            states.append(State("customers", object_id, at, None))
            continue
        parsed = parse(raw, shop.currency)
        assert parsed is not None
        states += storing.states_of(parsed, at)
        stripe.put(account.external_id, resource_of(parsed.table), as_read(shop, raw))
    _store(conn, account, states, stripe)
    paid: dict[str, dt.datetime] = {}
    for event in shop.objects["events"]:
        payout, at = event["data"]["object"]["id"], dt.datetime.fromtimestamp(event["created"], dt.UTC)
        paid[payout] = min(at, paid.get(payout, at))
    objects.note_payouts_paid(conn, account, paid)


def _count_effects(conn: Connection, world: World, accepted: Collection[str], findings: Findings) -> None:
    kept = {row.event_id: row for row in conn.execute(text("select id, event_id, status from stripe_events"))}
    effects = Counter(row.event_id for row in conn.execute(text("select event_id from ledger")))
    for event in world.events:
        row = kept.get(event["id"])
        wanted = 1 if event["livemode"] and event["type"] in HANDLERS else 0
        had = 0 if row is None else effects[row.id]
        settled = row is not None and row.status == ("done" if wanted else "ignored")
        if event["id"] not in accepted or had < wanted or not settled:
            findings.lost += 1
            findings.examples.append(f"{event['id']}: {'missing' if row is None else row.status}, {had} effects")
        findings.double += max(had - wanted, 0)


def _accounts(conn: Connection) -> dict[str, Account]:
    ids = conn.scalars(text("select external_id from integration_accounts"))
    return {account.external_id: account for account in objects.find_accounts(conn, ids)}


def _compare_rows(conn: Connection, shop: Shop, found: Account, calm: Account, findings: Findings) -> None:
    for table in OBJECT_TABLES:
        ours, theirs = dict(_rows(conn, table, found)), dict(_rows(conn, table, calm))
        wrong = [name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)]
        findings.wrong_objects += len(wrong)
        findings.examples += [f"{table} {name}: {_unlike(ours.get(name), theirs.get(name))}" for name in wrong[:3]]
    key = "day || ' ' || currency"
    ours, theirs = (dict(_rows(conn, "daily_rollups", account, key)) for account in (found, calm))
    for day in ours.keys() | theirs.keys():
        unlike = _unlike(ours.get(day), theirs.get(day))
        findings.wrong_cells += len(unlike)
        findings.examples += [f"{shop.external_id} {day}: {unlike}"] if unlike else []


def _rows(conn: Connection, table: str, account: Account, key: str = "id") -> Iterator[tuple[str, Json]]:
    statement = text(f"select {key} as key, * from {table} where integration_account_id = :account")
    for row in conn.execute(statement, {"account": account.id}).mappings():
        # A tombstone says no more than that it is one.
        hidden = HIDDEN | {"key"} | ({"created_at", "discount"} if row.get("deleted") else set())
        yield row["key"], {name: value for name, value in row.items() if name not in hidden}


def _unlike(ours: Json | None, theirs: Json | None) -> dict[str, tuple[object, object]]:
    """The fields that differ; a rollup without a row is one of zeros."""
    first, second = ours or {}, theirs or {}
    pairs = {name: (first.get(name), second.get(name)) for name in first.keys() | second.keys()}
    if ours is None or theirs is None:
        pairs = {name: pair for name, pair in pairs.items() if name not in ("day", "currency")}
    return {name: pair for name, pair in pairs.items() if (pair[0] or 0) != (pair[1] or 0)}


def _compare_with_oracle(engine: Engine, world: World, known: dict[str, Account], findings: Findings) -> None:
    services = Services(clock=lambda: AS_OF, engine=engine, publisher=FakePublisher(), stripe=FakeStripe())
    services.auth = AuthSettings(jwt_secret="a-secret-of-the-tests-with-32-bytes")
    wiring.use(services)
    try:
        app = create_asgi_app("metrics_api", str(FUNCTIONS / "metrics_api" / "main.py"))
        client = TestClient(app, base_url="https://api.test")
        businesses = [known[shop.external_id].business_id for shop in world.shops]
        headers = _sign_in(engine, services, businesses)
        with engine.begin() as conn:
            metrics.compute(conn, businesses, AS_OF)
            readiness.compute(conn, businesses, AS_OF)
        for shop, business in zip(world.shops, businesses, strict=True):
            told = {}
            for path in ("metrics", "readiness"):
                reply = client.get(f"/api/v1/{path}", params={"business_id": str(business)}, headers=headers)
                assert reply.status_code == 200, reply.text
                told[path] = reply.json()
            expected = answer(shop.objects, AS_OF, usd_reference=RATES)
            unlike = compare(expected, told["metrics"], told["readiness"])
            findings.differences += [f"{shop.external_id} {difference}" for difference in unlike]
    finally:
        wiring.use(None)


def _sign_in(engine: Engine, services: Services, businesses: list[UUID]) -> dict[str, str]:
    """The headers of somebody who may see all of these businesses."""
    with engine.begin() as db:
        user = accounts.sign_up(db, email="auditor@example.com", name="An Auditor", password_hash="none", now=AS_OF)
        rows = [{"user_id": user.id, "business_id": business, "role": "viewer"} for business in businesses]
        db.execute(insert(models.UserBusinessMembership), rows)
        token = sessions.begin(db, user, address="192.0.2.1", secrets=services.auth.jwt_secrets, now=AS_OF)
    return {"Authorization": f"Bearer {token}"}
