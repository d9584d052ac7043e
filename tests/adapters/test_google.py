"""The real adapter, with the real Authlib client, against the local OpenID issuer over HTTP."""

import datetime as dt
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.openid import REDIRECT_URI, agree, new_request, provider, query_of
from vaultra.adapters.google import GOOGLE, KEPT_FOR, GoogleSignIn, endpoint, is_authoritative, issuer_names
from vaultra.errors import Unauthorized, Unavailable
from vaultra.ports import Profile
from vaultra_local.openid_sim import CLIENT_ID, OpenidSim, Person, running_openid_sim
from vaultra_local.ports import free_port

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
AT_NOON = int(NOON.timestamp())
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(scope="module")
def sim() -> Iterator[OpenidSim]:
    with running_openid_sim(now=lambda: AT_NOON) as running:
        yield running


@pytest.fixture
def google(sim: OpenidSim) -> GoogleSignIn:
    return provider(sim, lambda: NOON)


def identify(google: GoogleSignIn, subject: str = "ana") -> Profile:
    request = new_request()
    return google.identify(request, agree(google.authorize_url(request), subject)["code"])


def test_the_browser_is_sent_with_everything_the_round_trip_is_bound_to(sim: OpenidSim, google: GoogleSignIn) -> None:
    request = new_request()
    url = google.authorize_url(request)
    asked = query_of(url)
    assert url.startswith(f"{sim.url}/authorize?")
    assert (asked["state"], asked["nonce"]) == (request.state, request.nonce)
    assert (asked["client_id"], asked["redirect_uri"]) == (CLIENT_ID, REDIRECT_URI)
    assert (asked["response_type"], asked["scope"]) == ("code", "openid email profile")
    assert (asked["code_challenge_method"], asked["prompt"]) == ("S256", "select_account")
    assert len(asked["code_challenge"]) == 43
    assert request.code_verifier not in url


def test_a_code_becomes_a_profile(sim: OpenidSim, google: GoogleSignIn) -> None:
    sim.add(Person("eva", "Eva@Example.com", "Eva Ray", picture="https://img.example.com/eva.png"))
    assert identify(google, "eva") == Profile(
        issuer=sim.url,
        subject="eva",
        email="Eva@Example.com",
        email_verified=True,
        email_authoritative=True,
        name="Eva Ray",
        picture="https://img.example.com/eva.png",
    )


@pytest.mark.parametrize("claim", [False, None, "true", "True", 1, [True]])
def test_only_true_itself_says_that_an_email_is_verified(sim: OpenidSim, google: GoogleSignIn, claim: Any) -> None:
    sim.next_token(claims={"email_verified": claim})
    assert identify(google).email_verified is False


@pytest.mark.parametrize(
    ("claims", "issuer", "authoritative"),
    [
        ({"email": "ana@gmail.com", "email_verified": True}, GOOGLE, True),
        ({"email": "Ana@GoogleMail.com", "email_verified": True}, GOOGLE, True),
        ({"email": "ana@shop.example", "email_verified": True, "hd": "Shop.example"}, GOOGLE, True),
        ({"email": "ana@shop.example", "email_verified": True}, GOOGLE, False),
        ({"email": "ana@shop.example", "email_verified": True, "hd": "other.example"}, GOOGLE, False),
        ({"email": "ana@notgmail.com", "email_verified": True, "hd": None}, GOOGLE, False),
        ({"email_verified": True}, GOOGLE, False),
        ({"email": "ana@gmail.com", "email_verified": False}, GOOGLE, False),
        ({"email": "ana@gmail.com", "email_verified": "true"}, GOOGLE, False),
        ({"email": "ana@shop.example", "email_verified": True}, "https://id.example", True),
        ({"email": "ana@shop.example"}, "https://id.example", False),
    ],
)
def test_google_is_believed_about_the_mailboxes_it_runs(claims: Any, issuer: str, authoritative: bool) -> None:
    assert is_authoritative(claims, issuer) is authoritative


def test_what_is_not_told_is_empty(sim: OpenidSim, google: GoogleSignIn) -> None:
    sim.next_token(claims={"email": None, "name": 7, "picture": ["x"]})
    profile = identify(google)
    assert (profile.email, profile.name, profile.picture) == ("", "", None)


WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "aud is another's": {"aud": "another"},
    "aud lists ours among others": {"aud": [CLIENT_ID, "another"]},
    "no aud": {"aud": None},
    "iss is another's": {"iss": "https://accounts.evil.test"},
    "iss is Google's short name": {"iss": "accounts.google.com"},
    "iss ends in a slash": {"iss": "http://127.0.0.1/"},
    "no iss": {"iss": None},
    "nonce is another's": {"nonce": "another"},
    "nonce is not ASCII": {"nonce": "é"},
    "nonce is a list": {"nonce": ["x"]},
    "no nonce": {"nonce": None},
    "azp is another's": {"azp": "another"},
    "expired": {"exp": AT_NOON - 60},
    "exp is text": {"exp": str(AT_NOON + 600)},
    "exp is a fraction": {"exp": AT_NOON + 0.5},
    "exp is true": {"exp": True},
    "no exp": {"exp": None},
    "issued in the future": {"iat": AT_NOON + 61},
    "no iat": {"iat": None},
    "not yet valid": {"nbf": AT_NOON + 61},
    "no sub": {"sub": None},
    "sub is a number": {"sub": 7},
    "sub is empty": {"sub": ""},
    "sub holds a NUL": {"sub": "a\x00"},
    "sub is too long": {"sub": "a" * 256},
}


@pytest.mark.parametrize("claims", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS.keys())
def test_a_token_that_says_something_else_is_refused(
    sim: OpenidSim, google: GoogleSignIn, claims: dict[str, Any]
) -> None:
    sim.next_token(claims=claims)
    with pytest.raises(Unauthorized):
        identify(google)


@pytest.mark.parametrize("signed", ["none", "hs256", "another_key", "another_kid"])
def test_a_token_that_the_issuer_did_not_sign_is_refused(sim: OpenidSim, google: GoogleSignIn, signed: str) -> None:
    identify(google)
    sim.next_token(signed=signed)
    with pytest.raises(Unauthorized):
        identify(google)


@pytest.mark.parametrize("claims", [{"exp": AT_NOON - 59}, {"iat": AT_NOON + 60}, {"nbf": AT_NOON + 60}, {"azp": None}])
def test_a_minute_of_clock_skew_is_fine(sim: OpenidSim, google: GoogleSignIn, claims: dict[str, Any]) -> None:
    sim.next_token(claims=claims)
    assert identify(google).subject == "ana"


def test_the_times_are_checked_against_our_clock(sim: OpenidSim) -> None:
    with pytest.raises(Unauthorized):
        identify(provider(sim, lambda: NOON + 61 * MINUTE))
    with pytest.raises(Unauthorized):
        identify(provider(sim, lambda: NOON - 2 * MINUTE))


def test_only_google_itself_may_leave_the_scheme_out() -> None:
    assert issuer_names("https://accounts.google.com") == ["https://accounts.google.com", "accounts.google.com"]
    for other in ("http://127.0.0.1:8090", "https://accounts.google.com.evil.test", "accounts.google.com"):
        assert issuer_names(other) == [other]


@pytest.mark.parametrize("code", ["guessed", "", "é\x00\r\n&code=x", "x" * 2000])
def test_a_code_the_issuer_does_not_know_is_refused(google: GoogleSignIn, code: str) -> None:
    with pytest.raises(Unauthorized) as refused:
        google.identify(new_request(), code)
    assert code == "" or code not in str(refused.value)


@pytest.mark.parametrize("changes", [{"code_verifier": "another" * 7}, {"redirect_uri": "https://evil.test/"}])
def test_a_code_is_worth_nothing_in_another_sign_in(google: GoogleSignIn, changes: dict[str, str]) -> None:
    request = new_request()
    code = agree(google.authorize_url(request), "ana")["code"]
    with pytest.raises(Unauthorized):
        google.identify(new_request(**{**vars(request), **changes}), code)


def test_a_code_works_once(google: GoogleSignIn) -> None:
    request = new_request()
    code = agree(google.authorize_url(request), "ana")["code"]
    google.identify(request, code)
    with pytest.raises(Unauthorized):
        google.identify(request, code)


