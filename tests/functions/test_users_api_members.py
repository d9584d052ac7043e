"""Members and invitations, through the deployed function."""

import datetime as dt
import uuid
from collections.abc import Callable
from uuid import UUID

import orjson
import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from tests import rows
from tests.fakes import FakePublisher
from tests.functions.conftest import Json, SignedIn
from vaultra.domain.limits import INVITATIONS_BY_BUSINESS, TOKEN_TRIES_BY_ADDRESS
from vaultra.services import Services
from vaultra.usecases import members

BUSINESSES, ACCEPT = "/api/v1/users/businesses", "/api/v1/users/invitations/accept"
SignUp = Callable[[], SignedIn]
CreateBusiness = Callable[..., Json]


@pytest.fixture
def client(room: Callable[[str], TestClient]) -> TestClient:
    return room("users_api")


class Shop:
    """A business with an owner, an admin and a viewer, and a person who is none of them."""

    def __init__(self, engine: Engine, sign_up: SignUp, create_business: CreateBusiness) -> None:
        self.owner, self.admin, self.viewer, self.stranger = (sign_up() for _ in range(4))
        self.id = create_business(self.owner)["id"]
        self.address = f"{BUSINESSES}/{self.id}/members"
        with engine.begin() as db:
            for person, role in [(self.admin, "admin"), (self.viewer, "viewer")]:
                rows.join(db, UUID(person.id), UUID(self.id), role)


@pytest.fixture
def shop(engine: Engine, sign_up: SignUp, create_business: CreateBusiness) -> Shop:
    return Shop(engine, sign_up, create_business)


def invite(client: TestClient, shop: Shop, email: str, role: str = "viewer") -> Json:
    answer = client.post(shop.address, headers=shop.owner.headers, json={"email": email, "role": role})
    assert answer.status_code == 201, answer.text
    invitation: Json = answer.json()
    return invitation


def token_of(services: Services, invitation: Json) -> str:
    with services.engine.begin() as db:
        letter = members.write_invitation(db, UUID(invitation["id"]), services.clock())
    assert letter is not None
    return letter.token


def roles(client: TestClient, shop: Shop) -> dict[str, str]:
    listed = client.get(shop.address, headers=shop.owner.headers).json()["members"]
    return {member["user_id"]: member["role"] for member in listed}


def test_everybody_sees_the_members_and_owners_the_invitations(client: TestClient, shop: Shop) -> None:
    invitation = invite(client, shop, "new@example.com", "admin")
    for person in (shop.owner, shop.admin, shop.viewer):
        answer = client.get(shop.address, headers=person.headers)
        assert answer.status_code == 200
        team = answer.json()
        assert team["members"][0]["user_id"] == shop.owner.id
        assert {member["email"] for member in team["members"]} == {
            shop.owner.email,
            shop.admin.email,
            shop.viewer.email,
        }
        assert all(member.keys() == {"user_id", "email", "name", "role", "joined_at"} for member in team["members"])
        assert team["invitations"] == ([invitation] if person is shop.owner else [])


def test_inviting_writes_a_mail_and_announces_it(
    client: TestClient, services: Services, publisher: FakePublisher, shop: Shop
) -> None:
    now = services.clock()
    services.clock = lambda: now
    invitation = invite(client, shop, "  New@Example.com ", "admin")
    assert invitation.keys() == {"id", "email", "role", "expires_at"}
    assert (invitation["email"], invitation["role"]) == ("New@Example.com", "admin")
    assert dt.datetime.fromisoformat(invitation["expires_at"]) == now + dt.timedelta(days=7)
    [message] = [message for message in publisher.messages if message.topic == "mail-due"]
    with services.engine.connect() as db:
        mail = db.execute(
            text("select * from mails where id = :id"), {"id": orjson.loads(message.data)["mail_id"]}
        ).one()
    assert (mail.kind, mail.recipient, mail.facts) == ("invitation", "New@Example.com", {})
    assert (str(mail.business_id), str(mail.invitation_id), mail.sent_at) == (shop.id, invitation["id"], None)


