"""The OpenAPI 3.1 document, generated from the routes that validate the requests."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from vaultra import __version__
from vaultra.routes import Access, Route, Routes
from vaultra.schemas import ErrorReply
from vaultra_local.catalogue import FUNCTIONS, ROOT

Json = dict[str, Any]

PREFIX = "/api/v1"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"
REASONS = {
    400: "The input can't be parsed, misses a field or has one of the wrong type",
    401: "Nobody is signed in, or the token is not good",
    403: "The caller may not do this, or there is no such business",
    404: "There is no such thing",
    409: "Somebody else was first, or the state does not allow it",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "Well-formed, and meaningless",
    429: "Too many calls; see Retry-After",
    500: "Something went wrong on our side",
    503: "Something we depend on does not answer now; see Retry-After",
}
SUCCESS = {200: "OK", 201: "Created", 202: "Accepted", 204: "Done"}

HEALTH = {
    "/health": {
        "get": {
            "operationId": "health",
            "summary": "Whether the service answers.",
            "tags": ["health"],
            "security": [],
            "responses": {
                "200": {
                    "description": "OK",
                    "content": {JSON: {"schema": {"type": "object", "required": ["status"], "properties": {
                        "status": {"const": "ok"}, "function": {"type": "string"}, "version": {"type": "string"},
                    }}}},
                }
            },
        }
    }
}  # fmt: skip


def load_routes(functions: Path) -> dict[str, Routes]:
    """The route table of every API room, by function name."""
    tables = {}
    for main in sorted(functions.glob("*/main.py")):
        name = main.parent.name
        spec = importlib.util.spec_from_file_location(f"vaultra_room_{name}", main)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        routes = getattr(module, "routes", None)
        if isinstance(routes, Routes):
            tables[name] = routes
    return tables


def document(tables: dict[str, Routes]) -> Json:
    """One document for all rooms. Paths are relative to the server `/api/v1`."""
    every = [(name, route) for name, routes in tables.items() for route in routes]
    models: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [(ErrorReply, "serialization")]
    for _, route in every:
        if route.body is not None:
            models.append((route.body, "validation"))
        if route.reply is not None:
            models.append((route.reply, "serialization"))
        if route.params is not None:
            models.append((route.params, "validation"))
    refs, schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")
    definitions: Json = schemas["$defs"]
    paths: dict[str, Json] = {}
    for name, route in every:
        operation = _operation(name, route, refs, definitions)
        paths.setdefault(route.path.removeprefix(PREFIX), {})[route.method.lower()] = operation
    for _, route in every:
        if route.params is not None:
            definitions.pop(_name(refs[(route.params, "validation")]), None)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vaultra",
            "version": __version__,
            "description": "Funding readiness for small businesses: metrics, a score that explains itself, and what "
            "to do next. Guidance, not financial advice.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": PREFIX}],
        "security": [{"bearer": []}],
        "paths": dict(sorted({**paths, **HEALTH}.items())),
        "components": {
            "schemas": dict(sorted(definitions.items())),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(name: str, route: Route, refs: Any, definitions: Json) -> Json:
    summary, _, rest = (route.handler.__doc__ or "").strip().partition("\n")
    operation: Json = {
        "operationId": route.handler.__name__,
        "summary": summary,
        "tags": [name.removesuffix("_api")],
        "x-access": route.access.value,
    }
    if rest.strip():
        operation["description"] = " ".join(rest.split())
    if route.access is Access.PUBLIC:
        operation["security"] = []
    if route.params is not None:
        operation["parameters"] = _parameters(route, definitions[_name(refs[(route.params, "validation")])])
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": refs[(route.body, "validation")]}},
        }
    elif route.raw:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": {"type": "object"}}}}
    operation["responses"] = _responses(route, refs)
    return operation


def _parameters(route: Route, schema: Json) -> list[Json]:
    required = set(schema.get("required", []))
    parameters = []
    for name, described in schema.get("properties", {}).items():
        in_path = f"{{{name}}}" in route.path
        described = {key: value for key, value in described.items() if key != "title"}
        parameter = {
            "name": name,
            "in": "path" if in_path else "query",
            "required": in_path or name in required,
            "schema": _without_null(described),
        }
        parameters.append(parameter)
    return parameters


def _without_null(schema: Json) -> Json:
    """A query parameter is absent rather than null."""
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**options[0], **rest} if len(options) == 1 else schema


def _responses(route: Route, refs: Any) -> Json:
    responses: Json = {}
    if route.reply is not None:
        content: Json = {JSON: {"schema": refs[(route.reply, "serialization")]}}
        if route.streams:
            content[EVENT_STREAM] = {"schema": {"type": "string", "description": "Server-sent events; see above."}}
        responses[str(route.status)] = {"description": SUCCESS[route.status], "content": content}
    elif route.downloads:
        responses["200"] = {
            "description": "A file",
            "headers": {"Content-Disposition": {"required": True, "schema": {"type": "string"}}},
            "content": {media_type: {} for media_type in route.downloads},
        }
    elif not route.redirects:
        status = 204 if route.status == 200 and not route.raw else route.status
        responses[str(status)] = {"description": SUCCESS[status]}
    if route.redirects:
        responses["302"] = {
            "description": "Elsewhere",
            "headers": {"Location": {"required": True, "schema": {"type": "string", "format": "uri-reference"}}},
        }
    for status in sorted(_error_statuses(route)):
        responses[str(status)] = {
            "description": REASONS[status],
            "content": {JSON: {"schema": refs[(ErrorReply, "serialization")]}},
        }
    return responses


def _error_statuses(route: Route) -> set[int]:
    statuses = {500, 503, *route.errors}
    if route.params is not None or route.body is not None or route.raw:
        statuses.add(400)
    if route.body is not None:
        statuses |= {413, 415}
    if route.raw:
        statuses.add(413)
    if route.access is not Access.PUBLIC:
        statuses.add(401)
    if route.access.of_business:
        statuses |= {400, 403}
    return statuses


def _name(reference: Json) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def write(path: Path, functions: Path) -> bool:
    """Write the document where the site serves it from; says whether it changed."""
    text = json.dumps(document(load_routes(functions)), indent=1, ensure_ascii=False) + "\n"
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return True


if __name__ == "__main__":
    changed = write(ROOT / "frontend/public/api/v1/openapi.json", FUNCTIONS)
    sys.stdout.write("openapi.json is new\n" if changed else "openapi.json is as it was\n")
