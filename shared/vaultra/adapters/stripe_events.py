"""Stripe's events into effects: which types we listen to, and what each means for us."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from vaultra.adapters.stripe_objects import ParsedObject, balance_amounts, named, parse, parse_account
from vaultra.adapters.stripe_parsing import LONGEST_TEXT, label, time
from vaultra.adapters.stripe_privacy import THIN, without_personal_data
from vaultra.db.inbox import ReceivedEvent
from vaultra.errors import InvalidInput
from vaultra.ports import Json


@dataclass(frozen=True)
class Effects:
    """What one event tells: new states of objects, a payout paid, news of the account."""

    objects: tuple[ParsedObject, ...] = ()
    payout_paid: str | None = None
    account: ParsedObject | None = None
    balance: Json | None = None
    deleted: tuple[tuple[str, str], ...] = field(default=())


def receive(raw: bytes) -> ReceivedEvent:
    """A verified webhook body as an inbox row; raise `InvalidInput` when it is not an event."""
    try:
        event = orjson.loads(raw)
        if b"\\" in raw and b"\\u0000" in raw:  # one byte is looked for ten times as fast, and rarely there
            event = _without_nul(event)
    except (ValueError, RecursionError):
        raise InvalidInput("This is not a Stripe event") from None
    return received_event(event)


def _without_nul(value: Any) -> Any:
    """The same without the character NUL, which jsonb can't hold and no id of Stripe's has."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    if isinstance(value, dict):
        return {name.replace("\0", ""): _without_nul(item) for name, item in value.items()}
    return value


def received_event(event: Json) -> ReceivedEvent:
    """An event object, from a webhook or from `/v1/events`, as an inbox row."""
    try:
        if event.get("object") == THIN:
            return _received(event, _thin_time(event["created"]), account=_context(event))
        return _received(event, time(event["created"]), account=event.get("account") or "")
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise InvalidInput("This is not a Stripe event") from None


def _received(event: Json, occurred_at: dt.datetime, account: str) -> ReceivedEvent:
    event_id, kind, livemode = event["id"], event["type"], event["livemode"]
    told = (event_id, kind, account)
    if not (all(isinstance(value, str) for value in told) and event_id and kind and isinstance(livemode, bool)):
        raise TypeError("id, type and account are text, livemode is true or false")
    if max(map(len, told)) > LONGEST_TEXT:
        raise ValueError("id, type and account are short")
    version = event.get("api_version")
    return ReceivedEvent(
        event_id=event_id,
        account=account,
        livemode=livemode,
        type=kind,
        api_version=version[:LONGEST_TEXT] if isinstance(version, str) else None,
        occurred_at=occurred_at,
        payload=without_personal_data(event) if kind in HANDLERS else {},
    )


def _thin_time(created: str) -> dt.datetime:
    """In whole seconds, as snapshots are told: an order within one second would be known of half of the events only."""
    moment = dt.datetime.fromisoformat(created)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return time(int(moment.timestamp()))


def _context(event: Json) -> str:
    context = event.get("context")
    return context.rpartition("/")[2] if isinstance(context, str) else ""


def effects_of(event_type: str, payload: Json, settlement_currency: str) -> Effects | None:
    """What an event means; None for a type we don't listen to.

    Raises:
        InvalidInput: When its object can't be read.
    """
    handler = HANDLERS.get(event_type)
    if handler is None:
        return None
    if handler is _deauthorized:  # it is about the event's own account, and may come without an object
        return Effects()
    subject = payload.get("related_object") or (payload.get("data") or {}).get("object")
    if not isinstance(subject, dict):
        raise InvalidInput("The event carries no object")
    return handler(subject, settlement_currency)


def _state(subject: Json, settlement_currency: str) -> Effects:
    parsed = parse(subject, settlement_currency)
    if parsed is None:
        raise _unexpected(subject.get("object"))
    return Effects(objects=(parsed,))


def _unexpected(kind: Any) -> InvalidInput:
    return InvalidInput(f"An object of type {str(kind)[:40]} is not expected here")


def _named(subject: Json, _settlement_currency: str) -> Effects:
    """A thin event's object is only named: what it is now has to be read."""
    parsed = named(str(subject.get("type")), _id(subject))
    if parsed is None:
        raise _unexpected(subject.get("type"))
    return Effects(objects=(parsed,))


