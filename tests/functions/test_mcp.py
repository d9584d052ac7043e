"""The MCP room as it is deployed: the official client, over a real socket, in every revision of the protocol."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import mcp_types as types
import orjson
import pytest
from functions_framework.aio import create_asgi_app
from mcp import Client
from mcp.shared.exceptions import MCPError
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from tests.db.billing import AS_OF, days_ago, open_books
from tests.fakes import FakeEmbedder
from tests.functions.conftest import SignedIn
from tests.mcp.assistants import MODES, NEWEST, a_token, assistant, in_newest, mcp_served
from tests.rows import join, leave
from vaultra.adapters.postgres_vectors import PostgresVectors
from vaultra.agent.prompts_for_assistants import PROMPTS, RULES
from vaultra.agent.tools import TOOLS
from vaultra.db import engine as database
from vaultra.domain.disclaimer import DISCLAIMER
from vaultra.domain.limits import MCP_BY_TOKEN
from vaultra.mcp_server import as_markdown
from vaultra.services import Services
from vaultra.usecases import knowledge, metrics, personal_tokens, readiness
from vaultra_local import articles
from vaultra_local.catalogue import FUNCTIONS

ANSWERING: dict[str, dict[str, Any]] = {
    "search_knowledge": {"query": "refund rate"},
    "simulate": {"changes": {"refund_ratio": 0.01}},
}
METADATA = "/.well-known/oauth-protected-resource"

T = TypeVar("T")
Ask = Callable[[Callable[[Client], Awaitable[T]]], T]


@pytest.fixture(scope="module")
def engine(make_database: Callable[[str], str]) -> Iterator[Engine]:
    """A database of this module's own, with the articles in it."""
    engine = database.create(make_database("mcp"), pool_size=8)
    with engine.begin() as db:
        knowledge.publish(db, FakeEmbedder(), PostgresVectors(engine), articles.read_all(), AS_OF, pause=lambda _: None)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def business_id(engine: Engine) -> UUID:
    """A business with a month of numbers."""
    with engine.begin() as db:
        books = open_books(db)
        for age in range(1, 60):
            books.charge(days_ago(age), 40_00, customer=f"cus_{age % 9}")
        books.refund(days_ago(3), 40_00)
        books.roll_up()
        metrics.compute(db, [books.business_id], AS_OF)
        readiness.compute(db, [books.business_id], AS_OF)
        return books.business_id


@pytest.fixture
def services(services: Services, engine: Engine) -> Services:
    services.clock = lambda: AS_OF
    services.embedder, services.vectors = FakeEmbedder(), PostgresVectors(engine)
    return services


@pytest.fixture
def owner(services: Services, engine: Engine, sign_up: Callable[[], SignedIn], business_id: UUID) -> SignedIn:
    owner = sign_up()
    with engine.begin() as db:
        join(db, UUID(owner.id), business_id, "viewer")
    return owner


@pytest.fixture
def token(engine: Engine, owner: SignedIn, business_id: UUID) -> str:
    return a_token(engine, owner.id, business_id, AS_OF)


@pytest.fixture(params=MODES)
def ask(request: pytest.FixtureRequest, services: Services, token: str) -> Iterator[Ask[Any]]:
    """Ask something through the official client, once for each way to begin."""
    with mcp_served(services) as url:

        async def connected(question: Callable[[Client], Awaitable[Any]]) -> Any:
            async with assistant(url, token, request.param) as client:
                assert client.protocol_version == MODES[request.param]
                return await question(client)

        yield lambda question: asyncio.run(connected(question))


async def use(client: Client, name: str, arguments: dict[str, Any]) -> types.CallToolResult:
    return await client.call_tool(name, arguments)


async def read(client: Client, uri: str) -> types.ReadResourceResult:
    return await client.read_resource(uri)


async def prompt(client: Client, name: str, given: dict[str, str]) -> types.GetPromptResult:
    return await client.get_prompt(name, given)


def refusal(ask: Ask[Any], question: Callable[[Client], Awaitable[Any]]) -> MCPError:
    """The error that the server answers a question with."""

    async def refused(client: Client) -> MCPError:
        with pytest.raises(MCPError) as caught:
            await question(client)
        return caught.value

    error: MCPError = ask(refused)
    return error


