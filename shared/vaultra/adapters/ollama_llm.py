"""A language model that an Ollama server runs, asked by Ollama's own protocol.

The other one, `/v1`, ignores how much context is asked for and cuts off the beginning of what is longer.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from vaultra.adapters.llm_streams import CONNECT_SECONDS, SILENCE_SECONDS, cut_after
from vaultra.adapters.steady_llm import Refused
from vaultra.domain.conversations import Speaker, TokenCount
from vaultra.errors import Unavailable
from vaultra.ports import DialogueItem, Json, ModelPiece, Said, StepEnded, ToolOffer, ToolRequest, ToolReturned, Wrote

if TYPE_CHECKING:
    import ollama

    from vaultra.config import OllamaSettings

# Loading a model takes longer than most answers.
KEEP_LOADED = "30m"
PROTOCOL_PATHS = ("/v1", "/api")


class OllamaLlm:
    """An `LLMProvider` over `/api/chat`. Before the first question the server is asked whether the model can do it."""

    name = "ollama"

    def __init__(self, settings: OllamaSettings) -> None:
        self._model = settings.ollama_model
        self._url = server_url(settings.ollama_base_url)
        self._context_tokens = settings.ollama_context_tokens
        self._is_able = False

    def stream(
        self,
        instructions: str,
        dialogue: Sequence[DialogueItem],
        tools: Sequence[ToolOffer],
        *,
        most_tokens: int,
        seconds: float,
    ) -> Generator[ModelPiece]:
        from httpx import HTTPError, InvalidURL
        from ollama import RequestError, ResponseError

        ends = time.monotonic() + seconds
        opened: list[Any] = []
        client = self._client(seconds, opened)
        try:
            self._check(client)
            opened.clear()
            parts = client.chat(
                self._model,
                [{"role": "system", "content": instructions}, *(part for item in dialogue for part in _messages(item))],
                tools=[_described(tool) for tool in tools],
                stream=True,
                options={"num_ctx": self._context_tokens, "num_predict": most_tokens},
                keep_alive=KEEP_LOADED,
            )
            # The response is there once the first part is.
            first = next(parts, None)
            with cut_after(ends - time.monotonic(), opened[-1]):
                yield from _read(first, parts)
        except ResponseError as error:
            # A server that is starting or overloaded answers 5xx; whatever else it says, it will say again.
            kind = Refused if 400 <= error.status_code < 500 and error.status_code != 429 else Unavailable
            raise kind(f"Ollama does not answer ({error.status_code})") from error
        except (HTTPError, InvalidURL, ConnectionError, RequestError) as error:
            raise Unavailable(f"Ollama can't be asked now ({type(error).__name__})") from error
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise Unavailable(f"Ollama says what nobody understands ({type(error).__name__})") from error
        finally:
            client.close()  # and with it a response that nobody reads any more

    def _check(self, client: ollama.Client) -> None:
        """Ask once whether the model is there and can use tools; raise `Refused` when it can't."""
        if self._is_able:
            return
        if "tools" not in (client.show(self._model).capabilities or []):
            raise Refused(f"The model {self._model} can't use tools")
        self._is_able = True

    def _client(self, seconds: float, opened: list[Any]) -> ollama.Client:
        """A client that puts every response into `opened`."""
        import httpx
        import ollama

        silence = min(SILENCE_SECONDS, max(0.1, seconds))
        return ollama.Client(
            self._url,
            timeout=httpx.Timeout(silence, connect=min(CONNECT_SECONDS, silence)),
            event_hooks={"response": [opened.append]},
        )


def server_url(given: str) -> str:
    """Where the server is, from what people copy: with or without a slash, a protocol's path or `http://`."""
    url = given.strip().rstrip("/")
    for path in PROTOCOL_PATHS:
        url = url.removesuffix(path).rstrip("/")
    return url


def _described(tool: ToolOffer) -> Json:
    function = {"name": tool.name, "description": tool.description, "parameters": _plain(tool.parameters)}
    return {"type": "function", "function": function}


def _plain(schema: Any) -> Any:
    """The schema without "or null": Ollama's library drops alternatives, and with them what is allowed instead."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if len(options) == 1:
        schema = {**options[0], **{name: value for name, value in schema.items() if name != "anyOf"}}
    return {name: _plain(value) for name, value in schema.items()}


def _messages(item: DialogueItem) -> Sequence[Json]:
    match item:
        case Said(role, text):
            return [{"role": role.value, "content": text}]
        case Wrote(items):
            return items
        case ToolReturned(name=name, output=output):
            return [{"role": "tool", "tool_name": name, "content": output}]


def _read(first: ollama.ChatResponse | None, rest: Iterator[ollama.ChatResponse]) -> Iterator[ModelPiece]:
    said: list[str] = []
    requests: list[ToolRequest] = []
    part = first
    while part is not None:
        if part.message.content:
            said.append(part.message.content)
            yield said[-1]
        for call in part.message.tool_calls or []:
            arguments = orjson.dumps(dict(call.function.arguments)).decode()
            requests.append(ToolRequest(f"call_{len(requests)}", call.function.name, arguments))
            yield requests[-1]
        if part.done:
            tokens = TokenCount(part.prompt_eval_count or 0, part.eval_count or 0)
            yield StepEnded((_message("".join(said), requests),), tokens, cut_off=part.done_reason == "length")
            return
        part = next(rest, None)
    raise Unavailable("Ollama broke off")


def _message(text: str, requests: Sequence[ToolRequest]) -> Json:
    message: Json = {"role": Speaker.ASSISTANT.value, "content": text}
    calls = [{"function": {"name": one.name, "arguments": orjson.loads(one.arguments)}} for one in requests]
    return {**message, "tool_calls": calls} if calls else message
