"""The control API under /_sim: what a test or a demo lets happen to the simulated accounts."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vaultra_local.stripe_sim.account import NoSuchObject
from vaultra_local.stripe_sim.faults import Fault
from vaultra_local.stripe_sim.shapes import Json
from vaultra_local.stripe_sim.simulator import OPERATIONS, Simulator, UnknownAccount
from vaultra_local.stripe_sim.webhooks import Disturbance

KIND_OF_RESULT = {
    "customer": "customer",
    "charge": "charge",
    "refund": "refund",
    "dispute": "dispute",
    "dispute_status": "dispute",
    "fraud_warning": "radar.early_fraud_warning",
    "payout": "payout",
    "payout_paid": "payout",
    "payout_failed": "payout",
    "product": "product",
    "price": "price",
    "coupon": "coupon",
    "subscription": "subscription",
    "renew": "subscription",
    "change_subscription": "subscription",
    "subscription_status": "subscription",
    "pause": "subscription",
    "resume": "subscription",
    "cancel": "subscription",
    "invoice": "invoice",
    "pay_invoice": "invoice",
}
PAYOUT_OUTCOMES = {
    "in_transit": (),
    "paid": ("payout_paid",),
    "failed": ("payout_failed",),
    "paid_then_failed": ("payout_paid", "payout_failed"),
}


def reply(body: Any, status: int = 200) -> Response:
    """JSON, made by orjson."""
    return Response(orjson.dumps(body), status, media_type="application/json")


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of the control API: the parts of its path, and its JSON."""

    simulator: Simulator
    path: Mapping[str, str]
    arguments: Json


def _handler(act: Callable[[Call], Json]) -> Callable[[Request], Any]:
    """A route that reads a JSON object, acts, and answers 400 or 404 for what makes no sense."""

    async def handle(request: Request) -> Response:
        raw = await request.body()
        try:
            arguments = orjson.loads(raw) if raw else {}
            if not isinstance(arguments, dict):
                raise ValueError("the body has to be a JSON object")
            return reply(act(Call(request.app.state.simulator, request.path_params, arguments)))
        except (UnknownAccount, NoSuchObject) as missing:
            return reply({"error": f"not found: {missing}"}, 404)
        except (ValueError, TypeError, LookupError, RuntimeError) as wrong:
            return reply({"error": f"{type(wrong).__name__}: {wrong}"}, 400)

    return handle


def _health(call: Call) -> Json:
    return {"status": "ok", "accounts": len(call.simulator.accounts)}


def _accounts(call: Call) -> Json:
    return {
        "accounts": [
            {
                "id": account.id,
                "name": account.name,
                "about": account.about,
                "currency": account.currency,
                "livemode": account.livemode,
                "revoked": account.id in call.simulator.revoked,
                "objects": {kind: len(found) for kind, found in account.collections.items() if len(found)},
            }
            for account in call.simulator.accounts.values()
        ]
    }


def _do(call: Call) -> Json:
    account_id, operation = call.path["account"], call.path["operation"]
    if operation not in OPERATIONS:
        raise ValueError(f"no operation '{operation}'; there are {', '.join(sorted(OPERATIONS))}")
    outcome = call.arguments.pop("outcome", "in_transit") if operation == "payout" else "in_transit"
    if outcome not in PAYOUT_OUTCOMES:
        raise ValueError(f"no outcome '{outcome}'; there are {', '.join(PAYOUT_OUTCOMES)}")
    object_id = call.simulator.do(account_id, operation, **call.arguments)
    for step in PAYOUT_OUTCOMES[outcome]:
        call.simulator.do(account_id, step, at=call.arguments.get("at"), payout=object_id)
    kind = KIND_OF_RESULT.get(operation)
    account = call.simulator.account(account_id)
    return {"id": object_id} if kind is None else account.render(kind, object_id, call.simulator.now())


def _revoke(call: Call) -> Json:
    call.simulator.revoke(call.path["account"])
    return {"revoked": True}


def _key(call: Call) -> Json:
    account_id = call.simulator.account(call.path["account"]).id
    keys = [key.key for key in call.simulator.restricted_keys.values() if key.account_id == account_id]
    if not keys:
        raise ValueError("all keys of this account were rolled")
    return {"key": keys[0]}


def _add_key(call: Call) -> Json:
    return {"key": call.simulator.restricted_key(call.path["account"], call.arguments.get("permissions"))}


def _roll_key(call: Call) -> Json:
    call.simulator.roll_key(call.arguments["key"])
    return {"rolled": True}


def _event(call: Call) -> Json:
    return {"id": call.simulator.send_event(call.arguments)}


def _resend(call: Call) -> Json:
    return {"sent": call.simulator.resend(call.path["account"], call.path["event"])}


def _add_fault(call: Call) -> Json:
    call.simulator.faults.append(Fault(**call.arguments))
    return {"faults": len(call.simulator.faults)}


def _faults(call: Call) -> Json:
    shown = [field.name for field in dataclasses.fields(Fault) if field.init]
    return {"faults": [{name: getattr(fault, name) for name in shown} for fault in call.simulator.faults]}


def _no_faults(call: Call) -> Json:
    call.simulator.faults.clear()
    return {"faults": 0}


def _disturb(call: Call) -> Json:
    call.simulator.webhooks.disturbance = Disturbance(**call.arguments)
    return dataclasses.asdict(call.simulator.webhooks.disturbance)


def _deliveries(call: Call) -> Json:
    return {"attempts": [dataclasses.asdict(attempt) for attempt in call.simulator.webhooks.attempts[-1000:]]}


def _requests(call: Call) -> Json:
    return {"requests": [dataclasses.asdict(received) for received in list(call.simulator.requests)[-1000:]]}


ROUTES = [
    Route("/_sim/health", _handler(_health)),
    Route("/_sim/accounts", _handler(_accounts)),
    Route("/_sim/accounts/{account}/revoke", _handler(_revoke), methods=["POST"]),
    Route("/_sim/accounts/{account}/events/{event}/resend", _handler(_resend), methods=["POST"]),
    Route("/_sim/accounts/{account}/keys", _handler(_key)),
    Route("/_sim/accounts/{account}/keys", _handler(_add_key), methods=["POST"]),
    Route("/_sim/keys/roll", _handler(_roll_key), methods=["POST"]),
    Route("/_sim/accounts/{account}/{operation}", _handler(_do), methods=["POST"]),
    Route("/_sim/events", _handler(_event), methods=["POST"]),
    Route("/_sim/faults", _handler(_faults)),
    Route("/_sim/faults", _handler(_add_fault), methods=["POST"]),
    Route("/_sim/faults", _handler(_no_faults), methods=["DELETE"]),
    Route("/_sim/webhooks", _handler(_disturb), methods=["POST"]),
    Route("/_sim/deliveries", _handler(_deliveries)),
    Route("/_sim/requests", _handler(_requests)),
]