def test_a_wrong_client_secret_is_our_trouble(sim: OpenidSim) -> None:
    with pytest.raises(Unavailable, match="GOOGLE_CLIENT_SECRET"):
        identify(provider(sim, lambda: NOON, google_client_secret="another"))


def test_a_new_key_is_found(sim: OpenidSim, google: GoogleSignIn) -> None:
    identify(google)
    sim.change_key()
    assert identify(google).subject == "ana"


def test_an_issuer_that_fails_is_unavailable(sim: OpenidSim, google: GoogleSignIn) -> None:
    request = new_request()
    code = agree(google.authorize_url(request), "ana")["code"]
    sim.answering = False
    try:
        with pytest.raises(Unavailable):
            google.identify(request, code)
        with pytest.raises(Unavailable):
            provider(sim, lambda: NOON).authorize_url(request)
        google.authorize_url(request)  # what it said within the hour still stands
    finally:
        sim.answering = True


def test_discovery_is_read_again_after_an_hour(sim: OpenidSim) -> None:
    now = NOON
    google = provider(sim, lambda: now)
    google.authorize_url(new_request())
    sim.answering = False
    try:
        now = NOON + KEPT_FOR - MINUTE
        google.authorize_url(new_request())
        now = NOON + KEPT_FOR
        with pytest.raises(Unavailable):
            google.authorize_url(new_request())
    finally:
        sim.answering = True


def test_an_issuer_that_nobody_answers_for_is_unavailable(sim: OpenidSim) -> None:
    nobody = provider(sim, lambda: NOON, google_issuer_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable):
        nobody.authorize_url(new_request())


def test_an_issuer_that_never_answers_is_given_up(sim: OpenidSim) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        patient = provider(sim, lambda: NOON, timeout_seconds=0.2, google_issuer_url=url)
        with pytest.raises(Unavailable):
            patient.authorize_url(new_request())


@contextmanager
def answering(status: int, body: bytes, **headers: str) -> Iterator[tuple[str, list[str]]]:
    """Something that gives one answer to everything, with `URL` in it replaced by its address; and what was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value.replace("URL", url))
            self.end_headers()
            self.wfile.write(body.replace(b"URL", url.encode()))

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield url, asked
        finally:
            server.shutdown()
            thread.join()


def discovery(**changes: Any) -> bytes:
    endpoints = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    return json.dumps({"issuer": "URL", **{name: f"URL/{name}" for name in endpoints}, **changes}).encode()


def test_a_sound_discovery_document_is_enough(sim: OpenidSim) -> None:
    with answering(200, discovery()) as (url, _):
        found = provider(sim, lambda: NOON, google_issuer_url=url).authorize_url(new_request())
    assert found.startswith(f"{url}/authorization_endpoint?")


UNSOUND = {
    "another issuer": discovery(issuer="https://evil.test"),
    "no issuer": discovery(issuer=None),
    "no token endpoint": discovery(token_endpoint=None),
    "an endpoint that is no address": discovery(authorization_endpoint="javascript:alert(1)"),
    "a file": discovery(jwks_uri="file:///etc/passwd"),
    "not an object": b"[]",
    "not JSON": b"<html>",
    "larger than any discovery document": discovery(padding="x" * 300_000),
}


@pytest.mark.parametrize("body", UNSOUND.values(), ids=UNSOUND.keys())
def test_an_unsound_discovery_document_is_refused(sim: OpenidSim, body: bytes) -> None:
    with answering(200, body) as (url, _), pytest.raises(Unavailable):
        provider(sim, lambda: NOON, google_issuer_url=url).authorize_url(new_request())


def test_redirects_are_not_followed(sim: OpenidSim) -> None:
    with answering(302, discovery(), Location="URL/elsewhere") as (url, asked):
        with pytest.raises(Unavailable):
            provider(sim, lambda: NOON, google_issuer_url=url).authorize_url(new_request())
        assert asked == ["/.well-known/openid-configuration"]


def test_an_issuer_with_https_may_name_no_endpoint_without_it() -> None:
    with pytest.raises(Unavailable):
        endpoint({"token_endpoint": "http://accounts.test/token"}, "token_endpoint", "https://accounts.test")
