"""GET /v1/…: authentication, lists with cursors and filters, single objects, Stripe's errors."""

import re
from urllib.parse import parse_qsl

from vaultra_local.stripe_sim import errors, permissions
from vaultra_local.stripe_sim.account import DAY, NoSuchObject, StripeAccount
from vaultra_local.stripe_sim.collection import Key, Page, cut
from vaultra_local.stripe_sim.errors import StripeError
from vaultra_local.stripe_sim.expansion import expanded
from vaultra_local.stripe_sim.resources import BY_PATH, Resource
from vaultra_local.stripe_sim.shapes import Json, list_of
from vaultra_local.stripe_sim.simulator import Simulator

EVENTS_KEPT_DAYS = 30
PLATFORM_ID = "acct_1VaultraPlatform0"
STATUSES = frozenset(
    {"active", "past_due", "unpaid", "canceled", "incomplete", "incomplete_expired", "trialing", "paused"}
)
_INDEXED = re.compile(r"\[\d*\]$")
_KEY = re.compile(r"(sk|rk)_\w+")

Query = dict[str, list[str]]


def parse_query(raw: str) -> Query:
    """Parameters by name; `expand[]`, `expand[0]` and `expand` are one name."""
    query: Query = {}
    for name, value in parse_qsl(raw, keep_blank_values=True):
        query.setdefault(_INDEXED.sub("", name), []).append(value)
    return query


def authenticate(
    simulator: Simulator, authorization: str, account_id: str | None, method: str = "GET", path: str = ""
) -> StripeAccount:
    """The account a request is about.

    Args:
        authorization: The header: Bearer or Basic with a secret, restricted or access key.
        account_id: From Stripe-Account or Stripe-Context; None means the key's own account.
        method: Of the request.
        path: Below /v1/; it says with the method which permission a restricted key needs.

    Raises:
        StripeError: 401 for a key that is not good, 403 for an account that is not open to it.
    """
    scheme, _, key = authorization.partition(" ")
    if not key:
        raise StripeError(
            401,
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        )
    if scheme.lower() != "bearer" or not _KEY.fullmatch(key):
        raise StripeError(401, f"Invalid API Key provided: {key[:8]}****")
    if key in simulator.rolled_keys:
        raise StripeError(401, f"Expired API Key provided: {key[:8]}****", code="api_key_expired")
    restricted = simulator.restricted_keys.get(key)
    if restricted is not None:
        if account_id not in (None, restricted.account_id):
            raise errors.account_invalid(key, account_id or "")
        permissions.check(restricted, method, path)
        return simulator.accounts[restricted.account_id]
    owner = simulator.tokens.get(key)
    if owner is None and simulator.secret_key is not None and key != simulator.secret_key:
        raise StripeError(401, f"Invalid API Key provided: {key[:8]}****")
    wanted = account_id or owner
    if wanted is None:
        return StripeAccount(PLATFORM_ID, "Vaultra", created=0)
    if wanted not in simulator.accounts or wanted in simulator.revoked or owner not in (None, wanted):
        raise errors.account_invalid(key, wanted)
    return simulator.accounts[wanted]


def answer(simulator: Simulator, account: StripeAccount, path: str, raw_query: str) -> Json:
    """The JSON of one GET below /v1/; raises StripeError."""
    query = parse_query(raw_query)
    now = simulator.now()
    expand = query.pop("expand", [])
    try:
        body = _find(account, path, query, now)
        for wanted in expand:
            body = expanded(account, body, wanted, now)
    except NoSuchObject as missing:
        raise errors.missing(missing.kind, missing.object_id) from None
    return body


def refuse_to_write(account: StripeAccount, method: str, path: str) -> None:
    """Nothing is written through this API, so an object to change is never there; raises StripeError."""
    parent, _, object_id = path.rpartition("/")
    if parent in BY_PATH and object_id not in account.collections.get(BY_PATH[parent].kind, ()):
        raise errors.missing(BY_PATH[parent].kind, object_id)
    raise StripeError(404, f"Unrecognized request URL ({method}: /v1/{path}).")