@pytest.fixture
def client(services: Services, room: Callable[[str], TestClient]) -> TestClient:
    return room("mcp")


def post(client: TestClient, token: str | None, method: str = "tools/list", **more: Any) -> Any:
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}
    return client.post("/mcp", **{"headers": headers | more.pop("headers", {}), "json": body, **more})


# --- tools -----------------------------------------------------------------------------------


def test_every_tool_is_listed_as_one_that_only_reads(ask: Ask[types.ListToolsResult]) -> None:
    listed = ask(lambda client: client.list_tools()).tools
    assert [tool.name for tool in listed] == list(TOOLS)
    for tool in listed:
        spec, annotations = TOOLS[tool.name], tool.annotations
        assert (tool.title, tool.description) == (spec.title, spec.description)
        assert (tool.input_schema, tool.output_schema) == (spec.parameters, spec.output_schema)
        assert annotations is not None
        assert (annotations.read_only_hint, annotations.destructive_hint) == (True, False)
        assert (annotations.idempotent_hint, annotations.open_world_hint) == (True, False)


def test_every_tool_answers_by_its_schema(ask: Ask[dict[str, types.CallToolResult]]) -> None:
    async def all_of_them(client: Client) -> dict[str, types.CallToolResult]:
        await client.list_tools()  # from now on the client checks every result against its schema
        return {name: await client.call_tool(name, ANSWERING.get(name, {})) for name in TOOLS}

    for name, result in ask(all_of_them).items():
        assert not result.is_error, name
        [content] = result.content
        assert isinstance(content, types.TextContent)
        assert orjson.loads(content.text) == result.structured_content


def test_the_score_is_the_apis(
    ask: Ask[types.CallToolResult], owner: SignedIn, room: Callable[[str], TestClient]
) -> None:
    said = ask(lambda client: client.call_tool("get_readiness_breakdown", {}))
    told = room("metrics_api").get("/api/v1/readiness", headers=owner.headers)
    assert said.structured_content == told.json()


def test_a_tool_that_can_not_tell_says_why(ask: Ask[types.CallToolResult]) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"limit": 99}, "limit: "),
        ({"business_id": "x"}, "An argument is not known"),
    ]
    for arguments, words in cases:
        result = ask(partial(use, name="get_top_recommendations", arguments=arguments))
        [content] = result.content
        assert isinstance(content, types.TextContent)
        assert result.is_error
        assert result.structured_content is None
        assert content.text.startswith(words)


def test_a_tool_that_does_not_exist_is_the_clients_mistake(ask: Ask[Any]) -> None:
    error = refusal(ask, lambda client: client.call_tool("delete_everything", {})).error
    assert error.code == types.INVALID_PARAMS
    assert error.message.startswith("There is no such tool")


# --- articles and prompts --------------------------------------------------------------------


def test_articles_are_resources(ask: Ask[Any]) -> None:
    async def look(client: Client) -> Any:
        listed, templates = await client.list_resources(), await client.list_resource_templates()
        return listed.resources, templates.resource_templates, [
            await client.read_resource(resource.uri) for resource in listed.resources
        ]  # fmt: skip

    resources, [template], contents = ask(look)
    published = articles.read_all()
    assert template.uri_template == "vaultra://knowledge/{doc_id}"
    assert [resource.uri for resource in resources] == [f"vaultra://knowledge/{one.doc_id}" for one in published]
    for article, resource, found in zip(published, resources, contents, strict=True):
        [content] = found.contents
        assert content.text == as_markdown(article)
        assert resource.size == len(content.text.encode())
        assert all(f"## {section.heading}\n" in content.text for section in article.sections)
        assert f"Written by {article.source}, {article.updated}." in content.text


def test_an_article_that_does_not_exist_is_the_clients_mistake(ask: Ask[Any]) -> None:
    for uri in ("vaultra://knowledge/nothing", "vaultra://knowledge/../../etc/passwd", "file:///etc/passwd"):
        error = refusal(ask, partial(read, uri=uri)).error
        assert error.message.startswith("There is no such article")


