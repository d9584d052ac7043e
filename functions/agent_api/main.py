"""Asking the agent, and one's own conversations with it."""

import datetime as dt
from collections.abc import Generator, Iterator
from typing import Any
from uuid import UUID

from pydantic import Field

from vaultra.agent.answers import Sentence, ToolBegan, ToolEnded
from vaultra.agent.chat import Answered, Chat
from vaultra.agent.conversing import ChatEvent, Restarted
from vaultra.agent.tools import ToolContext
from vaultra.db.short_reads import short_reads
from vaultra.domain.conversations import Conversation, Message, Speaker
from vaultra.domain.limits import CHAT_BY_PERSON
from vaultra.domain.paging import Page
from vaultra.entrypoints import Access, Call, Routes, ServerEvent, Stream, http_function
from vaultra.schemas import Body, Name, Params, Reply
from vaultra.schemas_chat import (
    ChatQuestion,
    ChatReply,
    ChatStarted,
    CitationReply,
    Restart,
    Suggestions,
    TextTold,
    ToolTold,
)
from vaultra.usecases import conversations, limits

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
    """Something said; `tool_calls` and `citations` are what an answer rests on, `provider` who gave it."""

    id: UUID
    role: Speaker
    content: str
    tool_calls: tuple[dict[str, Any], ...] | None
    citations: tuple[dict[str, Any], ...] | None
    provider: str | None
    degraded: bool | None
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


@routes.post("/api/v1/agent/chat", access=Access.VIEWER, errors=(404, 429), streams=True)
def chat(call: Call, body: ChatQuestion) -> Stream[ChatReply]:
    """Ask the agent about a business.

    With `Accept: text/event-stream` the answer comes in pieces: `start`, then `tool`, `delta` and `citation` as they
    are, `restart` where the text so far is taken back, `suggestions`, and last `done` with the whole reply, or `error`
    with the envelope. Question and answer are kept together at the end, and not at all when the caller left before.
    """
    limits.take(call.db, call.now, CHAT_BY_PERSON.of(str(call.caller.user_id)))
    call.commit()
    services = call.services
    asking = Chat(
        context=ToolContext(
            business=call.business,
            now=call.now,
            open=short_reads(services.engine),
            embedder=services.embedder,
            vectors=services.vectors,
        ),
        user_id=call.caller.user_id,
        providers=services.llm_providers,
        tokens_per_day=services.agent.agent_tokens_per_day,
        begin=services.engine.begin,
        clock=services.clock,
    )
    history = asking.history(call.db, body.conversation_id)
    return Stream(_told(body.conversation_id, asking.reply(body.conversation_id, history, body.message)))


def _told(conversation_id: UUID | None, events: Iterator[ChatEvent | Answered]) -> Generator[ServerEvent]:
    """Each event as it is sent; the last is the whole reply."""
    yield ServerEvent("start", ChatStarted(conversation_id=conversation_id))
    cited = set[str]()
    for event in events:
        match event:
            case ToolBegan(id=number, name=name, title=title):
                yield ServerEvent("tool", ToolTold(phase="begin", id=number, name=name, title=title))
            case ToolEnded(done):
                ended = ToolTold(
                    phase="end", id=done.id, name=done.name, title=done.title, ms=done.milliseconds, ok=done.ok
                )
                yield ServerEvent("tool", ended)
            case Sentence(text, citations):
                yield ServerEvent("delta", TextTold(text=text))
                for citation in citations:
                    if citation.key not in cited:
                        cited.add(citation.key)
                        yield ServerEvent("citation", CitationReply.of(citation))
            case Restarted():
                cited.clear()
                yield ServerEvent("restart", Restart())
            case Answered(answer=answer):
                yield ServerEvent("suggestions", Suggestions(suggestions=list(answer.suggestions)))
                yield ServerEvent("done", ChatReply.of(event))


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
