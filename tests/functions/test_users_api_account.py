"""Notification preferences, taking everything along, and deleting it, through the deployed function."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from tests import rows
from tests.fakes import FakeStripe
from tests.functions.conftest import Json, SignedIn
from vaultra.errors import Unavailable
from vaultra.services import Services

ME, BUSINESSES = "/api/v1/users/me", "/api/v1/users/businesses"
EXPORT, NOTIFICATIONS = f"{ME}/export", f"{ME}/notifications"
PREFERENCES: Json = {"digest": "daily", "alerts": True, "time_zone": "UTC"}
SignUp = Callable[[], SignedIn]
CreateBusiness = Callable[..., Json]


@pytest.fixture
def client(room: Callable[[str], TestClient]) -> TestClient:
    return room("users_api")


def connect(services: Services, business: Json) -> str:
    external_id = f"acct_{business['id'].replace('-', '')}"
    statement = text(
        "insert into integration_accounts (business_id, external_id, livemode, status, connected_at)"
        " values (:business, :external, true, 'connected', now())"
    )
    with services.engine.begin() as db:
        db.execute(statement, {"business": business["id"], "external": external_id})
    return external_id


def delete(client: TestClient, user: SignedIn, path: str, confirm: str) -> tuple[int, str]:
    """Status, and the error's code or nothing."""
    answer = client.request("DELETE", path, headers=user.headers, json={"confirm": confirm})
    return answer.status_code, answer.json()["error"]["code"] if answer.content else ""


def test_one_says_which_mails_one_wants(client: TestClient, sign_up: SignUp) -> None:
    user, expected = sign_up(), PREFERENCES
    assert client.get(NOTIFICATIONS, headers=user.headers).json() == expected
    steps: list[Json] = [
        {"digest": "weekly"},
        {"alerts": False},
        {},
        {"time_zone": "America/Argentina/Buenos_Aires"},
        {"digest": "off", "alerts": True, "time_zone": "Europe/Berlin"},
    ]
    for changes in steps:
        expected = {**expected, **changes}
        answer = client.patch(NOTIFICATIONS, headers=user.headers, json=changes)
        assert (answer.status_code, answer.json()) == (200, expected)
        assert client.get(NOTIFICATIONS, headers=user.headers).json() == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [("digest", None), ("digest", "hourly"), ("digest", 1), ("alerts", None), ("alerts", "no"), ("email", "x")],
)
def test_bad_preferences_are_refused_by_field(client: TestClient, sign_up: SignUp, field: str, value: object) -> None:
    user = sign_up()
    answer = client.patch(NOTIFICATIONS, headers=user.headers, json={"digest": "off", field: value})
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (400, field)
    assert client.get(NOTIFICATIONS, headers=user.headers).json() == PREFERENCES


def test_the_export_holds_everything(
    client: TestClient, engine: Engine, sign_up: SignUp, create_business: CreateBusiness
) -> None:
    user, friend = sign_up(), sign_up()
    business, joined = create_business(user, industry="retail", revenue_estimate=10.5), create_business(friend)
    client.post(
        f"{BUSINESSES}/{business['id']}/members", headers=user.headers, json={"email": friend.email, "role": "admin"}
    )
    client.post(f"{ME}/tokens", headers=user.headers, json={"name": "Claude", "expires_in_days": 3})
    with engine.begin() as db:
        rows.join(db, UUID(user.id), UUID(joined["id"]), "viewer")
        talk = rows.a_conversation(db, UUID(user.id), UUID(business["id"]))
        rows.a_message(db, talk, tool_calls=[{"tool": "metrics"}], citations=[])
    answer = client.get(EXPORT, headers=user.headers)
    assert answer.status_code == 200
    held = answer.json()
    assert held.keys() == {
        "user",
        "notifications",
        "identities",
        "sessions",
        "businesses",
        "tokens",
        "conversations",
        "invitations_sent",
        "invitations_received",
        "mails",
    }
    assert (held["user"]["id"], held["user"]["email"], held["user"]["has_password"]) == (user.id, user.email, True)
    assert held["user"]["email_verified_at"] is None
    assert held["notifications"] == PREFERENCES
    assert [session.keys() for session in held["sessions"]] == [{"signed_in_at", "expires_at"}]
    own, other = held["businesses"]
    assert (own["role"], own["profile"]) == ("owner", business)
    assert (other["id"], other["role"], other["profile"]) == (joined["id"], "viewer", None)
    assert [token["name"] for token in held["tokens"]] == ["Claude"]
    [said] = held["conversations"][0]["messages"]
    assert (said["content"], said["tool_calls"], said["citations"]) == (
        "What is my score?",
        [{"tool": "metrics"}],
        [],
    )
    [sent] = held["invitations_sent"]
    assert (sent["email"], sent["role"], sent["business_name"]) == (friend.email, "admin", "A Shop")
    received = client.get(EXPORT, headers=friend.headers).json()
    assert received["invitations_received"] == held["invitations_sent"]
    assert [mail["kind"] for mail in received["mails"]] == ["invitation"]


