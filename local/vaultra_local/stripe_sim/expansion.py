"""expand[]: ids inside an answer become the objects they name, along any path, without touching shared data."""

from typing import Any

from vaultra_local.stripe_sim.account import StripeAccount
from vaultra_local.stripe_sim.collection import Page
from vaultra_local.stripe_sim.errors import StripeError
from vaultra_local.stripe_sim.resources import KIND_BY_PREFIX
from vaultra_local.stripe_sim.shapes import Json, list_of

MAX_DEPTH = 4
INCLUDABLE = {
    ("invoice", "payments"): ("invoice_payment", "invoice", "/v1/invoice_payments?invoice="),
    ("charge", "refunds"): ("refund", "charge", "/v1/refunds?charge="),
}
"""Lists that an object carries only on demand: the kind listed, and the filter that finds them."""


def expanded(account: StripeAccount, value: Any, path: str, now: int) -> Any:
    """A copy of the answer in which the ids at the path's end are objects.

    Raises:
        StripeError: 400, when there is nothing to expand at that path or it is too deep.
    """
    parts = path.split(".")
    if len([part for part in parts if part != "data"]) > MAX_DEPTH:
        message = f"You cannot expand more than {MAX_DEPTH} levels of a property: {path}."
        raise StripeError(400, message, code="property_expansion_max_depth")
    return _walk(account, value, parts, path, now)


def _walk(account: StripeAccount, value: Any, parts: list[str], path: str, now: int) -> Any:
    if isinstance(value, list):
        return [_walk(account, element, parts, path, now) for element in value]
    if isinstance(value, str):
        value = _object(account, value, path, now)
    if value is None:
        return value
    if not isinstance(value, dict):
        raise _cannot(path)
    if not parts:
        return value
    name, *rest = parts
    if name in value:
        child = value[name]
    elif (value.get("object"), name) in INCLUDABLE:
        child = _included(account, value, name, now)
    else:
        raise _cannot(path)
    return {**value, name: _walk(account, child, rest, path, now)}


def _object(account: StripeAccount, object_id: str, path: str, now: int) -> Json:
    kind = KIND_BY_PREFIX.get(object_id.partition("_")[0])
    if kind is None:
        raise _cannot(path)
    return account.render(kind, object_id, now)


def _included(account: StripeAccount, owner: Json, name: str, now: int) -> Json:
    kind, filter_name, url = INCLUDABLE[owner["object"], name]
    ids, has_more = account.page(kind, {filter_name: owner["id"]}, Page())
    return list_of([account.render(kind, object_id, now) for object_id in ids], url + owner["id"], has_more)


def _cannot(path: str) -> StripeError:
    return StripeError(400, f"This property cannot be expanded ({path}).", param="expand")
