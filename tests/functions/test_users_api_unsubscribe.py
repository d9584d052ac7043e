"""Ending mails by the link in one of them: one click of its reader, and nothing that only looks at it."""

import uuid
from collections.abc import Callable
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from tests.functions.conftest import Json, SignedIn
from vaultra.domain.unsubscribing import Purpose, Unsubscription, write_token
from vaultra.services import Services

ROUTE, NOTIFICATIONS = "/api/v1/users/unsubscribe", "/api/v1/users/me/notifications"
SignUp = Callable[[], SignedIn]
# What a mail program sends when its button is pressed (RFC 8058).
ONE_CLICK: Json = {
    "content": "List-Unsubscribe=One-Click",
    "headers": {"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://mail.test"},
}


@pytest.fixture
def client(room: Callable[[str], TestClient]) -> TestClient:
    return room("users_api")


@pytest.fixture
def link(services: Services) -> Callable[[SignedIn, Purpose], str]:
    def make(user: SignedIn, purpose: Purpose) -> str:
        return write_token(Unsubscription(UUID(user.id), purpose), services.auth.jwt_secrets)

    return make


def wanted(client: TestClient, user: SignedIn) -> Json:
    found: Json = client.get(NOTIFICATIONS, headers=user.headers).json()
    return {name: found[name] for name in ("digest", "alerts")}


@pytest.mark.parametrize(
    ("purpose", "left"),
    [(Purpose.DIGEST, {"digest": "off", "alerts": True}), (Purpose.ALERTS, {"digest": "daily", "alerts": False})],
)
def test_one_click_ends_what_the_mail_was_of_as_often_as_one_likes(
    client: TestClient, sign_up: SignUp, link: Callable[[SignedIn, Purpose], str], purpose: Purpose, left: Json
) -> None:
    user, other = sign_up(), sign_up()
    for _ in range(2):
        answer = client.post(ROUTE, params={"token": link(user, purpose)}, **ONE_CLICK)
        assert (answer.status_code, answer.json()) == (200, {"ended": purpose.value})
    assert wanted(client, user) == left
    assert wanted(client, other) == {"digest": "daily", "alerts": True}


def test_the_sites_page_may_ask_without_a_body(
    client: TestClient, sign_up: SignUp, link: Callable[[SignedIn, Purpose], str]
) -> None:
    user = sign_up()
    assert client.post(ROUTE, params={"token": link(user, Purpose.DIGEST)}).status_code == 200
    assert wanted(client, user)["digest"] == "off"


def test_looking_at_the_link_ends_nothing_and_leads_to_the_page(
    client: TestClient, sign_up: SignUp, link: Callable[[SignedIn, Purpose], str]
) -> None:
    """Programs that check the links of a mail fetch them; people who open it in a browser get the site's page."""
    user = sign_up()
    token = link(user, Purpose.DIGEST)
    answer = client.get(ROUTE, params={"token": token})
    assert (answer.status_code, answer.headers["location"]) == (302, f"https://site.test/unsubscribe/#token={token}")
    assert client.head(ROUTE, params={"token": token}).status_code == 405
    assert wanted(client, user) == {"digest": "daily", "alerts": True}


def test_it_needs_the_whole_token_signed_by_us(
    client: TestClient, sign_up: SignUp, link: Callable[[SignedIn, Purpose], str]
) -> None:
    user = sign_up()
    token = link(user, Purpose.DIGEST)
    foreign = write_token(Unsubscription(UUID(user.id), Purpose.DIGEST), ["another-secret-of-32-bytes-or-more"])
    for bad in (foreign, token[:-1], token + "A", token.swapcase(), "", "x" * 5000, "é" * 66):
        for method in ("POST", "GET") if bad in ("", token[:-1]) else ("POST",):
            answer = client.request(method, ROUTE, params={"token": bad})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert client.post(ROUTE).status_code == 400
    assert wanted(client, user) == {"digest": "daily", "alerts": True}


def test_whose_account_is_gone_is_answered_the_same(client: TestClient, services: Services) -> None:
    token = write_token(Unsubscription(uuid.uuid4(), Purpose.DIGEST), services.auth.jwt_secrets)
    answer = client.post(ROUTE, params={"token": token})
    assert (answer.status_code, answer.json()) == (200, {"ended": "digest"})


@pytest.mark.parametrize("zone", ["Mars/Olympus_Mons", "europe/berlin", "localtime", "UTC+25", "Europe"])
def test_a_time_zone_that_is_none_is_meaningless(client: TestClient, sign_up: SignUp, zone: str) -> None:
    answer = client.patch(NOTIFICATIONS, headers=sign_up().headers, json={"time_zone": zone})
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, "time_zone")


@pytest.mark.parametrize("zone", [None, "", "../etc/passwd", "/etc/localtime", "Europe/Berlin\n", "x" * 65, 1, ["UTC"]])
def test_what_cannot_be_the_name_of_one_is_malformed(client: TestClient, sign_up: SignUp, zone: object) -> None:
    answer = client.patch(NOTIFICATIONS, headers=sign_up().headers, json={"time_zone": zone})
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (400, "time_zone")
