"""RELIABILITY rows I10 and B6 for users_api: ids can't be probed, and no body sets what it does not name."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from tests.functions.conftest import Json, SignedIn
from vaultra.db.models import Base

ME, BUSINESSES = "/api/v1/users/me", "/api/v1/users/businesses"
SignUp = Callable[[], SignedIn]
CreateBusiness = Callable[..., Json]
COLUMNS = sorted({column.name for table in Base.metadata.tables.values() for column in table.columns})
# What no request changes by being refused.
WATCHED = (
    "users",
    "businesses",
    "user_business_memberships",
    "invitations",
    "personal_access_tokens",
    "mails",
)


@pytest.fixture
def client(room: Callable[[str], TestClient]) -> TestClient:
    return room("users_api")


def state(engine: Engine) -> list[str]:
    """Every row of the watched tables."""
    with engine.connect() as db:
        return [row for table in WATCHED for row in db.scalars(text(f"select t::text from {table} t order by 1"))]


def test_i10_a_strangers_id_and_one_that_does_not_exist_get_the_same_bytes(
    client: TestClient, engine: Engine, sign_up: SignUp, create_business: CreateBusiness
) -> None:
    owner, stranger = sign_up(), sign_up()
    business, own = create_business(owner), create_business(stranger)
    members = f"{BUSINESSES}/{business['id']}/members"
    invitation = client.post(members, headers=owner.headers, json={"email": "a@example.com", "role": "viewer"}).json()
    token = client.post(f"{ME}/tokens", headers=owner.headers, json={"name": "x", "expires_in_days": 1}).json()
    role, confirm = {"role": "owner"}, {"confirm": "A Shop"}
    # Each path or body with an id of the other's; {id} takes that one, or one that nobody has.
    probes: list[tuple[str, str, str, Json | None]] = [
        ("GET", f"{BUSINESSES}/{{id}}", business["id"], None),
        ("PATCH", f"{BUSINESSES}/{{id}}", business["id"], {"name": "Mine"}),
        ("DELETE", f"{BUSINESSES}/{{id}}", business["id"], confirm),
        ("GET", f"{BUSINESSES}/{{id}}/members", business["id"], None),
        ("POST", f"{BUSINESSES}/{{id}}/members", business["id"], {"email": stranger.email, "role": "owner"}),
        ("PATCH", f"{BUSINESSES}/{{id}}/members/{stranger.id}", business["id"], role),
        ("DELETE", f"{BUSINESSES}/{{id}}/members/{stranger.id}", business["id"], None),
        ("DELETE", f"{BUSINESSES}/{{id}}/members/{owner.id}", business["id"], None),
        ("DELETE", f"{BUSINESSES}/{{id}}/invitations/{invitation['id']}", business["id"], None),
        ("PATCH", f"{BUSINESSES}/{own['id']}/members/{{id}}", owner.id, role),
        ("DELETE", f"{BUSINESSES}/{own['id']}/members/{{id}}", owner.id, None),
        ("DELETE", f"{BUSINESSES}/{own['id']}/invitations/{{id}}", invitation["id"], None),
        ("POST", f"{ME}/tokens", business["id"], {"name": "x", "expires_in_days": 1, "business_id": "{id}"}),
        ("DELETE", f"{ME}/tokens/{{id}}", token["id"], None),
    ]
    before = state(engine)
    for method, path, real, body in probes:
        seen = set()
        for one in (real, str(uuid.uuid4())):
            filled = None if body is None else {name: one if given == "{id}" else given for name, given in body.items()}
            answer = client.request(method, path.format(id=one), headers=stranger.headers, json=filled)
            assert answer.status_code in (403, 404), (method, path)
            seen.add((answer.status_code, answer.text.replace(answer.json()["error"]["request_id"], "")))
        assert len(seen) == 1, (method, path)
    assert state(engine) == before
    print(f"I10: {len(probes)} probes: identical bytes for a stranger's id and for none, 0 rows changed")


def test_b6_no_column_is_set_by_naming_it(
    client: TestClient, engine: Engine, sign_up: SignUp, create_business: CreateBusiness
) -> None:
    user = sign_up()
    business = create_business(user)
    address = f"{BUSINESSES}/{business['id']}"
    requests: list[tuple[str, str, Json]] = [
        ("PATCH", ME, {}),
        ("DELETE", ME, {"confirm": user.email}),
        ("PATCH", f"{ME}/notifications", {}),
        ("POST", f"{ME}/tokens", {"name": "x", "expires_in_days": 1}),
        ("POST", BUSINESSES, {"name": "x"}),
        ("PATCH", address, {}),
        ("DELETE", address, {"confirm": "A Shop"}),
        ("POST", f"{address}/members", {"email": "a@example.com", "role": "viewer"}),
        ("PATCH", f"{address}/members/{user.id}", {"role": "owner"}),
        ("POST", "/api/v1/users/invitations/accept", {"token": "x"}),
    ]
    known = {
        (ME, "PATCH"): {"name", "avatar_url"},
        (f"{ME}/notifications", "PATCH"): {"digest", "alerts", "time_zone"},
        (f"{ME}/tokens", "POST"): {"name", "business_id"},
        (BUSINESSES, "POST"): {"name", "legal_entity", "industry", "founded_at"},
        (address, "PATCH"): {"name", "legal_entity", "industry", "founded_at"},
        (f"{address}/members", "POST"): {"email", "role"},
        (f"{address}/members/{user.id}", "PATCH"): {"role"},
    }
    before, sent = state(engine), 0
    for method, path, body in requests:
        for column in COLUMNS:
            if column in known.get((path, method), set()):
                continue
            extra: dict[str, Any] = {**body, column: None}
            answer = client.request(method, path, headers=user.headers, json=extra)
            assert answer.status_code == 400, (method, path, column)
            assert answer.json()["error"]["details"]["field"] == column
            sent += 1
    assert state(engine) == before
    print(f"B6: {sent} requests with a column's name too many ({len(COLUMNS)} names): all refused by name, 0 changes")
