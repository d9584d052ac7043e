"""One good request of every route, made from the route table; a route that needs a body has its body here."""

import functools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, get_args
from uuid import UUID

import httpx
from pydantic import BaseModel

from tests.reliability.house import CANARY, PASSWORD, House, Tenant
from vaultra.routes import Route
from vaultra_local.catalogue import FUNCTIONS
from vaultra_local.openapi import PREFIX, load_routes

Json = dict[str, Any]

BODIES: dict[str, Callable[[Tenant, str], Json]] = {
    "POST /auth/signup": lambda _t, _r: {"email": f"{uuid.uuid4().hex}@example.com", "password": PASSWORD, "name": "A"},
    "POST /auth/login": lambda t, _r: {"email": t.people["owner"].email, "password": PASSWORD},
    "POST /auth/password/forgot": lambda t, _r: {"email": t.people["owner"].email},
    "POST /auth/password/reset": lambda _t, _r: {"token": "x" * 43, "password": PASSWORD},
    "PATCH /users/me": lambda _t, _r: {"name": "Another Name"},
    "DELETE /users/me": lambda t, r: {"confirm": t.people[r].email},
    "PATCH /users/me/notifications": lambda _t, _r: {"digest": "weekly"},
    "POST /users/me/tokens": lambda t, _r: {"name": "An assistant", "business_id": t.business_id, "expires_in_days": 9},
    "POST /users/businesses": lambda _t, _r: {"name": "Another Shop"},
    "PATCH /users/businesses/{business_id}": lambda _t, _r: {"industry": "retail"},
    "DELETE /users/businesses/{business_id}": lambda t, _r: {"confirm": t.name},
    "POST /users/businesses/{business_id}/members": lambda _t, _r: {
        "email": f"{uuid.uuid4().hex}@example.com",
        "role": "viewer",
    },
    "PATCH /users/businesses/{business_id}/members/{user_id}": lambda _t, _r: {"role": "admin"},
    "POST /users/invitations/accept": lambda t, _r: {"token": t.invitation_token},
    "POST /integrations/stripe/key": lambda t, _r: {"business_id": t.business_id, "restricted_key": "sk_live_x"},
    "PATCH /recommendations/{recommendation_id}": lambda _t, _r: {"status": "accepted"},
    "POST /readiness/simulate": lambda t, _r: {"business_id": t.business_id, "changes": {"chargeback_ratio": 0.01}},
    "POST /agent/chat": lambda t, r: {
        "business_id": t.business_id,
        "conversation_id": t.ids_of(r)["conversation_id"],
        "message": "What is my score?",
    },
    "PATCH /agent/conversations/{conversation_id}": lambda _t, _r: {"title": "Another title"},
}
# Routes whose answer to a good request is another status than the first one they declare.
ANSWERS = {
    "POST /auth/password/reset": 400,  # nobody has a link
    "POST /webhooks/stripe": 400,  # nobody can sign
    "POST /users/invitations/accept": 403,  # it is for another address
    "GET /integrations/stripe/callback": 302,
    "GET /metrics/export": 200,  # a file
    "GET /readiness/path": 404,  # nothing is connected
    "POST /integrations/stripe/key": 422,  # a secret key is refused before Stripe is asked
    "POST /integrations/stripe/sync": 409,  # nothing is connected
    "GET /auth/callback/google": 302,
    "GET /auth/google": 302,
    "GET /users/unsubscribe": 400,  # nobody has a link
    "POST /users/unsubscribe": 400,
}


@dataclass(frozen=True)
class Field:
    """A place in a request that names something by its id: in the path, the query or the body."""

    name: str
    place: str


@functools.cache
def routes() -> dict[str, Route]:
    """Every route of every function, by `METHOD /path` below the prefix."""
    tables = load_routes(FUNCTIONS).values()
    return {f"{route.method} {route.path.removeprefix(PREFIX)}": route for table in tables for route in table}


def id_fields(route: Route) -> list[Field]:
    """Where a request of this route names something by its id."""
    fields = [Field(name, "path" if f"{{{name}}}" in route.path else "query") for name in _uuid_fields(route.params)]
    return fields + [Field(name, "body") for name in _uuid_fields(route.body)]


def _uuid_fields(model: type[BaseModel] | None) -> Iterator[str]:
    for name, described in (model.model_fields if model is not None else {}).items():
        if UUID in (described.annotation, *get_args(described.annotation)):
            yield name


def request(name: str, tenant: Tenant, role: str, **other_ids: str) -> tuple[str, str, Json]:
    """A good request of a route, as the person with this role would make it; `other_ids` replace theirs.

    Returns:
        The method, the path, and what else `House.send` needs.
    """
    route = routes()[name]
    ids = {**tenant.ids_of(role), **other_ids}
    fields = id_fields(route)
    headers = {**tenant.people[role].headers, "Accept": "application/json"}
    if "callback" in name:
        headers["Accept"] = "text/html"
    sent: Json = {"headers": headers}
    query = {field.name: ids[field.name] for field in fields if field.place == "query"}
    if query:
        sent["params"] = query
    if route.body is not None:
        body = BODIES[name](tenant, role)
        sent["json"] = {**body, **{key: value for key, value in other_ids.items() if key in body}}
    elif route.raw:
        sent["json"] = {"id": "evt_1"}
    path = route.path.format(**{field.name: ids[field.name] for field in fields if field.place == "path"})
    return route.method, path, sent


def send(house: House, name: str, tenant: Tenant, role: str, **other_ids: str) -> httpx.Response:
    """Make a good request of a route and give the answer."""
    method, path, sent = request(name, tenant, role, **other_ids)
    return house.send(method, path, **sent)


def good_status(name: str) -> int:
    """What a good request by somebody who may make it is answered with."""
    route = routes()[name]
    empty = route.reply is None and route.status == 200 and not route.raw and not route.redirects
    return ANSWERS.get(name, 204 if empty else route.status)


def says(answer: httpx.Response, mark: str = CANARY) -> bool:
    """Whether an answer tells, anywhere, what a tenant's own things say."""
    return mark in answer.text or any(mark in value for value in answer.headers.values())
