"""RELIABILITY rows B13 and B14: which sites may read the answers, and what every answer tells browsers and caches."""

import httpx
import pytest

from tests.reliability.calls import request, routes, send
from tests.reliability.house import API, ROLES, SITE, House
from vaultra_local.gateway import SITE as BUILT_SITE
from vaultra_local.openapi import PREFIX

ME = "/api/v1/auth/me"
STRANGE_ORIGINS = [
    "null", "", "*", "https://evil.example", "http://site.test", "https://site.test:8443", "https://site.test:443",
    "https://site.test.evil.example", "https://evil-site.test", "https://evil.site.test", "https://www.site.test",
    "https://site.test/", "https://site.test/path", "https://site.test@evil.example", "https://site.test#x",
    "https://site.tes", "https://site.testx", "https://sitextest", "HTTPS://SITE.TEST", "https://Site.test",
    "https://site.test.", "https://site.test\\.evil.example", "https://site.test%00.evil.example",
    "https://site.test, https://evil.example", "https://evil.example, https://site.test", "https://site.test ://x",
    "file://", "chrome-extension://abcdef", "https://api.test", "https://localhost:8080", "capacitor://site.test",
]  # fmt: skip
PREFLIGHT = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization,content-type"}
API_HEADERS = {
    "cache-control": "no-store",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-site",
}


def sharing(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def test_b13_no_other_site_may_read_an_answer(house: House) -> None:
    """B13: look-alikes, sub- and superdomains, other schemes and ports, null: no CORS header at all."""
    person = house.person()
    for origin in STRANGE_ORIGINS:
        headers = {**person.headers, "Origin": origin}
        asked = house.send("OPTIONS", ME, headers={"Origin": origin, **PREFLIGHT})
        answer = house.send("GET", ME, headers=headers)
        assert answer.status_code == 200
        assert asked.status_code == 405
        assert sharing(asked) == sharing(answer) == {}, origin
        assert "origin" in answer.headers["vary"].lower()
    assert len(STRANGE_ORIGINS) >= 30
    print(f"B13: {len(STRANGE_ORIGINS)} origins, 0 let in")


@pytest.mark.parametrize("name", sorted(routes()))
def test_b13_our_own_site_may_read_every_answer_but_never_with_credentials(
    house: House, cheap_hashes: None, name: str
) -> None:
    """B13: the configured origin exactly, in preflights, good answers and errors alike; never credentials."""
    tenant = house.tenant()
    method, path, sent = request(name, tenant, "owner")
    sent["headers"]["Origin"] = SITE
    preflight = house.send(
        "OPTIONS", path, headers={"Origin": SITE, **PREFLIGHT, "Access-Control-Request-Method": method}
    )
    answers = [
        preflight,
        house.send(method, path, **sent),
        house.send(method, path, headers={"Origin": SITE}),
    ]
    assert preflight.status_code == 204
    assert method in preflight.headers["access-control-allow-methods"].split(", ")
    assert {"authorization", "content-type"} <= set(preflight.headers["access-control-allow-headers"].split(", "))
    for answer in answers:
        shared = sharing(answer)
        assert shared["access-control-allow-origin"] == SITE
        assert "access-control-allow-credentials" not in shared
        assert "origin" in answer.headers["vary"].lower()
    print(f"B13: {name}: {len(answers)} answers for {SITE} only, 0 with credentials")


def assert_private(answer: httpx.Response) -> None:
    found = {name: answer.headers.get(name) for name in API_HEADERS}
    assert found == API_HEADERS, f"{answer.request.method} {answer.request.url}: {answer.status_code}"
    assert len(answer.headers.get_list("cache-control")) == 1
    assert len(answer.headers["x-request-id"]) >= 8
    assert "server" not in answer.headers
    assert "x-powered-by" not in answer.headers
    if answer.headers.get("content-disposition", "").startswith("attachment; "):
        assert answer.headers["content-type"] in ("text/csv; charset=utf-8", "application/json")
    elif answer.content:
        assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("name", sorted(routes()))
def test_b14_every_answer_is_private_and_what_it_says_it_is(house: House, cheap_hashes: None, name: str) -> None:
    """B14: each route's good answers and refusals, its HEAD, and methods that it does not have."""
    count, tenant = 0, house.tenant()
    for role in ROLES:
        answer = send(house, name, tenant, role)
        assert_private(answer)
        count += 1
        if answer.is_success:
            tenant = house.tenant()
    _, path, sent = request(name, tenant, "owner")
    others = {other.method for other in routes().values() if other.pattern.match(path)}
    for other in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - others:
        answer = house.send(other, path, headers=sent["headers"])
        assert answer.status_code == 405
        allowed = set(answer.headers["allow"].split(", "))
        assert others <= allowed <= others | {"HEAD"}
        assert_private(answer)
        count += 1
    for other in ("TRACE", "PROPFIND", "CONNECT"):  # what the framework refuses before it calls us
        answer = house.send(other, path, headers=sent["headers"])
        assert (answer.status_code, answer.text) == (405, "Method Not Allowed")
    print(f"B14: {name}: {count}/{count} answers with all headers")


@pytest.mark.parametrize("path", ["/health", "/auth/nothing", "/users/me/nothing", "/auth/health/ready", "/auth//me"])
def test_b14_addresses_without_a_route_are_private_too(house: House, path: str) -> None:
    """B14: health, and addresses below a function that are nothing."""
    assert_private(house.send("GET", PREFIX + path))


def test_b14_every_page_of_the_site_has_its_headers() -> None:
    """B14: every file of the built site through the local gateway, with both methods it takes."""
    assert (BUILT_SITE / "index.html").exists(), "run: make site"
    with House.for_site(BUILT_SITE) as house:
        files = [path.relative_to(BUILT_SITE) for path in sorted(BUILT_SITE.rglob("*")) if path.is_file()]
        for file in files:
            path = "/" + str(file).removesuffix("index.html")
            for method in ("GET", "HEAD"):
                answer = house.send(method, path)
                assert answer.status_code == 200, path
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
                assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"
                assert answer.headers["cache-control"].startswith("public,max-age=")
                assert not sharing(answer)
            assert house.send("POST", path).status_code == 405
    print(f"B14: {len(files)} files of the site, 100 % with all headers; {API} only shares with {SITE}")