def test_the_three_prompts_name_tools_that_exist(ask: Ask[Any]) -> None:
    async def look(client: Client) -> Any:
        listed = (await client.list_prompts()).prompts
        return listed, [await client.get_prompt(one.name) for one in listed]

    listed, prompts = ask(look)
    assert [one.name for one in listed] == ["weekly_review", "prepare_for_application", "explain_score"]
    for one in prompts:
        [message] = one.messages
        assert message.role == "user"
        assert sum(name in message.content.text for name in TOOLS) >= 2
        assert message.content.text.endswith(RULES)
        assert "<" not in message.content.text


def test_a_prompt_takes_what_its_owner_adds_and_nothing_else(ask: Ask[Any]) -> None:
    said = ask(lambda client: client.get_prompt("prepare_for_application", {"funding": "a {loan}\nfor stock"}))
    assert "apply for a {loan} for stock with" in said.messages[0].content.text
    for given in ({"business_id": "x"}, {"funding": "x" * 201}):
        error = refusal(ask, partial(prompt, name="prepare_for_application", given=given)).error
        assert error.code == types.INVALID_PARAMS
    error = refusal(ask, lambda client: client.get_prompt("sell_everything")).error
    assert error.message.startswith("There is no such prompt")


@pytest.mark.parametrize("mode", ["auto", "legacy"])  # a pinned client asks for nothing beforehand
def test_a_client_is_told_how_to_use_it(services: Services, token: str, mode: str) -> None:
    async def instructions(url: str) -> str:
        async with assistant(url, token, mode) as client:
            return client.instructions or ""

    with mcp_served(services) as url:
        told = asyncio.run(instructions(url))
    assert all(name in told for name in TOOLS)
    assert DISCLAIMER in told


def test_before_the_articles_are_published_there_are_none(
    fresh_engine: Engine, services: Services, sign_up: Callable[[], SignedIn]
) -> None:
    services.engine = fresh_engine
    owner = sign_up()
    with fresh_engine.begin() as db:
        business = db.execute(text("insert into businesses (name) values ('New') returning id")).scalar_one()
        join(db, UUID(owner.id), business, "owner")

    async def look(url: str) -> Any:
        async with assistant(url, a_token(fresh_engine, owner.id, business, AS_OF)) as client:
            return await client.list_resources(), await client.call_tool("search_knowledge", {"query": "refunds"})

    with mcp_served(services) as url:
        listed, searched = asyncio.run(look(url))
    assert listed.resources == []
    assert searched.is_error
    assert searched.content[0].text == "The help articles have not been published here yet."


# --- the edge --------------------------------------------------------------------------------


def test_without_a_token_a_client_is_told_where_this_is_described(client: TestClient) -> None:
    answer = post(client, None)
    assert answer.status_code == 401
    where = f"https://api.test{METADATA}/mcp"
    assert answer.headers["www-authenticate"] == f'Bearer resource_metadata="{where}"'
    assert answer.json()["error"]["code"] == "UNAUTHORIZED"
    for path in (METADATA, f"{METADATA}/mcp"):
        told = client.get(path)
        assert told.status_code == 200
        assert told.json()["resource"] == "https://api.test/mcp"
        assert told.json()["bearer_methods_supported"] == ["header"]
        assert told.headers["content-type"] == "application/json"


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT", "PATCH", "OPTIONS"])
def test_only_post_speaks_the_protocol(client: TestClient, token: str, method: str) -> None:
    answer = client.request(method, "/mcp", headers={"Authorization": f"Bearer {token}", "Accept": "text/event-stream"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_an_answer_has_what_every_answer_of_the_product_has(client: TestClient, token: str) -> None:
    answers = [
        post(client, token, headers={"X-Request-Id": "abcdef-123456"}),
        post(client, None, headers={"X-Request-Id": "abcdef-123456"}),
        client.get(METADATA, headers={"X-Request-Id": "abcdef-123456"}),
    ]
    for answer in answers:
        assert answer.headers["x-request-id"] == "abcdef-123456"
        assert answer.headers.get_list("cache-control") == ["no-store"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "mcp-session-id" not in answer.headers
    assert client.get("/mcp/health").json()["function"] == "mcp"
    assert client.get("/mcp/health/ready").status_code == 200
    assert client.get("/mcp/anything").json()["error"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"headers": {"Content-Type": "text/plain"}}, 415),
        ({"json": None, "content": b"x" * (1024 * 1024 + 1)}, 413),
        ({"headers": {"Accept": "text/html"}}, 406),
        ({"json": None, "content": b"{"}, 400),
        ({"json": None, "content": b"[" * 100_000}, 400),
        ({"json": {"jsonrpc": "2.0", "method": "notifications/initialized"}}, 202),
    ],
)
def test_bodies_are_bounded_and_read_by_the_protocol(
    client: TestClient, token: str, more: dict[str, Any], status: int
) -> None:
    assert post(client, token, **more).status_code == status


