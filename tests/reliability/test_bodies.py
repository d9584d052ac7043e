"""RELIABILITY rows B4 and B5: bodies that are too large, too slow, cut short, or of another kind; over real sockets."""

import json
import socket
import time
from collections.abc import Iterator

import pytest

from tests.reliability.calls import request, routes
from tests.reliability.house import House
from tests.reliability.servers import Server, running_server
from vaultra.raw_route import LARGEST_BODY_BYTES, SLOWEST_BODY_SECONDS

SIGNUP, WEBHOOK = "/api/v1/auth/signup", "/api/v1/webhooks/stripe"
SERVERS = {"auth_api": SIGNUP, "stripe_webhook": WEBHOOK}
every_server = pytest.mark.parametrize("name", SERVERS)


@pytest.fixture(scope="module")
def servers(make_database: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """A function whose body is JSON and one whose body is bytes, each as it is deployed."""
    url = make_database("bodies")  # type: ignore[operator]
    folder = tmp_path_factory.mktemp("bodies")
    with (
        running_server("auth_api", url, folder / "auth_api.log") as auth_api,
        running_server("stripe_webhook", url, folder / "webhook.log") as webhook,
    ):
        yield {"auth_api": auth_api, "stripe_webhook": webhook}


def padded(size: int) -> bytes:
    """A body of exactly this size that misses what every route needs."""
    return b'{"x":"' + b"a" * (size - 8) + b'"}'


def head(path: str, *headers: str) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        "Connection: close",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunks(body: bytes, size: int = 65_536) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        part = body[start : start + size]
        yield f"{len(part):x}\r\n".encode() + part + b"\r\n"
    yield b"0\r\n\r\n"


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def exchange(server: Server, parts: Iterator[bytes], seconds: float = 40) -> bytes:
    """Send parts until the server answers or closes; what it answered."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has answered already
        answer = b""
        try:
            while part := connection.recv(65_536):
                answer += part
        except ConnectionResetError:
            pass
        return answer


@every_server
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize(("more", "status"), [(-1, 400), (0, 400), (1, 413)])
def test_b4_the_largest_body_is_a_megabyte(
    servers: dict[str, Server], name: str, chunked: bool, more: int, status: int
) -> None:
    """B4: to the byte, in both framings; what is within is read whole, and refused only for what it says."""
    body = padded(LARGEST_BODY_BYTES + more)

    def parts() -> Iterator[bytes]:
        if chunked:
            yield head(SERVERS[name], "Transfer-Encoding: chunked")
            yield from chunks(body)
        else:
            yield head(SERVERS[name], f"Content-Length: {len(body)}") + body

    answer = exchange(servers[name], parts())
    assert status_of(answer) == status
    assert b"TOO_LARGE" in answer if status == 413 else b"VALIDATION_ERROR" in answer
    print(f"B4: {name}, {'chunked' if chunked else 'with length'}, {len(body):,} bytes: {status}")


@every_server
def test_b4_a_body_of_26_megabytes_costs_no_memory(servers: dict[str, Server], name: str) -> None:
    """B4: neither sent in chunks nor announced; the process does not grow by what it refuses."""
    server, body = servers[name], padded(26 * 1024 * 1024)

    def parts() -> Iterator[bytes]:
        yield head(SERVERS[name], "Transfer-Encoding: chunked")
        yield from chunks(body)

    before = server.peak_bytes
    statuses = [status_of(exchange(server, parts())) for _ in range(5)]
    announced = exchange(server, iter([head(SERVERS[name], f"Content-Length: {len(body)}")]))
    growth = (server.peak_bytes - before) / 1024**2
    # A client that is still writing when the answer comes may find the connection closed in place of reading it.
    assert set(statuses) <= {413, 0}
    assert status_of(announced) == 413
    assert growth < 50
    print(f"B4: {name}: 5 × 26 MB chunked: {statuses}, announced: 413; peak memory +{growth:.1f} MB")


@every_server
def test_b4_a_body_that_stops_short_is_never_taken(servers: dict[str, Server], name: str) -> None:
    """B4: fewer bytes than announced, then the end: no answer as to a whole one, and the server lives on."""
    body = json.dumps({"email": "short@example.com", "password": "12345678", "name": "A"}).encode()
    with socket.create_connection(("127.0.0.1", servers[name].port), timeout=10) as connection:
        connection.sendall(head(SERVERS[name], f"Content-Length: {len(body) + 10}") + body)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65_536)
    assert status_of(answer) in (0, 400, 499)
    assert servers[name].get("/health").status_code == 200
    print(f"B4: {name}: a short body: {status_of(answer) or 'closed'}; health 200")


@pytest.mark.long
@every_server
def test_b4_slow_bodies_end_in_time_and_keep_nobody_waiting(servers: dict[str, Server], name: str) -> None:
    """B4: 50 connections that send a byte a second: each is ended, and others are served meanwhile."""
    server, began = servers[name], time.monotonic()
    open_ones = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(50)]
    for connection in open_ones:
        connection.sendall(head(SERVERS[name], "Content-Length: 1000"))
    slowest = 0.0
    while time.monotonic() - began < SLOWEST_BODY_SECONDS + 3:
        for connection in open_ones:
            try:
                connection.sendall(b"x")
            except OSError:
                continue
        asked = time.monotonic()
        assert server.get("/health").status_code == 200
        slowest = max(slowest, time.monotonic() - asked)
        time.sleep(1)
    answers = [status_of(connection.recv(65_536)) for connection in open_ones]
    for connection in open_ones:
        connection.close()
    assert set(answers) == {400}
    print(f"B4: {name}: 50 slow bodies ended after {SLOWEST_BODY_SECONDS} s; slowest health {slowest * 1000:.0f} ms")


WRONG_TYPES = [
    None, "", "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "application/jsonp", "application/json-patch+json", "application/vnd.api+json", "application/xml", "json",
    "application", "application/*", "*/*", "application/json, text/plain", "text/plain; application/json",
]  # fmt: skip
RIGHT_TYPES = ["application/json", "Application/JSON", "application/json; charset=utf-8", " application/json ;x=y"]


@pytest.mark.parametrize("name", sorted(name for name, route in routes().items() if route.body is not None))
def test_b5_what_is_no_json_is_refused_by_its_type(house: House, name: str) -> None:
    """B5: each route with a body, by each type that a browser's form can send without asking first, and others."""
    method, path, sent = request(name, house.tenant(), "owner")
    headers, content = sent.pop("headers"), json.dumps({**sent.pop("json"), "unknown": 1}).encode()
    for kind in WRONG_TYPES:
        given = {**headers, **({} if kind is None else {"Content-Type": kind})}
        answer = house.send(method, path, **sent, headers=given, content=content)
        assert (answer.status_code, answer.json()["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE"), kind
    for kind in RIGHT_TYPES:
        answer = house.send(method, path, **sent, headers={**headers, "Content-Type": kind}, content=content)
        assert answer.status_code == 400, kind
    print(f"B5: {name}: {len(WRONG_TYPES)} types 415, {len(RIGHT_TYPES)} ways to write JSON read")


@pytest.mark.parametrize("kind", [*WRONG_TYPES, *RIGHT_TYPES])
def test_b5_the_webhook_looks_at_the_signature_only(house: House, kind: str | None) -> None:
    """B5: whatever type Stripe may say, the bytes decide."""
    headers = {} if kind is None else {"Content-Type": kind}
    answer = house.send("POST", WEBHOOK, headers=headers, content=b"{}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