def _discount(subject: Json, _settlement_currency: str) -> Effects:
    """A discount that came or went changes whose it is, which has to be read: the event may be all that tells."""
    for owner in ("subscription", "customer"):
        if subject.get(owner) is not None:
            parsed = named(owner, _id({"id": subject[owner]}))
            return Effects(objects=() if parsed is None else (parsed,))
    raise InvalidInput("The discount is nobody's")


def _named_discount(subject: Json, settlement_currency: str) -> Effects:
    """A discount has no address of its own: it is found at its owner's, `/v1/customers/cus_…/discount`."""
    _, _, owners, owner, *_ = [*str(subject.get("url")).split("/"), "", "", "", ""]
    return _discount({owners.removesuffix("s"): owner or None}, settlement_currency)


def _payout_paid(subject: Json, settlement_currency: str) -> Effects:
    effects = _state(subject, settlement_currency)
    return Effects(objects=effects.objects, payout_paid=effects.objects[0].id)


def _named_payout_paid(subject: Json, settlement_currency: str) -> Effects:
    effects = _named(subject, settlement_currency)
    return Effects(objects=effects.objects, payout_paid=effects.objects[0].id)


def _customer_deleted(subject: Json, _settlement_currency: str) -> Effects:
    return Effects(deleted=(("customers", _id(subject)),))


def _invoice_deleted(subject: Json, _settlement_currency: str) -> Effects:
    return Effects(deleted=(("invoices", _id(subject)),))


def _id(subject: Json) -> str:
    try:
        found = label(subject["id"])
    except (KeyError, TypeError, ValueError):
        found = None
    if not found:
        raise InvalidInput("What the event is about has no id")
    return found


def _account_updated(subject: Json, _settlement_currency: str) -> Effects:
    return Effects(account=parse_account(subject))


def _named_account(_subject: Json, _settlement_currency: str) -> Effects:
    return Effects(account=parse_account({}))


def _balance_available(subject: Json, _settlement_currency: str) -> Effects:
    return Effects(balance=balance_amounts(subject))


def _deauthorized(_subject: Json, _settlement_currency: str) -> Effects:
    """Nothing about objects: whoever applies it ends the connection, because of its type alone."""
    return Effects()


Handler = Callable[[Json, str], Effects]

# Events whose object is the state to keep. The same names below `v1.` are their thin events.
STATES = (
    "charge.captured",
    "charge.expired",
    "charge.failed",
    "charge.pending",
    "charge.refunded",
    "charge.succeeded",
    "charge.updated",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.refund.updated",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "radar.early_fraud_warning.created",
    "radar.early_fraud_warning.updated",
    "payout.canceled",
    "payout.created",
    "payout.failed",
    "payout.reconciliation_completed",
    "payout.updated",
    "customer.created",
    "customer.updated",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.pending_update_applied",
    "customer.subscription.pending_update_expired",
    "customer.subscription.resumed",
    "customer.subscription.trial_will_end",
    "customer.subscription.updated",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.overpaid",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_succeeded",
    "invoice.updated",
    "invoice.voided",
)
# Thin only: what a snapshot tells within `customer.subscription.updated`.
THIN_STATES = (
    "customer.subscription.active",
    "customer.subscription.cancel_at_changed",
    "customer.subscription.incomplete",
    "customer.subscription.incomplete_expired",
    "customer.subscription.item_added",
    "customer.subscription.item_price_changed",
    "customer.subscription.item_quantity_changed",
    "customer.subscription.item_removed",
    "customer.subscription.past_due",
    "customer.subscription.trialing",
    "customer.subscription.unpaid",
)

# A new event type is one line here and a recorded payload in the tests. Why we don't listen to the others is said,
# for every type that Stripe has, in tests/adapters/test_stripe_event_types.py.
HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(STATES, _state),
    "payout.paid": _payout_paid,
    "customer.deleted": _customer_deleted,
    "customer.discount.created": _discount,
    "customer.discount.deleted": _discount,
    "customer.discount.updated": _discount,
    "invoice.deleted": _invoice_deleted,
    "account.updated": _account_updated,
    "balance.available": _balance_available,
    "account.application.deauthorized": _deauthorized,
    **{f"v1.{name}": _named for name in (*STATES, *THIN_STATES)},
    "v1.payout.paid": _named_payout_paid,
    "v1.customer.deleted": _customer_deleted,
    "v1.invoice.deleted": _invoice_deleted,
    **{f"v1.customer.discount.{what}": _named_discount for what in ("created", "deleted", "updated")},
    "v1.account.updated": _named_account,
    "v1.account.application.deauthorized": _deauthorized,
}
