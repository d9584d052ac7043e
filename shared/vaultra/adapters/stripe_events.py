"""Stripe's events into effects: which types we listen to, and what each means for us."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from vaultra.adapters.stripe_objects import (
    ParsedObject,
    account_currency,
    account_standing,
    balance_amounts,
    parse,
)
from vaultra.adapters.stripe_privacy import without_personal_data
from vaultra.db.inbox import ReceivedEvent
from vaultra.errors import InvalidInput
from vaultra.ports import Json


@dataclass(frozen=True)
class Effects:
    """What one event tells: new states of objects, a payout paid, news of the account."""

    objects: tuple[ParsedObject, ...] = ()
    payout_paid: str | None = None
    standing: Json | None = None
    settlement_currency: str | None = None
    balance: Json | None = None
    deauthorized: bool = False
    deleted: tuple[tuple[str, str], ...] = field(default=())


def receive(raw: bytes) -> ReceivedEvent:
    """A verified webhook body as an inbox row; raise `InvalidInput` when it is not an event."""
    try:
        event = orjson.loads(raw)
        if b"\\u0000" in raw:
            event = _without_nul(event)
        received = received_event(event)
        orjson.dumps(received.payload)  # what was nested too deeply to be written again can't be kept
    except (ValueError, TypeError, RecursionError):
        raise InvalidInput("This is not a Stripe event") from None
    return received


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
        if event.get("object") == "v2.core.event":
            return _received(event, dt.datetime.fromisoformat(event["created"]), account=_context(event))
        created = dt.datetime.fromtimestamp(event["created"], dt.UTC)
        return _received(event, created, account=event.get("account") or "")
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError):
        raise InvalidInput("This is not a Stripe event") from None


def _received(event: Json, occurred_at: dt.datetime, account: str) -> ReceivedEvent:
    event_id, kind = event["id"], event["type"]
    if not (isinstance(event_id, str) and isinstance(kind, str) and isinstance(account, str) and event_id and kind):
        raise TypeError("id, type and account are text")
    version = event.get("api_version")
    return ReceivedEvent(
        event_id=event_id[:255],
        account=account[:255],
        livemode=bool(event.get("livemode")),
        type=kind[:255],
        api_version=version if isinstance(version, str) else None,
        occurred_at=occurred_at,
        payload=without_personal_data(event),
    )


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
    subject = (payload.get("data") or {}).get("object")
    if not isinstance(subject, dict):
        raise InvalidInput("The event carries no object")
    return handler(subject, settlement_currency)


def _state(subject: Json, settlement_currency: str) -> Effects:
    parsed = parse(subject, settlement_currency)
    if parsed is None:
        raise InvalidInput(f"An object of type {subject.get('object')} is not expected here")
    return Effects(objects=(parsed,))


def _payout_paid(subject: Json, settlement_currency: str) -> Effects:
    effects = _state(subject, settlement_currency)
    return Effects(objects=effects.objects, payout_paid=effects.objects[0].id)


def _customer_deleted(subject: Json, _settlement_currency: str) -> Effects:
    return Effects(deleted=(("customers", _id(subject)),))


def _invoice_deleted(subject: Json, _settlement_currency: str) -> Effects:
    return Effects(deleted=(("invoices", _id(subject)),))


def _id(subject: Json) -> str:
    found = subject.get("id")
    if not isinstance(found, str) or not found:
        raise InvalidInput("What was deleted has no id")
    return found


def _account_updated(subject: Json, _settlement_currency: str) -> Effects:
    return Effects(standing=account_standing(subject), settlement_currency=account_currency(subject))


def _balance_available(subject: Json, _settlement_currency: str) -> Effects:
    return Effects(balance=balance_amounts(subject))


def _deauthorized(_subject: Json, _settlement_currency: str) -> Effects:
    return Effects(deauthorized=True)


Handler = Callable[[Json, str], Effects]

# A new event type is one line here and a recorded payload in the tests.
HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(
        (
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
            "payout.updated",
            "customer.created",
            "customer.updated",
            "customer.subscription.created",
            "customer.subscription.deleted",
            "customer.subscription.paused",
            "customer.subscription.resumed",
            "customer.subscription.trial_will_end",
            "customer.subscription.updated",
            "invoice.finalized",
            "invoice.marked_uncollectible",
            "invoice.paid",
            "invoice.payment_failed",
            "invoice.payment_succeeded",
            "invoice.updated",
            "invoice.voided",
        ),
        _state,
    ),
    "payout.paid": _payout_paid,
    "customer.deleted": _customer_deleted,
    "invoice.deleted": _invoice_deleted,
    "account.updated": _account_updated,
    "balance.available": _balance_available,
    "account.application.deauthorized": _deauthorized,
}
