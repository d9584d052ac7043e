"""Asking the agent over HTTP: as JSON, and as server-sent events over a real socket."""

import datetime as dt
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import Engine, func, select
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from tests import loopback
from tests.connected import rows
from tests.fakes import FakeEmbedder, FakeLlm, scripted
from tests.functions.conftest import Business, SignedIn, SignUp
from tests.functions.served import listening
from tests.reliability.house import fill_with_numbers
from tests.rows import a_conversation, a_message, join, leave
from vaultra.adapters.postgres_vectors import PostgresVectors
from vaultra.config import AgentSettings
from vaultra.db import models
from vaultra.domain.disclaimer import DISCLAIMER
from vaultra.domain.limits import CHAT_BY_PERSON
from vaultra.errors import Unavailable
from vaultra.ports import DialogueItem, Said, ToolReturned
from vaultra.services import Services

PATH = "/api/v1/agent/chat"
CONVERSATIONS = "/api/v1/agent/conversations"
QUESTION = "What is my score?"
BREAKDOWN = ("get_readiness_breakdown", "{}")
Json = dict[str, Any]


@pytest.fixture(autouse=True)
def meanings(services: Services) -> None:
    """Letters for meanings: which question is understood how is tried elsewhere."""
    services.embedder = FakeEmbedder()
    services.vectors = PostgresVectors(services.engine)
    services.llm_providers = ()


@pytest.fixture
def client(room: Callable[[str], TestClient]) -> TestClient:
    return room("agent_api")


@pytest.fixture
def owner(sign_up: SignUp, business: Business, engine: Engine) -> tuple[SignedIn, UUID]:
    """Somebody with one business that has numbers."""
    user = sign_up()
    business_id = business(owner=user)
    with engine.begin() as db:
        fill_with_numbers(db, business_id)
    return user, business_id


def ask(client: TestClient, user: SignedIn, message: str = QUESTION, **body: Any) -> Any:
    """The answer to a question."""
    return client.post(PATH, headers=user.headers, json={"message": message, **body})


def kept(engine: Engine, business_id: UUID) -> list[Json]:
    """Every message about a business, in order."""
    with engine.connect() as db:
        ids = set(db.scalars(select(models.AgentConversation.id).filter_by(business_id=business_id)))
        return [row for row in rows(db, "agent_messages", "created_at, role desc") if row["conversation_id"] in ids]


# --- JSON ------------------------------------------------------------------------------------


def test_a_question_is_answered_and_both_are_kept(
    client: TestClient, engine: Engine, owner: tuple[SignedIn, UUID]
) -> None:
    user, business_id = owner
    answer = ask(client, user)
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {
        "conversation_id", "message_id", "response", "citations", "tool_calls", "suggestions", "provider", "degraded",
        "disclaimer",
    }  # fmt: skip
    assert (body["provider"], body["degraded"], body["disclaimer"]) == ("embedded", False, DISCLAIMER)
    question, answered = kept(engine, business_id)
    assert (question["role"], question["content"], question["provider"]) == ("user", QUESTION, None)
    assert (str(answered["id"]), answered["content"]) == (body["message_id"], body["response"])
    assert (answered["provider"], answered["degraded"]) == ("embedded", False)
    assert answered["tool_calls"] == body["tool_calls"]
    told = client.get(f"{CONVERSATIONS}/{body['conversation_id']}", headers=user.headers).json()
    assert told["title"] == QUESTION
    assert [message["content"] for message in told["messages"]] == [QUESTION, body["response"]]
    assert told["messages"][1]["tool_calls"] == body["tool_calls"]
    assert (told["messages"][1]["provider"], told["messages"][1]["degraded"]) == ("embedded", False)


def test_a_model_answers_where_there_is_one(
    client: TestClient, services: Services, engine: Engine, owner: tuple[SignedIn, UUID]
) -> None:
    user, business_id = owner
    services.llm_providers = (scripted([BREAKDOWN], ["Your weakest part is named above."]),)
    body = ask(client, user).json()
    assert (body["response"], body["provider"], body["degraded"]) == (
        "Your weakest part is named above.", "fake", False,
    )  # fmt: skip
    [call] = body["tool_calls"]
    assert (call["name"], call["ok"], call["result"]["score"] > 0) == (BREAKDOWN[0], True, True)
    _, answered = kept(engine, business_id)
    assert (answered["input_tokens"], answered["output_tokens"]) == (200, 40)


def test_when_the_model_fails_that_is_told(
    client: TestClient, services: Services, owner: tuple[SignedIn, UUID]
) -> None:
    services.llm_providers = (scripted([Unavailable("down")]),)
    answer = ask(client, owner[0])
    assert answer.status_code == 200
    assert (answer.json()["provider"], answer.json()["degraded"]) == ("embedded", True)


