"""What an answer is made of, and what is told while it comes to be, whoever answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from vaultra.agent.tools import ToolOutcome
from vaultra.domain.conversations import Speaker
from vaultra.ports import Json


@dataclass(frozen=True)
class Turn:
    """Something said earlier in the conversation; `outcomes` is what an answer of ours rested on."""

    role: Speaker
    text: str
    outcomes: tuple[ToolOutcome, ...] = ()


@dataclass(frozen=True)
class Citation:
    """The section of a help article that says so; `url` is where an owner reads it."""

    doc_id: str
    title: str
    section: str
    heading: str
    url: str

    @property
    def key(self) -> str:
        """The section among all: `refunds-and-negative-balances#refund-rate`."""
        return f"{self.doc_id}#{self.section}"

    def as_json(self) -> Json:
        return asdict(self)


@dataclass(frozen=True)
class ToolBegan:
    """A tool runs now; `title` is what an owner reads meanwhile."""

    id: str
    name: str
    title: str


@dataclass(frozen=True)
class ToolEnded:
    """A tool has answered, or failed."""

    outcome: ToolOutcome


@dataclass(frozen=True)
class Sentence:
    """A verified piece of the answer with the space that follows it; the pieces joined are the whole text."""

    text: str
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True)
class Answer:
    """The whole answer.

    Attributes:
        outcomes: Every use of a tool, in order.
        suggestions: Questions that lead on.
        provider: Who answered: `embedded`, or a model's provider.
        degraded: Whether another than the first configured one had to answer.
        refused: Whether the question was declined.
    """

    text: str
    citations: tuple[Citation, ...]
    outcomes: tuple[ToolOutcome, ...]
    suggestions: tuple[str, ...]
    provider: str
    degraded: bool = False
    refused: bool = False


@dataclass(frozen=True)
class Finished:
    """Nothing follows."""

    answer: Answer


Event = ToolBegan | ToolEnded | Sentence | Finished
