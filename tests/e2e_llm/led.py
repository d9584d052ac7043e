"""The adapter for OpenAI's protocol as a small model on a slow machine needs it: led to a tool, and given time."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence

from pydantic import SecretStr

from vaultra.adapters.openai_llm import OpenAiLlm
from vaultra.config import OpenAiSettings
from vaultra.ports import DialogueItem, Json, ModelPiece, ToolOffer, ToolReturned

# A conversation has 45 seconds, meant for a model in a data centre; here each of them lasts so long.
PATIENCE = 4.0
MOST_TOKENS_WRITTEN = 160


def slow_timer() -> float:
    """Seconds as the conversation counts them."""
    return time.monotonic() / PATIENCE


class LedLlm(OpenAiLlm):
    """Asks for a tool before an answer, which a small model hardly decides for itself; the rest is the adapter's.

    Which tool, and what it says, is up to the model. It may still talk first: the server lets text stand before a tool.
    """

    def __init__(self, address: str) -> None:
        super().__init__(
            OpenAiSettings(
                openai_api_key=SecretStr("none-is-needed"),
                openai_base_url=address,
                openai_model="local",
                openai_protocol="chat",
            )
        )

    def stream(
        self,
        instructions: str,
        dialogue: Sequence[DialogueItem],
        tools: Sequence[ToolOffer],
        *,
        most_tokens: int,
        seconds: float,
    ) -> Generator[ModelPiece]:
        fewer = min(most_tokens, MOST_TOKENS_WRITTEN)
        return super().stream(instructions, dialogue, tools, most_tokens=fewer, seconds=seconds * PATIENCE)

    def _for_chat(
        self, instructions: str, dialogue: Sequence[DialogueItem], tools: Sequence[ToolOffer], most_tokens: int
    ) -> Json:
        looked_up = any(isinstance(item, ToolReturned) for item in dialogue)
        request = super()._for_chat(instructions, dialogue, tools, most_tokens)
        # The server tells how far it has read: the adapter takes one that is silent for long for dead.
        return {
            **request,
            "tool_choice": "none" if looked_up else "required",
            "extra_body": {"return_progress": True, "cache_prompt": True},
        }
