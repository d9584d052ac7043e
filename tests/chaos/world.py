"""What happens at Stripe in one run of chaos, made from a seed: shops, their objects' histories, and the deliveries."""

import datetime as dt
import itertools
import random
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field

from tests.oracle.oracle import random_shop
from tests.stripe_payloads import Json

AS_OF = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
"""Every object is older; what changes, changes in the hour after it."""

BEGIN = int(AS_OF.timestamp())
WINDOW_SECONDS, LATENESS_SECONDS = 3600, 1800
UNIQUE, LATE, SAME_SECOND = 0.8, 0.2, 0.3
SINGLE = ("account", "balance", "balance_transactions", "events")
EVENT_TYPES = {
    "charge": "charge.updated",
    "refund": "refund.updated",
    "dispute": "charge.dispute.updated",
    "payout": "payout.updated",
    "subscription": "customer.subscription.updated",
    "invoice": "invoice.updated",
    "customer": "customer.updated",
    "radar.early_fraud_warning": "radar.early_fraud_warning.updated",
}
EARLIER: dict[str, Json] = {
    "charge": {"status": "pending", "captured": False, "amount_captured": 0},
    "refund": {"status": "pending"},
    "dispute": {"status": "warning_needs_response", "balance_transactions": []},
    "payout": {"status": "in_transit", "failure_balance_transaction": None, "reversed_by": None},
    "subscription": {"status": "trialing"},
    "invoice": {"status": "open", "payments": {"object": "list", "data": []}},
    "customer": {"discount": None},
}


@dataclass(frozen=True)
class Shop:
    """One business's objects as they finally are; `external_id` is its Stripe account."""

    external_id: str
    objects: Json

    @property
    def currency(self) -> str:
        """Its settlement currency."""
        currency: str = self.objects["account"]["default_currency"]
        return currency

    def billing(self) -> list[Json]:
        """Every object that events tell about."""
        return [raw for resource, entries in self.objects.items() if resource not in SINGLE for raw in entries]


@dataclass
class World:
    """`histories` has an object's states by account and id, each with its second; None means deleted."""

    seed: int
    shops: list[Shop] = field(default_factory=list)
    histories: dict[tuple[str, str], list[tuple[int, Json | None]]] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    deliveries: list[Json] = field(default_factory=list)

    @classmethod
    def make(cls, seed: int, deliveries: int) -> "World":
        """So many deliveries: a fifth of them repetitions, a fifth late, three tenths of the steps in one second."""
        world, chance = cls(seed), random.Random(f"world {seed}")
        wanted = round(deliveries * UNIQUE)
        for number in range(seed * 1000, seed * 1000 + 999):
            if wanted - len(world.events) < 50:
                break
            objects = random_shop(number, AS_OF)
            if any(raw is None for raw in (objects["account"], objects["balance"])):
                continue
            world._add_shop(Shop(f"acct_{number}", objects), wanted - len(world.events), chance)
        while len(world.events) < wanted:
            world._add_ghost(chance, complete=wanted - len(world.events) > 1)
        repeated = chance.choices(world.events, k=deliveries - len(world.events))
        due = [(world._sent_at(event, chance), n, event) for n, event in enumerate(world.events + repeated)]
        world.deliveries = [event for _, _, event in sorted(due, key=lambda entry: entry[:2])]
        return world

    def truth(self, account: str, object_id: str, until: int | None = None) -> Json | None:
        """The object as it is at the end of a second, of the whole history when none is given; None: deleted.

        Raises:
            KeyError: There never was such an object.
        """
        history = self.histories[account, object_id]
        if until is None:
            return history[-1][1]
        known = bisect_right([second for second, _ in history], until)
        return history[max(known, 1) - 1][1]

    def figures(self) -> str:
        """What was asked for, counted."""
        seconds = [event["created"] for event in self.deliveries]
        inversions = sum(later < earlier for earlier, later in itertools.pairwise(seconds))
        steps = ties = 0
        for history in self.histories.values():
            for (before, _), (after, _) in itertools.pairwise(history):
                steps, ties = steps + 1, ties + (before == after)
        kinds = Counter(event["type"] for event in self.events)
        return (
            f"seed {self.seed}: {len(self.deliveries):,} deliveries of {len(self.events):,} events of "
            f"{len(self.histories):,} objects of {len(self.shops)} shops, {len(kinds)} types, "
            f"{inversions:,} inversions, {ties / steps:.0%} of {steps:,} steps within a second"
        )

    def _add_shop(self, shop: Shop, room: int, chance: random.Random) -> None:
        histories = {raw["id"]: _history(raw, chance) for raw in shop.billing()}
        paid: dict[str, list[Json]] = {}
        for event in shop.objects["events"]:
            paid.setdefault(event["data"]["object"]["id"], []).append(event)
        if sum(map(len, histories.values())) + len(shop.objects["events"]) > room:
            return
        self.shops.append(shop)
        for raw in shop.billing():
            told = sorted(paid.get(raw["id"], []), key=lambda event: event["created"])
            states = [(event["created"], event["data"]["object"]) for event in told] + histories[raw["id"]]
            self.histories[shop.external_id, raw["id"]] = list(states)
            self.events += [{**event, "account": shop.external_id} for event in told]
            for second, state in histories[raw["id"]]:
                self._tell(shop, EVENT_TYPES[raw["object"]], second, state)

    def _add_ghost(self, chance: random.Random, *, complete: bool) -> None:
        """A customer who came and, when `complete`, was deleted; nobody's metrics know them."""
        shop = self.shops[0]
        name = f"cus_ghost_{len(self.events)}"
        second = BEGIN + chance.randrange(WINDOW_SECONDS)
        ghost = {"id": name, "object": "customer", "created": second, "livemode": True, "discount": None}
        self.histories[shop.external_id, name] = [(second, ghost)]
        self._tell(shop, "customer.created", second, ghost)
        if complete:
            second += chance.randrange(2)
            self.histories[shop.external_id, name].append((second, None))
            self._tell(shop, "customer.deleted", second, ghost)

    def _tell(self, shop: Shop, kind: str, second: int, state: Json) -> None:
        self.events.append(
            {
                "id": f"evt_{self.seed}_{len(self.events)}",
                "object": "event",
                "account": shop.external_id,
                "livemode": state.get("livemode", True),
                "type": kind,
                "created": second,
                "data": {"object": state},
            }
        )

    @staticmethod
    def _sent_at(event: Json, chance: random.Random) -> int:
        late = chance.randint(1, LATENESS_SECONDS) if chance.random() < LATE else 0
        return int(max(event["created"], BEGIN)) + late


def _history(raw: Json, chance: random.Random) -> list[tuple[int, Json]]:
    before = EARLIER.get(raw["object"], {})
    between = raw | {name: value for name, value in before.items() if chance.random() < 0.5}
    states = [raw | before, between, raw][-chance.choice([1, 2, 2, 3]) :]
    second = BEGIN + 1 + chance.randrange(WINDOW_SECONDS)
    history = [(second, states[0])]
    for state in states[1:]:
        second += 0 if chance.random() < SAME_SECOND else chance.randint(1, 120)
        history.append((second, state))
    return history


def as_read(shop: Shop, raw: Json) -> Json:
    """The object as a read of it gives it: its balance transaction expanded."""
    if raw["object"] not in ("charge", "refund") or not isinstance(raw["balance_transaction"], str):
        return raw
    entries = {entry["id"]: entry for entry in shop.objects["balance_transactions"]}
    return {**raw, "balance_transaction": entries[raw["balance_transaction"]]}
