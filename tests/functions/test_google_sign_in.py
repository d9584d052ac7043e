"""Signing in with Google through the deployed function: the real Authlib client, a local issuer, real HTTP to it."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from tests.functions.conftest import PASSWORD, SignedIn
from tests.openid import BEGIN, CALLBACK, JSON, PAGE, REDIRECT_URI, Browser, agree, decline, new_person, query_of
from vaultra.domain.limits import GOOGLE_BY_ADDRESS
from vaultra.services import Services
from vaultra_local.openid_sim import OpenidSim
from vaultra_local.ports import free_port

ME, LOGIN = "/api/v1/auth/me", "/api/v1/auth/login"
NewBrowser = Callable[[], Browser]


@pytest.fixture
def new_browser(room: Callable[[str], TestClient]) -> NewBrowser:
    return lambda: Browser(room("auth_api"))


@pytest.fixture
def visitor(new_browser: NewBrowser) -> Browser:
    return new_browser()


def back_at_login(answer: Any) -> str:
    """The reason with which a browser is sent back to the page to sign in."""
    assert answer.status_code == 302, answer.text
    target = urlsplit(answer.headers["Location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == "https://site.test/auth/login/"
    assert not target.fragment
    [(name, reason)] = query_of(answer.headers["Location"]).items()
    assert name == "error"
    return reason


def test_the_browser_is_sent_to_google_with_a_cookie_of_this_sign_in(visitor: Browser, google: OpenidSim) -> None:
    answer = visitor.client.get(BEGIN, headers=PAGE)
    assert answer.status_code == 302
    assert answer.headers["Cache-Control"] == "no-store"
    asked = query_of(answer.headers["Location"])
    assert answer.headers["Location"].startswith(f"{google.url}/authorize?")
    assert (asked["redirect_uri"], asked["scope"]) == (REDIRECT_URI, "openid email profile")
    assert (asked["code_challenge_method"], asked["prompt"]) == ("S256", "select_account")
    assert {len(asked[name]) for name in ("state", "nonce", "code_challenge")} == {43}
    cookie = answer.headers["Set-Cookie"]
    assert re.fullmatch(
        r"vaultra_google=[\w-]{43}; HttpOnly; Max-Age=600; Path=/api/v1/auth/callback/google; SameSite=lax; Secure",
        cookie,
    ), cookie


def test_somebody_new_is_signed_up_and_in(visitor: Browser, google: OpenidSim) -> None:
    person = new_person(google, picture="https://img.example.com/a.png")
    answer = visitor.sign_in(person)
    assert answer.status_code == 200, answer.text
    user, token = answer.json()["user"], answer.json()["token"]
    assert (user["email"], user["name"], user["avatar_url"]) == (person.email, "Ana Lima", person.picture)
    me = visitor.client.get(ME, headers={"Authorization": f"Bearer {token}"})
    assert (me.status_code, me.json()["id"]) == (200, user["id"])
    assert visitor.sign_in(person).json()["user"] == user


def test_a_browser_is_handed_the_token_where_no_server_sees_it(visitor: Browser, google: OpenidSim) -> None:
    answer = visitor.sign_in(new_person(google), PAGE, next="/dashboard/?business_id=1&x=%26")
    assert answer.status_code == 302
    target = urlsplit(answer.headers["Location"])
    assert (target.netloc, target.path, target.query) == ("site.test", "/auth/callback/google/", "")
    handed = query_of(answer.headers["Location"])
    assert handed.keys() == {"token", "next"}
    assert handed["next"] == "/dashboard/?business_id=1&x=%26"
    me = visitor.client.get(ME, headers={"Authorization": f"Bearer {handed['token']}"})
    assert me.status_code == 200
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "page", ["https://evil.test/", "//evil.test", "/\\evil.test", "/auth/login/", "/x\r\nY: z", ""]
)
def test_a_next_page_elsewhere_is_left_aside(visitor: Browser, google: OpenidSim, page: str) -> None:
    answer = visitor.sign_in(new_person(google), PAGE, next=page)
    assert query_of(answer.headers["Location"]).keys() == {"token"}


def test_a_next_page_has_an_end(visitor: Browser, google: OpenidSim) -> None:
    assert visitor.client.get(BEGIN, params={"next": "/" + "x" * 2000}).status_code == 400
    assert visitor.client.get(BEGIN, params={"next": "/" + "x" * 1999}).status_code == 302


def test_the_cookie_ends_with_the_sign_in(visitor: Browser, google: OpenidSim) -> None:
    for answer in (visitor.sign_in(new_person(google)), visitor.come_back({"state": "x"}), visitor.come_back({}, PAGE)):
        assert answer.headers["Set-Cookie"].startswith('vaultra_google=""; HttpOnly; Max-Age=0; Path=/api/v1/auth/')


def test_a_state_works_once(visitor: Browser, google: OpenidSim) -> None:
    url, person = visitor.begin(), new_person(google)
    cookie = dict(visitor.client.cookies)
    assert visitor.come_back(agree(url, person.subject)).status_code == 200
    visitor.client.cookies.update(cookie)
    assert back_at_login(visitor.come_back(agree(url, person.subject), PAGE)) == "google_expired"
    replayed = visitor.come_back(agree(url, person.subject))
    assert (replayed.status_code, replayed.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


def test_a_sign_in_is_finished_where_it_was_started(
    visitor: Browser, new_browser: NewBrowser, google: OpenidSim
) -> None:
    """Else a link to the callback would sign its reader in as whoever made it."""
    url, person, other = visitor.begin(), new_person(google), new_browser()
    other.begin()
    for stranger in (new_browser(), other):
        assert back_at_login(stranger.come_back(agree(url, person.subject), PAGE)) == "google_expired"
    assert visitor.come_back(agree(url, person.subject)).status_code == 200


def test_a_sign_in_takes_ten_minutes_at_most(visitor: Browser, google: OpenidSim, services: Services) -> None:
    now, person = services.clock(), new_person(google)
    services.clock = lambda: now
    query = agree(visitor.begin(), person.subject)
    services.clock = lambda: now + dt.timedelta(minutes=10)
    assert back_at_login(visitor.come_back(query, PAGE)) == "google_expired"


def test_who_cancels_at_google_is_told_so(visitor: Browser, google: OpenidSim) -> None:
    assert back_at_login(visitor.come_back(decline(visitor.begin()), PAGE)) == "google_denied"
    refused = visitor.come_back(decline(visitor.begin()))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize("query", [{"code": "guessed"}, {"code": ""}, {}, {"error": "server_error"}, {"code": "é\x00"}])
def test_a_code_that_google_does_not_know_is_refused(
    visitor: Browser, google: OpenidSim, query: dict[str, str]
) -> None:
    state = query_of(visitor.begin())["state"]
    assert back_at_login(visitor.come_back({**query, "state": state}, PAGE)) == "google_failed"
    state = query_of(visitor.begin())["state"]
    refused = visitor.come_back({**query, "state": state})
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "UNAUTHORIZED")


def test_a_token_for_somebody_else_is_refused(visitor: Browser, google: OpenidSim) -> None:
    google.next_token(claims={"aud": "another"})
    assert back_at_login(visitor.sign_in(new_person(google), PAGE)) == "google_failed"


@pytest.mark.parametrize("claim", [False, None, "true"])
def test_an_unverified_email_signs_nobody_in(
    visitor: Browser, google: OpenidSim, engine: Engine, sign_up: Callable[[], SignedIn], claim: Any
) -> None:
    known = new_person(google, email=sign_up().email, email_verified=claim)
    for person in (new_person(google, email_verified=claim), known):
        assert back_at_login(visitor.sign_in(person, PAGE)) == "google_unverified"
        refused = visitor.sign_in(person)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "FORBIDDEN")
        with engine.connect() as db:
            linked = text("select count(*) from identities where subject = :subject")
            assert db.execute(linked, {"subject": person.subject}).scalar_one() == 0


def test_an_account_whose_mailbox_nobody_proved_is_not_opened(
    visitor: Browser, google: OpenidSim, sign_up: Callable[[], SignedIn]
) -> None:
    person = new_person(google, email=sign_up().email)
    assert back_at_login(visitor.sign_in(person, PAGE)) == "google_account_exists"
    refused = visitor.sign_in(person)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")
    assert "reset it by mail" in refused.json()["error"]["message"]


def test_an_account_whose_mailbox_is_proved_is_opened_and_keeps_its_password(
    visitor: Browser, google: OpenidSim, engine: Engine, sign_up: Callable[[], SignedIn]
) -> None:
    account = sign_up()
    with engine.begin() as db:
        db.execute(text("update users set email_verified_at = now() where id = :id"), {"id": account.id})
    answer = visitor.sign_in(new_person(google, email=account.email.upper()))
    assert answer.json()["user"]["id"] == account.id
    login = visitor.client.post(LOGIN, json={"email": account.email, "password": PASSWORD})
    assert login.status_code == 200


def test_who_has_no_password_cannot_log_in_with_one(visitor: Browser, google: OpenidSim) -> None:
    person = new_person(google)
    visitor.sign_in(person)
    for password in ("", " ", "x", PASSWORD):
        assert visitor.client.post(LOGIN, json={"email": person.email, "password": password}).status_code in (400, 401)


def test_while_google_is_down_a_person_is_told_so(visitor: Browser, google: OpenidSim) -> None:
    query = agree(visitor.begin(), new_person(google).subject)
    cookie = dict(visitor.client.cookies)
    google.answering = False
    try:
        assert back_at_login(visitor.come_back(query, PAGE)) == "google_unavailable"
    finally:
        google.answering = True
    visitor.client.cookies.update(cookie)
    assert back_at_login(visitor.come_back(query, PAGE)) == "google_expired"


def test_without_google_a_person_is_told_so(
    visitor: Browser, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    assert back_at_login(visitor.client.get(BEGIN, headers=PAGE)) == "google_unavailable"
    refused = visitor.client.get(BEGIN, headers=JSON)
    assert refused.status_code == 503
    assert "GOOGLE_CLIENT_ID" in refused.json()["error"]["message"]
    monkeypatch.setenv("GOOGLE_CLIENT_ID", "ours")
    monkeypatch.setenv("GOOGLE_CLIENT_SECRET", "a-secret")
    monkeypatch.setenv("GOOGLE_ISSUER_URL", f"http://127.0.0.1:{free_port()}")
    assert back_at_login(visitor.client.get(BEGIN, headers=PAGE)) == "google_unavailable"


def test_an_address_can_start_only_so_often(visitor: Browser, google: OpenidSim) -> None:
    statuses = [visitor.client.get(BEGIN).status_code for _ in range(GOOGLE_BY_ADDRESS.calls)]
    assert set(statuses) == {302}
    person = visitor.client.get(BEGIN, headers=PAGE)
    assert (person.status_code, person.headers["Location"].rpartition("error=")[2]) == (302, "google_unavailable")
    refused = visitor.client.get(BEGIN, headers={"Accept": "application/json"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert int(refused.headers["Retry-After"]) <= 60


def test_what_google_cannot_answer_is_counted_too(visitor: Browser, google: OpenidSim) -> None:
    google.answering = False
    try:
        asked = {"Accept": "application/json"}
        statuses = [visitor.client.get(BEGIN, headers=asked).status_code for _ in range(GOOGLE_BY_ADDRESS.calls + 1)]
    finally:
        google.answering = True
    assert statuses == [503] * GOOGLE_BY_ADDRESS.calls + [429]


def test_a_preview_does_not_use_a_sign_in_up(visitor: Browser, google: OpenidSim) -> None:
    query = agree(visitor.begin(), new_person(google).subject)
    assert visitor.client.head(CALLBACK, params=query).status_code == 405
    assert visitor.come_back(query).status_code == 200
