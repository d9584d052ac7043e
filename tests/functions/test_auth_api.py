"""Signing up and in, through the deployed function."""

import datetime as dt
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from tests.functions.conftest import PASSWORD, SignedIn
from vaultra import auth
from vaultra.db import engine as database
from vaultra.services import Services

SIGNUP, LOGIN, ME = "/api/v1/auth/signup", "/api/v1/auth/login", "/api/v1/auth/me"
REFRESH, LOGOUT = "/api/v1/auth/refresh", "/api/v1/auth/logout"


@pytest.fixture
def client(room: Callable[[str], TestClient]) -> TestClient:
    return room("auth_api")


def new_email() -> str:
    return f"{uuid.uuid4().hex}@example.com"


def body(**changes: object) -> dict[str, object]:
    return {"email": new_email(), "password": PASSWORD, "name": "Ana", **changes}


def test_signing_up_answers_the_user_and_a_token(client: TestClient) -> None:
    email = new_email()
    answer = client.post(SIGNUP, json=body(email=f"  {email} ", name=" Ana Lima "))
    assert answer.status_code == 201
    user, token = answer.json()["user"], answer.json()["token"]
    assert answer.json().keys() == {"user", "token"}
    assert user.keys() == {"id", "email", "name", "avatar_url", "created_at"}
    assert (user["email"], user["name"], user["avatar_url"]) == (email, "Ana Lima", None)
    assert user["created_at"].endswith("Z")
    me = client.get(ME, headers={"Authorization": f"Bearer {token}"})
    assert me.status_code == 200
    assert me.json() == {"id": user["id"], "email": email, "name": "Ana Lima", "avatar_url": None, "businesses": []}


def test_the_password_is_stored_only_as_a_hash(client: TestClient, engine: Engine, real_hashes: None) -> None:
    email = new_email()
    client.post(SIGNUP, json=body(email=email))
    with engine.connect() as db:
        row = db.execute(text("select u::text from users u where email = :email"), {"email": email}).scalar_one()
    assert "$2b$12$" in row
    assert PASSWORD not in row


def test_an_email_signs_up_once_in_whatever_case(client: TestClient) -> None:
    email = new_email()
    assert client.post(SIGNUP, json=body(email=email)).status_code == 201
    again = client.post(SIGNUP, json=body(email=email.upper()))
    assert again.status_code == 409
    assert again.json()["error"]["code"] == "CONFLICT"


def test_of_many_sign_ups_with_one_email_one_succeeds(client: TestClient) -> None:
    email = new_email()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: client.post(SIGNUP, json=body(email=email)).status_code, range(6)))
    assert sorted(answers) == [201, 409, 409, 409, 409, 409]


