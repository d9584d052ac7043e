"""Conversations with the agent."""

import datetime as dt
from typing import Any
from uuid import UUID

from pydantic import Field

from vaultra.domain.conversations import Conversation, Message, Speaker
from vaultra.domain.paging import Page
from vaultra.entrypoints import Access, Call, Routes, http_function
from vaultra.schemas import Body, Name, Params, Reply
from vaultra.usecases import conversations

routes = Routes()


class ConversationsParams(Params):
    """The business they are about, and how many at once; `cursor` is the `next_cursor` of the page before."""

    business_id: UUID | None = None
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = None


class ConversationParams(Params):
    """The conversation in the path."""

    conversation_id: UUID


class ConversationTitle(Body):
    """What the conversation is to be called."""

    title: Name


class ConversationReply(Reply):
    """A conversation without its messages; `title` is null until it has one."""

    id: UUID
    business_id: UUID
    title: str | None
    created_at: dt.datetime
    updated_at: dt.datetime

    @classmethod
    def of(cls, conversation: Conversation) -> "ConversationReply":
        return cls.model_validate(conversation, from_attributes=True)


class ConversationsReply(Reply):
    """The newest first; `next_cursor` is null on the last page."""

    conversations: list[ConversationReply]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Conversation]) -> "ConversationsReply":
        items = [ConversationReply.of(item) for item in page.items]
        return cls(conversations=items, next_cursor=page.next_cursor)


class MessageReply(Reply):
    """Something said; `tool_calls` and `citations` are what an answer rests on."""

    id: UUID
    role: Speaker
    content: str
    tool_calls: tuple[dict[str, Any], ...] | None
    citations: tuple[dict[str, Any], ...] | None
    created_at: dt.datetime


class ConversationWithMessagesReply(Reply):
    """A conversation and its newest 200 messages, the oldest of them first."""

    id: UUID
    business_id: UUID
    title: str | None
    messages: list[MessageReply]

    @classmethod
    def of(cls, conversation: Conversation, messages: list[Message]) -> "ConversationWithMessagesReply":
        return cls(
            id=conversation.id,
            business_id=conversation.business_id,
            title=conversation.title,
            messages=[MessageReply.model_validate(message, from_attributes=True) for message in messages],
        )


@routes.get("/api/v1/agent/conversations", access=Access.VIEWER)
def list_conversations(call: Call, params: ConversationsParams) -> ConversationsReply:
    """One's own conversations about a business."""
    found = conversations.page(
        call.db,
        user_id=call.caller.user_id,
        business_id=call.business.id,
        cursor=params.cursor,
        limit=params.limit,
    )
    return ConversationsReply.of(found)


@routes.get("/api/v1/agent/conversations/{conversation_id}", access=Access.USER, errors=(404,))
def get_conversation(call: Call, params: ConversationParams) -> ConversationWithMessagesReply:
    """One of one's own conversations, with its messages."""
    return ConversationWithMessagesReply.of(
        *conversations.read(call.db, user_id=call.caller.user_id, conversation_id=params.conversation_id)
    )


@routes.patch("/api/v1/agent/conversations/{conversation_id}", access=Access.USER, errors=(404,))
def rename_conversation(call: Call, params: ConversationParams, body: ConversationTitle) -> ConversationReply:
    """Give one of one's own conversations a title."""
    renamed = conversations.rename(
        call.db,
        user_id=call.caller.user_id,
        conversation_id=params.conversation_id,
        title=body.title,
        now=call.now,
    )
    return ConversationReply.of(renamed)


@routes.delete("/api/v1/agent/conversations/{conversation_id}", access=Access.USER, errors=(404,))
def delete_conversation(call: Call, params: ConversationParams) -> None:
    """Delete one of one's own conversations with its messages."""
    conversations.delete(call.db, user_id=call.caller.user_id, conversation_id=params.conversation_id)


agent_api = http_function("agent_api", routes)
