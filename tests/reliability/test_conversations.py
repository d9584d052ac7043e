"""RELIABILITY row I7: a conversation's id opens it for its own user, while they are a member of its business."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from functions_framework.aio import create_asgi_app
from sqlalchemy import Connection, Engine
from starlette.testclient import TestClient

from tests.connected import rows
from tests.fakes import FakePublisher, FakeStripe
from tests.rows import NOON, a_business, a_conversation, a_message, a_user, join, leave
from vaultra.config import AuthSettings, SiteSettings
from vaultra.db import accounts
from vaultra.services import Services
from vaultra.usecases import sessions
from vaultra_local.catalogue import FUNCTIONS

PATH = "/api/v1/agent/conversations"
CANARY = "canary-of-another-conversation"
ROLES = ("owner", "admin", "viewer")


@dataclass(frozen=True)
class Cast:
    """Users by name with the headers of each, and each conversation's user, and whether it is open to them."""

    headers: dict[str, dict[str, str]]
    users: dict[str, UUID]
    businesses: dict[str, UUID]
    conversations: dict[UUID, tuple[str, bool]]


@pytest.fixture
def services(fresh_engine: Engine, wire: Callable[..., Services]) -> Services:
    services = wire(fresh_engine, FakePublisher(), FakeStripe())
    services.auth = AuthSettings(jwt_secret="a-secret-of-the-tests-with-32-bytes")
    services.site = SiteSettings(site_url="https://site.test", public_api_url="https://api.test/api/v1")
    return services


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    app = create_asgi_app("agent_api", str(FUNCTIONS / "agent_api" / "main.py"))
    with TestClient(app) as client:
        yield client


@pytest.fixture
def cast(services: Services) -> Cast:
    """Two businesses with every role and a former member each, one person in both, and a stranger to both."""
    with services.engine.begin() as db:
        businesses = {"A": a_business(db), "B": a_business(db)}
        users = {f"{role} of {name}": a_user(db) for name, role in product(businesses, (*ROLES, "former"))}
        users |= {"in both": a_user(db), "stranger": a_user(db)}
        conversations = {}
        for user, name in product(users, businesses):
            if user == "stranger" or not (user.endswith(name) or user == "in both"):
                continue
            role = user.split()[0] if user.split()[0] in ROLES else "viewer"
            join(db, users[user], businesses[name], role)
            row_id = a_conversation(db, users[user], businesses[name], title=CANARY)
            a_message(db, row_id, content=CANARY)
            conversations[row_id] = (user, not user.startswith("former"))
            if user.startswith("former"):
                leave(db, users[user], businesses[name])
        headers = {name: sign_in(db, services, user_id) for name, user_id in users.items()}
    return Cast(headers, users, businesses, conversations)


def sign_in(db: Connection, services: Services, user_id: UUID) -> dict[str, str]:
    user = accounts.find_user(db, user_id)
    assert user is not None
    token = sessions.begin(db, user, address="192.0.2.1", secrets=services.auth.jwt_secrets, now=NOON)
    return {"Authorization": f"Bearer {token}", "X-Request-Id": "one-id-for-all"}


def send(client: TestClient, headers: dict[str, str], method: str, row_id: UUID) -> tuple[int, bytes]:
    body: dict[str, Any] = {"json": {"title": "Taken over"}} if method == "PATCH" else {}
    answer = client.request(method, f"{PATH}/{row_id}", headers=headers, **body)
    return answer.status_code, answer.content


def stored(engine: Engine) -> list[list[dict[str, object]]]:
    with engine.connect() as db:
        return [rows(db, "agent_conversations"), rows(db, "agent_messages")]


def test_i7_no_replayed_id_opens_anothers_conversation(client: TestClient, services: Services, cast: Cast) -> None:
    before, tries, leaks, opened = stored(services.engine), 0, 0, 0
    nothing = send(client, cast.headers["stranger"], "GET", uuid.uuid4())
    assert (nothing[0], CANARY.encode() in nothing[1]) == (404, False)
    for (asker, headers), (row_id, (user, is_open)) in product(cast.headers.items(), cast.conversations.items()):
        if asker == user and is_open:
            status, content = send(client, headers, "GET", row_id)
            opened += status == 200 and content.count(CANARY.encode()) == 2
            continue
        for method in ("GET", "HEAD", "PATCH", "DELETE"):
            tries += 1
            expected = (404, b"") if method == "HEAD" else nothing
            leaks += send(client, headers, method, row_id) != expected
    assert stored(services.engine) == before
    assert (leaks, opened) == (0, sum(is_open for _, is_open in cast.conversations.values()))
    print(
        f"I7: {leaks} leaks in {tries} replayed ids, all answered with the bytes of none; {opened} opened by their own"
    )


def test_i7_no_list_shows_anothers_conversation(client: TestClient, cast: Cast) -> None:
    lists, leaks = 0, 0
    for (asker, headers), business_id in product(cast.headers.items(), cast.businesses.values()):
        for params in ({"business_id": str(business_id)}, {"business_id": str(business_id), "limit": "1"}):
            answer = client.get(PATH, headers=headers, params=params)
            lists += 1
            found = {UUID(item["id"]) for item in answer.json().get("conversations", [])}
            leaks += sum(cast.conversations[row_id] != (asker, True) for row_id in found)
            leaks += any(item["business_id"] != str(business_id) for item in answer.json().get("conversations", []))
    assert leaks == 0
    print(f"I7: {leaks} leaks in {lists} lists")


def test_i7_whoever_leaves_is_shut_out_at_once_and_let_in_again_with_a_new_membership(
    client: TestClient, services: Services, cast: Cast
) -> None:
    row_id = next(row_id for row_id, (user, _) in cast.conversations.items() if user == "viewer of A")
    headers, user_id, business_id = cast.headers["viewer of A"], cast.users["viewer of A"], cast.businesses["A"]
    statuses = [send(client, headers, "GET", row_id)[0]]
    with services.engine.begin() as db:
        leave(db, user_id, business_id)
    statuses.append(send(client, headers, "GET", row_id)[0])
    with services.engine.begin() as db:
        join(db, user_id, business_id, "viewer")
    statuses.append(send(client, headers, "GET", row_id)[0])
    assert statuses == [200, 404, 200]
