"""Conversations with the agent."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from vaultra.db.models.declarative import NEW_UUID, NOW, Base


class AgentConversation(Base):
    """A conversation of one person about one business."""

    __tablename__ = "agent_conversations"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    business_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    title: Mapped[str | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)


class AgentMessage(Base):
    """One message of a conversation, with the tools and citations behind it.

    The last four are of answers only; `degraded` says that another than the first configured one had to answer.
    """

    __tablename__ = "agent_messages"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agent_conversations.id", ondelete="CASCADE"))
    role: Mapped[str]
    content: Mapped[str]
    tool_calls: Mapped[list[Any] | None]
    citations: Mapped[list[Any] | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    provider: Mapped[str | None]
    degraded: Mapped[bool | None]
    input_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    __table_args__ = (
        CheckConstraint("role in ('user', 'assistant')", name="ck_agent_messages_role"),
        Index("ix_agent_messages_conversation", "conversation_id", "created_at"),
    )


class AgentUsage(Base):
    """How many tokens of models a business has used, or set aside for calls under way, on a day of UTC."""

    __tablename__ = "agent_usage"
    business_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    tokens: Mapped[int]
