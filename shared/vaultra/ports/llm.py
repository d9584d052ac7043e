"""Language models: what they are told, and what comes from them."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from vaultra.domain.conversations import Speaker, TokenCount
from vaultra.ports.calls import Json


@dataclass(frozen=True)
class ToolOffer:
    """A tool that a model may ask for; `parameters` is the JSON schema of its arguments."""

    name: str
    description: str
    parameters: Json


@dataclass(frozen=True)
class Said:
    """Text in the dialogue with a model."""

    role: Speaker
    text: str


@dataclass(frozen=True)
class Wrote:
    """What a model wrote in an earlier step of the same answer, as its own provider wants to have it back."""

    items: tuple[Json, ...]


@dataclass(frozen=True)
class ToolReturned:
    """What a tool gave, for the request with this id."""

    id: str
    name: str
    output: str


DialogueItem = Said | Wrote | ToolReturned


@dataclass(frozen=True)
class ToolRequest:
    """A model asks for a tool. `arguments` is the text it wrote: JSON, one hopes."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class StepEnded:
    """A model has said what it had to say, or waits for the tools it asked for.

    Attributes:
        items: What to hand back as `Wrote` in the next step.
        tokens: What the step cost; None when the provider did not tell.
        cut_off: Whether it had to stop in the middle, because the answer became too long.
    """

    items: tuple[Json, ...]
    tokens: TokenCount | None
    cut_off: bool = False


ModelPiece = str | ToolRequest | StepEnded


class LLMProvider(Protocol):
    """A language model. `name` tells who answered: `openai`, `ollama`."""

    @property
    def name(self) -> str: ...

    def stream(
        self,
        instructions: str,
        dialogue: Sequence[DialogueItem],
        tools: Sequence[ToolOffer],
        *,
        most_tokens: int,
        seconds: float,
    ) -> Generator[ModelPiece]:
        """One step: pieces of text and requests for tools as they come, then one `StepEnded`.

        Closing it ends the request.

        Args:
            most_tokens: How long the step's output may become.
            seconds: When the whole step has to be done; silence ends it sooner.

        Raises:
            Unavailable: the model does not answer, or breaks off.
        """