def test_a_conversation_goes_on_and_the_model_is_told_what_was_said(
    client: TestClient, services: Services, engine: Engine, owner: tuple[SignedIn, UUID]
) -> None:
    user, business_id = owner
    model = scripted([BREAKDOWN], ["I am here."], ["Still here."])
    services.llm_providers = (model,)
    first = ask(client, user, "Hello   there\nagent").json()
    second = ask(client, user, "And now?", conversation_id=first["conversation_id"]).json()
    assert second["conversation_id"] == first["conversation_id"]
    assert [item.text for item in model.asked[2][1] if isinstance(item, Said)] == [
        "Hello   there\nagent", "I am here.", "And now?",
    ]  # fmt: skip
    assert len(kept(engine, business_id)) == 4
    listed = client.get(CONVERSATIONS, headers=user.headers).json()["conversations"]
    assert [item["title"] for item in listed] == ["Hello there agent"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": ""},
        {"message": "   \n"},
        {"message": "x" * 4001},
        {"message": "a\0b"},
        {"message": "a\x1bb"},
        {"message": "a\u202eb"},
        {"message": 7},
        {"message": "x", "conversation_id": "1"},
        {"message": "x", "business_id": 1},
        {"message": "x", "role": "system"},
    ],
)
def test_what_is_no_question_is_refused(
    client: TestClient, engine: Engine, owner: tuple[SignedIn, UUID], body: Json
) -> None:
    user, business_id = owner
    answer = client.post(PATH, headers=user.headers, json=body)
    assert answer.status_code == 400
    assert kept(engine, business_id) == []


def test_lines_and_the_longest_question_are_taken(client: TestClient, owner: tuple[SignedIn, UUID]) -> None:
    assert ask(client, owner[0], "One.\r\n\tTwo: ü 日本 🙂").status_code == 200
    assert ask(client, owner[0], "x" * 4000).status_code == 200


def test_a_viewer_may_ask_and_nobody_else(
    client: TestClient, sign_up: SignUp, business: Business, engine: Engine
) -> None:
    viewer, stranger = sign_up(), sign_up()
    business_id = business(viewer=viewer)
    assert ask(client, viewer).status_code == 200
    assert ask(client, stranger, business_id=str(business_id)).status_code == 403
    assert client.post(PATH, json={"message": QUESTION}).status_code == 401
    assert len(kept(engine, business_id)) == 2


def test_anothers_conversation_and_one_of_another_business_are_not_found(
    client: TestClient, sign_up: SignUp, business: Business, engine: Engine
) -> None:
    user, colleague = sign_up(), sign_up()
    mine, other = business(owner=user, viewer=colleague), business(owner=user)
    with engine.begin() as db:
        theirs = a_conversation(db, UUID(colleague.id), mine)
        elsewhere = a_conversation(db, UUID(user.id), other)
        left = a_conversation(db, UUID(user.id), other)
    asked = [
        ask(client, SignedIn(user.id, "", {**user.headers, "X-Request-Id": "one-for-all"}), business_id=str(mine),
            conversation_id=str(row_id))
        for row_id in (theirs, elsewhere, left, uuid.uuid4())
    ]  # fmt: skip
    assert {answer.status_code for answer in asked} == {404}
    assert len({answer.content for answer in asked}) == 1
    assert kept(engine, mine) == kept(engine, other) == []


def test_who_asks_too_often_is_told_when_to_come_back(
    client: TestClient, services: Services, owner: tuple[SignedIn, UUID], engine: Engine
) -> None:
    user, business_id = owner
    now = services.clock()
    services.clock = lambda: now
    answers = [ask(client, user, "Hello") for _ in range(CHAT_BY_PERSON.calls + 1)]
    assert [answer.status_code for answer in answers] == [200] * CHAT_BY_PERSON.calls + [429]
    assert answers[-1].headers["retry-after"] == "15"
    assert len(kept(engine, business_id)) == 2 * CHAT_BY_PERSON.calls


def test_whoever_leaves_or_deletes_while_the_answer_is_made_gets_none(
    client: TestClient, services: Services, engine: Engine, sign_up: SignUp, business: Business
) -> None:
    user = sign_up()
    business_id = business(viewer=user)
    with engine.begin() as db:
        row_id = a_conversation(db, UUID(user.id), business_id)

    def leaving(dialogue: Sequence[DialogueItem]) -> list[object]:
        if not isinstance(dialogue[-1], ToolReturned):
            return [BREAKDOWN]
        with engine.begin() as db:
            leave(db, UUID(user.id), business_id)
        return ["I am here."]

    services.llm_providers = (FakeLlm(leaving),)
    body = {"business_id": str(business_id), "conversation_id": str(row_id)}
    assert ask(client, user, **body).status_code == 404
    with engine.begin() as db:
        join(db, UUID(user.id), business_id, "viewer")
    assert ask(client, user).status_code == 403
    assert kept(engine, business_id) == []


