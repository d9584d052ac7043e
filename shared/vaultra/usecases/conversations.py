"""Keeping, reading, naming and deleting one's own conversations with the agent."""

import datetime as dt
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import conversations
from vaultra.domain import paging
from vaultra.domain.accounts import Role
from vaultra.domain.conversations import Conversation, Exchange, Kept, Message, title_of
from vaultra.domain.paging import Page
from vaultra.errors import NotFound
from vaultra.usecases import memberships

MOST_MESSAGES = 200
"""How many of a conversation's messages are shown: the newest."""


def page(conn: Connection, *, user_id: UUID, business_id: UUID, cursor: str | None, limit: int) -> Page[Conversation]:
    """A page of the user's conversations about a business, the newest first.

    Args:
        cursor: The `next_cursor` of the page before; None means the first page.
        limit: How many at most.

    Raises:
        InvalidInput: the cursor is none of this list.
    """
    after = None if cursor is None else paging.read_cursor(cursor, ranks=0)
    found = conversations.list_conversations(conn, user_id, business_id, after=after, limit=limit + 1)
    return paging.cut(found, limit, lambda item: item.place)


def read(conn: Connection, *, user_id: UUID, conversation_id: UUID) -> tuple[Conversation, list[Message]]:
    """The user's conversation and its newest messages, the oldest of them first.

    Raises:
        NotFound: it is another's, or about a business the user is no member of any more, or does not exist.
    """
    conversation = conversations.find_conversation(conn, user_id, conversation_id)
    if conversation is None:
        raise _not_found()
    return conversation, conversations.list_messages(conn, user_id, conversation_id, limit=MOST_MESSAGES)


def read_about(
    conn: Connection, *, user_id: UUID, business_id: UUID, conversation_id: UUID, limit: int
) -> list[Message]:
    """The newest messages of the user's conversation about this business, the oldest of them first.

    Raises:
        NotFound: as `read` does, and when it is about another business.
    """
    conversation = conversations.find_conversation(conn, user_id, conversation_id)
    if conversation is None or conversation.business_id != business_id:
        raise _not_found()
    return conversations.list_messages(conn, user_id, conversation_id, limit=limit)


def keep(
    conn: Connection, *, user_id: UUID, business_id: UUID, conversation_id: UUID | None, exchange: Exchange
) -> Kept:
    """Keep a question with its answer, in a new conversation when `conversation_id` is None.

    Raises:
        NotFound: the conversation was deleted while the answer was made, or its user left the business.
        Forbidden: the user left the business, and there is no conversation yet.
    """
    title = title_of(exchange.question)
    if conversation_id is None:
        memberships.require_role(conn, user_id, business_id, Role.VIEWER)
        conversation_id = conversations.insert_conversation(conn, user_id, business_id, title, exchange.asked_at)
    elif not conversations.mark_updated(conn, user_id, business_id, conversation_id, title, exchange.answered_at):
        raise _not_found()
    return Kept(conversation_id, conversations.insert_exchange(conn, conversation_id, exchange))


def rename(conn: Connection, *, user_id: UUID, conversation_id: UUID, title: str, now: dt.datetime) -> Conversation:
    """The user's conversation under a new title; raise `NotFound` as `read` does."""
    conversation = conversations.update_title(conn, user_id, conversation_id, title, now)
    if conversation is None:
        raise _not_found()
    return conversation


def delete(conn: Connection, *, user_id: UUID, conversation_id: UUID) -> None:
    """Delete the user's conversation with its messages; raise `NotFound` as `read` does."""
    if not conversations.delete_conversation(conn, user_id, conversation_id):
        raise _not_found()


def _not_found() -> NotFound:
    return NotFound("There is no such conversation.")