def test_an_invitation_is_accepted_by_the_invited_once(client: TestClient, services: Services, shop: Shop) -> None:
    token = token_of(services, invite(client, shop, shop.stranger.email, "admin"))
    other = client.post(ACCEPT, headers=shop.viewer.headers, json={"token": token})
    assert other.status_code == 403
    assert "Sign in with the address it was sent to" in other.json()["error"]["message"]
    answer = client.post(ACCEPT, headers=shop.stranger.headers, json={"token": token})
    assert (answer.status_code, answer.json()) == (200, {"id": shop.id, "name": "A Shop", "role": "admin"})
    assert client.get(shop.address, headers=shop.stranger.headers).status_code == 200
    for bad in (token, "x" * 43):
        again = client.post(ACCEPT, headers=shop.stranger.headers, json={"token": bad})
        assert (again.status_code, again.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


def test_a_renewed_or_withdrawn_invitation_opens_nothing(client: TestClient, services: Services, shop: Shop) -> None:
    first = invite(client, shop, shop.stranger.email, "owner")
    old = token_of(services, first)
    again = invite(client, shop, shop.stranger.email, "viewer")
    assert again["id"] == first["id"]
    new = token_of(services, again)
    assert client.post(ACCEPT, headers=shop.stranger.headers, json={"token": old}).status_code == 400
    address = f"{BUSINESSES}/{shop.id}/invitations/{again['id']}"
    assert client.delete(address, headers=shop.admin.headers).status_code == 403
    assert client.delete(address, headers=shop.owner.headers).status_code == 204
    assert client.delete(address, headers=shop.owner.headers).status_code == 404
    assert client.post(ACCEPT, headers=shop.stranger.headers, json={"token": new}).status_code == 400
    assert shop.stranger.id not in roles(client, shop)


def test_a_member_is_not_invited_again(client: TestClient, shop: Shop, publisher: FakePublisher) -> None:
    answer = client.post(
        shop.address, headers=shop.owner.headers, json={"email": shop.viewer.email.upper(), "role": "owner"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")
    assert [message for message in publisher.messages if message.topic == "mail-due"] == []


def test_only_owners_invite_and_change_roles(client: TestClient, shop: Shop) -> None:
    before = roles(client, shop)
    for person in (shop.admin, shop.viewer, shop.stranger):
        for method, path, body in [
            ("POST", shop.address, {"email": "friend@example.com", "role": "owner"}),
            ("PATCH", f"{shop.address}/{person.id}", {"role": "owner"}),
            ("PATCH", f"{shop.address}/{shop.owner.id}", {"role": "viewer"}),
        ]:
            assert client.request(method, path, headers=person.headers, json=body).status_code == 403
        assert client.delete(f"{shop.address}/{shop.owner.id}", headers=person.headers).status_code == 403
    assert roles(client, shop) == before


def test_an_owner_changes_and_ends_memberships(client: TestClient, shop: Shop) -> None:
    address = f"{shop.address}/{shop.viewer.id}"
    answer = client.patch(address, headers=shop.owner.headers, json={"role": "admin"})
    assert answer.status_code == 200
    changed = answer.json()
    assert changed.keys() == {"user_id", "email", "name", "role", "joined_at"}
    assert (changed["user_id"], changed["role"]) == (shop.viewer.id, "admin")
    assert client.delete(address, headers=shop.owner.headers).status_code == 204
    assert client.get(shop.address, headers=shop.viewer.headers).status_code == 403
    for answer in (
        client.delete(address, headers=shop.owner.headers),
        client.patch(address, headers=shop.owner.headers, json={"role": "admin"}),
        client.delete(f"{shop.address}/{uuid.uuid4()}", headers=shop.owner.headers),
    ):
        assert answer.status_code == 404


def test_everybody_may_leave_but_the_last_owner(client: TestClient, shop: Shop) -> None:
    for person in (shop.admin, shop.viewer):
        assert client.delete(f"{shop.address}/{person.id}", headers=person.headers).status_code == 204
    last = f"{shop.address}/{shop.owner.id}"
    for answer in (
        client.delete(last, headers=shop.owner.headers),
        client.patch(last, headers=shop.owner.headers, json={"role": "admin"}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")
    assert roles(client, shop) == {shop.owner.id: "owner"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "nobody"),
        ("email", None),
        ("email", "a@example.com\r\nBcc: b@example.com"),
        ("role", "god"),
        ("role", "OWNER"),
        ("role", None),
        ("business_id", "5f8c1f0e-5c3b-4a57-9d0e-2f1f3a1f4b11"),
    ],
)
def test_a_bad_invitation_is_refused_by_field(client: TestClient, shop: Shop, field: str, value: object) -> None:
    body = {"email": "a@example.com", "role": "viewer", field: value}
    answer = client.post(shop.address, headers=shop.owner.headers, json=body)
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (400, field)


def test_invitations_are_limited_by_business(client: TestClient, services: Services, shop: Shop) -> None:
    now = services.clock()
    services.clock = lambda: now
    for number in range(INVITATIONS_BY_BUSINESS.calls):
        invite(client, shop, f"guest{number}@example.com")
    body = {"email": "one-more@example.com", "role": "viewer"}
    answer = client.post(shop.address, headers=shop.owner.headers, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert int(answer.headers["Retry-After"]) > 0


def test_guessing_tokens_is_limited_by_address(client: TestClient, services: Services, shop: Shop) -> None:
    now = services.clock()
    services.clock = lambda: now
    guesses = [
        client.post(ACCEPT, headers=shop.stranger.headers, json={"token": f"guess{number}"}).status_code
        for number in range(TOKEN_TRIES_BY_ADDRESS.calls + 1)
    ]
    assert guesses == [400] * TOKEN_TRIES_BY_ADDRESS.calls + [429]
