"""Conversations with the agent: each belongs to one person and is about one business."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from vaultra.domain.paging import Place


class Speaker(StrEnum):
    """Who said something."""

    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True)
class Conversation:
    """A conversation; `title` is None until it has one."""

    id: UUID
    business_id: UUID
    title: str | None
    created_at: dt.datetime
    updated_at: dt.datetime

    @property
    def place(self) -> Place:
        """Where it stands among its user's conversations: the newest first."""
        return Place((), self.created_at, self.id)


LONGEST_TITLE = 80


@dataclass(frozen=True)
class TokenCount:
    """What answers of models cost: how many tokens the models read and wrote."""

    read: int = 0
    written: int = 0

    @property
    def total(self) -> int:
        """Both together, as they count against a day's allowance."""
        return self.read + self.written

    def __add__(self, other: "TokenCount") -> "TokenCount":
        return TokenCount(self.read + other.read, self.written + other.written)


@dataclass(frozen=True)
class Exchange:
    """A question and its answer, as they are kept together.

    Attributes:
        tool_calls: Each use of a tool, in order, as the answer's reader may see it.
        citations: The sections of help articles that the answer names.
        provider: Who answered: `embedded`, or a model's provider.
        degraded: Whether another than the first configured one had to answer.
    """

    question: str
    answer: str
    tool_calls: tuple[dict[str, Any], ...]
    citations: tuple[dict[str, Any], ...]
    provider: str
    degraded: bool
    tokens: TokenCount
    asked_at: dt.datetime
    answered_at: dt.datetime


@dataclass(frozen=True)
class Kept:
    """Where an exchange is kept; `message_id` is the answer's."""

    conversation_id: UUID
    message_id: UUID


def title_of(question: str) -> str:
    """What a conversation is called after its first question: its first line, cut between words."""
    line = " ".join(question.split())
    if len(line) <= LONGEST_TITLE:
        return line
    cut = line[:LONGEST_TITLE]
    return f"{cut.rpartition(' ')[0] or cut}…"


@dataclass(frozen=True)
class Message:
    """Something said. `tool_calls` and `citations` are what an answer rests on; None where nothing was recorded.

    `provider` and `degraded` say who answered, and whether somebody else was to; None for questions and old answers.
    """

    id: UUID
    role: Speaker
    content: str
    tool_calls: tuple[dict[str, Any], ...] | None
    citations: tuple[dict[str, Any], ...] | None
    created_at: dt.datetime
    provider: str | None = None
    degraded: bool | None = None
