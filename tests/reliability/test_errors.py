"""RELIABILITY rows B15 and O1: nothing that goes wrong, and nothing that comes in, shows in an answer or in the log."""

import asyncio
import io
import json
import logging
import sqlite3
import sys
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from pydantic import BaseModel
from pydantic import ValidationError as PydanticError
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tests.reliability.calls import request, routes
from tests.reliability.house import House, Tenant
from vaultra import process
from vaultra.config import RuntimeSettings
from vaultra.telemetry import configure

SECRET = "canary-9d1f-sk_live_51H"
INSIDE = f"postgresql://vaultra:{SECRET}@10.1.2.3:5432/vaultra"


class _Settings(BaseModel):
    key: int


def validation_error() -> PydanticError:
    with pytest.raises(PydanticError) as caught:
        _Settings.model_validate({"key": SECRET})
    return caught.value


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def noted(error: Exception) -> Exception:
    error.add_note(f"password={SECRET}")
    return error


QUERY = f"select * from users where password = '{SECRET}'"
FORCED: list[Callable[[], Exception]] = [
    lambda: RuntimeError(SECRET),
    lambda: ValueError(f"bad key {SECRET}"),
    lambda: TypeError(SECRET),
    lambda: KeyError(SECRET),
    lambda: IndexError(SECRET),
    lambda: AttributeError(f"'{SECRET}' object has no attribute 'x'"),
    lambda: AssertionError(SECRET),
    lambda: LookupError(SECRET),
    lambda: NameError(f"name '{SECRET}' is not defined"),
    lambda: ImportError(f"No module named '{SECRET}'"),
    lambda: NotImplementedError(SECRET),
    lambda: ArithmeticError(SECRET),
    lambda: ZeroDivisionError(SECRET),
    lambda: OverflowError(SECRET),
    lambda: RecursionError(SECRET),
    lambda: MemoryError(SECRET),
    lambda: BufferError(SECRET),
    lambda: EOFError(SECRET),
    lambda: StopIteration(SECRET),
    lambda: StopAsyncIteration(SECRET),
    lambda: UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET),
    lambda: UnicodeEncodeError("ascii", SECRET, 0, 1, SECRET),
    lambda: json.JSONDecodeError(SECRET, SECRET, 0),
    lambda: OSError(2, SECRET, f"/srv/{SECRET}"),
    lambda: FileNotFoundError(2, "No such file", f"/secrets/{SECRET}"),
    lambda: PermissionError(13, SECRET),
    lambda: ConnectionError(INSIDE),
    lambda: ConnectionRefusedError(111, INSIDE),
    lambda: TimeoutError(INSIDE),
    lambda: validation_error(),
    lambda: httpx.ConnectError(INSIDE, request=httpx.Request("GET", f"https://api.stripe.com/?key={SECRET}")),
    lambda: ExceptionGroup(SECRET, [ValueError(SECRET)]),
    lambda: Exception({"token": SECRET}),
    lambda: caused(RuntimeError("outer"), ValueError(SECRET)),
    lambda: noted(RuntimeError("noted")),
    lambda: ProgrammingError(QUERY, {"password": SECRET}, Exception({"C": "42601", "M": SECRET})),
    lambda: IntegrityError(QUERY, {"email": SECRET}, Exception({"C": "23505", "D": f"Key (email)=({SECRET}) exists"})),
    lambda: OperationalError(QUERY, {"x": SECRET}, Exception({"C": "57014", "M": SECRET})),
    lambda: DBAPIError(QUERY, {"x": SECRET}, Exception({"C": "40001", "M": SECRET})),
    lambda: StatementError(SECRET, QUERY, {"x": SECRET}, ValueError(SECRET)),
    lambda: PoolTimeout(INSIDE),
    lambda: sqlite3.OperationalError(SECRET),
    lambda: asyncio.InvalidStateError(SECRET),
]
TOUCHES_THE_DATABASE = sorted(
    name
    for name in routes()
    if name not in ("GET /metrics/definitions", "GET /users/unsubscribe", "POST /webhooks/stripe")
)
TOLD = ("Traceback", "sqlalchemy", "pg8000", "psycopg", 'File "', ".py", "select ", "10.1.2.3", "canary")


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.BytesIO]:
    """Everything this process logs, as it leaves in production; libraries' own loggers included."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(buffer=written, isatty=lambda: False))
    monkeypatch.setattr(process, "_configured", True)
    configure(RuntimeSettings(log_level="DEBUG"))
    handler = logging.StreamHandler(io.TextIOWrapper(written, write_through=True))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)
    handler.stream.detach()
    monkeypatch.undo()
    configure(RuntimeSettings(log_level="CRITICAL"))


class BrokenEngine:
    """An engine whose every connection fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def connect(self) -> Any:
        raise self.error


