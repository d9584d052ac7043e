"""Whom the edge takes a caller for, and which other origins may read its answers."""

import pytest
from starlette.requests import Request
from starlette.responses import Response

from vaultra import web
from vaultra.call import Cookie

SITE = "https://site.test/"


def request(method: str = "GET", peer: str | None = "192.0.2.7", **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": method, "headers": raw, "client": (peer, 1) if peer else None})


@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        ("", 0, "192.0.2.7"),
        ("198.51.100.1", 0, "192.0.2.7"),
        ("", 2, "192.0.2.7"),
        ("198.51.100.1, 10.0.0.1", 2, "198.51.100.1"),
        ("6.6.6.6, 7.7.7.7,198.51.100.1, 10.0.0.1", 2, "198.51.100.1"),
        ("198.51.100.1", 2, "192.0.2.7"),
        ("made up, 10.0.0.1", 2, "unknown"),
        ("2001:db8:1:2:3:4:5:6, 10.0.0.1", 2, "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9, 10.0.0.1", 2, "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.1, 10.0.0.1", 2, "198.51.100.1"),
        ("fe80::1%eth0, 10.0.0.1", 2, "fe80::/64"),
    ],
)
def test_the_address_is_what_our_own_proxies_wrote(forwarded: str, proxies: int, address: str) -> None:
    assert web.client_address(request(x_forwarded_for=forwarded), proxies) == address


def test_without_a_peer_the_address_is_unknown() -> None:
    assert web.client_address(request(peer=None), 0) == "unknown"


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://site.test.evil.example",
        "https://evilsite.test",
        "http://site.test",
        "https://site.test:444",
        "",
    ],
)
def test_only_the_site_may_read(origin: str) -> None:
    asked = request("OPTIONS", origin=origin, access_control_request_method="GET")
    assert web.preflight(asked, SITE) is None
    response = Response()
    web.share_with_site(asked.headers["origin"], response, SITE)
    assert "access-control-allow-origin" not in response.headers
    assert response.headers["vary"] == "Origin"


def test_the_site_may_read_without_credentials() -> None:
    asked = request("OPTIONS", origin="https://site.test", access_control_request_method="PATCH")
    response = web.preflight(asked, SITE)
    assert response is not None
    assert "PATCH" in response.headers["access-control-allow-methods"]
    web.share_with_site(asked.headers["origin"], response, SITE)
    assert response.headers["access-control-allow-origin"] == "https://site.test"
    assert "access-control-allow-credentials" not in response.headers


def test_an_options_call_that_asks_nothing_is_no_preflight() -> None:
    assert web.preflight(request("OPTIONS", origin="https://site.test"), SITE) is None
    assert web.preflight(request("GET", origin="https://site.test", access_control_request_method="GET"), SITE) is None


@pytest.mark.parametrize(("secure", "flag"), [(True, "Secure"), (False, "HttpOnly")])
def test_a_cookie_stays_with_us(secure: bool, flag: str) -> None:
    response = Response()
    web.write_cookies(response, [Cookie("one", "value", "/api/here", 600)], secure=secure)
    parts = set(response.headers["set-cookie"].split("; "))
    assert {"one=value", "Path=/api/here", "HttpOnly", "SameSite=lax", "Max-Age=600", flag} <= parts
    assert ("Secure" in parts) is secure
