"""Stripe's API over real HTTP: what each answer becomes."""

import datetime as dt
import threading
from collections.abc import Iterator
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.stripe_payloads import ACCOUNT, NOON
from vaultra.adapters import stripe as adapter
from vaultra.adapters.stripe import StripeApi
from vaultra.config import StripeSettings
from vaultra.errors import AccessRevoked, InvalidInput, NotFound, RateLimited, Unavailable, VaultraError


def seconds(count: float) -> dt.timedelta:
    return dt.timedelta(seconds=count)


# --- the API ---------------------------------------------------------------------------------


class Answers(ThreadingHTTPServer):
    """A Stripe that answers what it was told to, in turn: (status, headers, body)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[tuple[int, dict[str, str], str]] = []
        self.seen: list[tuple[str, str | None]] = []


class Handler(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        assert isinstance(self.server, Answers)
        self.server.seen.append((self.path, self.headers.get("Stripe-Account")))
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, headers, body = self.server.script.pop(0)
        if status == 0:
            self.connection.close()
            return
        self.send_response_only(status)
        for name, value in {"Date": format_datetime(NOON, usegmt=True), **headers}.items():
            if value:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_GET = do_POST = _answer

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def running() -> Iterator[Answers]:
    with Answers() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def server(running: Answers) -> Answers:
    running.script.clear()
    running.seen.clear()
    return running


@pytest.fixture
def api(server: Answers) -> StripeApi:
    base = f"http://127.0.0.1:{server.server_port}"
    settings = StripeSettings(
        stripe_secret_key="sk_test_1", stripe_connect_client_id="ca_1", stripe_api_base=base, stripe_connect_base=base
    )
    return StripeApi(settings, lambda: NOON - seconds(60))


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the adapter would have waited."""
    slept: list[float] = []
    monkeypatch.setattr(adapter.time, "sleep", slept.append)
    return slept


def error(status: int, code: str = "", kind: str = "invalid_request_error", **headers: str) -> Any:
    body = f'{{"error": {{"message": "No", "code": "{code}", "type": "{kind}"}}}}'
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, body


def ok(body: str = '{"object": "list", "data": [], "has_more": false}', **headers: str) -> Any:
    return 200, headers, body


def test_a_list_is_read_for_the_account_with_what_makes_it_complete(api: StripeApi, server: Answers) -> None:
    server.script = [ok()]
    read = api.list_page(ACCOUNT, "charges", {"limit": "100", "created[gte]": "5"})
    assert read.body == {"object": "list", "data": [], "has_more": False}
    [(path, account)] = server.seen
    assert account == ACCOUNT
    assert path.startswith("/v1/charges?")
    assert "limit=100" in path
    assert "created[gte]=5" in path.replace("%5B", "[").replace("%5D", "]")
    assert "data.balance_transaction" in path


def test_objects_and_singletons_are_read(api: StripeApi, server: Answers) -> None:
    server.script = [ok('{"id": "po_1"}'), ok('{"object": "balance"}')]
    assert api.retrieve(ACCOUNT, "payouts", "po_1").body == {"id": "po_1"}
    assert api.retrieve(ACCOUNT, "balance").body == {"object": "balance"}
    assert [path for path, _ in server.seen] == ["/v1/payouts/po_1", "/v1/balance"]


def test_a_reading_is_as_old_as_its_request(api: StripeApi, server: Answers) -> None:
    server.script = [ok()]
    assert api.list_page(ACCOUNT, "payouts", {}).as_of == NOON - seconds(1)


def test_an_answer_without_a_date_is_dated_by_our_clock(api: StripeApi, server: Answers) -> None:
    server.script = [ok(Date="")]
    assert api.retrieve(ACCOUNT, "balance").as_of == NOON - seconds(61)


@pytest.mark.parametrize(
    ("answer", "expected", "requests"),
    [
        (error(429, "rate_limit", Retry_After="1"), RateLimited, 4),
        (error(429, "rate_limit"), RateLimited, 4),
        (error(429, "rate_limit", Retry_After="60"), RateLimited, 1),  # the broker waits better than we do
        (error(500, kind="api_error"), Unavailable, 4),
        (error(503, kind="api_error", Retry_After="1"), Unavailable, 4),
        (error(409, "lock_timeout"), Unavailable, 4),
        ((0, {}, ""), Unavailable, 4),
        (ok("<html>"), Unavailable, 4),
        (error(401), Unavailable, 4),
        (error(403, "account_invalid"), AccessRevoked, 1),
        (error(404, "resource_missing"), NotFound, 1),
        (error(404), NotFound, 1),
        (error(400, "parameter_unknown"), InvalidInput, 1),
    ],
)
def test_failures_are_put_into_our_words(
    api: StripeApi,
    server: Answers,
    waits: list[float],
    answer: Any,
    expected: type[VaultraError],
    requests: int,
) -> None:
    server.script = [answer] * 4
    with pytest.raises(expected) as caught:
        api.retrieve(ACCOUNT, "charges", "ch_1")
    assert type(caught.value) is expected
    assert (len(server.seen), len(waits)) == (requests, requests - 1)
    assert all(0 < wait < 5 for wait in waits)


def test_a_failure_that_passes_is_not_noticed(api: StripeApi, server: Answers, waits: list[float]) -> None:
    server.script = [error(429, "rate_limit", Retry_After="2"), error(500, kind="api_error"), ok('{"id": "ch_1"}')]
    assert api.retrieve(ACCOUNT, "charges", "ch_1").body == {"id": "ch_1"}
    assert 2 <= waits[0] < 2.3  # as long as Stripe asked for
    assert 0.4 < waits[1] < 1.1


def test_a_code_is_traded_for_an_account(api: StripeApi, server: Answers) -> None:
    server.script = [
        ok('{"stripe_user_id": "acct_9", "livemode": true}'),
        ok('{"stripe_user_id": "acct_9"}'),
        ok("{}"),
        error(400, "invalid_grant"),
    ]
    server.script[3] = (400, {}, '{"error": "invalid_grant", "error_description": "expired"}')
    grant = api.exchange_code("ac_1")
    assert (grant.account_id, grant.livemode) == ("acct_9", True)
    assert api.exchange_code("ac_1").livemode is False  # a test key's platform
    with pytest.raises(Unavailable, match="names no account"):
        api.exchange_code("ac_1")
    with pytest.raises(InvalidInput):
        api.exchange_code("ac_1")


def test_access_given_back_twice_is_given_back(api: StripeApi, server: Answers) -> None:
    server.script = [
        ok('{"stripe_user_id": "acct_9"}'),
        (400, {}, '{"error": "invalid_client", "error_description": "not connected"}'),
    ]
    api.deauthorize("acct_9")
    api.deauthorize("acct_9")
    server.script = [error(500, kind="api_error")]
    with pytest.raises(Unavailable):
        api.deauthorize("acct_9")


def test_the_owner_is_sent_to_stripe(api: StripeApi, server: Answers) -> None:
    url = api.authorize_url("a-state", "https://api.test/back")
    assert url.startswith(f"http://127.0.0.1:{server.server_port}/oauth/authorize?")
    assert "state=a-state" in url
    assert "scope=read_only" in url
    with pytest.raises(Unavailable, match="STRIPE_CONNECT_CLIENT_ID"):
        StripeApi(StripeSettings(stripe_secret_key="sk_test_1"), lambda: NOON).authorize_url("s", "https://api.test")
