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


@dataclass(frozen=True)
class Message:
    """Something said. `tool_calls` and `citations` are what an answer rests on; None where nothing was recorded."""

    id: UUID
    role: Speaker
    content: str
    tool_calls: tuple[dict[str, Any], ...] | None
    citations: tuple[dict[str, Any], ...] | None
    created_at: dt.datetime
