"""Privacy of what Stripe sends: only ids, amounts, times and Stripe's own words are kept, and no longer than said."""

import datetime as dt
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, Engine, text

from tests import stripe_payloads as raw
from tests.connected import apply, connect, keep, rows
from tests.fakes import FakeStripe
from tests.payload_mutations import OFFICIAL, subjects
from tests.stripe_payloads import ACCOUNT, NOON, Json, at, event, event_of, subject_of, thin
from vaultra.adapters.stripe_events import HANDLERS, receive
from vaultra.adapters.stripe_objects import PARSERS, resource_of
from vaultra.adapters.stripe_privacy import SHAPES, Shape, without_personal_data
from vaultra.db import inbox
from vaultra.usecases import ingestion, sync

DAY, SECOND = dt.timedelta(days=1), dt.timedelta(seconds=1)
CANARY = "Jenny Rosen"
# What may be kept besides amounts and times: whose and which object it is, and words of Stripe's own lists.
IDS = {
    "id", "balance_transaction", "charge", "customer", "failure_balance_transaction", "fingerprint", "invoice",
    "payment_intent", "reversed_by", "source", "subscription",
}  # fmt: skip
WORDS = {
    "behavior", "billing_scheme", "case_type", "currency", "default_currency", "duration", "failure_code", "interval",
    "object", "reason", "round", "status", "tiers_mode", "type", "usage_type",
}  # fmt: skip
NUMBERS = {
    "amount_decimal", "exchange_rate", "flat_amount_decimal", "unit_amount", "unit_amount_decimal",
}  # fmt: skip
REQUIREMENTS = "past_due"  # names of fields that are missing, never what is in them


TEXTS = IDS | WORDS | NUMBERS


def names_in(shape: Shape) -> set[str]:
    return set(shape) | {name for inner in shape.values() for name in names_in(inner)}


# What is read in other places: amounts, times, yes or no, and what has more inside.
READ_OTHERWISE = {
    "actionable", "amount", "amount_captured", "amount_off", "amount_paid", "arrival_date", "automatic", "available",
    "balance_transactions", "cancel_at", "canceled_at", "captured", "card", "charges_enabled", "coupon", "created",
    "data", "deleted", "discount", "discounts", "divide_by", "due_by", "end", "ended_at", "evidence_details", "fee",
    "flat_amount", "has_more",
    "interval_count", "items", "net", "paid", "parent", "pause_collection", "payment", "payment_method_details",
    "payments", "payouts_enabled", "pending", "percent_off", "plan", "price", "quantity", "recurring", "refunds",
    "requirements", "resumes_at", "start", "start_date", "subscription_details", "tiers", "transform_quantity",
    "trial_end", "up_to",
}  # fmt: skip


def test_the_lists_above_are_what_is_kept() -> None:
    kept = {name for shape in SHAPES.values() for name in names_in(shape)}
    assert kept == TEXTS | READ_OTHERWISE | {REQUIREMENTS}


def canaries(value: Any, name: str = "", *, everywhere: bool) -> Any:
    """The same with a canary for every text and null: everywhere, or only where nothing may be kept."""
    if isinstance(value, dict):
        return {key: canaries(inner, key, everywhere=everywhere) for key, inner in value.items()}
    if isinstance(value, list):
        return [canaries(item, name, everywhere=everywhere) for item in value]
    a_text = isinstance(value, str) or (value is None and name not in READ_OTHERWISE)
    if a_text and name != "object" and (everywhere or name not in TEXTS | {REQUIREMENTS}):
        return f"{CANARY} of {name}"
    return value


def whole_subjects() -> list[Json]:
    """Every official object, and every object of ours with all that may be expanded in it."""
    return [*OFFICIAL.values(), *subjects()]


def found(value: Any, name: str = "") -> set[str]:
    """The names of the fields in which a canary still sings."""
    if isinstance(value, dict):
        return {where for key, inner in value.items() for where in found(inner, key)}
    if isinstance(value, list):
        return {where for item in value for where in found(item, name)}
    return {name} if isinstance(value, str) and CANARY in value else set()


def everything_stored(conn: Connection) -> str:
    """All rows of all tables, as text."""
    names = conn.execute(text("select tablename from pg_tables where schemaname = 'public' order by 1")).scalars().all()
    return "\n".join(
        f"{name}: {row}" for name in names for row in conn.execute(text(f'select * from "{name}"')).mappings()
    )


def kinds_of(subject: Json) -> list[str]:
    return [kind for kind in HANDLERS if subject_of(kind)["object"] == subject["object"]] or [
        "payment_intent.succeeded"
    ]


