"""Pub/Sub's push deliveries: taken apart, handled, and acknowledged or set aside."""

import base64
import binascii
from collections.abc import Callable

import orjson
import structlog
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from vaultra.call import Call, commit_and_announce
from vaultra.errors import InvalidInput, VaultraError
from vaultra.parsing import body_of, validate_json
from vaultra.ports import Delivery
from vaultra.request_log import begin_span
from vaultra.telemetry import log
from vaultra.threads import in_thread


async def consume(room: Callable[..., None], model: type[BaseModel] | None, request: Request, call: Call) -> Response:
    """Hand a delivery to its room. A refusal that may pass is raised; any other is kept, and acknowledged."""
    delivery = delivery_of(await body_of(request))
    call.message = delivery
    structlog.contextvars.bind_contextvars(message_id=delivery.message_id, attempt=delivery.attempt)
    begin_span(room.__name__, call, delivery.attributes.get("traceparent"))

    def run() -> None:
        if model is None:
            room(call)
        else:
            room(call, validate_json(model, delivery.data))
        commit_and_announce(call, must_announce=True)

    try:
        await in_thread(run, call)
    except VaultraError as error:
        if error.retry:
            raise
        log.error("message.refused", code=error.code, reason=error.message, details=error.details)
        reason = f"{error.code}: {error.message}"
        await in_thread(lambda: _keep_dead_letter(call, delivery, reason), call)
    return Response(status_code=204)


def _keep_dead_letter(call: Call, delivery: Delivery, reason: str) -> None:
    from vaultra.db import dead_letters

    dead_letters.record(call.db, delivery, error=reason, now=call.now)
    commit_and_announce(call, must_announce=False)


def delivery_of(raw: bytes) -> Delivery:
    """The message in Pub/Sub's push envelope; raise `InvalidInput` for anything else."""
    try:
        outer = orjson.loads(raw)
        message = outer["message"]
        return Delivery(
            message_id=str(message.get("messageId") or message.get("message_id") or ""),
            subscription=str(outer.get("subscription", "")),
            data=base64.b64decode(message.get("data", ""), validate=True),
            attributes={str(key): str(value) for key, value in (message.get("attributes") or {}).items()},
            ordering_key=str(message.get("orderingKey", "")),
            attempt=int(outer.get("deliveryAttempt") or 0),
        )
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise InvalidInput("This is not a Pub/Sub push delivery") from None
