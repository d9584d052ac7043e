"""The stand-in for Google: it is as strict as Google where a client may be wrong, and wrong where it is asked to be."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
import pytest

from tests.openid import agree, query_of
from vaultra_local.openid_sim import CLIENT_ID, CLIENT_SECRET, OpenidSim, Person, running_openid_sim
from vaultra_local.ports import free_port

VERIFIER = "a-verifier-of-the-tests-that-is-long-enough-43"
BACK = "http://127.0.0.1:1/back"
CLIENT = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


@pytest.fixture(scope="module")
def sim() -> Iterator[OpenidSim]:
    with running_openid_sim() as running:
        yield running


@pytest.fixture
def web(sim: OpenidSim) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sim.url, trust_env=False) as client:
        yield client


def asked(**changes: str | None) -> dict[str, str]:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    parameters = {
        "client_id": CLIENT_ID,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "openid email",
        "state": "a-state",
        "nonce": "a-nonce",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: value for name, value in parameters.items() if value is not None}


def new_code(sim: OpenidSim, **changes: str | None) -> str:
    return agree(f"{sim.url}/authorize?{urlencode(asked(**changes))}", "ana")["code"]


def exchange(web: httpx.Client, code: str, /, **changes: str) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    return web.post("/token", data={**CLIENT, **form, **changes})


def identity_token(sim: OpenidSim, web: httpx.Client) -> str:
    answer = exchange(web, new_code(sim))
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["id_token"]
    return token


def test_discovery_names_itself(sim: OpenidSim, web: httpx.Client) -> None:
    document = web.get("/.well-known/openid-configuration").json()
    assert document["issuer"] == sim.url
    assert document["token_endpoint"] == f"{sim.url}/token"


def test_the_page_says_that_it_is_not_google_and_asks_who_one_is(web: httpx.Client) -> None:
    page = web.get("/authorize", params=asked())
    assert page.status_code == 200
    for words in ("this is not Google", "Ana Lima", "ben.okafor@example.com", "not verified"):
        assert words in page.text
    chosen = web.post("/authorize", data={**asked(), "person": "ben", "decision": "continue"})
    assert query_of(chosen.headers["location"]).keys() == {"code", "state"}
    cancelled = web.post("/authorize", data={**asked(), "person": "ben", "decision": "deny"})
    assert query_of(cancelled.headers["location"]) == {"error": "access_denied", "state": "a-state"}


def test_what_comes_in_cannot_write_into_the_page(web: httpx.Client) -> None:
    page = web.get("/authorize", params=asked(state='"><script>alert(1)</script>'))
    assert "<script" not in page.text


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "another"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": None},
        {"response_type": "token"},
        {"scope": "email"},
        {"code_challenge": None},
        {"code_challenge_method": "plain"},
        {"sim_person": "nobody"},
    ],
)
def test_a_link_that_makes_no_sense_is_refused(web: httpx.Client, changes: dict[str, str | None]) -> None:
    assert web.get("/authorize", params=asked(**changes)).status_code == 400


def test_a_token_says_who_signed_in_and_is_signed(sim: OpenidSim, web: httpx.Client) -> None:
    [key] = jwt.PyJWKSet.from_dict(web.get("/jwks").json()).keys
    claims: dict[str, Any] = jwt.decode(
        identity_token(sim, web), key, algorithms=["RS256"], audience=CLIENT_ID, issuer=sim.url
    )
    assert (claims["sub"], claims["email"], claims["email_verified"]) == ("ana", "ana.lima@example.com", True)
    assert claims["nonce"] == "a-nonce"


def test_a_code_works_once(sim: OpenidSim, web: httpx.Client) -> None:
    code = new_code(sim)
    assert [exchange(web, code).status_code for _ in range(2)] == [200, 400]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_secret": "another"}, "invalid_client"),
        ({"client_id": "another"}, "invalid_client"),
        ({"redirect_uri": "http://127.0.0.1:1/elsewhere"}, "invalid_grant"),
        ({"code_verifier": "another"}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"code": "guessed"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_who_is_not_the_client_that_asked_gets_nothing(
    sim: OpenidSim, web: httpx.Client, changes: dict[str, str], error: str
) -> None:
    answer = exchange(web, new_code(sim), **changes)
    assert answer.json()["error"] == error


def test_the_next_token_can_be_wrong_in_every_way(sim: OpenidSim, web: httpx.Client) -> None:
    sim.next_token(claims={"aud": "another", "nonce": None})
    wrong = jwt.decode(identity_token(sim, web), options={"verify_signature": False})
    assert wrong["aud"] == "another"
    assert "nonce" not in wrong
    [key] = jwt.PyJWKSet.from_dict(web.get("/jwks").json()).keys
    headers = {}
    for signed in ("none", "hs256", "another_key", "another_kid"):
        sim.next_token(signed=signed)
        token = identity_token(sim, web)
        headers[signed] = jwt.get_unverified_header(token)
        if signed == "another_key":
            with pytest.raises(jwt.InvalidSignatureError):
                jwt.decode(token, key, algorithms=["RS256"], audience=CLIENT_ID)
    assert [headers[signed]["alg"] for signed in ("none", "hs256", "another_key")] == ["none", "HS256", "RS256"]
    assert headers["another_kid"]["kid"] != key.key_id
    jwt.decode(identity_token(sim, web), key, algorithms=["RS256"], audience=CLIENT_ID)  # the one after is good again


def test_as_a_process_it_obeys_the_control_api() -> None:
    port = free_port()
    settings = {"GOOGLE_CLIENT_ID": CLIENT_ID, "GOOGLE_CLIENT_SECRET": CLIENT_SECRET}
    command = [sys.executable, "-m", "vaultra_local.openid_sim", "--port", str(port)]
    process = subprocess.Popen(command, env={**os.environ, **settings})
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as web:
            until_healthy(web)
            eve = Person("eve", "eve@example.com", "Eve", email_verified=False)
            people = web.post("/_sim/people", json=vars(eve)).json()["people"]
            assert "eve@example.com" in [person["email"] for person in people]
            assert web.post("/_sim/next-token", json={"signed": "badly"}).status_code == 400
            assert web.post("/_sim/next-token", content=b"{").status_code == 400
            assert web.post("/_sim/next-token", json={"claims": {"sub": "somebody"}}).status_code == 200
            code = query_of(web.get("/authorize", params=asked(sim_person="eve")).headers["location"])["code"]
            token = exchange(web, code).json()["id_token"]
            assert json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["sub"] == "somebody"
            web.post("/_sim/answering", json={"answering": False})
            assert web.get("/jwks").status_code == 503
    finally:
        process.terminate()
        assert process.wait(60) in (0, -15)


def until_healthy(web: httpx.Client) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            assert web.get("/_sim/health").json() == {"status": "ok"}
        except httpx.HTTPError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return
