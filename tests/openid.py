"""Signing in through the local OpenID issuer, step by step, as a browser does."""

import secrets
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from httpx2 import Response
from starlette.testclient import TestClient

from tests import loopback
from vaultra.adapters.google import GoogleSignIn
from vaultra.config import GoogleSettings
from vaultra.ports import Clock, Profile, SignInRequest
from vaultra_local.openid_sim import CLIENT_ID, CLIENT_SECRET, OpenidSim, Person

BEGIN, CALLBACK = "/api/v1/auth/google", "/api/v1/auth/callback/google"
REDIRECT_URI = "https://api.test/api/v1/auth/callback/google"
PAGE = {"Accept": "text/html,*/*;q=0.8"}
JSON = {"Accept": "application/json"}


def provider(sim: OpenidSim, clock: Clock, *, timeout_seconds: float = 10, **settings: Any) -> GoogleSignIn:
    """The real adapter, with the local issuer for Google."""
    ours = {
        "google_client_id": CLIENT_ID,
        "google_client_secret": CLIENT_SECRET,
        "google_issuer_url": sim.url,
    }
    return GoogleSignIn(GoogleSettings(**{**ours, **settings}), clock, timeout_seconds=timeout_seconds)


def new_request(**changes: str) -> SignInRequest:
    """A sign-in of its own."""
    made = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "code_verifier")}
    return SignInRequest(**{**made, "redirect_uri": REDIRECT_URI, **changes})


def agree(url: str, subject: str) -> dict[str, str]:
    """What the provider sends the browser back with, once this person has chosen themselves."""
    answer = loopback.get(f"{url}&sim_person={subject}")
    assert answer.status_code == 303, answer.text
    return query_of(answer.headers["location"])


def decline(url: str) -> dict[str, str]:
    """What the provider sends the browser back with when the person cancels."""
    return query_of(loopback.get(f"{url}&sim_decision=deny").headers["location"])


def query_of(url: str) -> dict[str, str]:
    """The parameters of an address, or those behind its `#`."""
    parts = urlsplit(url)
    return {name: values[-1] for name, values in parse_qs(parts.query or parts.fragment).items()}


def new_person(sim: OpenidSim, **changes: Any) -> Person:
    """Somebody nobody knows yet, among the issuer's people."""
    name = secrets.token_hex(8)
    person = Person(**{"subject": name, "email": f"{name}@example.com", "name": "Ana Lima", **changes})
    sim.add(person)
    return person


class FakeGoogle:
    """An `IdentityProvider` that says of everybody what `profile` says; or raises `failure`."""

    def __init__(self, profile: Profile | None = None) -> None:
        self.profile = profile
        self.failure: Exception | None = None
        self.asked: list[tuple[SignInRequest, str]] = []

    def authorize_url(self, request: SignInRequest) -> str:
        if self.failure is not None:
            raise self.failure
        return f"https://google.test/authorize?{urlencode({'state': request.state})}"

    def identify(self, request: SignInRequest, code: str) -> Profile:
        self.asked.append((request, code))
        if self.failure is not None:
            raise self.failure
        assert self.profile is not None
        return self.profile


class Browser:
    """One browser in front of the deployed function: it keeps cookies, and goes to the issuer and back."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def begin(self, **params: str) -> str:
        """Start; where the function sends the browser."""
        answer = self.client.get(BEGIN, params=params, headers=PAGE)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def come_back(self, query: dict[str, str], headers: dict[str, str] = JSON) -> Response:
        """Come back from the issuer."""
        answer: Response = self.client.get(CALLBACK, params=query, headers=headers)
        return answer

    def sign_in(self, person: Person, headers: dict[str, str] = JSON, **params: str) -> Response:
        """The whole way."""
        return self.come_back(agree(self.begin(**params), person.subject), headers)
