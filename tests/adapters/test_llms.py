"""Language models through their own SDKs, against servers that speak their protocols over sockets."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from tests.model_servers import (
    Asks,
    Breaks,
    Drips,
    Garbage,
    Model,
    ModelServer,
    Piece,
    TooLong,
    Waits,
    ollama_server,
    openai_model,
)
from vaultra.adapters import llm_streams
from vaultra.adapters.ollama_llm import OllamaLlm, server_url
from vaultra.adapters.openai_llm import OpenAiLlm
from vaultra.adapters.steady_llm import Refused
from vaultra.config import OllamaSettings, OpenAiSettings
from vaultra.domain.conversations import Speaker, TokenCount
from vaultra.errors import Unavailable
from vaultra.ports import (
    DialogueItem,
    LLMProvider,
    ModelPiece,
    Said,
    StepEnded,
    ToolOffer,
    ToolRequest,
    ToolReturned,
    Wrote,
)

PARAMETERS = {"type": "object", "properties": {"limit": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}}
OFFER = ToolOffer("get_score", "The score.", PARAMETERS)
QUESTION = Said(Speaker.USER, "What is my score?")


def responses(server: ModelServer) -> LLMProvider:
    return OpenAiLlm(OpenAiSettings(openai_api_key=SecretStr("sk-test-key"), openai_base_url=f"{server.url}/v1"))


def completions(server: ModelServer) -> LLMProvider:
    settings = OpenAiSettings(
        openai_api_key=SecretStr("sk-test-key"), openai_base_url=f"{server.url}/v1", openai_protocol="chat"
    )
    return OpenAiLlm(settings)


def ollama(server: ModelServer) -> LLMProvider:
    return OllamaLlm(OllamaSettings(ollama_base_url=server.url, ollama_model="qwen3:8b", ollama_context_tokens=8192))


PROTOCOLS: dict[str, tuple[Callable[..., Any], Callable[[ModelServer], LLMProvider]]] = {
    "responses": (openai_model, responses),
    "chat completions": (openai_model, completions),
    "ollama": (ollama_server, ollama),
}
every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


@contextmanager
def talking(protocol: str, *scripts: Sequence[Piece]) -> Iterator[tuple[LLMProvider, ModelServer]]:
    """A provider whose server gives these answers, one after the other."""
    waiting = list(scripts)
    model: Model = lambda _body: waiting.pop(0)  # noqa: E731
    serve, provider = PROTOCOLS[protocol]
    with serve(model) as server:
        yield provider(server), server


def ask(provider: LLMProvider, *dialogue: DialogueItem, seconds: float = 30, tools: int = 1) -> list[ModelPiece]:
    told = provider.stream("Be kind.", dialogue or (QUESTION,), [OFFER] * tools, most_tokens=500, seconds=seconds)
    return list(told)


@every_protocol
def test_text_comes_in_pieces_and_ends_with_what_it_cost(protocol: str) -> None:
    with talking(protocol, ["Your score ", "is 68."]) as (provider, _):
        first, second, ended = ask(provider)
    assert (first, second) == ("Your score ", "is 68.")
    assert isinstance(ended, StepEnded)
    assert (ended.tokens, ended.cut_off) == (TokenCount(120, 30), False)


@every_protocol
def test_pieces_come_when_they_are_said(protocol: str) -> None:
    heard = threading.Event()
    with talking(protocol, ["One.", Waits(60, until=heard), "Two."]) as (provider, _):
        pieces = provider.stream("", [QUESTION], [], most_tokens=9, seconds=30)
        assert next(pieces) == "One."
        heard.set()
        assert next(pieces) == "Two."


@every_protocol
def test_tools_are_asked_for_and_their_replies_go_back(protocol: str) -> None:
    asked = [Asks("get_score", '{"limit": 2}'), Asks("get_score")]
    with talking(protocol, asked, ["68."]) as (provider, server):
        one, two, ended = ask(provider)
        assert isinstance(one, ToolRequest)
        assert isinstance(two, ToolRequest)
        assert isinstance(ended, StepEnded)
        assert (one.name, one.arguments.replace(" ", ""), two.arguments) == ("get_score", '{"limit":2}', "{}")
        assert one.id != two.id
        returned = [ToolReturned(call.id, call.name, '{"score": 68}') for call in (one, two)]
        assert ask(provider, QUESTION, Wrote(ended.items), *returned)[0] == "68."
    last = str(server.requests[-1][1])
    assert last.count('{"score": 68}') == 2
    assert last.count("'get_score'") >= 3


@every_protocol
def test_an_answer_that_became_too_long_says_so(protocol: str) -> None:
    with talking(protocol, ["Your score ", TooLong()]) as (provider, _):
        *_, ended = ask(provider)
    assert isinstance(ended, StepEnded)
    assert ended.cut_off


@every_protocol
@pytest.mark.parametrize(
    "script",
    [["Your", Breaks()], [Garbage(b"data: {not json\n\n\n{]\n"), "x"], [Garbage(b'data: []\n\ndata: 7\n\n"x"\n7\n')]],
    ids=["breaks off", "no JSON", "other JSON"],
)
def test_what_nobody_understands_is_no_answer(protocol: str, script: list[Piece]) -> None:
    with talking(protocol, script) as (provider, _), pytest.raises(Unavailable):
        ask(provider)


@every_protocol
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_can_not_now_is_unavailable(protocol: str, status: int) -> None:
    with talking(protocol) as (provider, server):
        server.failures = [(status, {"error": {"message": "sk-test-key secret@example.com"}})]
        server.failure_headers = {"Retry-After": "7"}
        with pytest.raises(Unavailable) as told:
            ask(provider)
        assert len(server.requests) == 1  # whoever asks decides about trying again
    assert not isinstance(told.value, Refused)
    assert "sk-test" not in told.value.message
    assert "secret" not in told.value.message
    if protocol != "ollama":
        assert told.value.retry_after == 7


@every_protocol
@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_wrong_key_or_model_is_refused(protocol: str, status: int) -> None:
    with talking(protocol) as (provider, server):
        server.failures = [(status, {"error": {"message": "no", "param": None, "code": None}})]
        with pytest.raises(Refused):
            ask(provider)


@every_protocol
def test_nobody_there_is_unavailable(protocol: str) -> None:
    with talking(protocol) as (provider, _):
        pass
    with pytest.raises(Unavailable):
        ask(provider)


@every_protocol
def test_silence_ends_it(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    with talking(protocol, [Waits(20)]) as (provider, _), pytest.raises(Unavailable):
        ask(provider, seconds=0.5)
    assert time.monotonic() - began < 10


@every_protocol
def test_a_server_that_never_ends_is_hung_up_on(protocol: str) -> None:
    """A byte now and then keeps a client's timeouts from ever being reached."""
    began = time.monotonic()
    for_ever: list[Piece] = [Drips(0.05)] if protocol != "ollama" else [Waits(0.05), "more"] * 400
    script: list[Piece] = ["One.", *for_ever]
    with talking(protocol, script) as (provider, server):
        with pytest.raises(Unavailable):
            ask(provider, seconds=1.0)
        assert time.monotonic() - began < 10
        assert server.hung_up.wait(60)


