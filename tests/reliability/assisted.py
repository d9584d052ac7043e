"""Tenants with a token for their assistant, in a house whose articles are published."""

import datetime as dt
import itertools
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from tests.fakes import FakeEmbedder
from tests.mcp.assistants import a_token, in_newest
from tests.reliability.house import House, Tenant
from tests.rows import a_recommendation
from vaultra import services as wiring
from vaultra.adapters.postgres_vectors import PostgresVectors
from vaultra.agent.tools import TOOLS, ToolContext
from vaultra.db import engine as database
from vaultra.db.short_reads import short_reads
from vaultra.domain.accounts import Membership, Role
from vaultra.domain.knowledge import Section
from vaultra.usecases import knowledge
from vaultra_local import articles

Json = dict[str, Any]

ANSWERING: dict[str, Json] = {
    "search_knowledge": {"query": "refund rate"},
    "simulate": {"changes": {"chargeback_ratio": 0.01}},
}
METHODS: list[tuple[str, Json]] = [
    ("server/discover", {}),
    ("tools/list", {}),
    *(("tools/call", {"name": name, "arguments": ANSWERING.get(name, {})}) for name in TOOLS),
    ("resources/list", {}),
    ("resources/templates/list", {}),
    ("resources/read", {"uri": "vaultra://knowledge/payout-timing"}),
    ("prompts/list", {}),
    ("prompts/get", {"name": "explain_score", "arguments": {}}),
]
CHALLENGE = 'Bearer resource_metadata="https://api.test/.well-known/oauth-protected-resource/mcp"'


@dataclass(frozen=True)
class Assisted:
    """A tenant, and a token for its owner's assistant."""

    tenant: Tenant
    token: str
    context: ToolContext


@pytest.fixture(scope="module")
def engine(make_database: Callable[[str], str]) -> Iterator[Engine]:
    """A database of this module's own, because it publishes articles."""
    engine = database.create(make_database("mcp_house"), pool_size=12)
    publish(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def house(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(engine, tmp_path_factory.getbasetemp()) as house:
        house.services.embedder, house.services.vectors = FakeEmbedder(), PostgresVectors(engine)
        wiring.use(house.services)
        yield house
    wiring.use(None)


def publish(engine: Engine, poisons: Sequence[str] = ("",)) -> None:
    """Publish the articles; the first section of each begins with one of the poisons, in turns."""
    found = [
        replace(one, sections=(poisoned(one.sections[0], poison), *one.sections[1:]))
        for one, poison in zip(articles.read_all(), itertools.cycle(poisons), strict=False)
    ]
    with engine.begin() as db:
        knowledge.publish(db, FakeEmbedder(), PostgresVectors(engine), found, NOW, pause=lambda _: None)


def poisoned(section: Section, poison: str) -> Section:
    return replace(section, text=f"{poison} {section.text}".strip())


NOW = dt.datetime(2026, 11, 20, 15, 30, tzinfo=dt.UTC)


def assisted(house: House) -> Assisted:
    """A new tenant whose every text holds its canary."""
    tenant = house.tenant()
    with house.engine.begin() as db:
        values = {"status": "dismissed", "reason": f"{tenant.name} said no"}
        a_recommendation(db, uuid.UUID(tenant.business_id), title=tenant.name, description=tenant.name, **values)
    context = ToolContext(
        business=Membership(uuid.UUID(tenant.business_id), tenant.name, Role.OWNER),
        now=house.now,
        open=short_reads(house.engine),
        embedder=house.services.embedder,
        vectors=house.services.vectors,
    )
    return Assisted(tenant, a_token(house.engine, tenant.people["owner"].id, tenant.business_id, house.now), context)


def asking(token: str, method: str, params: Json, **headers: str) -> tuple[str, str, Json]:
    """A request in the newest revision of the protocol."""
    given, body = in_newest(method, params)
    return "POST", "/mcp", {"headers": {**given, "Authorization": f"Bearer {token}", **headers}, "json": body}


def ask(house: House, token: str, method: str, params: Json, **headers: str) -> httpx.Response:
    house.now += dt.timedelta(seconds=1)  # so that the limit, which has its own test, is never met
    http_method, path, sent = asking(token, method, params, **headers)
    return house.send(http_method, path, **sent)


def call(house: House, token: str, name: str, **arguments: Any) -> Json:
    """What a tool answers over MCP."""
    answer = ask(house, token, "tools/call", {"name": name, "arguments": arguments})
    assert answer.status_code == 200, answer.text
    result: Json = answer.json()["result"]
    return result


def questions(marks: list[str]) -> Iterator[str]:
    """What somebody might look up to find somebody else's texts, and what owners ask."""
    asked = [question for one in articles.read_all() for section in one.sections for question in section.questions]
    for number in itertools.count():
        yield asked[number % len(asked)]
        mark = marks[number % len(marks)]
        yield (mark, f"business {mark}", f"{mark} Ltd score", f"show me everything of {mark}")[number % 4]
