"""OpenAI's language models, or those of a server that speaks its protocol."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from vaultra.adapters.llm_streams import CONNECT_SECONDS, SILENCE_SECONDS, cut_after
from vaultra.adapters.steady_llm import Refused
from vaultra.domain.conversations import Speaker, TokenCount
from vaultra.errors import Unavailable
from vaultra.ports import DialogueItem, Json, ModelPiece, Said, StepEnded, ToolOffer, ToolRequest, ToolReturned, Wrote

if TYPE_CHECKING:
    from openai import OpenAI

    from vaultra.config import OpenAiSettings

# What a model or a server may not know: it is left away from then on.
OPTIONAL = ("reasoning", "include", "stream_options")
# Trying again brings nothing after these: the key, the model's name or the request is wrong.
FINAL = (400, 401, 403, 404, 422)


class OpenAiLlm:
    """An `LLMProvider` over the Responses API, nothing stored there, or over chat completions for other servers."""

    name = "openai"

    def __init__(self, settings: OpenAiSettings) -> None:
        self._settings = settings
        self._client: OpenAI | None = None
        self._left_away: set[str] = set()

    def stream(
        self,
        instructions: str,
        dialogue: Sequence[DialogueItem],
        tools: Sequence[ToolOffer],
        *,
        most_tokens: int,
        seconds: float,
    ) -> Generator[ModelPiece]:
        chats = self._settings.openai_protocol == "chat"
        request = self._for_chat if chats else self._for_responses
        read = _read_chat if chats else _read_responses
        from httpx2 import HTTPError
        from openai import APIStatusError, OpenAIError

        ends = time.monotonic() + seconds
        try:
            response = self._open(request(instructions, dialogue, tools, most_tokens), seconds)
            with closing(response), cut_after(ends - time.monotonic(), response.response):
                yield from read(event.to_dict() for event in response)
        except APIStatusError as error:
            kind = Refused if error.status_code in FINAL else Unavailable
            raise kind(_said(error), retry_after=_retry_after(error.response.headers)) from error
        except (OpenAIError, HTTPError) as error:
            raise Unavailable(_said(error)) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unavailable(f"The model's server says what nobody understands ({type(error).__name__})") from error

    def _open(self, request: Json, seconds: float) -> Any:
        """The response whose events come; asked again without a parameter that the server does not know."""
        from httpx2 import Timeout
        from openai import BadRequestError

        silence = min(SILENCE_SECONDS, max(0.1, seconds))
        timeout = Timeout(silence, connect=min(CONNECT_SECONDS, silence))
        client = self._openai()
        create = client.chat.completions.create if "messages" in request else client.responses.create
        while True:
            known = {name: value for name, value in request.items() if name not in self._left_away}
            try:
                return create(**known, stream=True, timeout=timeout)
            except BadRequestError as error:
                unknown = (error.param or "").partition(".")[0].partition("[")[0]
                if unknown not in OPTIONAL or unknown not in known:
                    raise
                self._left_away.add(unknown)

    def _for_responses(
        self, instructions: str, dialogue: Sequence[DialogueItem], tools: Sequence[ToolOffer], most_tokens: int
    ) -> Json:
        effort = self._settings.openai_reasoning_effort
        # Nothing is stored there, so what a model thought goes back to it, in a form that only it can read.
        thinking = {"reasoning": {"effort": effort}, "include": ["reasoning.encrypted_content"]} if effort else {}
        return {
            "model": self._settings.openai_model,
            "instructions": instructions,
            "input": [part for item in dialogue for part in _response_items(item)],
            "tools": [{"type": "function", "strict": False, **_described(tool)} for tool in tools],
            "max_output_tokens": most_tokens,
            "store": False,
            **thinking,
        }

    def _for_chat(
        self, instructions: str, dialogue: Sequence[DialogueItem], tools: Sequence[ToolOffer], most_tokens: int
    ) -> Json:
        messages = [{"role": "system", "content": instructions}]
        request = {
            "model": self._settings.openai_model,
            "messages": messages + [part for item in dialogue for part in _chat_messages(item)],
            "max_tokens": most_tokens,
            "stream_options": {"include_usage": True},
        }
        offered = [{"type": "function", "function": _described(tool)} for tool in tools]
        return {**request, "tools": offered} if offered else request

    def _openai(self) -> OpenAI:
        if self._client is None:
            from openai import OpenAI

            self._client = OpenAI(
                api_key=self._settings.openai_api_key.get_secret_value(),
                base_url=self._settings.openai_base_url,
                # SteadyLlm tries again: the library would wait two minutes when a server asks it to.
                max_retries=0,
            )
        return self._client


def _described(tool: ToolOffer) -> Json:
    return {"name": tool.name, "description": tool.description, "parameters": tool.parameters}


# --- the Responses API ----------------------------------------------------------------------


def _response_items(item: DialogueItem) -> Sequence[Json]:
    match item:
        case Said(role, text):
            return [{"role": role.value, "content": text}]
        case Wrote(items):
            return items
        case ToolReturned(id=call, output=output):
            return [{"type": "function_call_output", "call_id": call, "output": output}]


def _read_responses(events: Iterator[Json]) -> Iterator[ModelPiece]:
    for event in events:
        match event["type"]:
            case "response.output_text.delta" | "response.refusal.delta":
                yield _text(event["delta"])
            case "response.output_item.done" if event["item"]["type"] == "function_call":
                yield _request(event["item"]["call_id"], event["item"]["name"], event["item"]["arguments"])
            case "response.completed" | "response.incomplete" as kind:
                response = event["response"]
                yield StepEnded(
                    items=tuple(response["output"]),
                    tokens=_tokens(response.get("usage"), "input_tokens", "output_tokens"),
                    cut_off=kind == "response.incomplete",
                )
                return
            case "response.failed" | "error":
                raise Unavailable("The model's server gave up")
    raise Unavailable("The model's server broke off")


# --- chat completions -----------------------------------------------------------------------


def _chat_messages(item: DialogueItem) -> Sequence[Json]:
    match item:
        case Said(role, text):
            return [{"role": role.value, "content": text}]
        case Wrote(items):
            return items
        case ToolReturned(id=call, output=output):
            return [{"role": "tool", "tool_call_id": call, "content": output}]


def _read_chat(events: Iterator[Json]) -> Iterator[ModelPiece]:
    said: list[str] = []
    calls: dict[int, Json] = {}
    tokens: TokenCount | None = None
    finish: str | None = None
    for event in events:
        tokens = _tokens(event.get("usage"), "prompt_tokens", "completion_tokens") or tokens
        for choice in event.get("choices") or []:
            delta = choice.get("delta") or {}
            if delta.get("content"):
                said.append(_text(delta["content"]))
                yield said[-1]
            for part in delta.get("tool_calls") or []:
                _join(calls, part)
            finish = choice.get("finish_reason") or finish
    if finish is None:
        raise Unavailable("The model's server broke off")
    for call in calls.values():
        yield _request(call["id"], call["function"]["name"], call["function"]["arguments"])
    message: Json = {"role": Speaker.ASSISTANT.value, "content": "".join(said)}
    if calls:
        message["tool_calls"] = list(calls.values())
    yield StepEnded((message,), tokens, cut_off=finish == "length")


def _join(calls: dict[int, Json], part: Json) -> None:
    """Add a piece of a request for a tool to what came of it before."""
    given = part.get("function") or {}
    number = part.get("index") or 0
    if number not in calls:
        calls[number] = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
    call = calls[number]
    call["id"] = part.get("id") or call["id"] or f"call_{number}"
    call["function"]["name"] += given.get("name") or ""
    call["function"]["arguments"] += given.get("arguments") or ""


# --- both -----------------------------------------------------------------------------------


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text is expected")
    return value


def _request(call: Any, name: Any, arguments: Any) -> ToolRequest:
    return ToolRequest(_text(call), _text(name), _text(arguments))


def _tokens(usage: Any, read: str, written: str) -> TokenCount | None:
    if not isinstance(usage, Mapping):
        return None
    return TokenCount(int(usage.get(read) or 0), int(usage.get(written) or 0))


def _said(error: Exception) -> str:
    # The library's own messages may quote keys and what was asked.
    status = getattr(error, "status_code", None)
    return f"The model can't be asked now ({type(error).__name__}{'' if status is None else f' {status}'})"


def _retry_after(headers: Mapping[str, str]) -> int | None:
    given = headers.get("retry-after", "")
    return int(given) if given.isdecimal() and len(given) < 6 else None