@every_protocol
def test_whoever_stops_listening_ends_the_request(protocol: str) -> None:
    going_on: list[Piece] = [Waits(0.05), "more"] * 400
    with talking(protocol, ["One.", *going_on]) as (provider, server):
        pieces = provider.stream("", [QUESTION], [], most_tokens=9, seconds=30)
        assert next(pieces) == "One."
        pieces.close()
        assert server.hung_up.wait(60)


# --- what each is asked ---------------------------------------------------------------------


def test_openai_stores_nothing_and_gets_its_own_thoughts_back() -> None:
    with talking("responses", [Asks("get_score")], ["68."]) as (provider, server):
        *_, ended = ask(provider)
        assert isinstance(ended, StepEnded)
        ask(provider, QUESTION, Wrote(ended.items), ToolReturned("call_0", "get_score", "{}"))
    first, second = (body for _, body in server.requests)
    assert first["store"] is False
    assert first["include"] == ["reasoning.encrypted_content"]
    assert (first["instructions"], first["max_output_tokens"], first["model"]) == ("Be kind.", 500, "gpt-5.6-luna")
    assert first["tools"] == [
        {
            "type": "function",
            "name": "get_score",
            "description": "The score.",
            "parameters": PARAMETERS,
            "strict": False,
        }
    ]
    assert [item.get("encrypted_content") for item in second["input"] if item.get("type") == "reasoning"] == ["gAAAA"]
    assert second["input"][-1] == {"type": "function_call_output", "call_id": "call_0", "output": "{}"}


def test_a_parameter_that_a_model_does_not_know_is_left_away_from_then_on() -> None:
    with talking("responses", ["One."], ["Two."]) as (provider, server):
        server.failures = [
            (400, {"error": {"message": "Unsupported", "param": "reasoning.effort", "code": "unsupported_parameter"}})
        ]
        assert ask(provider)[0] == "One."
        assert ask(provider)[0] == "Two."
    assert ["reasoning" in body for _, body in server.requests] == [True, False, False]


def test_ollama_is_told_how_much_context_it_needs_and_asked_once_what_it_can() -> None:
    with talking("ollama", ["One."], ["Two."]) as (provider, server):
        ask(provider)
        ask(provider)
    assert [path for path, _ in server.requests] == ["/api/show", "/api/chat", "/api/chat"]
    body = server.requests[1][1]
    assert body["options"] == {"num_ctx": 8192, "num_predict": 500}
    assert body["messages"][0] == {"role": "system", "content": "Be kind."}
    assert body["tools"][0]["function"]["parameters"]["properties"]["limit"]["type"] == "integer"


def test_a_model_without_tools_is_refused() -> None:
    with ollama_server(lambda _body: ["x"], capabilities=["completion"]) as server, pytest.raises(Refused):
        ask(ollama(server))


@pytest.mark.parametrize(
    "given",
    ["http://box:11434", "http://box:11434/", "http://box:11434/v1", "http://box:11434/v1/", " http://box:11434/api/ "],
)
def test_ollamas_address_is_understood_as_people_copy_it(given: str) -> None:
    assert server_url(given) == "http://box:11434"


def test_silence_is_fifteen_seconds() -> None:
    assert llm_streams.SILENCE_SECONDS == 15