def test_the_export_tells_who_answered(
    client: TestClient, room: Callable[[str], TestClient], owner: tuple[SignedIn, UUID]
) -> None:
    user, _ = owner
    ask(client, user)
    held = room("users_api").get("/api/v1/users/me/export", headers=user.headers).json()
    question, answered = held["conversations"][0]["messages"]
    assert (question["role"], answered["role"]) == ("user", "assistant")
    assert (answered["provider"], answered["degraded"]) == ("embedded", False)


def test_the_allowance_of_the_day_is_the_businesss(
    client: TestClient, services: Services, owner: tuple[SignedIn, UUID]
) -> None:
    services.agent = AgentSettings(agent_tokens_per_day=10)
    model = scripted(["I am here."])
    services.llm_providers = (model,)
    body = ask(client, owner[0]).json()
    assert (model.asked, body["provider"], body["degraded"]) == ([], "embedded", True)


# --- server-sent events over a socket --------------------------------------------------------


@pytest.fixture
def url(services: Services) -> Iterator[str]:
    with listening("agent_api") as url:
        yield url


@contextmanager
def streaming(url: str, user: SignedIn, **body: Any) -> Iterator[httpx.Response]:
    headers = {**user.headers, "Accept": "text/event-stream"}
    with (
        httpx.Client(trust_env=False, timeout=20) as client,
        client.stream("POST", url + PATH, headers=headers, json={"message": QUESTION, **body}) as answer,
    ):
        yield answer


def events_of(answer: httpx.Response) -> Iterator[tuple[str, Json]]:
    """Each event's name and data, as it comes."""
    name = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_events_tell_the_same_as_the_reply(
    url: str, services: Services, engine: Engine, owner: tuple[SignedIn, UUID]
) -> None:
    user, business_id = owner
    services.llm_providers = (scripted([BREAKDOWN], ["I am here. ", "That is all."]),)
    with streaming(url, user) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert "no-transform" in answer.headers["cache-control"]
        assert "no-store" in answer.headers["cache-control"]
        assert answer.headers["x-accel-buffering"] == "no"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert len(answer.headers["x-request-id"]) >= 8
        events = list(events_of(answer))
    assert [name for name, _ in events] == ["start", "tool", "tool", "delta", "delta", "suggestions", "done"]
    data = [told for _, told in events]
    assert data[0] == {"conversation_id": None}
    assert (data[1]["phase"], data[1]["name"], data[1]["ok"]) == ("begin", BREAKDOWN[0], None)
    assert (data[2]["phase"], data[2]["id"], data[2]["ok"]) == ("end", data[1]["id"], True)
    assert "".join(one["text"] for one in data[3:5]) == data[-1]["response"] == "I am here. That is all."
    assert data[5]["suggestions"] == data[-1]["suggestions"]
    assert str(kept(engine, business_id)[1]["id"]) == data[-1]["message_id"]


def test_what_is_told_is_taken_back_when_the_model_fails(
    url: str, services: Services, owner: tuple[SignedIn, UUID]
) -> None:
    services.llm_providers = (scripted([BREAKDOWN], ["I am here. ", "So ", Unavailable("down")]),)
    with streaming(url, owner[0]) as answer:
        events = list(events_of(answer))
    names = [name for name, _ in events]
    assert names[:5] == ["start", "tool", "tool", "delta", "restart"]
    after = "".join(data["text"] for name, data in events[names.index("restart") :] if name == "delta")
    assert after.strip() == events[-1][1]["response"]
    assert events[-1][1]["degraded"] is True


def test_pieces_come_as_they_are_made(url: str, services: Services, owner: tuple[SignedIn, UUID]) -> None:
    go_on = threading.Event()

    def model(dialogue: Sequence[DialogueItem]) -> Iterator[object]:
        if not isinstance(dialogue[-1], ToolReturned):
            yield BREAKDOWN
            return
        yield "I am here. "
        yield "And "
        assert go_on.wait(60), "the first sentence was kept back"
        yield "there."

    services.llm_providers = (FakeLlm(model),)
    with streaming(url, owner[0]) as answer:
        for name, data in events_of(answer):
            if name == "delta" and data["text"].startswith("I am"):
                go_on.set()
    assert go_on.is_set()


