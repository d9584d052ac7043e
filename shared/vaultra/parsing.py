"""What a request says, checked against its route: path, query, body, token."""

import json
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from vaultra.errors import InvalidInput, MethodNotAllowed, NotFound, Unauthorized, UnsupportedMediaType
from vaultra.raw_route import read_body
from vaultra.routes import Route, Routes


def match(routes: Routes, request: Request) -> tuple[Route, dict[str, str]]:
    """The route that a request is for, and the values in its path.

    Raises:
        NotFound, MethodNotAllowed: there is none, or none with this method.
    """
    path, allowed = request.url.path, set[str]()
    for route in routes:
        found = route.pattern.match(path)
        if found is None:
            continue
        if request.method in route.methods:
            return route, found.groupdict()
        allowed |= route.methods
    if allowed:
        raise _not_possible(request.method, allowed)
    raise NotFound("There is nothing at this address")


async def body_of(request: Request) -> bytes:
    """A request's whole body; raises what `read_body` raises."""
    if request.method in ("GET", "HEAD"):  # nothing is read from them, so nothing is waited for
        return b""
    return await read_body(request.receive, request.headers.get("content-length", "0"))


def require_method(request: Request, *allowed: str) -> None:
    """Raise `MethodNotAllowed` for a request of any other method."""
    if request.method not in allowed:
        raise _not_possible(request.method, allowed)


def _not_possible(method: str, allowed: Iterable[str]) -> MethodNotAllowed:
    return MethodNotAllowed(f"{method} is not possible here", details={"allowed": sorted(allowed)})


def require_json(request: Request) -> None:
    """Raise `UnsupportedMediaType` when a request does not say that its body is JSON."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("Send JSON: Content-Type: application/json")


def validate(model: type[BaseModel], values: dict[str, Any], where: str) -> BaseModel:
    """These values as a model; `where` names them should none of them be at fault. Raise `InvalidInput`."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _invalid(error, where) from None


def validate_json(model: type[BaseModel], raw: bytes) -> BaseModel:
    """A body as a model; raise `InvalidInput`, also for a field that is given twice."""
    try:
        body = model.model_validate_json(raw)
    except ValidationError as error:
        raise _invalid(error, "body") from None
    # Only now, because the first parse has bounded the depth.
    json.loads(raw, object_pairs_hook=_refuse_repeated_fields)
    return body


def _refuse_repeated_fields(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        reason = "this field is given twice"
        raise InvalidInput(f"Invalid input: {repeated}: {reason}", details={"field": repeated, "reason": reason})


def _invalid(error: ValidationError, where: str) -> InvalidInput:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or where
    reason = "this field is not known" if first["type"] == "extra_forbidden" else first["msg"]
    return InvalidInput(f"Invalid input: {field}: {reason}", details={"field": field, "reason": reason})


def bearer(request: Request) -> str:
    """The token that a request shows; raise `Unauthorized` when it shows none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("Sign in first")
    return token.strip()
