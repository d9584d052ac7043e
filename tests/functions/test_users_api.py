"""Profiles and businesses, through the deployed function."""

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from tests.functions.conftest import Json, SignedIn
from vaultra.domain.accounts import Industry
from vaultra.services import Services

ME, BUSINESSES = "/api/v1/users/me", "/api/v1/users/businesses"
SignUp = Callable[[], SignedIn]
CreateBusiness = Callable[..., Json]


@pytest.fixture
def client(room: Callable[[str], TestClient]) -> TestClient:
    return room("users_api")


def join(engine: Engine, user: SignedIn, business: Json, role: str) -> None:
    statement = text(
        "insert into user_business_memberships (user_id, business_id, role) values (:user, :business, :role)"
        " on conflict (user_id, business_id) do update set role = :role"
    )
    with engine.begin() as db:
        db.execute(statement, {"user": user.id, "business": business["id"], "role": role})


def test_me_lists_the_businesses_with_the_role(
    client: TestClient, engine: Engine, sign_up: SignUp, create_business: CreateBusiness
) -> None:
    user, other = sign_up(), sign_up()
    own, joined = create_business(user, name="Own"), create_business(other, name="Joined")
    create_business(other, name="Not mine")
    join(engine, user, joined, "viewer")
    answer = client.get(ME, headers=user.headers)
    assert answer.status_code == 200
    assert answer.json() == {
        "id": user.id,
        "email": user.email,
        "name": "An Owner",
        "avatar_url": None,
        "businesses": [
            {"id": own["id"], "name": "Own", "role": "owner"},
            {"id": joined["id"], "name": "Joined", "role": "viewer"},
        ],
    }


def test_a_profile_changes_only_where_asked(client: TestClient, sign_up: SignUp) -> None:
    user = sign_up()
    picture = "https://img.example.com/a/b.png?size=2&x=%20#top"
    changed = client.patch(ME, headers=user.headers, json={"avatar_url": picture}).json()
    assert changed.keys() == {"id", "email", "name", "avatar_url", "created_at"}
    assert (changed["name"], changed["avatar_url"]) == ("An Owner", picture)
    changed = client.patch(ME, headers=user.headers, json={"name": "  New Name "}).json()
    assert (changed["name"], changed["avatar_url"]) == ("New Name", picture)
    assert client.patch(ME, headers=user.headers, json={}).json() == changed
    assert client.patch(ME, headers=user.headers, json={"avatar_url": None}).json()["avatar_url"] is None
    assert client.get(ME, headers=user.headers).json()["name"] == "New Name"


BAD_PROFILES: list[tuple[str, Any]] = [
    ("name", None),
    ("name", ""),
    ("name", "a\u0000"),
    ("name", 5),
    ("avatar_url", "http://img.example.com/a.png"),
    ("avatar_url", "javascript:alert(1)"),
    ("avatar_url", "data:image/png;base64,AAAA"),
    ("avatar_url", "//img.example.com/a.png"),
    ("avatar_url", "https://"),
    ("avatar_url", "https://user:secret@img.example.com/"),
    ("avatar_url", "https://img.example.com/a b"),
    ("avatar_url", "https://img.example.com\\@evil.example"),
    ("avatar_url", 'https://img.example.com/"onerror="x'),
    ("avatar_url", "https://img.example.com/\u0000"),
    ("avatar_url", "https://img.example.com/\n"[:-1] + "\nx"),
    ("avatar_url", "https://img.example.com/" + "a" * 2000),
    ("email", "other@example.com"),
    ("id", "5f8c1f0e-5c3b-4a57-9d0e-2f1f3a1f4b11"),
    ("password_hash", "x"),
    ("google_subject", "x"),
    ("created_at", "2020-01-01T00:00:00Z"),
]


@pytest.mark.parametrize(("field", "value"), BAD_PROFILES)
def test_a_bad_profile_is_refused_by_field(client: TestClient, sign_up: SignUp, field: str, value: Any) -> None:
    user = sign_up()
    answer = client.patch(ME, headers=user.headers, json={field: value})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == field
    assert client.get(ME, headers=user.headers).json()["name"] == "An Owner"


def test_a_business_is_created_with_its_owner(client: TestClient, sign_up: SignUp) -> None:
    user = sign_up()
    fields = {
        "name": "Blue Door Records",
        "legal_entity": "Blue Door Ltd",
        "industry": "retail",
        "revenue_estimate": 1234567.89,
        "founded_at": "2015-02-28",
    }
    answer = client.post(BUSINESSES, headers=user.headers, json=fields)
    assert answer.status_code == 201
    business = answer.json()
    assert business.keys() == {*fields, "id", "created_at", "updated_at"}
    assert {name: business[name] for name in fields} == fields
    assert client.get(f"{BUSINESSES}/{business['id']}", headers=user.headers).json() == business
    assert client.get(ME, headers=user.headers).json()["businesses"] == [
        {"id": business["id"], "name": "Blue Door Records", "role": "owner"}
    ]