def test_logging_in_answers_the_same_user(client: TestClient, sign_up: Callable[[], SignedIn]) -> None:
    user = sign_up()
    answer = client.post(LOGIN, json={"email": user.email.upper(), "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json()["user"]["id"] == user.id
    token = {"Authorization": f"Bearer {answer.json()['token']}"}
    assert client.get(ME, headers=token).json()["email"] == user.email


def test_unknown_email_and_wrong_password_are_told_alike(
    client: TestClient, sign_up: Callable[[], SignedIn], real_hashes: None
) -> None:
    def attempt(email: str) -> tuple[float, int, dict[str, object]]:
        began = time.perf_counter()
        answer = client.post(LOGIN, json={"email": email, "password": "not the password"})
        error = answer.json()["error"]
        error.pop("request_id")
        return time.perf_counter() - began, answer.status_code, error

    known = sign_up().email
    tries = [(attempt(known), attempt(new_email())) for _ in range(3)]
    for (_, status, error), (_, unknown_status, unknown_error) in tries:
        assert status == unknown_status == 401
        assert error == unknown_error
    fastest_known, fastest_unknown = (min(pair[side][0] for pair in tries) for side in (0, 1))
    assert fastest_unknown > fastest_known / 2  # without the hash of nobody it is a hundredth


def test_a_user_without_a_password_cannot_log_in_with_one(
    client: TestClient, engine: Engine, sign_up: Callable[[], SignedIn]
) -> None:
    user = sign_up()
    with engine.begin() as db:
        db.execute(text("update users set password_hash = null where id = :id"), {"id": user.id})
    assert client.post(LOGIN, json={"email": user.email, "password": PASSWORD}).status_code == 401


def test_checking_passwords_holds_no_database_connection(
    client: TestClient, engine: Engine, sign_up: Callable[[], SignedIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    user, checked, check = sign_up(), [], auth.check_password

    def watched(password: str, password_hash: str | None) -> bool:
        checked.append(engine.pool.checkedout())  # type: ignore[attr-defined]
        return check(password, password_hash)

    monkeypatch.setattr(auth, "check_password", watched)
    for email, password in [(user.email, PASSWORD), (user.email, "not the password"), (new_email(), PASSWORD)]:
        client.post(LOGIN, json={"email": email, "password": password})
    assert checked == [0, 0, 0]


@pytest.mark.parametrize("length", [8, 72, 73, 128])
def test_every_allowed_length_of_password_logs_in(client: TestClient, length: int) -> None:
    email, password = new_email(), "x" * (length - 1) + "é"
    assert client.post(SIGNUP, json=body(email=email, password=password)).status_code == 201
    assert client.post(LOGIN, json={"email": email, "password": password}).status_code == 200
    if length > 8:
        assert client.post(LOGIN, json={"email": email, "password": password[:-1]}).status_code == 401


BAD_FIELDS = [
    ("password", "1234567"),
    ("password", "x" * 129),
    ("password", "x" * 500_000),
    ("password", "with a NUL \u0000 in it"),
    ("password", 12345678),
    ("password", None),
    ("email", "nobody"),
    ("email", "a@b"),
    ("email", "a b@example.com"),
    ("email", "a@example.com\u0000"),
    ("email", "a@example..com"),
    ("email", "a@" + "x" * 250 + ".com"),
    ("email", ["a@example.com"]),
    ("name", ""),
    ("name", "   "),
    ("name", "x" * 201),
    ("name", "a\u0000b"),
    ("name", "two\nlines"),
    ("name", "turned \u202e round"),
    ("name", True),
    ("is_admin", True),
    ("id", "00000000-0000-0000-0000-000000000001"),
    ("password_hash", "x"),
]


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
def test_bad_input_names_its_field(client: TestClient, field: str, value: object) -> None:
    answer = client.post(SIGNUP, json=body(**{field: value}))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert error["details"]["field"] == field
    assert error["details"]["reason"]
    assert str(value) not in answer.text or isinstance(value, bool) or value in (None, "")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"[" * 100_000,
        b'{"email":"a@example.com","password":"12345678","name":"\\ud800"}',
        b'{"email":"a@example.com","password":"\\udfff1234567","name":"Ana"}',
        b'{"email":"a@example.com","password":"12345678","name":"\xff"}',
    ],
)
def test_what_is_no_json_object_of_text_is_refused(client: TestClient, raw: bytes) -> None:
    answer = client.post(SIGNUP, content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"


def test_the_name_may_be_written_in_any_script(client: TestClient) -> None:
    for name in ("Zoë O'Brien-Smith", "山田 太郎", "محمد", "😀", "<b>bold</b>"):
        answer = client.post(SIGNUP, json=body(name=name))
        assert answer.status_code == 201
        assert answer.json()["user"]["name"] == name


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer x.y.z", "Basic YTpi", "Bearer \xe9"])
def test_without_a_good_token_nobody_is_signed_in(client: TestClient, header: str | None) -> None:
    headers = {} if header is None else {b"Authorization": header.encode("latin-1")}
    answer = client.get(ME, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "UNAUTHORIZED"


def test_a_token_ends_after_seven_days(client: TestClient, services: Services, sign_up: Callable[[], SignedIn]) -> None:
    user = sign_up()
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=7, minutes=1)  # noqa: TID251
    services.clock = lambda: later
    assert client.get(ME, headers=user.headers).status_code == 401


def test_the_token_of_a_deleted_user_is_dead(
    client: TestClient, engine: Engine, sign_up: Callable[[], SignedIn]
) -> None:
    user = sign_up()
    with engine.begin() as db:
        db.execute(text("delete from users where id = :id"), {"id": user.id})
    assert client.get(ME, headers=user.headers).status_code == 401


def test_signing_out_ends_this_session_only(client: TestClient) -> None:
    account = body()
    first = client.post(SIGNUP, json=account).json()["token"]
    second = client.post(LOGIN, json={name: account[name] for name in ("email", "password")}).json()["token"]
    assert client.post(LOGOUT, headers={"Authorization": f"Bearer {first}"}).status_code == 204
    assert client.get(ME, headers={"Authorization": f"Bearer {first}"}).status_code == 401
    assert client.post(LOGOUT, headers={"Authorization": f"Bearer {first}"}).status_code == 401
    assert client.get(ME, headers={"Authorization": f"Bearer {second}"}).status_code == 200


def test_a_refreshed_token_takes_over_within_a_minute(
    client: TestClient, services: Services, sign_up: Callable[[], SignedIn]
) -> None:
    user, now = sign_up(), services.clock()
    services.clock = lambda: now + dt.timedelta(days=6)
    token = client.post(REFRESH, headers=user.headers).json()["token"]
    new = {"Authorization": f"Bearer {token}"}
    assert [client.get(ME, headers=headers).status_code for headers in (user.headers, new)] == [200, 200]
    services.clock = lambda: now + dt.timedelta(days=6, minutes=1)
    assert [client.get(ME, headers=headers).status_code for headers in (user.headers, new)] == [401, 200]
    services.clock = lambda: now + dt.timedelta(days=12)
    assert client.get(ME, headers=new).json()["email"] == user.email


def test_too_many_tries_are_told_when_to_come_back(
    client: TestClient, services: Services, sign_up: Callable[[], SignedIn]
) -> None:
    user, now = sign_up(), services.clock()
    services.clock = lambda: now
    answers = [client.post(LOGIN, json={"email": user.email, "password": "wrong"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert answers[-1].headers["Retry-After"] == "90"
    assert answers[-1].json()["error"]["code"] == "RATE_LIMITED"


def test_reading_survives_a_failover(
    client: TestClient, services: Services, fresh_engine: Engine, fresh_database_url: str
) -> None:
    services.engine = database.create(fresh_database_url, pool_size=4)
    token = client.post(SIGNUP, json=body()).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get(ME, headers=headers).status_code == 200
    with fresh_engine.connect() as db:
        others = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = :x"
        db.execute(text(others), {"x": fresh_engine.url.database})
    assert client.get(ME, headers=headers).status_code == 200
    services.engine.dispose()