@pytest.mark.parametrize("number", range(len(whole_subjects())))
def test_only_ids_and_stripes_words_are_left_of_a_payload(number: int) -> None:
    """Every text and every null replaced by a canary: what survives in the inbox row is on the list above."""
    subject = whole_subjects()[number]
    filled = canaries(subject, everywhere=True)
    event_ = event("charge.succeeded", filled) | {
        "request": {"id": CANARY, "idempotency_key": CANARY},
        "data": {"object": filled, "previous_attributes": {"name": CANARY}},
        CANARY: CANARY,
    }
    kept = receive(orjson.dumps(event_)).payload
    assert found(kept) <= TEXTS | {REQUIREMENTS}
    assert CANARY not in str(set(_names(kept)))


def _names(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(name for inner in value.values() for name in _names(inner))]
    return [name for item in value for name in _names(item)] if isinstance(value, list) else []


def test_the_list_above_says_no_more_than_what_the_parsers_read() -> None:
    survived: set[str] = set()
    for subject in (canaries(subject, everywhere=True) for subject in whole_subjects()):
        survived |= found(without_personal_data({"data": {"object": subject}}))
    assert survived == TEXTS - {"object"} | {REQUIREMENTS}


def test_nothing_else_reaches_any_table(fresh_engine: Engine) -> None:
    """Webhook, apply and sync over every object, filled with canaries wherever nothing may be kept."""
    stripe, events = FakeStripe(), []
    for subject in whole_subjects():
        filled = canaries(subject, everywhere=False)
        if filled["object"] in ("account", "balance"):
            filled |= {"default_currency": "usd"}
            stripe.put(ACCOUNT, filled["object"], filled)
        elif filled["object"] in PARSERS:
            filled |= {"created": at(NOON) - 5}
            stripe.put(ACCOUNT, resource_of(f"{filled['object']}s".replace("radar.", "")), filled)
        events += [event_of(kind, filled) for kind in kinds_of(subject)]
    events.append(thin("v2.core.account.updated", raw.account(), data={"name": CANARY}, reason={"who": CANARY}))
    with fresh_engine.connect() as conn:
        account = connect(conn)
        received = [receive(orjson.dumps({**item, "request": {"id": CANARY}})) for item in events]
        ids = inbox.keep(conn, received, NOON)
        conn.commit()
        outcome = ingestion.apply(conn, stripe, ids, NOON)
        conn.commit()
        assert (outcome.failed, outcome.done > 100) == ([], True)
        run = sync.start(conn, integration_account_id=account.id, kind="initial", now=NOON)
        conn.commit()
        for step in range(50):
            if sync.take_step(conn, stripe, run.id, run.step + step, NOON).next_steps == []:
                break
            conn.commit()
        conn.commit()
        tables = {table: len(rows(conn, table, "1")) for table in ("charges", "disputes", "invoices", "subscriptions")}
        stored = everything_stored(conn)
    assert min(tables.values()) >= 2, tables
    assert CANARY not in stored
    print(f"Privacy: {len(events)} events and a sync full of canaries: {len(stored):,} characters stored, 0 canaries")


def test_a_dead_letter_and_a_refusal_say_nothing_personal(fresh_engine: Engine) -> None:
    wrong = [
        event("charge.succeeded", raw.charge(amount=CANARY)),
        event("charge.succeeded", raw.charge(currency=CANARY)),
        event("customer.updated", raw.customer(discount={"coupon": {"percent_off": CANARY}})),
        event("customer.subscription.updated", raw.subscription(status={"id": 5, "name": CANARY})),
        event("charge.succeeded", raw.charge(created=CANARY)),
    ]
    with fresh_engine.connect() as conn:
        connect(conn)
        assert len(apply(conn, FakeStripe(), wrong).failed) == len(wrong)
        told = str(rows(conn, "dead_letters")) + str([row["error"] for row in rows(conn, "stripe_events")])
    assert CANARY not in told


@pytest.mark.parametrize("status", ["done", "ignored", "dead"])
def test_payloads_are_kept_30_days_and_ids_90(db: Connection, status: str) -> None:
    [inbox_id] = keep(db, [event("charge.succeeded", raw.charge())])
    inbox.settle(db, [inbox_id], status, NOON)

    def left(now: dt.datetime) -> list[bool]:
        inbox.purge(db, now)
        return [row["payload"] is not None for row in rows(db, "stripe_events")]

    assert left(NOON + 30 * DAY) == [True]
    assert left(NOON + 30 * DAY + SECOND) == [False]
    assert left(NOON + 90 * DAY) == [False]
    assert left(NOON + 90 * DAY + SECOND) == []


def test_a_dead_event_without_its_payload_stays_dead(db: Connection) -> None:
    [inbox_id] = keep(db, [event("charge.succeeded", raw.charge())])
    connect(db)
    inbox.settle(db, [inbox_id], "dead", NOON)
    inbox.purge(db, NOON + 31 * DAY)
    [pending] = inbox.claim(db, [inbox_id])
    assert pending.payload == {}