def test_b15_o1_forty_errors_tell_nobody_anything(house: House, logged: io.BytesIO) -> None:
    """B15, O1: whatever breaks inside, the answer is the generic envelope, and the log has its type and place only."""
    tenant, statuses, leaks = house.tenant(), [], 0
    for number, make in enumerate(FORCED):
        name = TOUCHES_THE_DATABASE[number % len(TOUCHES_THE_DATABASE)]
        method, path, sent = request(name, tenant, "owner")
        house.services.engine = BrokenEngine(make())  # type: ignore[assignment]
        answer = house.send(method, path, **sent)
        statuses.append(answer.status_code)
        assert answer.status_code in (500, 503), f"{name}: {make()!r}: {answer.text}"
        error = answer.json()["error"]
        assert answer.json().keys() == {"error"}
        assert error.keys() == {"code", "message", "details", "request_id"}
        assert error["request_id"] == answer.headers["x-request-id"]
        if answer.status_code == 500:
            assert (error["code"], error["message"]) == ("INTERNAL_ERROR", "Something went wrong on our side")
            assert error["details"] == {}
        else:
            assert error["code"] == "UNAVAILABLE"
            assert int(answer.headers["retry-after"]) > 0
        shown = answer.text + str(answer.headers)
        leaks += sum(word in shown for word in (SECRET, *TOLD))
    lines = [json.loads(line) for line in logged.getvalue().splitlines() if line.startswith(b"{")]
    crashed = [line for line in lines if line["message"] == "request.crashed"]
    assert leaks == 0
    assert SECRET.encode() not in logged.getvalue()
    assert len(crashed) == statuses.count(500)
    assert [line["error_type"] for line in crashed if "in connect" not in line["stack_trace"]] == []
    print(f"B15: {len(statuses)} errors, {leaks} leaks: {statuses.count(500)} × 500, {statuses.count(503)} × 503")
    print(f"O1: {len(lines)} log lines about them, 0 hits")


def test_b15_a_service_that_fails_tells_nobody_anything(house: House, logged: io.BytesIO) -> None:
    """B15: the same for Stripe, Google and the broker, which fail in the middle of a request."""
    tenant = house.tenant()

    class Broken:
        def __getattr__(self, name: str) -> Callable[..., Any]:
            def call(*_: Any, **__: Any) -> Any:
                raise RuntimeError(f"{INSIDE} {SECRET}")

            return call

    house.services.stripe = house.services.google = Broken()
    for name in ("GET /integrations/stripe/connect", "GET /auth/google"):
        method, path, sent = request(name, tenant, "owner")
        answer = house.send(method, path, **sent)
        assert answer.status_code == 500
        assert not any(word in answer.text + str(answer.headers) for word in (SECRET, *TOLD))
    assert SECRET.encode() not in logged.getvalue()
    print("B15: 2 services, 0 leaks")


def spoilt(house: House, tenant: Tenant, name: str, canary: str) -> list[httpx.Response]:
    """Requests of a route with the canary in each of its inputs, one after the other."""
    method, path, sent = request(name, tenant, "owner")
    headers, body = sent["headers"], sent.get("json")
    parameters = list(routes()[name].params.model_fields) if routes()[name].params else []  # type: ignore[union-attr]
    variants: list[tuple[str, dict[str, Any]]] = [
        (path, {**sent, "params": {**sent.get("params", {}), key: canary}}) for key in parameters
    ]
    variants += [(path, {**sent, "params": {canary: canary}})]
    variants += [(f"{path}/{canary}", sent), (f"{path.rpartition('/')[0]}/{canary}", sent)]
    for header, spoiling in {
        "Authorization": f"Bearer {canary}",
        "Cookie": f"vaultra_google={canary}; vaultra_stripe={canary}; {canary}=1",
        "X-Request-Id": f"{canary}!",
        "User-Agent": canary,
        "Referer": f"https://{canary}.example/#token={canary}",
        "Origin": f"https://{canary}.example",
        "X-Forwarded-For": canary,
        "Host": f"{canary}.example",
        "traceparent": f"00-{canary:x<32}-{canary:x<16}-01",
        "Stripe-Signature": f"t=1,v1={canary}",
        "Accept": f"text/html, {canary}/json",
        "Content-Type": f"application/{canary}",
    }.items():
        variants.append((path, {**sent, "headers": {**headers, header: spoiling}}))
    if body is not None:
        json_header = {**headers, "Content-Type": "application/json"}
        rest = {key: value for key, value in sent.items() if key not in ("json", "headers")}
        for field in body:
            for value in (canary, f"{canary}@example.com", [canary], {canary: canary}):
                variants.append((path, {**sent, "json": {**body, field: value}}))
        variants.append((path, {**sent, "json": {**body, canary: 1}}))
        for raw in (f'{{"{canary}', f'"{canary}"', f'{{"{canary}":1,"{canary}":2}}'):
            variants.append((path, {**rest, "headers": json_header, "content": raw.encode()}))
    return [house.send(method, place, **variant) for place, variant in variants]


@pytest.mark.parametrize("name", sorted(routes()))
def test_o1_no_input_reaches_the_log(house: House, logged: io.BytesIO, cheap_hashes: None, name: str) -> None:
    """O1: a canary in every body field, parameter, path, header and cookie; and those of the person's own account."""
    canary = f"canary{uuid.uuid4().hex[:10]}"
    tenant = house.tenant()
    answers = spoilt(house, tenant, name, canary)
    log = logged.getvalue().decode()
    owner = tenant.people["owner"]
    private = [canary, owner.email, owner.token, owner.token.rpartition(".")[2], tenant.name, tenant.invitation_token]
    assert [word for word in private if word in log] == []
    assert all(answer.status_code < 500 for answer in answers)
    assert log.count("request.handled") >= len(answers) - 2  # two addresses may lie beside every function
    print(f"O1: {name}: {len(answers)} requests, {log.count(chr(10))} log lines, 0 hits")
