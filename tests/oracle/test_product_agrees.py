"""The product, fed with a random shop's Stripe objects in any order, answers what the oracle answers."""

import datetime as dt
import os
import random
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert, text
from starlette.testclient import TestClient

from tests.connected import connect
from tests.fakes import FakeStripe
from tests.functions.conftest import SignedIn
from tests.oracle.oracle import answer, compare, random_shop
from vaultra.adapters.stripe_events import received_event
from vaultra.adapters.stripe_objects import account_currency, account_standing, balance_amounts, parse, resource_of
from vaultra.db import models, objects
from vaultra.domain.reference_rates import USD_REFERENCE
from vaultra.services import Services
from vaultra.usecases import ingestion, metrics, readiness, storing
from vaultra.usecases.storing import Answers

Raw = dict[str, Any]

AS_OF = dt.datetime(2026, 11, 20, 15, 30, tzinfo=dt.UTC)
# More shops than the everyday run has time for: VAULTRA_SHOPS=2000 pytest tests/oracle/test_product_agrees.py
SHOPS = int(os.environ.get("VAULTRA_SHOPS", "100"))
SHUFFLED_SHOPS = max(SHOPS // 5, 1)
RATES = {currency: Fraction(rate) for currency, rate in USD_REFERENCE.items()}
SINGLE = ("account", "balance", "events")


class Loader:
    """Brings a shop's objects and events into the product, as a sync and webhooks would."""

    def __init__(self, conn: Connection, stripe: FakeStripe, owner: SignedIn, shop: Raw, account_id: str) -> None:
        self.conn, self.stripe, self.owner, self.shop = conn, stripe, owner, shop
        self.account = connect(conn, account_id, currency=None)
        member = {"user_id": owner.id, "business_id": self.account.business_id, "role": "viewer"}
        conn.execute(insert(models.UserBusinessMembership).values(member))
        account, balance = shop["account"], shop["balance"]
        objects.update_account(
            conn,
            self.account.id,
            version_at=AS_OF,
            standing=account_standing(account),
            settlement_currency=account_currency(account),
            balance=None if balance is None else balance_amounts(balance),
        )
        objects.mark_synced(conn, self.account.id, AS_OF, history_complete=True)
        conn.commit()
        for raw in every_object(shop):
            parsed = parse(raw, shop["account"]["default_currency"])
            assert parsed is not None
            stripe.put(account_id, resource_of(parsed.table), expanded(raw, shop))

    def store(self, batch: Iterable[Raw], version_at: dt.datetime = AS_OF) -> None:
        """Objects as a sync reads them: those of the other mode are left out."""
        states = []
        currency = self.shop["account"]["default_currency"]
        for raw in batch:
            if raw.get("livemode", True):
                parsed = parse(raw, currency)
                assert parsed is not None
                states += storing.states_of(parsed, version_at)
        answers: Answers = {}
        while True:
            account = objects.lock_account(self.conn, self.account.id)
            assert account is not None
            stored = storing.store(self.conn, account, states, answers)
            if not stored.needed:
                self.conn.commit()
                return
            self.conn.rollback()
            answers.update(storing.read_again(self.stripe, stored.needed))

    def apply(self, events: Iterable[Raw]) -> None:
        """Events as webhooks bring them."""
        received = [received_event({**event, "account": self.account.external_id}) for event in events]
        for ids in ingestion.keep(self.conn, received, AS_OF):
            self.conn.commit()
            outcome = ingestion.apply(self.conn, self.stripe, ids, AS_OF)
            assert not outcome.failed

    def compute(self, now: dt.datetime = AS_OF) -> None:
        """What the jobs after a change do."""
        metrics.compute(self.conn, [self.account.business_id], now)
        readiness.compute(self.conn, [self.account.business_id], now)
        self.conn.commit()


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    """A connection on which the product commits."""
    with engine.connect() as connection:
        yield connection


@pytest.fixture
def ask(room: Callable[[str], TestClient], services: Services) -> Callable[[SignedIn, str], Raw]:
    """Ask the deployed room, as an owner's browser does."""
    services.clock = lambda: AS_OF
    client = room("metrics_api")

    def get(owner: SignedIn, path: str) -> Raw:
        reply = client.get(f"/api/v1/{path}", headers=owner.headers)
        assert reply.status_code == 200, reply.text
        found: Raw = reply.json()
        return found

    return get


@pytest.mark.parametrize("seed", range(SHOPS))
def test_the_product_agrees_with_the_oracle(
    seed: int,
    conn: Connection,
    stripe: FakeStripe,
    services: Services,
    sign_up: Callable[[], SignedIn],
    ask: Callable[[SignedIn, str], Raw],
) -> None:
    shop = random_shop(seed, AS_OF)
    loader = Loader(conn, stripe, sign_up(), shop, f"acct_agrees_{seed}")
    loader.store(every_object(shop))
    loader.apply(shop["events"])
    loader.compute()
    expected = answer(shop, AS_OF, usd_reference=RATES)
    differences = compare(expected, ask(loader.owner, "metrics"), ask(loader.owner, "readiness"))
    assert not differences, "\n".join(differences)


@pytest.mark.parametrize("seed", range(SHUFFLED_SHOPS))
def test_the_order_of_storing_does_not_matter(
    seed: int, conn: Connection, stripe: FakeStripe, services: Services, sign_up: Callable[[], SignedIn]
) -> None:
    shop = random_shop(seed, AS_OF)
    owner = sign_up()
    first = Loader(conn, stripe, owner, shop, f"acct_in_order_{seed}")
    first.store(every_object(shop))
    first.apply(shop["events"])
    first.compute()
    again = Loader(conn, stripe, owner, shop, f"acct_shuffled_{seed}")
    chance = random.Random(seed)
    for number, batch in enumerate(shuffled_batches(shop, chance)):
        if chance.random() < 0.5:
            again.compute(AS_OF - dt.timedelta(minutes=30 - number))
        again.apply(raw for raw in batch if raw["object"] == "event")
        objects_now = [raw for raw in batch if raw["object"] != "event"]
        in_time, too_late = (chance.sample(objects_now, len(objects_now) // 4) for _ in range(2))
        again.store(map(earlier, in_time), AS_OF - dt.timedelta(days=2))
        again.store(objects_now)
        again.store(map(earlier, too_late), AS_OF - dt.timedelta(days=1))
    again.compute()
    assert result_of(again) == result_of(first)


def every_object(shop: Raw) -> list[Raw]:
    """All objects but the account, its balance and the events."""
    return [raw for resource, entries in shop.items() if resource not in SINGLE for raw in entries]


def expanded(raw: Raw, shop: Raw) -> Raw:
    """The object as a read of it gives it: its balance transaction expanded."""
    if raw["object"] not in ("charge", "refund") or not isinstance(raw["balance_transaction"], str):
        return raw
    entries = {entry["id"]: entry for entry in shop["balance_transactions"]}
    return {**raw, "balance_transaction": entries[raw["balance_transaction"]]}


EARLIER: dict[str, Raw] = {
    "charge": {"status": "pending", "captured": False, "amount_captured": 0, "balance_transaction": None},
    "refund": {"status": "pending", "balance_transaction": None},
    "dispute": {"status": "warning_needs_response", "balance_transactions": []},
    "payout": {"status": "in_transit", "failure_balance_transaction": None, "reversed_by": None},
    "subscription": {"status": "trialing"},
    "invoice": {"status": "open", "payments": {"object": "list", "data": []}},
    "customer": {"discount": None},
}


def earlier(raw: Raw) -> Raw:
    """The object as it was some time before."""
    return raw | EARLIER.get(raw["object"], {})


def shuffled_batches(shop: Raw, chance: random.Random) -> list[list[Raw]]:
    """Objects and events in any order, a fifth of them twice, cut into a few pieces."""
    everything = [*every_object(shop), *shop["events"]]
    everything += chance.sample(everything, len(everything) // 5)
    chance.shuffle(everything)
    cuts = sorted(chance.randrange(len(everything) + 1) for _ in range(chance.randrange(8)))
    return [everything[start:end] for start, end in zip([0, *cuts], [*cuts, len(everything)], strict=True)]


def result_of(loader: Loader) -> tuple[str, str]:
    """The stored metrics and the score's components, as the very text the database holds."""
    key = {"business": loader.account.business_id}
    return (
        loader.conn.execute(METRICS_TEXT, key).scalar_one(),
        loader.conn.execute(COMPONENTS_TEXT, key).scalar_one(),
    )


METRICS_TEXT = text("select metrics_json::text from financial_metric_snapshots where business_id = :business")
COMPONENTS_TEXT = text(
    "select components::text from readiness_scores where business_id = :business order by created_at desc limit 1"
)
