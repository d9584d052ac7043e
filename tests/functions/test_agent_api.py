"""Conversations with the agent over HTTP, through the deployed function."""

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select
from starlette.testclient import TestClient

from tests.functions.conftest import Business, SignedIn, SignUp, ids_by_page, listed_ids
from tests.rows import NOON, a_conversation, a_message, join
from vaultra.db import models
from vaultra.services import Services

PATH = "/api/v1/agent/conversations"
LATER = NOON + dt.timedelta(hours=1)


@pytest.fixture
def client(room: Callable[[str], TestClient]) -> TestClient:
    return room("agent_api")


@pytest.fixture
def converse(engine: Engine) -> Callable[..., UUID]:
    """Write a conversation of a user about a business."""

    def create(user: SignedIn, business_id: UUID, **given: Any) -> UUID:
        with engine.begin() as db:
            return a_conversation(db, UUID(user.id), business_id, **given)

    return create


Converse = Callable[..., UUID]


def listed(client: TestClient, user: SignedIn, **params: Any) -> list[str]:
    return listed_ids(client, PATH, user, **params)


def test_ones_own_conversations_are_listed(
    client: TestClient, sign_up: SignUp, business: Business, converse: Converse
) -> None:
    user = sign_up()
    business_id = business(viewer=user)
    row_id = converse(user, business_id, updated_at=LATER)
    answer = client.get(PATH, headers=user.headers)
    assert answer.status_code == 200
    assert answer.json() == {
        "conversations": [
            {
                "id": str(row_id),
                "business_id": str(business_id),
                "title": "My score",
                "created_at": "2026-11-20T12:00:00Z",
                "updated_at": "2026-11-20T13:00:00Z",
            }
        ],
        "next_cursor": None,
    }


def test_a_colleagues_conversations_are_not_listed(
    client: TestClient, sign_up: SignUp, business: Business, converse: Converse
) -> None:
    owner, colleague = sign_up(), sign_up()
    business_id = business(owner=owner, viewer=colleague)
    mine, theirs = converse(owner, business_id), converse(colleague, business_id)
    assert listed(client, owner) == [str(mine)]
    assert listed(client, colleague) == [str(theirs)]


def test_a_list_is_of_the_named_business_or_the_only_one(
    client: TestClient, sign_up: SignUp, business: Business, converse: Converse
) -> None:
    user, stranger = sign_up(), sign_up()
    first = business(owner=user)
    row_id = str(converse(user, first))
    assert listed(client, user) == [row_id]
    second = business(viewer=user)
    assert client.get(PATH, headers=user.headers).json()["error"]["code"] == "BUSINESS_REQUIRED"
    assert listed(client, user, business_id=first) == [row_id]
    assert listed(client, user, business_id=second) == []
    headers = {**stranger.headers, "X-Request-Id": "one-for-all"}
    foreign, none = (client.get(PATH, headers=headers, params={"business_id": str(x)}) for x in (first, uuid.uuid4()))
    assert (foreign.status_code, foreign.content) == (403, none.content)


def test_pages_follow_each_other_the_newest_first(
    client: TestClient, sign_up: SignUp, business: Business, converse: Converse
) -> None:
    user = sign_up()
    business_id = business(viewer=user)
    ids = [str(converse(user, business_id, created_at=NOON - dt.timedelta(days=age))) for age in range(7)]
    assert ids_by_page(client, PATH, user, limit=3) == [ids[:3], ids[3:6], ids[6:]]


@pytest.mark.parametrize(
    ("field", "value"),
    [("limit", "0"), ("limit", "201"), ("limit", "x"), ("cursor", ""), ("cursor", "\0"), ("business_id", "1")],
)
def test_a_bad_parameter_is_refused_by_name(
    client: TestClient, sign_up: SignUp, business: Business, field: str, value: str
) -> None:
    user = sign_up()
    business(owner=user)
    answer = client.get(PATH, headers=user.headers, params={field: value})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == field


def test_a_conversation_is_read_with_its_messages(
    client: TestClient, engine: Engine, sign_up: SignUp, business: Business, converse: Converse
) -> None:
    user = sign_up()
    business_id = business(viewer=user)
    row_id = converse(user, business_id, title=None)
    calls, citations = [{"name": "get_score", "ok": True}], [{"doc_id": "chargebacks", "title": "Chargebacks"}]
    with engine.begin() as db:
        question = a_message(db, row_id)
        answered = a_message(
            db,
            row_id,
            role="assistant",
            content="68",
            tool_calls=calls,
            citations=citations,
            created_at=LATER,
            provider="embedded",
            degraded=False,
        )
    answer = client.get(f"{PATH}/{row_id}", headers=user.headers)
    assert answer.status_code == 200
    assert answer.json() == {
        "id": str(row_id),
        "business_id": str(business_id),
        "title": None,
        "messages": [
            {
                "id": str(question),
                "role": "user",
                "content": "What is my score?",
                "tool_calls": None,
                "citations": None,
                "provider": None,
                "degraded": None,
                "created_at": "2026-11-20T12:00:00Z",
            },
            {
                "id": str(answered),
                "role": "assistant",
                "content": "68",
                "tool_calls": calls,
                "citations": citations,
                "provider": "embedded",
                "degraded": False,
                "created_at": "2026-11-20T13:00:00Z",
            },
        ],
    }


