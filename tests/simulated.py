"""The Stripe simulator without its HTTP, under a clock the test moves; and what is true there, to compare with."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection, text

from tests.connected import connect
from tests.fakes import FakeStripe
from vaultra.adapters.stripe import EXPAND, EXPAND_ONE
from vaultra.adapters.stripe_objects import parse, resource_of
from vaultra.db import objects, rollups
from vaultra.db.objects import Account, ObjectRow
from vaultra.errors import InvalidInput, NotFound
from vaultra.ports import Json, StripeRead
from vaultra_local.stripe_sim import Simulator, StripeAccount, api
from vaultra_local.stripe_sim.errors import StripeError

KINDS = {
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "payouts": "payout",
    "invoices": "invoice",
    "early_fraud_warnings": "radar.early_fraud_warning",
}


class Clock:
    """Stripe's clock, in whole seconds since 1970; it stands until it is moved."""

    def __init__(self, start: dt.datetime) -> None:
        self.seconds = int(start.timestamp())

    def __call__(self) -> int:
        return self.seconds

    @property
    def now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.seconds, dt.UTC)


class SimulatedStripe(FakeStripe):
    """A gateway to a simulator in this process. `before` is called with each request's resource, just before it."""

    def __init__(self, simulator: Simulator, clock: Clock) -> None:
        super().__init__()
        self.simulator = simulator
        self.clock = clock
        self.before: Callable[[str, Mapping[str, str]], None] = lambda _resource, _params: None

    def list_page(self, account_id: str, resource: str, params: Mapping[str, str]) -> StripeRead:
        self.before(resource, params)
        expand = [("expand[]", f"data.{path}") for path in EXPAND.get(resource, ())]
        return self._answer(account_id, resource, [*params.items(), *expand])

    def retrieve(self, account_id: str, resource: str, object_id: str | None = None) -> StripeRead:
        self.before(resource, {})
        expand = [("expand[]", path) for path in (*EXPAND.get(resource, ()), *EXPAND_ONE.get(resource, ()))]
        return self._answer(account_id, resource if object_id is None else f"{resource}/{object_id}", expand)

    def _answer(self, account_id: str, path: str, query: Sequence[tuple[str, str]]) -> StripeRead:
        self.asked.append((path, dict(query)))
        try:
            body = api.answer(self.simulator, self.simulator.account(account_id), path, urlencode(query))
        except StripeError as error:
            if error.status == 404 or error.code == "resource_missing":
                raise NotFound(error.message) from error
            raise InvalidInput(error.message) from error
        return StripeRead(body, self.clock.now - dt.timedelta(seconds=1))  # as the adapter dates a request's beginning


def a_shop(account_id: str, clock: Clock, *, opened: dt.timedelta = dt.timedelta(days=60)) -> StripeAccount:
    """An account that was opened some time ago; nothing has happened yet."""
    return StripeAccount(account_id, "A Shop", created=clock.seconds - int(opened.total_seconds()))


def differences(
    conn: Connection, account: Account, stripe: SimulatedStripe, tables: Sequence[str] = tuple(KINDS)
) -> dict[str, list[Any]]:
    """Where the stored rows and rollups differ from what the simulator holds, by table; empty when they agree."""
    oracle = connect(conn, f"{account.external_id}_oracle")
    days: set[dt.date] = set()
    for table in tables:
        collection = stripe.simulator.account(account.external_id).collections[KINDS[table]]
        found = []
        for _, object_id in collection.ordered():
            body: Json = stripe.retrieve(account.external_id, resource_of(table), object_id).body
            parsed = parse(body, "usd")
            assert parsed is not None
            found.append(ObjectRow(parsed.id, parsed.created_at, parsed.created_at, "", parsed.values))
            moments = [parsed.values.get("counted_at")]
            moments += [movement["created_at"] for movement in parsed.values.get("movements", [])]
            days |= {parsed.created_at.date()} | {dt.datetime.fromisoformat(at).date() for at in moments if at}
        objects.write(conn, oracle, table, found)
    rollups.recompute(conn, oracle, days)
    unequal = {}
    for table in (*tables, "daily_rollups"):
        ours, theirs = _rows(conn, table, account), _rows(conn, table, oracle)
        if ours != theirs:
            unequal[table] = [row for row in ours + theirs if (row in ours) != (row in theirs)]
    conn.rollback()
    return unequal


def _rows(conn: Connection, table: str, account: Account) -> list[Json]:
    hidden = {"integration_account_id", "business_id", "version_at", "content_hash", "paid_event_at"}
    key = "day, currency" if table == "daily_rollups" else "id"
    statement = text(f"select * from {table} where integration_account_id = :account order by {key}")
    found = conn.execute(statement, {"account": account.id}).mappings()
    rows = [{name: value for name, value in row.items() if name not in hidden} for row in found]
    counts = [name for name in (rows[0] if rows else {}) if name.endswith(("_count", "_minor"))]
    if table == "daily_rollups":
        return [row for row in rows if any(row[name] for name in counts)]
    return [row for row in rows if not row["deleted"]]
