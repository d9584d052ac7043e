"""Show 4 and RELIABILITY rows E7 and E8: whatever Stripe sends, in any form and version, harms nothing."""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, Engine, text

from tests import stripe_payloads as raw
from tests.adapters.test_stripe_event_types import SNAPSHOTS, THIN
from tests.connected import OBJECT_TABLES, account_of, apply, connect, everything, one, rollups, rows, statuses
from tests.fakes import FakePublisher, FakeStripe
from tests.payload_mutations import OFFICIAL, mutated, places, subjects, without
from tests.reliability.conftest import WEBHOOK, announced, client, signed
from tests.stripe_payloads import ACCOUNT, NOON, Json, at, event, event_of, subject_of, thin
from vaultra.adapters.stripe_events import HANDLERS, receive
from vaultra.adapters.stripe_objects import resource_of
from vaultra.db import inbox
from vaultra.errors import InvalidInput
from vaultra.services import Services
from vaultra.usecases import ingestion, metrics, readiness

DAY = 86_400
GOODBYES = ("account.application.deauthorized", "v1.account.application.deauthorized")
REASON = re.compile(
    r"InvalidInput: (This [a-z_.]+ can't be read: [A-Za-z]+|The event carries no object|The discount is nobody's"
    r"|What the event is about has no id|An object of type .{0,80} is not expected here)"
)


def official_subject(event_type: str) -> Json:
    """The official object that events of this type are about, or the nearest that there is."""
    snapshot = event_type.removeprefix("v1.")
    if snapshot in HANDLERS:
        return OFFICIAL.get(subject_of(event_type)["object"], subject_of(event_type))
    family = max((kind for kind in OFFICIAL if snapshot.startswith(kind)), key=len, default="product")
    return OFFICIAL[family]


def apply_announced(services: Services, publisher: FakePublisher, stripe: FakeStripe) -> ingestion.Outcome:
    total = ingestion.Outcome()
    for message in announced(publisher, ingestion.TOPIC):
        with services.engine.connect() as conn:
            total.add(ingestion.apply(conn, stripe, message["ids"], NOON))
            conn.commit()
    return total


def test_show_4_every_event_type_of_stripe_passes_through_the_webhook(
    services: Services, publisher: FakePublisher, stripe: FakeStripe
) -> None:
    """Snapshot and thin, of every type that Stripe's library knows, about Stripe's own example objects."""
    kinds = [*SNAPSHOTS, *THIN, "v2.core.account.updated", "charge.of_tomorrow", "v1.charge.of_tomorrow"]
    events = [event_of(kind, official_subject(kind)) for kind in kinds if kind not in GOODBYES]
    for kind, subject in OFFICIAL.items():
        stripe.put(ACCOUNT, "account" if kind == "account" else f"{resource_of(kind)}s", subject)
    with services.engine.begin() as conn:
        connect(conn)

    async def deliver() -> Counter[int]:
        async with client("stripe_webhook") as webhook:
            answers = [await webhook.post(WEBHOOK, **signed(item)) for item in events]
        return Counter(answer.status_code for answer in answers)

    assert asyncio.run(deliver()) == {200: len(events)}
    outcome = apply_announced(services, publisher, stripe)
    listened = sum(item["type"] in HANDLERS for item in events)
    assert (outcome.done, outcome.ignored, outcome.failed) == (listened, len(events) - listened, [])
    with services.engine.connect() as conn:
        for table in set(OBJECT_TABLES) - {"balance_transactions", "customers"}:
            assert len(rows(conn, table)) == 1, table
    print(f"Show 4: {len(events)} event types: 200 each, {outcome.done} applied, {outcome.ignored} ignored, 0 dead")


# --- anything in any place -------------------------------------------------------------------


def control(number: int) -> list[Json]:
    """Healthy events of a day of their own, with which nothing may happen but their effect."""
    moment = at(NOON) - 9 * DAY
    return [
        event("charge.succeeded", raw.charge(id=f"ch_good_{number}", created=moment), moment, id=f"evt_good_{number}"),
        event("refund.created", raw.refund(id=f"re_good_{number}", created=moment), moment, id=f"evt_good_r_{number}"),
    ]