def test_of_a_long_conversation_the_newest_two_hundred_messages_are_shown(
    client: TestClient, engine: Engine, sign_up: SignUp, business: Business, converse: Converse
) -> None:
    user = sign_up()
    row_id = converse(user, business(viewer=user))
    with engine.begin() as db:
        for number in range(201):
            a_message(db, row_id, content=str(number), created_at=NOON + dt.timedelta(seconds=number))
    messages = client.get(f"{PATH}/{row_id}", headers=user.headers).json()["messages"]
    assert [message["content"] for message in messages] == [str(number) for number in range(1, 201)]


def test_a_conversation_gets_a_title(
    client: TestClient, services: Services, sign_up: SignUp, business: Business, converse: Converse
) -> None:
    user = sign_up()
    business_id = business(viewer=user)
    row_id = converse(user, business_id)
    before = services.clock()
    answer = client.patch(f"{PATH}/{row_id}", headers=user.headers, json={"title": "  Payouts in May "})
    assert answer.status_code == 200
    assert answer.json() == {
        "id": str(row_id),
        "business_id": str(business_id),
        "title": "Payouts in May",
        "created_at": "2026-11-20T12:00:00Z",
        "updated_at": answer.json()["updated_at"],
    }
    assert dt.datetime.fromisoformat(answer.json()["updated_at"]) >= before
    assert client.get(PATH, headers=user.headers).json()["conversations"] == [answer.json()]


BAD_TITLES: list[tuple[str, Any]] = [
    ("title", {}),
    ("title", {"title": None}),
    ("title", {"title": ""}),
    ("title", {"title": "   "}),
    ("title", {"title": "a" * 201}),
    ("title", {"title": "two\nlines"}),
    ("title", {"title": "a\u2028b"}),
    ("title", {"title": "\u202eabc"}),
    ("title", {"title": "a\u0000"}),
    ("title", {"title": 5}),
    ("user_id", {"title": "Mine", "user_id": "5f8c1f0e-5c3b-4a57-9d0e-2f1f3a1f4b11"}),
    ("business_id", {"title": "Mine", "business_id": "5f8c1f0e-5c3b-4a57-9d0e-2f1f3a1f4b11"}),
    ("created_at", {"title": "Mine", "created_at": "2020-01-01T00:00:00Z"}),
]


@pytest.mark.parametrize(("field", "body"), BAD_TITLES)
def test_a_bad_title_is_refused_by_field(
    client: TestClient, sign_up: SignUp, business: Business, converse: Converse, field: str, body: Any
) -> None:
    user = sign_up()
    row_id = converse(user, business(viewer=user))
    answer = client.patch(f"{PATH}/{row_id}", headers=user.headers, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == field
    assert client.get(f"{PATH}/{row_id}", headers=user.headers).json()["title"] == "My score"


def test_a_title_may_have_two_hundred_characters(
    client: TestClient, sign_up: SignUp, business: Business, converse: Converse
) -> None:
    user = sign_up()
    row_id = converse(user, business(viewer=user))
    title = "é" * 200
    answer = client.patch(f"{PATH}/{row_id}", headers=user.headers, json={"title": title})
    assert (answer.status_code, answer.json()["title"]) == (200, title)


def test_a_deleted_conversation_is_gone_with_its_messages(
    client: TestClient, engine: Engine, sign_up: SignUp, business: Business, converse: Converse
) -> None:
    user = sign_up()
    business_id = business(viewer=user)
    row_id, other = converse(user, business_id), converse(user, business_id)
    with engine.begin() as db:
        a_message(db, row_id)
    answer = client.delete(f"{PATH}/{row_id}", headers=user.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    for method in ("GET", "DELETE"):
        assert client.request(method, f"{PATH}/{row_id}", headers=user.headers).status_code == 404
    assert listed(client, user) == [str(other)]
    left = select(func.count()).where(models.AgentMessage.conversation_id == row_id)
    with engine.connect() as db:
        assert db.execute(left).scalar_one() == 0


def test_an_owner_reads_nothing_of_what_a_viewer_asked(
    client: TestClient, engine: Engine, sign_up: SignUp, business: Business, converse: Converse
) -> None:
    owner, viewer = sign_up(), sign_up()
    business_id = business(owner=owner, viewer=viewer)
    row_id = converse(viewer, business_id)
    assert client.get(f"{PATH}/{row_id}", headers=owner.headers).status_code == 404
    with engine.begin() as db:
        join(db, UUID(viewer.id), business_id, "admin")
    assert client.get(f"{PATH}/{row_id}", headers=viewer.headers).status_code == 200


def test_an_id_that_is_none_is_refused(client: TestClient, sign_up: SignUp) -> None:
    answer = client.get(f"{PATH}/1%27%20or%201=1", headers=sign_up().headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == "conversation_id"


def test_everything_needs_a_token(client: TestClient) -> None:
    for method, path in [("GET", PATH), *((method, f"{PATH}/{uuid.uuid4()}") for method in ("GET", "PATCH", "DELETE"))]:
        body: dict[str, Any] = {"json": {"title": "x"}} if method == "PATCH" else {}
        assert client.request(method, path, **body).status_code == 401