def _find(account: StripeAccount, path: str, query: Query, now: int) -> Json:
    if path == "account" or path == f"accounts/{account.id}":
        return account.profile
    if path == "balance":
        return account.balance(now)
    if path in BY_PATH:
        return _list(account, BY_PATH[path], query, now)
    parent, _, object_id = path.rpartition("/")
    if parent in BY_PATH:
        return account.render(BY_PATH[parent].kind, object_id, now)
    if parent == "accounts":
        raise errors.missing("account", object_id)
    message = f"Unrecognized request URL (GET: /v1/{path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/."
    raise StripeError(404, message)


def _list(account: StripeAccount, resource: Resource, query: Query, now: int) -> Json:
    page = _page(account, resource, query, now)
    types = query.pop("types", [])
    filters = {name: query.pop(name)[-1] for name in list(query) if name in resource.filters}
    if resource.kind == "event":
        query.pop("delivery_success", None)
    if query:
        name = next(iter(query))
        raise StripeError(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
    if types and resource.kind == "event":
        events = account.collections["event"]
        ids, has_more = cut([events.find({"type": name}) for name in dict.fromkeys(types)], page)
    else:
        ids, has_more = account.page(resource.kind, _comparable(resource, filters), page)
    data = [account.render(resource.kind, object_id, now) for object_id in ids]
    return list_of(data, f"/v1/{resource.path}", has_more)


def _comparable(resource: Resource, filters: dict[str, str]) -> Json:
    """Filters as the index knows them; a subscription's status has values that stand for several."""
    if resource.kind != "subscription":
        return dict(filters)
    status = filters.get("status")
    rest: Json = {name: value for name, value in filters.items() if name != "status"}
    if status == "all":
        return rest
    if status is None:
        return {**rest, "not_canceled": True}
    if status == "ended":
        return {**rest, "status": "canceled"}
    if status not in STATUSES:
        message = f"Invalid status: must be one of all, ended, {', '.join(sorted(STATUSES))}"
        raise StripeError(400, message, param="status")
    return {**rest, "status": status}


def _page(account: StripeAccount, resource: Resource, query: Query, now: int) -> Page:
    limit = _integer("limit", query.pop("limit", ["10"])[-1])
    if not 1 <= limit <= 100:
        message = f"Invalid integer: {limit}. Must be between 1 and 100."
        raise StripeError(400, message, code="parameter_invalid_integer", param="limit")
    start = now - EVENTS_KEPT_DAYS * DAY if resource.kind == "event" else None
    end = None
    for name in [name for name in query if name == "created" or name.startswith("created[")]:
        at = _integer(name, query.pop(name)[-1])
        operator = name[8:-1]
        if operator in ("gte", "gt", ""):
            start = max(at + (operator == "gt"), at if start is None else start)
        if operator in ("lte", "lt", ""):
            end = min(at + (operator != "lt"), at + 1 if end is None else end)
        if operator not in ("gte", "gt", "lte", "lt", ""):
            raise StripeError(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
    after = _cursor(account, resource, query, "starting_after")
    before = _cursor(account, resource, query, "ending_before")
    if after and before:
        raise StripeError(400, "You cannot parameterize both starting_after and ending_before.")
    return Page(limit, start, end, after, before)


def _cursor(account: StripeAccount, resource: Resource, query: Query, name: str) -> Key | None:
    values = query.pop(name, None)
    if not values:
        return None
    try:
        return account.key_of(resource.kind, values[-1])
    except NoSuchObject:
        raise errors.missing(resource.kind, values[-1], param=name, status=400) from None


def _integer(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        message = f"Invalid integer: {value}"
        raise StripeError(400, message, code="parameter_invalid_integer", param=name) from None