def wrong_events(count: int, chance: random.Random) -> Iterable[Json]:
    """Events of every type we listen to about every object, each made wrong; some have the same ids as others."""
    kinds = [kind for kind in HANDLERS if kind not in GOODBYES]
    whole = {subject["object"]: subject for subject in subjects()}
    for number in range(count):
        kind = kinds[number % len(kinds)]
        expected = subject_of(kind)["object"]
        subject = chance.choice([whole[expected], OFFICIAL.get(expected, whole[expected])])
        if chance.random() < 0.1:
            subject = chance.choice([*whole.values(), *OFFICIAL.values()])
        if "id" in subject and subject["object"] != "account":
            subject = {**subject, "id": f"{subject['id'][:6]}_{chance.randrange(count // 8)}"}
        item = event_of(kind, mutated(subject, chance) if not kind.startswith("v1.") else subject)
        if kind.startswith("v1.") or chance.random() < 0.05:
            item = mutated(item, chance, most=2)
        yield {**item, "id": f"evt_wrong_{number}"}


@pytest.mark.parametrize(
    ("count", "seed"), [(3200, 4), pytest.param(100_000, 44, marks=pytest.mark.long)], ids=["everyday", "long"]
)
def test_show_4_anything_in_any_place_harms_nothing_else(fresh_engine: Engine, count: int, seed: int) -> None:
    began = time.process_time()
    chance = random.Random(seed)
    stripe, refused, reasons = FakeStripe(), 0, Counter[str]()
    stripe.put(ACCOUNT, "account", raw.account())
    with fresh_engine.connect() as conn:
        account = connect(conn)
        batch: list[Json] = []
        for number, item in enumerate(wrong_events(count, chance)):
            batch += [item, *control(number // 100)] if number % 100 == 50 else [item]
            if number % 100 == 99 or number == count - 1:
                refused += deliver(conn, stripe, batch, chance)
                batch = []
        found = rows(conn, "stripe_events", "id")
        assert {row["status"] for row in found} == {"done", "ignored", "parked", "dead"}
        for row in found:
            if row["status"] == "dead":
                reason = REASON.match(row["error"])
                assert reason, row["error"]
                assert row["attempts"] == 1
                reasons[reason[1].split(":")[0]] += 1
        controls = count // 100
        assert {row["status"] for row in found if "good" in row["event_id"]} == {"done"}
        good = [row for row in rollups(conn) if row["day"] == (NOON.date().replace(day=11))]
        assert [(row["charge_count"], row["settled_minor"], row["refunded_minor"]) for row in good] == [
            (controls, controls * 5000, controls * 500)
        ]
        told = {row["id"]: row for table in ("charges", "refunds") for row in rows(conn, table) if "good" in row["id"]}
        assert {row["amount_minor"] for row in told.values()} == {5000, 500}
        assert len(told) == 2 * controls
        # What was let in can be measured.
        assert metrics.compute(conn, [account.business_id], NOON) == [account.business_id]
        assert readiness.current(conn, account.business_id)
        how = statuses(conn)
    print(f"Show 4: {count} wrong events, {refused} refused at the door, {how}, dead for {len(reasons)} reasons, "
          f"0 of {len(told)} others harmed; {time.process_time() - began:.1f} s CPU")  # fmt: skip


def deliver(conn: Connection, stripe: FakeStripe, events: list[Json], chance: random.Random) -> int:
    """Receive and apply as one message what can be received; how many can't."""
    chance.shuffle(events)
    received, refused = [], 0
    for item in events:
        try:
            received.append(receive(orjson.dumps(item)))
        except InvalidInput:
            refused += 1
    ids = inbox.keep(conn, received, NOON)
    conn.commit()
    ingestion.apply(conn, stripe, ids, NOON)
    conn.commit()
    return refused


# --- thin events -----------------------------------------------------------------------------


def test_e7_a_thin_event_is_fetched_under_its_account(
    services: Services, publisher: FakePublisher, stripe: FakeStripe
) -> None:
    stripe.put(ACCOUNT, "charges", raw.charge(id="ch_1", amount=700))
    stripe.put(ACCOUNT, "payouts", raw.payout(id="po_1", status="paid"))
    stripe.put(ACCOUNT, "account", raw.account(charges_enabled=False))
    with services.engine.begin() as conn:
        account = connect(conn)
    events = [
        thin("v1.charge.succeeded", raw.charge(id="ch_1")),
        thin("v1.charge.succeeded", raw.charge(id="ch_gone")),
        thin("v1.payout.paid", raw.payout(id="po_1")),
        thin("v1.account.updated", raw.account()),
        thin("v1.charge.succeeded", raw.charge(id="ch_1"), livemode=False),
        thin("v1.charge.succeeded", raw.charge(id="ch_1"), context="acct_unknown"),
        thin("v2.core.account.updated", raw.account(), related_object=None),
        thin("v1.balance.available", raw.balance()),
    ]

    async def deliver() -> list[int]:
        async with client("stripe_webhook") as webhook:
            return [(await webhook.post(WEBHOOK, **signed(item))).status_code for item in events]

    assert asyncio.run(deliver()) == [200] * len(events)
    outcome = apply_announced(services, publisher, stripe)
    assert (outcome.done, outcome.ignored, outcome.parked, outcome.failed) == (4, 3, 1, [])
    with services.engine.connect() as conn:
        assert (one(conn, "charges")["id"], one(conn, "charges")["amount_minor"]) == ("ch_1", 700)
        assert one(conn, "payouts")["paid_event_at"] == NOON
        assert account_of(conn, account.id)["standing"]["charges_enabled"] is False
    print("E7: 8 signed thin events: 200 each; 4 fetched, 3 ignored, 1 parked")


def test_e7_a_thin_and_a_full_event_of_one_change_agree_in_any_order(fresh_engine: Engine) -> None:
    stripe = FakeStripe()
    stripe.put(ACCOUNT, "charges", raw.charge(id="ch_1", amount=700))
    full = event("charge.succeeded", raw.charge(id="ch_1", amount=600))  # of the same second, a moment before
    pair = [thin("v1.charge.updated", raw.charge(id="ch_1")), full]
    with fresh_engine.connect() as conn:
        connect(conn)
        for order in (pair, pair[::-1]):
            for item in order:
                apply(conn, stripe, [{**item, "id": f"evt_{random.Random(str(item)).random()}"}])
            assert one(conn, "charges")["amount_minor"] == 700


def test_e7_an_old_thin_event_asks_nobody(fresh_engine: Engine) -> None:
    stripe = FakeStripe()
    with fresh_engine.connect() as conn:
        connect(conn)
        apply(conn, stripe, [event("charge.succeeded", raw.charge(id="ch_1"), at(NOON) + 1)])
        assert apply(conn, stripe, [thin("v1.charge.succeeded", raw.charge(id="ch_1"))]).done == 1
        assert stripe.asked == []


# --- versions --------------------------------------------------------------------------------


def as_of_2019(subject: Json) -> Json:
    """The same object as Stripe told it in API version 2019-12-03."""
    old = {name: value for name, value in subject.items() if name not in ("payments", "parent", "discounts")}
    if subject["object"] == "charge":
        old |= {"invoice": "in_1" if subject["id"] == "ch_1" else None, "refunds": {"object": "list", "data": []}}
    if subject["object"] == "subscription":
        plan = {"amount": 1000, "amount_decimal": "1000", "billing_scheme": "per_unit", "currency": "usd",
                "interval": "month", "interval_count": 1, "usage_type": "licensed", "tiers": None, "tiers_mode": None,
                "transform_usage": None}  # fmt: skip
        [item] = subject["items"]["data"]
        old |= {"discount": as_of_2019(subject["discounts"][0]), "plan": plan, "quantity": item["quantity"]}
        old["items"] = {"object": "list", "data": [{"id": item["id"], "plan": plan, "quantity": item["quantity"]}]}
    if subject["object"] == "discount":
        old["coupon"] = old.pop("source")["coupon"]
    if subject["object"] == "customer":
        old["discount"] = as_of_2019(subject["discount"])
    if subject["object"] == "invoice":
        old |= {"subscription": "sub_1", "charge": "ch_1", "payment_intent": "pi_1", "paid": True}
    return old


def as_of_2022(subject: Json) -> Json:
    """And in 2022-11-15: prices beside plans, several discounts, charges without their refunds."""
    if subject["object"] == "subscription":
        discounts = [{**as_of_2019(item), "source": None} for item in subject["discounts"]]
        return {**subject, "discount": discounts[0], "discounts": discounts}
    if subject["object"] == "charge":
        return {**subject, "invoice": "in_1" if subject["id"] == "ch_1" else None}
    return as_of_2019(subject)


VERSIONS: dict[str, Any] = {"2019-12-03": as_of_2019, "2022-11-15": as_of_2022, "2026-10-28.endive": lambda same: same}


def a_shop() -> list[tuple[str, Json]]:
    """A little of everything, as of today's version."""
    at_once, later = raw.movement(-5000, id="txn_1"), raw.movement(-5000, id="txn_2", created=at(NOON) + 3 * DAY)
    return [
        ("charge.succeeded", raw.charge(id="ch_1", payment_intent="pi_1")),
        ("charge.succeeded", raw.charge(id="ch_2", amount=9000, amount_captured=8000, payment_intent=None)),
        ("charge.failed", raw.charge(id="ch_3", status="failed", paid=False, captured=False, amount_captured=0)),
        ("refund.created", raw.refund(id="re_1", charge="ch_1")),
        ("charge.dispute.created", raw.dispute(id="dp_1", charge="ch_1", balance_transactions=[at_once])),
        ("charge.dispute.updated", raw.dispute(id="dp_2", charge="ch_2", balance_transactions=[later])),
        ("radar.early_fraud_warning.created", raw.early_fraud_warning(id="issfr_1")),
        ("payout.paid", raw.payout(id="po_1", status="paid")),
        ("customer.updated", raw.customer(id="cus_1", discount=raw.discount(id="di_2"))),
        ("customer.subscription.updated", raw.subscription(id="sub_1", discounts=[raw.discount(id="di_1")])),
        ("invoice.paid", raw.invoice(id="in_1")),
        ("account.updated", raw.account()),
        ("balance.available", raw.balance()),
    ]


def told_in(version: str, moment: int) -> list[Json]:
    return [
        event(kind, VERSIONS[version](subject), moment, api_version=version, id=f"evt_{version}_{moment}_{number}")
        for number, (kind, subject) in enumerate(a_shop())
    ]


def known(conn: Connection) -> dict[str, Any]:
    """All rows, but for how an invoice and its charge name each other, which each version does in its own way."""
    hidden = ("content_hash", "invoice", "paid_by")
    found = everything(conn)
    objects = {
        table: [[pair for pair in row if pair[0] not in hidden] for row in found[table]] for table in OBJECT_TABLES
    }
    return {**objects, "daily_rollups": found["daily_rollups"]}


def measured(conn: Connection, business: Any) -> Any:
    metrics.compute(conn, [business], NOON)
    return metrics.latest(conn, business)


def test_e8_three_api_versions_say_the_same(fresh_engine: Engine) -> None:
    stripe = FakeStripe()  # which has nothing, so that nothing is put right by asking
    said = []
    with fresh_engine.connect() as conn:
        for version in VERSIONS:
            account = connect(conn)
            outcome = apply(conn, stripe, told_in(version, at(NOON)))
            assert (outcome.done, outcome.failed) == (len(a_shop()), []), version
            said.append((version, known(conn), measured(conn, account.business_id)))
            assert stripe.asked == []
            conn.execute(text("delete from businesses"))
            conn.execute(text("delete from stripe_events"))
            conn.commit()
    oldest, *others = said
    for version, facts, snapshot in others:
        assert facts == oldest[1], version
        assert snapshot.metrics == oldest[2].metrics, version
    print(f"E8: {len(a_shop())} events in {len(VERSIONS)} API versions: the same rows, the same metrics")


@pytest.mark.parametrize("later", VERSIONS)
def test_e8_a_later_event_in_another_version_loses_nothing(fresh_engine: Engine, later: str) -> None:
    with fresh_engine.connect() as conn:
        account = connect(conn)
        apply(conn, FakeStripe(), told_in("2019-12-03", at(NOON)))
        apply(conn, FakeStripe(), told_in("2026-10-28.endive", at(NOON) + 1))
        before, snapshot = known(conn), measured(conn, account.business_id)
        apply(conn, FakeStripe(), told_in(later, at(NOON) + 2))
        assert known(conn) == before
        assert measured(conn, account.business_id).metrics == snapshot.metrics
        assert [row["invoice"] for row in rows(conn, "charges")] == ["in_1", None, None]
        assert "pi_1" in one(conn, "invoices")["paid_by"]


def test_e8_a_field_that_is_left_out_keeps_what_was_known(fresh_engine: Engine) -> None:
    """Each field of each object, left out of a later event: the row stays, or is read, or the event is refused."""
    stripe, first, second, cases = FakeStripe(), [], [], 0
    kinds = {subject_of(kind)["object"]: kind for kind in HANDLERS if not kind.startswith("v1.")}
    kinds |= {"refund": "refund.updated", "payout": "payout.updated", "customer": "customer.updated"}
    for subject in subjects():
        if subject["object"] in ("account", "balance", "discount"):
            continue
        for (field,) in [path for path in places(subject) if len(path) == 1]:
            cases += 1
            whole = {**subject, "id": f"{subject['id'][:6]}_{cases}"}
            stripe.put(ACCOUNT, f"{resource_of(whole['object'])}s", whole)
            first.append(event(kinds[whole["object"]], whole))
            second.append(event(kinds[whole["object"]], without(whole, (field,)), at(NOON) + 1))
    with fresh_engine.connect() as conn:
        connect(conn)
        assert apply(conn, stripe, first).failed == []
        before = known(conn)
        outcome = apply(conn, stripe, second)
        assert known(conn) == before
        assert outcome.done + len(outcome.failed) + outcome.ignored == cases
        assert {row["status"] for row in rows(conn, "stripe_events")} == {"done", "dead"}
    print(f"E8: {cases} fields left out of a later event: 0 values lost, {len(outcome.failed)} events refused")
