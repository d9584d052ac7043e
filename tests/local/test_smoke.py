"""The release's smoke test: right answers pass, each wrong one is named."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from vaultra_local import catalogue, smoke
from vaultra_local.site import SECURITY

SITE, API = "https://vaultra.example", "https://api.vaultra.example"
FUNCTIONS = [function for function in catalogue.load() if function.is_http]
OWNERS = {path: function.name for function in FUNCTIONS for path in function.paths}
Answer = Callable[[httpx.Request], httpx.Response | None]


def well(request: httpx.Request) -> httpx.Response:
    """A release as it should be."""
    url = request.url
    if url.scheme == "http":
        return httpx.Response(301, headers={"location": str(url.copy_with(scheme="https"))})
    prefix = url.path.removesuffix("/health/ready")
    if prefix in OWNERS:
        return httpx.Response(200, json={"status": "ok", "function": OWNERS[prefix]})
    if url.host == "api.vaultra.example":
        return httpx.Response(404, json={"error": {"code": "NOT_FOUND"}})
    if url.path == "/api/v1/openapi.json":
        return httpx.Response(200, json={"openapi": "3.1.0"})
    page = {"content-type": "text/html; charset=utf-8", **SECURITY}
    return httpx.Response(200 if url.path == "/" else 404, headers=page, text="<!doctype html>")


def client(*differences: Answer) -> httpx.Client:
    """A client whose world is well but for what these answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        return next((found for difference in differences if (found := difference(request))), None) or well(request)

    return httpx.Client(transport=httpx.MockTransport(answer))


def at(path: str, response: httpx.Response, host: str = "vaultra.example") -> Answer:
    return lambda request: response if (request.url.path, request.url.host) == (path, host) else None


def everything() -> list[smoke.Question]:
    return smoke.of_functions(FUNCTIONS, SITE, API) + smoke.of_site(SITE)


def test_a_release_that_works_passes() -> None:
    assert smoke.ask(client(), everything(), patience_seconds=0) == []


def test_every_http_function_is_asked_on_both_hosts() -> None:
    urls = {question.url for question in everything()}
    for function in FUNCTIONS:
        assert {f"{host}{function.paths[0]}/health/ready" for host in (SITE, API)} <= urls


WRONG = {
    "the database is out of reach": (
        at("/api/v1/auth/health/ready", httpx.Response(503)),
        f"auth_api on {SITE}: answers 503 ({SITE}/api/v1/auth/health/ready)",
    ),
    "a route leads to another function": (
        at("/api/v1/auth/health/ready", httpx.Response(200, json={"function": "users_api"})),
        f"auth_api on {SITE}: users_api answers ({SITE}/api/v1/auth/health/ready)",
    ),
    "a route leads to the site": (
        at("/api/v1/auth/health/ready", httpx.Response(200, text="<html>")),
        f"auth_api on {SITE}: None answers ({SITE}/api/v1/auth/health/ready)",
    ),
    "unknown addresses get a page": (
        at("/no/such/thing", httpx.Response(404, text="<html>"), "api.vaultra.example"),
        f"no such address: answers 404 ({API}/no/such/thing)",
    ),
    "a header is missing": (
        at("/", httpx.Response(200, headers={"content-type": "text/html", **SECURITY, "Referrer-Policy": "x"})),
        f"the first page: lacks Referrer-Policy ({SITE}/)",
    ),
    "the page is no page": (at("/", httpx.Response(200)), f"the first page: answers 200  ({SITE}/)"),
    "the description is missing": (
        at("/api/v1/openapi.json", httpx.Response(404)),
        f"the API's description: answers 404 ({SITE}/api/v1/openapi.json)",
    ),
    "missing pages are found": (
        at("/no/such/page/", httpx.Response(200, headers={"content-type": "text/html"})),
        f"no such page: answers 200 ({SITE}/no/such/page/)",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case: str) -> None:
    difference, line = WRONG[case]
    assert smoke.ask(client(difference), everything(), patience_seconds=0)[0] == line


def test_plain_http_must_lead_to_https() -> None:
    def answers(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(200) if request.url.scheme == "http" else None

    assert smoke.ask(client(answers), everything(), patience_seconds=0) == [
        "plain HTTP: answers 200 to None (http://vaultra.example/)"
    ]


def test_who_does_not_answer_is_named() -> None:
    def refuses(request: httpx.Request) -> httpx.Response | None:
        raise httpx.ConnectError("refused", request=request)

    wrong = smoke.ask(client(refuses), everything(), patience_seconds=0)
    assert len(wrong) == len(everything())
    assert wrong[0].startswith(f"auth_api on {SITE}: ConnectError")


def test_what_was_wrong_is_asked_again_until_it_is_right() -> None:
    asked: list[str] = []

    def starts_late(request: httpx.Request) -> httpx.Response | None:
        asked.append(str(request.url))
        late = request.url.path == "/api/v1/auth/health/ready" and asked.count(str(request.url)) < 3
        return httpx.Response(503) if late else None

    assert smoke.ask(client(starts_late), everything(), patience_seconds=60, pause_seconds=0) == []
    assert asked.count(f"{SITE}/api/v1/auth/health/ready") == 3
    assert asked.count(f"{SITE}/") == 1


def test_the_command_fails_with_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nobody = {"value": "http://127.0.0.1:9"}
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps({"site_url": nobody, "api_url": nobody}))
    assert smoke.main(["functions", str(outputs), "--patience", "0"]) == 1
    assert "no such address: ConnectError (http://127.0.0.1:9/no/such/thing)" in capsys.readouterr().out