def test_a_business_is_deleted_by_its_name(
    client: TestClient, services: Services, stripe: FakeStripe, sign_up: SignUp, create_business: CreateBusiness
) -> None:
    owner = sign_up()
    business, kept = create_business(owner, name="Blue Door"), create_business(owner, name="Kept")
    external_id = connect(services, business)
    address = f"{BUSINESSES}/{business['id']}"
    for wrong in ("", "blue door", "Kept"):
        assert delete(client, owner, address, wrong) == (422, "UNPROCESSABLE")
    assert stripe.deauthorized == []
    assert delete(client, owner, address, "Blue Door") == (204, "")
    assert stripe.deauthorized == [external_id]
    assert client.get(address, headers=owner.headers).status_code == 403
    assert delete(client, owner, address, "Blue Door") == (403, "FORBIDDEN")
    assert [one["id"] for one in client.get(ME, headers=owner.headers).json()["businesses"]] == [kept["id"]]


def test_only_owners_delete_a_business(
    client: TestClient, engine: Engine, sign_up: SignUp, create_business: CreateBusiness
) -> None:
    admin, viewer, stranger = sign_up(), sign_up(), sign_up()
    business = create_business(sign_up())
    with engine.begin() as db:
        rows.join(db, UUID(admin.id), UUID(business["id"]), "admin")
        rows.join(db, UUID(viewer.id), UUID(business["id"]), "viewer")
    for person in (admin, viewer, stranger):
        assert delete(client, person, f"{BUSINESSES}/{business['id']}", "A Shop") == (403, "FORBIDDEN")
    assert client.get(f"{BUSINESSES}/{business['id']}", headers=viewer.headers).status_code == 200


def test_while_stripe_is_down_nothing_is_deleted(
    client: TestClient, services: Services, stripe: FakeStripe, sign_up: SignUp, create_business: CreateBusiness
) -> None:
    owner = sign_up()
    business = create_business(owner)
    connect(services, business)
    stripe.failure = Unavailable("Stripe does not answer")
    assert delete(client, owner, f"{BUSINESSES}/{business['id']}", "A Shop") == (503, "UNAVAILABLE")
    assert delete(client, owner, ME, owner.email) == (503, "UNAVAILABLE")
    stripe.failure = None
    assert delete(client, owner, f"{BUSINESSES}/{business['id']}", "A Shop") == (204, "")


def test_an_account_is_deleted_by_its_email_and_its_token_is_dead(
    client: TestClient, services: Services, stripe: FakeStripe, sign_up: SignUp, create_business: CreateBusiness
) -> None:
    user, other = sign_up(), sign_up()
    external_id = connect(services, create_business(user))
    assert delete(client, user, ME, other.email) == (422, "UNPROCESSABLE")
    assert delete(client, user, ME, user.email.upper()) == (204, "")
    assert stripe.deauthorized == [external_id]
    for answer in (client.get(ME, headers=user.headers), client.get(EXPORT, headers=user.headers)):
        assert answer.status_code == 401
    assert delete(client, user, ME, user.email) == (401, "UNAUTHORIZED")
    assert client.get(ME, headers=other.headers).status_code == 200


@pytest.mark.parametrize("body", [None, {}, {"confirm": None}, {"confirm": 1}, {"confirm": "A Shop", "force": True}])
def test_without_a_plain_yes_nothing_is_deleted(
    client: TestClient, sign_up: SignUp, create_business: CreateBusiness, body: object
) -> None:
    user = sign_up()
    business = create_business(user)
    for path in (ME, f"{BUSINESSES}/{business['id']}"):
        assert client.request("DELETE", path, headers=user.headers, json=body).status_code in (400, 415)
    assert len(client.get(ME, headers=user.headers).json()["businesses"]) == 1
