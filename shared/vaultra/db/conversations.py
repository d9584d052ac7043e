"""SQL for conversations: only ever one's own, and only while one is a member of their business."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, func, insert, select, tuple_, update

from vaultra.db import models
from vaultra.domain.conversations import Conversation, Exchange, Message, Speaker
from vaultra.domain.paging import Place

TABLE = models.AgentConversation
MESSAGE = models.AgentMessage
CONVERSATION = (TABLE.id, TABLE.business_id, TABLE.title, TABLE.created_at, TABLE.updated_at)
WHAT_WAS_SAID = (
    MESSAGE.id,
    MESSAGE.role,
    MESSAGE.content,
    MESSAGE.tool_calls,
    MESSAGE.citations,
    MESSAGE.provider,
    MESSAGE.degraded,
    MESSAGE.created_at,
)


def list_conversations(
    conn: Connection, user_id: UUID, business_id: UUID, *, after: Place | None, limit: int
) -> list[Conversation]:
    """The user's conversations about a business, the newest first.

    Args:
        after: Only those that come after this place; None means from the start.
        limit: How many at most.
    """
    statement = select(*CONVERSATION).where(_own(user_id), TABLE.business_id == business_id)
    if after is not None:
        statement = statement.where(tuple_(TABLE.created_at, TABLE.id) < tuple_(after.created_at, after.id))
    statement = statement.order_by(TABLE.created_at.desc(), TABLE.id.desc()).limit(limit)
    return [_conversation(row) for row in conn.execute(statement)]


def find_conversation(conn: Connection, user_id: UUID, conversation_id: UUID) -> Conversation | None:
    """The user's conversation; None for another's, for one of a business they left, and for none at all."""
    statement = select(*CONVERSATION).where(TABLE.id == conversation_id, _own(user_id))
    row = conn.execute(statement).one_or_none()
    return None if row is None else _conversation(row)


def list_messages(conn: Connection, user_id: UUID, conversation_id: UUID, *, limit: int) -> list[Message]:
    """The newest messages of the user's conversation, `limit` at most, the oldest of them first."""
    statement = (
        select(*WHAT_WAS_SAID)
        .join(TABLE, TABLE.id == MESSAGE.conversation_id)
        .where(MESSAGE.conversation_id == conversation_id, _own(user_id))
        # Of the same moment, a question ('user') comes before its answer ('assistant').
        .order_by(MESSAGE.created_at.desc(), MESSAGE.role, MESSAGE.id)
        .limit(limit)
    )
    return [_message(row) for row in reversed(conn.execute(statement).all())]


def insert_conversation(conn: Connection, user_id: UUID, business_id: UUID, title: str, now: dt.datetime) -> UUID:
    """A new conversation of the user about a business; gives its id."""
    values = {"user_id": user_id, "business_id": business_id, "title": title, "created_at": now, "updated_at": now}
    row_id: UUID = conn.execute(insert(TABLE).values(values).returning(TABLE.id)).scalar_one()
    return row_id


def mark_updated(
    conn: Connection, user_id: UUID, business_id: UUID, conversation_id: UUID, title: str, now: dt.datetime
) -> bool:
    """Say that something was said in the user's conversation, and give it a title if it has none.

    Locks it until the commit. False when it is not theirs, not about this business, or gone.
    """
    statement = (
        update(TABLE)
        .where(TABLE.id == conversation_id, TABLE.business_id == business_id, _own(user_id))
        .values(title=func.coalesce(TABLE.title, title), updated_at=now)
    )
    return conn.execute(statement).rowcount == 1


def insert_exchange(conn: Connection, conversation_id: UUID, exchange: Exchange) -> UUID:
    """Keep a question and its answer; gives the answer's id."""
    question = {"role": Speaker.USER.value, "content": exchange.question, "created_at": exchange.asked_at}
    answer = {
        "role": Speaker.ASSISTANT.value,
        "content": exchange.answer,
        "tool_calls": list(exchange.tool_calls),
        "citations": list(exchange.citations),
        "provider": exchange.provider,
        "degraded": exchange.degraded,
        "input_tokens": exchange.tokens.read,
        "output_tokens": exchange.tokens.written,
        "created_at": exchange.answered_at,
    }
    conn.execute(insert(MESSAGE).values(conversation_id=conversation_id, **question))
    statement = insert(MESSAGE).values(conversation_id=conversation_id, **answer).returning(MESSAGE.id)
    row_id: UUID = conn.execute(statement).scalar_one()
    return row_id


def update_title(
    conn: Connection, user_id: UUID, conversation_id: UUID, title: str, now: dt.datetime
) -> Conversation | None:
    """The user's conversation under a new title; None as for `find_conversation`."""
    row = conn.execute(
        update(TABLE)
        .where(TABLE.id == conversation_id, _own(user_id))
        .values(title=title, updated_at=now)
        .returning(*CONVERSATION)
    ).one_or_none()
    return None if row is None else _conversation(row)


def delete_conversation(conn: Connection, user_id: UUID, conversation_id: UUID) -> bool:
    """Delete the user's conversation with its messages; False when it is not theirs to delete."""
    return conn.execute(delete(TABLE).where(TABLE.id == conversation_id, _own(user_id))).rowcount == 1


def _own(user_id: UUID) -> ColumnElement[bool]:
    membership = models.UserBusinessMembership
    still_member = exists().where(membership.user_id == TABLE.user_id, membership.business_id == TABLE.business_id)
    return and_(TABLE.user_id == user_id, still_member)


def _conversation(row: Row[*tuple[Any, ...]]) -> Conversation:
    return Conversation(
        id=row.id,
        business_id=row.business_id,
        title=row.title,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _message(row: Row[*tuple[Any, ...]]) -> Message:
    return Message(
        id=row.id,
        role=Speaker(row.role),
        content=row.content,
        tool_calls=None if row.tool_calls is None else tuple(row.tool_calls),
        citations=None if row.citations is None else tuple(row.citations),
        created_at=row.created_at,
        provider=row.provider,
        degraded=row.degraded,
    )
