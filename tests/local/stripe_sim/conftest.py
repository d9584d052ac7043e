"""Accounts to look at, which no test may change, and small ones to change at will, served over HTTP."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from vaultra_local.stripe_sim import RunningSimulator, StripeAccount, demo_accounts, running_simulator, yen_shop
from vaultra_local.stripe_sim.small_accounts import YEN_ID

AS_OF = dt.date(2026, 11, 20)
NOW = int(dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC).timestamp())
SECRET = "whsec_test"


@pytest.fixture(scope="session")
def accounts() -> dict[str, StripeAccount]:
    """The demo's accounts by name; only for reading."""
    return {account.name: account for account in demo_accounts(AS_OF)}


@pytest.fixture(scope="session")
def stripe(accounts: dict[str, StripeAccount]) -> Iterator[RunningSimulator]:
    """The demo's accounts over HTTP; only for reading."""
    with running_simulator(accounts.values(), now=lambda: NOW) as running:
        yield running


def client(**options: Any) -> httpx.Client:
    """A client that need not load the certificates of the whole world first."""
    return httpx.Client(verify=False, timeout=10, **options)


@pytest.fixture
def web() -> Iterator[httpx.Client]:
    """A browser or a tool: no key, no account."""
    with client() as opened:
        yield opened


class Reader:
    """Reads one account as a platform does."""

    def __init__(self, url: str, account_id: str, key: str = "sk_test_platform") -> None:
        headers = {"Authorization": f"Bearer {key}", "Stripe-Account": account_id}
        self.http = client(base_url=url, headers=headers)

    def get(self, path: str, **query: Any) -> httpx.Response:
        """One GET below /v1/; `created__gte` stands for `created[gte]`, lists for repeated `name[]`."""
        pairs = []
        for name, value in query.items():
            name, _, operator = name.partition("__")
            name = f"{name}[{operator}]" if operator else name
            if isinstance(value, list):
                pairs += [(f"{name}[]", element) for element in value]
            else:
                pairs.append((name, str(value)))
        return self.http.get(f"/v1/{path}", params=pairs)

    def ids(self, path: str, *, limit: int = 100, backwards: bool = False, **query: Any) -> list[str]:
        """Every id of a list, page by page, in the order in which the list has them."""
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            answer = self.get(path, limit=limit, **query, **cursor)
            assert answer.status_code == 200, answer.text
            page = [element["id"] for element in answer.json()["data"]]
            found = page + found if backwards else found + page
            if not answer.json()["has_more"]:
                return found
            cursor = {"ending_before": page[0]} if backwards else {"starting_after": page[-1]}


@pytest.fixture
def reader(stripe: RunningSimulator) -> Iterator[Callable[[str], Reader]]:
    """Reads the demo's accounts, each by its id."""
    readers: list[Reader] = []

    def read(account_id: str) -> Reader:
        readers.append(Reader(stripe.url, account_id))
        return readers[-1]

    yield read
    for one in readers:
        one.http.close()


Receiver = tuple[str, list[tuple[bytes, dict[str, str]]], list[int]]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A webhook endpoint: its URL, what it received, and the statuses it will answer before it answers 200."""
    received: list[tuple[bytes, dict[str, str]]] = []
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((body, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(statuses.pop(0) if statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook", received, statuses
        server.shutdown()
        thread.join()


@pytest.fixture
def hook() -> Iterator[Receiver]:
    """A webhook endpoint of this test's own."""
    with receiver() as opened:
        yield opened


@pytest.fixture
def small() -> Callable[..., AbstractContextManager[tuple[RunningSimulator, Reader]]]:
    """Runs a small yen account of this test's own, and a reader of it."""

    @contextmanager
    def run(**options: Any) -> Iterator[tuple[RunningSimulator, Reader]]:
        options = {"now": lambda: NOW, **options}
        with running_simulator([yen_shop(AS_OF)], **options) as running:
            reading = Reader(running.url, YEN_ID, options.get("secret_key") or "sk_test_platform")
            yield running, reading
            reading.http.close()

    return run