def test_only_the_name_is_required(client: TestClient, sign_up: SignUp) -> None:
    business = client.post(BUSINESSES, headers=sign_up().headers, json={"name": "Bare"}).json()
    assert [business[name] for name in ("legal_entity", "industry", "revenue_estimate", "founded_at")] == [None] * 4


@pytest.mark.parametrize("industry", list(Industry))
def test_every_industry_is_accepted(create_business: CreateBusiness, sign_up: SignUp, industry: Industry) -> None:
    assert create_business(sign_up(), industry=industry.value)["industry"] == industry.value


@pytest.mark.parametrize(
    ("dollars", "kept"), [(0, 0.0), (0.1, 0.1), (0.29, 0.29), (19.999, 20.0), (10**12, 1e12), (999999999999.99,) * 2]
)
def test_the_estimate_is_kept_to_the_cent(
    create_business: CreateBusiness, sign_up: SignUp, dollars: float, kept: float
) -> None:
    assert create_business(sign_up(), revenue_estimate=dollars)["revenue_estimate"] == kept


def test_the_estimate_is_stored_in_cents(engine: Engine, create_business: CreateBusiness, sign_up: SignUp) -> None:
    business = create_business(sign_up(), revenue_estimate=50.29)
    statement = text("select revenue_estimate_minor from businesses where id = :id")
    with engine.connect() as db:
        assert db.execute(statement, {"id": business["id"]}).scalar_one() == 5029


BAD_BUSINESSES: list[tuple[str, Any]] = [
    ("name", None),
    ("name", " "),
    ("name", "x" * 201),
    ("name", "a\u0000"),
    ("name", "a\r\nBcc: x"),
    ("legal_entity", ""),
    ("industry", "gambling"),
    ("industry", "RETAIL"),
    ("industry", 1),
    ("revenue_estimate", -0.01),
    ("revenue_estimate", 10**12 + 1),
    ("revenue_estimate", 2**63),
    ("revenue_estimate", "100"),
    ("revenue_estimate", True),
    ("founded_at", "2015-02-29"),
    ("founded_at", "yesterday"),
    ("founded_at", 20150228),
    ("founded_at", "2015-02-28T00:00:00Z"),
    ("id", "5f8c1f0e-5c3b-4a57-9d0e-2f1f3a1f4b11"),
    ("created_at", "2020-01-01T00:00:00Z"),
    ("revenue_estimate_minor", 1),
]


@pytest.mark.parametrize(("field", "value"), BAD_BUSINESSES)
def test_a_bad_business_is_refused_by_field(
    client: TestClient, sign_up: SignUp, create_business: CreateBusiness, field: str, value: Any
) -> None:
    user = sign_up()
    kept = create_business(user)
    address = f"{BUSINESSES}/{kept['id']}"
    for answer in (
        client.post(BUSINESSES, headers=user.headers, json={"name": "A Shop", field: value}),
        client.patch(address, headers=user.headers, json={field: value}),
    ):
        assert answer.status_code == 400
        assert answer.json()["error"]["details"]["field"] == field
    assert client.get(address, headers=user.headers).json() == kept
    assert len(client.get(ME, headers=user.headers).json()["businesses"]) == 1


@pytest.mark.parametrize("raw", ["1e400", "-1e400", "NaN", "Infinity"])
def test_numbers_beyond_all_bounds_are_refused(client: TestClient, sign_up: SignUp, raw: str) -> None:
    content = f'{{"name": "A Shop", "revenue_estimate": {raw}}}'
    headers = {**sign_up().headers, "Content-Type": "application/json"}
    assert client.post(BUSINESSES, headers=headers, content=content).status_code == 400


def test_a_business_is_not_founded_in_the_future(
    client: TestClient, services: Services, sign_up: SignUp, create_business: CreateBusiness
) -> None:
    user = sign_up()
    now = services.clock()
    services.clock = lambda: now
    today, tomorrow = now.date().isoformat(), (now.date() + dt.timedelta(days=1)).isoformat()
    business = create_business(user, founded_at=today)
    for answer in (
        client.post(BUSINESSES, headers=user.headers, json={"name": "A Shop", "founded_at": tomorrow}),
        client.patch(f"{BUSINESSES}/{business['id']}", headers=user.headers, json={"founded_at": tomorrow}),
    ):
        assert answer.status_code == 422
        error = answer.json()["error"]
        assert (error["code"], error["details"]["field"]) == ("UNPROCESSABLE", "founded_at")


