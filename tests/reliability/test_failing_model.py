"""RELIABILITY rows G4 and G5: a model that never ends, that costs, and that does not answer."""

import itertools
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from tests import loopback
from tests.agent.shops import World
from tests.db.billing import TODAY
from tests.fakes import FakeEmbedder, FakeLlm
from tests.functions.served import listening
from tests.model_servers import Waits, openai_model
from tests.reliability.hostile import HELLO, answer_of, canaried, talk
from tests.reliability.house import House
from vaultra import services as wiring
from vaultra.adapters.openai_llm import OpenAiLlm
from vaultra.agent.allowance import Allowance
from vaultra.agent.answers import Answer
from vaultra.agent.conversing import converse
from vaultra.agent.model_steps import MOST_TOOL_CALLS
from vaultra.config import AgentSettings, OpenAiSettings
from vaultra.db import agent_usage
from vaultra.domain.conversations import TokenCount
from vaultra.ports import DialogueItem, StepEnded, ToolReturned


@pytest.fixture(scope="module")
def world(make_database: Callable[[str], str]) -> Iterator[World]:
    """Every shop, all but one with canaries."""
    with canaried(make_database("failing_model")) as world:
        yield world


READS = 60


# --- G4: loops and cost ---------------------------------------------------------------------


def test_g4_a_model_that_never_ends_is_ended(world: World) -> None:
    calls = FakeLlm(lambda _dialogue: [("get_readiness_breakdown", "{}")])
    words = FakeLlm(lambda _dialogue: itertools.repeat("word "))
    sentences = FakeLlm(lambda _dialogue: itertools.repeat("I am here. "))
    began = time.monotonic()
    for model in (calls, words, sentences):
        answer = answer_of(talk(world, model))
        assert (answer.provider, answer.degraded) == ("embedded", True)
    seconds = time.monotonic() - began
    assert len(calls.asked) == MOST_TOOL_CALLS + 1
    assert seconds < 60
    print(f"G4: calls, words and sentences without end were ended within {seconds:.1f} s together (at most 60)")


def test_g4_twenty_at_once_never_use_more_than_the_allowance(world: World) -> None:
    """Every step costs what the provider says; no two of them are ever given the same tokens."""
    cost, day_has = TokenCount(9_000, 900), 200_000
    steps = threading.Lock()
    used: list[int] = []

    def model(dialogue: Sequence[DialogueItem]) -> list[object]:
        with steps:
            used.append(cost.total)
        has_read = any(isinstance(item, ToolReturned) for item in dialogue)
        return ["I am here." if has_read else ("get_readiness_breakdown", "{}"), StepEnded((), cost)]

    business = world.members["fernhill"]

    def ask(_number: int) -> Answer:
        mine = Allowance(world.engine.begin, business.id, TODAY, day_has)
        return answer_of(list(converse(world.context("fernhill"), [FakeLlm(model)], mine, (), HELLO)))

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(ask, range(60)))
    with world.engine.connect() as db:
        recorded = agent_usage.find_tokens(db, business.id, TODAY)
    assert recorded == sum(used) <= day_has
    assert {answer.provider for answer in answers} == {"fake", "embedded"}
    by_model = sum(answer.provider == "fake" for answer in answers)
    print(
        f"G4: 60 questions, 20 at once: {by_model} by the model, {recorded} of {day_has} tokens, exactly what was used"
    )


# --- G5: a model that does not answer -------------------------------------------------------


def test_g5_fifty_stalled_chats_hold_no_connection_and_slow_nobody_else(fresh_engine: Engine, tmp_path: Path) -> None:
    """G5: a real SDK waits for a stalled server in 50 chats; the rest of the function goes on."""
    go_on = threading.Event()
    with House(fresh_engine, tmp_path) as house, openai_model(lambda _body: [Waits(30, go_on), "I am here."]) as server:
        tenant = house.tenant()
        key = OpenAiSettings(openai_api_key=SecretStr("sk-test"), openai_base_url=f"{server.url}/v1")
        house.services.llm_providers = (OpenAiLlm(key),)
        house.services.embedder = FakeEmbedder()
        house.services.agent = AgentSettings(agent_tokens_per_day=10**9)
        wiring.use(house.services)
        with listening("agent_api") as url:
            people = [tenant.people[role] for role in ("owner", "admin", "viewer")]
            headers = people[0].headers
            params = {"business_id": tenant.business_id}

            def p95() -> float:
                with httpx.Client(trust_env=False, timeout=30) as client:
                    return statistics.quantiles(
                        [_milliseconds(client, url, headers, params) for _ in range(150)], n=20
                    )[-1]

            p95()
            baseline = p95()

            def chat(number: int) -> tuple[int, str]:
                answer = loopback.post(
                    f"{url}/api/v1/agent/chat", json={"message": HELLO, **params}, timeout=60,
                    headers=people[number % 3].headers,
                )  # fmt: skip
                return answer.status_code, answer.json().get("provider", "")

            with ThreadPoolExecutor(50) as threads:
                chats = [threads.submit(chat, number) for number in range(50)]
                deadline = time.monotonic() + 20
                while len(server.requests) < 50 and time.monotonic() < deadline:
                    time.sleep(0.05)
                time.sleep(0.2)
                in_use = fresh_engine.pool.checkedout()  # type: ignore[attr-defined]
                stalled = p95()
                waiting = sum(not one.done() for one in chats)
                asked = len(server.requests)
                go_on.set()
                answers = [one.result() for one in chats]
        wiring.use(None)
    assert {status for status, _ in answers} == {200}
    assert (waiting, in_use, asked) == (50, 0, 50)
    print(
        f"G5: 50 chats stalled: {in_use} connections in use; the API's p95 {stalled:.1f} ms against {baseline:.1f} ms"
        f" ({stalled / baseline:.2f} times; at most 1.5 is wanted)"
    )


def _milliseconds(client: httpx.Client, url: str, headers: dict[str, str], params: dict[str, str]) -> float:
    began = time.perf_counter()
    answer = client.get(f"{url}/api/v1/agent/conversations", headers=headers, params=params)
    assert answer.status_code == 200
    return (time.perf_counter() - began) * 1000