def test_space_around_a_header_is_not_part_of_it(client: TestClient, token: str) -> None:
    headers, body = in_newest("tools/list", {})
    headers |= {"MCP-Protocol-Version": f"{NEWEST}\t", "Mcp-Method": " tools/list  "}
    assert post(client, token, json=body, headers=headers).status_code == 200


def test_a_token_is_dead_at_once(
    client: TestClient, services: Services, engine: Engine, owner: SignedIn, business_id: UUID
) -> None:
    def token() -> str:
        return a_token(engine, owner.id, business_id, AS_OF, days=30)

    deleted, expired, left = token(), token(), token()
    assert post(client, deleted).status_code == 200
    with engine.begin() as db:
        for one in personal_tokens.list_tokens(db, UUID(owner.id), AS_OF):
            if one.last_used_at is not None:
                personal_tokens.revoke(db, user_id=UUID(owner.id), token_id=one.id)
    assert post(client, deleted).status_code == 401
    services.clock = lambda: AS_OF + dt.timedelta(days=30)
    assert post(client, expired).status_code == 401
    services.clock = lambda: AS_OF
    assert post(client, left).status_code == 200
    with engine.begin() as db:
        leave(db, UUID(owner.id), business_id)
    assert post(client, left).status_code == 401


def test_the_role_is_the_one_that_its_owner_has_now(
    client: TestClient, engine: Engine, owner: SignedIn, business_id: UUID, token: str
) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_business_context"}}
    for role in ("viewer", "admin", "owner"):
        with engine.begin() as db:
            join(db, UUID(owner.id), business_id, role)
        assert f'"your_role":"{role}"' in post(client, token, json=body).text


def test_a_token_can_not_be_used_without_end(client: TestClient, token: str) -> None:
    answers = [post(client, token) for _ in range(MCP_BY_TOKEN.calls + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {200}
    refused = answers[-1]
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "RATE_LIMITED"
    assert int(refused.headers["retry-after"]) >= 1


@pytest.mark.parametrize("revision", [NEWEST, MODES["legacy"]])
def test_a_client_that_goes_away_is_no_error_of_ours(services: Services, token: str, revision: str) -> None:
    headers, body = in_newest("tools/call", {"name": "get_business_context"})
    headers |= {"MCP-Protocol-Version": revision, "Host": "api.test", "Authorization": f"Bearer {token}"}
    app: Any = create_asgi_app("mcp", str(FUNCTIONS / "mcp" / "main.py"))
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/mcp",
        "raw_path": b"/mcp",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "scheme": "https",
        "server": ("api.test", 443),
        "client": ("192.0.2.7", 1),
    }
    told = iter([{"type": "http.request", "body": orjson.dumps(body), "more_body": False}])
    statuses: list[int] = []

    async def receive() -> Any:
        return next(told, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    asyncio.run(asyncio.wait_for(app(scope, receive, send), 20))
    assert statuses == [200] or statuses == [499]


def test_an_outage_is_told_as_one(client: TestClient, services: Services, token: str) -> None:
    services.engine = database.create("postgresql://nobody@127.0.0.1:9/none")
    answer = post(client, token)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "UNAVAILABLE"


def test_the_prompts_are_short_enough_to_be_read() -> None:
    assert all(len(prompt.template) < 900 for prompt in PROMPTS.values())
