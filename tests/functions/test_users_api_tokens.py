"""Personal access tokens, through the deployed function."""

import datetime as dt
import uuid
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from tests import rows
from tests.functions.conftest import Json, SignedIn
from vaultra.services import Services
from vaultra.usecases import personal_tokens

TOKENS = "/api/v1/users/me/tokens"
SignUp = Callable[[], SignedIn]
CreateBusiness = Callable[..., Json]


@pytest.fixture
def client(room: Callable[[str], TestClient]) -> TestClient:
    return room("users_api")


def create(client: TestClient, user: SignedIn, **given: object) -> Json:
    answer = client.post(TOKENS, headers=user.headers, json={"name": "Claude", "expires_in_days": 30, **given})
    assert answer.status_code == 201, answer.text
    created: Json = answer.json()
    return created


def test_a_token_is_shown_once_and_listed_without_what_it_opens(
    client: TestClient, services: Services, sign_up: SignUp, create_business: CreateBusiness
) -> None:
    user, now = sign_up(), services.clock()
    services.clock = lambda: now
    business = create_business(user)
    created = create(client, user, business_id=business["id"])
    assert created.keys() == {"id", "name", "business_id", "token", "created_at", "expires_at"}
    assert (created["name"], created["business_id"]) == ("Claude", business["id"])
    assert dt.datetime.fromisoformat(created["expires_at"]) == now + dt.timedelta(days=30)
    with services.engine.begin() as db:
        assert personal_tokens.verify(db, created["token"], now) == (UUID(user.id), UUID(business["id"]))
    listed = client.get(TOKENS, headers=user.headers)
    assert created["token"] not in listed.text
    [token] = listed.json()["tokens"]
    assert token.keys() == {"id", "name", "business_id", "created_at", "expires_at", "last_used_at"}
    assert (token["id"], dt.datetime.fromisoformat(token["last_used_at"])) == (created["id"], now)


def test_the_only_business_may_be_left_out(
    client: TestClient, sign_up: SignUp, create_business: CreateBusiness
) -> None:
    user = sign_up()
    body = {"name": "Claude", "expires_in_days": 1}
    for count, status in [(0, 400), (1, 201), (2, 400)]:
        answer = client.post(TOKENS, headers=user.headers, json=body)
        assert answer.status_code == status
        if status == 400:
            assert answer.json()["error"]["code"] == "BUSINESS_REQUIRED", count
        create_business(user)


def test_a_viewer_makes_one_and_a_stranger_none(
    client: TestClient, engine: Engine, sign_up: SignUp, create_business: CreateBusiness
) -> None:
    viewer, business = sign_up(), create_business(sign_up())
    body = {"name": "Claude", "business_id": business["id"], "expires_in_days": 1}
    assert client.post(TOKENS, headers=viewer.headers, json=body).status_code == 403
    with engine.begin() as db:
        rows.join(db, UUID(viewer.id), UUID(business["id"]), "viewer")
    assert client.post(TOKENS, headers=viewer.headers, json=body).status_code == 201


def test_a_revoked_token_is_gone(client: TestClient, sign_up: SignUp, create_business: CreateBusiness) -> None:
    user, other = sign_up(), sign_up()
    create_business(user)
    address = f"{TOKENS}/{create(client, user)['id']}"
    assert client.delete(address, headers=other.headers).status_code == 404
    assert client.delete(address, headers=user.headers).status_code == 204
    assert client.delete(address, headers=user.headers).status_code == 404
    assert client.get(TOKENS, headers=user.headers).json() == {"tokens": []}


def test_a_personal_token_does_not_open_the_web_api(
    client: TestClient, room: Callable[[str], TestClient], sign_up: SignUp, create_business: CreateBusiness
) -> None:
    user = sign_up()
    business = create_business(user)
    headers = {"Authorization": f"Bearer {create(client, user)['token']}"}
    for name, path in [
        ("users_api", "/api/v1/users/me"),
        ("users_api", TOKENS),
        ("users_api", f"/api/v1/users/businesses/{business['id']}"),
        ("auth_api", "/api/v1/auth/me"),
        ("metrics_api", f"/api/v1/readiness?business_id={business['id']}"),
    ]:
        assert room(name).get(path, headers=headers).status_code == 401


def test_the_twenty_first_is_one_too_many(client: TestClient, sign_up: SignUp, create_business: CreateBusiness) -> None:
    user = sign_up()
    create_business(user)
    for _ in range(20):
        create(client, user)
    answer = client.post(TOKENS, headers=user.headers, json={"name": "Claude", "expires_in_days": 1})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a\u0000"),
        ("name", None),
        ("expires_in_days", 0),
        ("expires_in_days", 366),
        ("expires_in_days", 1.5),
        ("expires_in_days", "30"),
        ("expires_in_days", True),
        ("expires_in_days", 2**63),
        ("business_id", "mine"),
        ("user_id", str(uuid.UUID(int=1))),
        ("token_hash", "x"),
    ],
)
def test_a_bad_token_is_refused_by_field(
    client: TestClient, sign_up: SignUp, create_business: CreateBusiness, field: str, value: object
) -> None:
    user = sign_up()
    create_business(user)
    answer = client.post(TOKENS, headers=user.headers, json={"name": "Claude", "expires_in_days": 30, field: value})
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (400, field)
    assert client.get(TOKENS, headers=user.headers).json() == {"tokens": []}