def test_errors_before_the_first_piece_are_ordinary_answers(url: str, owner: tuple[SignedIn, UUID]) -> None:
    with streaming(url, owner[0], conversation_id=str(uuid.uuid4())) as answer:
        answer.read()
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
        assert answer.headers["content-type"] == "application/json"
    with streaming(url, owner[0], message="") as answer:
        assert answer.status_code == 400


def test_an_error_after_it_is_the_last_event(
    url: str, services: Services, engine: Engine, owner: tuple[SignedIn, UUID]
) -> None:
    user, business_id = owner

    def leaving(dialogue: Sequence[DialogueItem]) -> list[object]:
        if not isinstance(dialogue[-1], ToolReturned):
            return [BREAKDOWN]
        with engine.begin() as db:
            leave(db, UUID(user.id), business_id)
        return ["I am here."]

    services.llm_providers = (FakeLlm(leaving),)
    with streaming(url, user) as answer:
        events = list(events_of(answer))
    assert [name for name, _ in events] == ["start", "tool", "tool", "delta", "error"]
    assert events[-1][1]["error"]["code"] == "FORBIDDEN"
    assert events[-1][1]["error"]["request_id"] == answer.headers["x-request-id"]
    assert kept(engine, business_id) == []


def test_g6_whoever_leaves_at_any_piece_leaves_nothing_behind(
    url: str, services: Services, engine: Engine, owner: tuple[SignedIn, UUID]
) -> None:
    """G6: the caller goes away after each piece; the model's work ends, and there is no half of an exchange."""
    user, business_id = owner
    whole = ["start", "tool", "tool", "delta", "delta", "delta"]
    dropped = 0
    for leaves_after in range(1, len(whole) + 1):
        ended = threading.Event()

        def model(dialogue: Any, ended: threading.Event = ended) -> Iterator[object]:
            if len(dialogue) == 1:
                yield BREAKDOWN
                return
            try:
                yield from ("One. ", "Two. ", "Three. ", "Four")
                for _ in range(2000):
                    time.sleep(0.005)
                    yield "."
                    yield " More"
            finally:
                ended.set()

        services.llm_providers = (FakeLlm(model),)
        with streaming(url, user) as answer:
            for number, _ in enumerate(events_of(answer), start=1):
                if number == leaves_after:
                    break
        dropped += 1
        if leaves_after > whole.index("delta"):
            assert ended.wait(60), "the model went on"
    deadline = time.monotonic() + 5
    while services.engine.pool.checkedout() and time.monotonic() < deadline:  # type: ignore[attr-defined]
        time.sleep(0.02)
    assert services.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert kept(engine, business_id) == []
    with engine.connect() as db:
        assert (
            db.scalar(select(func.count()).select_from(models.AgentConversation).filter_by(business_id=business_id))
            == 0
        )
    print(f"G6: dropped after {dropped} different pieces: 0 orphans, 0 half-saved exchanges")


def test_the_requests_line_is_written_when_the_stream_is_over(
    url: str, services: Services, owner: tuple[SignedIn, UUID]
) -> None:
    go_on = threading.Event()

    def model(_dialogue: object) -> Iterator[object]:
        yield "I am here. And "
        assert go_on.wait(60)
        yield "there."

    services.llm_providers = (FakeLlm(model),)
    loopback.get(f"{url}/health")  # the first request sets logging up
    with capture_logs() as lines:
        with streaming(url, owner[0]) as answer:
            for name, _ in events_of(answer):
                if name == "delta" and not go_on.is_set():
                    assert "request.handled" not in [line["event"] for line in lines]
                    go_on.set()
        deadline = time.monotonic() + 5
        while not any(line["event"] == "request.handled" for line in lines) and time.monotonic() < deadline:
            time.sleep(0.02)
    [line] = [line for line in lines if line["event"] == "request.handled"]
    assert (line["method"], line["path"], line["status"]) == ("POST", PATH, 200)


@pytest.mark.parametrize("age", [dt.timedelta(0), dt.timedelta(days=400)])
def test_what_was_kept_by_an_older_release_does_not_stop_a_conversation(
    client: TestClient, engine: Engine, owner: tuple[SignedIn, UUID], age: dt.timedelta
) -> None:
    user, business_id = owner
    with engine.begin() as db:
        row_id = a_conversation(db, UUID(user.id), business_id)
        a_message(db, row_id, created_at=dt.datetime(2026, 11, 20, tzinfo=dt.UTC) - age)
        a_message(db, row_id, role="assistant", content="68", tool_calls=[{"name": "get_score", "ok": True}])
    assert ask(client, user, conversation_id=str(row_id)).status_code == 200