def test_a_business_changes_only_where_asked(
    client: TestClient, sign_up: SignUp, create_business: CreateBusiness
) -> None:
    user = sign_up()
    business = create_business(user, industry="media", revenue_estimate=10, legal_entity="Ltd", founded_at="2020-01-01")
    address = f"{BUSINESSES}/{business['id']}"
    changed = client.patch(address, headers=user.headers, json={"name": "Renamed", "legal_entity": None})
    assert changed.status_code == 200
    expected = {**business, "name": "Renamed", "legal_entity": None, "updated_at": changed.json()["updated_at"]}
    assert changed.json() == expected
    assert changed.json()["updated_at"] > business["updated_at"]
    assert client.patch(address, headers=user.headers, json={}).json() == changed.json()
    cleared = client.patch(
        address, headers=user.headers, json={"industry": None, "revenue_estimate": None, "founded_at": None}
    ).json()
    assert (cleared["industry"], cleared["revenue_estimate"], cleared["founded_at"]) == (None, None, None)


@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("admin", 200), ("viewer", 403)])
def test_owners_and_admins_write_and_viewers_read(
    client: TestClient, engine: Engine, sign_up: SignUp, create_business: CreateBusiness, role: str, status: int
) -> None:
    member = sign_up()
    business = create_business(sign_up())
    join(engine, member, business, role)
    address = f"{BUSINESSES}/{business['id']}"
    assert client.get(address, headers=member.headers).status_code == 200
    answer = client.patch(address, headers=member.headers, json={"name": "Mine now"})
    assert answer.status_code == status
    name = client.get(address, headers=member.headers).json()["name"]
    assert name == ("Mine now" if status == 200 else "A Shop")


def test_a_demoted_or_removed_member_is_refused_at_once(
    client: TestClient, engine: Engine, sign_up: SignUp, create_business: CreateBusiness
) -> None:
    member = sign_up()
    business = create_business(sign_up())
    address = f"{BUSINESSES}/{business['id']}"
    join(engine, member, business, "admin")
    assert client.patch(address, headers=member.headers, json={"name": "One"}).status_code == 200
    join(engine, member, business, "viewer")
    assert client.patch(address, headers=member.headers, json={"name": "Two"}).status_code == 403
    with engine.begin() as db:
        db.execute(text("delete from user_business_memberships where user_id = :id"), {"id": member.id})
    assert client.get(address, headers=member.headers).status_code == 403


def test_a_stranger_cannot_tell_a_business_from_nothing(
    client: TestClient, sign_up: SignUp, create_business: CreateBusiness
) -> None:
    business, stranger = create_business(sign_up()), sign_up()
    create_business(stranger)
    bodies = []
    for business_id in (business["id"], str(uuid.uuid4())):
        address = f"{BUSINESSES}/{business_id}"
        for answer in (
            client.get(address, headers=stranger.headers),
            client.patch(address, headers=stranger.headers, json={"name": "Mine"}),
        ):
            assert answer.status_code == 403
            error = answer.json()["error"]
            error.pop("request_id")
            bodies.append(error)
    assert all(error == bodies[0] for error in bodies)


def test_an_id_that_is_none_is_refused(client: TestClient, sign_up: SignUp) -> None:
    answer = client.get(f"{BUSINESSES}/1%27%20or%201=1", headers=sign_up().headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == "business_id"


def test_everything_needs_a_token(client: TestClient) -> None:
    for method, path in [
        ("GET", ME),
        ("PATCH", ME),
        ("POST", BUSINESSES),
        ("GET", f"{BUSINESSES}/{uuid.uuid4()}"),
        ("PATCH", f"{BUSINESSES}/{uuid.uuid4()}"),
    ]:
        body: dict[str, Any] = {"json": {"name": "x"}} if method != "GET" else {}
        assert client.request(method, path, **body).status_code == 401


def test_a_deleted_user_creates_nothing(client: TestClient, engine: Engine, sign_up: SignUp) -> None:
    user = sign_up()
    with engine.begin() as db:
        db.execute(text("delete from users where id = :id"), {"id": user.id})
    assert client.post(BUSINESSES, headers=user.headers, json={"name": "Ghost"}).status_code == 401
    assert client.patch(ME, headers=user.headers, json={"name": "Ghost"}).status_code == 401
    assert client.patch(ME, headers=user.headers, json={}).status_code == 401
