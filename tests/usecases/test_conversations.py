"""Keeping, reading, naming and deleting one's own conversations."""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, func, select

from tests.rows import NOON, a_business, a_conversation, a_message, a_user, leave
from vaultra.db import models
from vaultra.domain.conversations import Exchange, TokenCount
from vaultra.errors import Forbidden, InvalidInput, NotFound
from vaultra.usecases import conversations

LATER = NOON + dt.timedelta(hours=1)


def test_the_last_page_says_that_it_is(db: Connection) -> None:
    user_id = a_user(db)
    business_id = a_business(db, viewer=user_id)
    ids = [a_conversation(db, user_id, business_id, created_at=NOON - dt.timedelta(days=age)) for age in range(3)]
    first = conversations.page(db, user_id=user_id, business_id=business_id, cursor=None, limit=2)
    assert ([item.id for item in first.items], first.next_cursor is None) == (ids[:2], False)
    second = conversations.page(db, user_id=user_id, business_id=business_id, cursor=first.next_cursor, limit=2)
    assert ([item.id for item in second.items], second.next_cursor) == (ids[2:], None)


def test_a_cursor_of_nothing_is_refused(db: Connection) -> None:
    with pytest.raises(InvalidInput):
        conversations.page(db, user_id=uuid.uuid4(), business_id=uuid.uuid4(), cursor="1", limit=1)


def test_of_a_long_conversation_the_newest_two_hundred_messages_are_read(db: Connection) -> None:
    user_id = a_user(db)
    row_id = a_conversation(db, user_id, a_business(db, viewer=user_id))
    for number in range(203):
        a_message(db, row_id, content=str(number), created_at=NOON + dt.timedelta(seconds=number))
    conversation, messages = conversations.read(db, user_id=user_id, conversation_id=row_id)
    assert conversation.id == row_id
    assert [message.content for message in messages] == [str(number) for number in range(3, 203)]


def test_a_conversation_is_renamed_and_deleted_once(db: Connection) -> None:
    user_id = a_user(db)
    row_id = a_conversation(db, user_id, a_business(db, viewer=user_id))
    renamed = conversations.rename(db, user_id=user_id, conversation_id=row_id, title="Payouts", now=LATER)
    assert (renamed.id, renamed.title, renamed.updated_at) == (row_id, "Payouts", LATER)
    conversations.delete(db, user_id=user_id, conversation_id=row_id)
    with pytest.raises(NotFound):
        conversations.delete(db, user_id=user_id, conversation_id=row_id)


ATTEMPTS: dict[str, Callable[[Connection, UUID, UUID], object]] = {
    "read": lambda db, user, row: conversations.read(db, user_id=user, conversation_id=row),
    "rename": lambda db, user, row: conversations.rename(
        db, user_id=user, conversation_id=row, title="Mine", now=LATER
    ),
    "delete": lambda db, user, row: conversations.delete(db, user_id=user, conversation_id=row),
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_anothers_is_as_good_as_none(db: Connection, attempt: Callable[[Connection, UUID, UUID], object]) -> None:
    colleague, user_id = a_user(db), a_user(db)
    business_id = a_business(db, owner=user_id, viewer=colleague)
    foreign = a_conversation(db, colleague, business_id)
    answers = set()
    for asked in (foreign, uuid.uuid4()):
        with pytest.raises(NotFound) as caught:
            attempt(db, user_id, asked)
        answers.add((caught.value.message, str(caught.value.details)))
    assert len(answers) == 1
    assert conversations.read(db, user_id=colleague, conversation_id=foreign)[0].title == "My score"


# --- keeping ---------------------------------------------------------------------------------


def exchange(question: str = "What is my score?") -> Exchange:
    return Exchange(
        question=question,
        answer="68.",
        tool_calls=({"name": "get_readiness_breakdown"},),
        citations=({"doc_id": "refunds"},),
        provider="openai",
        degraded=True,
        tokens=TokenCount(100, 20),
        asked_at=NOON,
        answered_at=NOON,
    )


def test_a_question_and_its_answer_are_kept_together_and_read_in_order(db: Connection) -> None:
    user_id = a_user(db)
    business_id = a_business(db, viewer=user_id)
    who: dict[str, Any] = {"user_id": user_id, "business_id": business_id}
    first = conversations.keep(db, **who, conversation_id=None, exchange=exchange())
    later = replace(exchange("And now?"), asked_at=LATER, answered_at=LATER)
    second = conversations.keep(db, **who, conversation_id=first.conversation_id, exchange=later)
    assert second.conversation_id == first.conversation_id
    found = conversations.read_about(db, **who, conversation_id=first.conversation_id, limit=10)
    assert [message.content for message in found] == ["What is my score?", "68.", "And now?", "68."]
    assert [(message.provider, message.degraded) for message in found] == [(None, None), ("openai", True)] * 2
    assert found[3].id == second.message_id
    conversation, _ = conversations.read(db, user_id=user_id, conversation_id=first.conversation_id)
    assert (conversation.title, conversation.updated_at) == ("What is my score?", LATER)


def test_a_conversation_without_a_title_gets_one(db: Connection) -> None:
    user_id = a_user(db)
    business_id = a_business(db, viewer=user_id)
    row_id = a_conversation(db, user_id, business_id, title=None)
    conversations.keep(db, user_id=user_id, business_id=business_id, conversation_id=row_id, exchange=exchange())
    assert conversations.read(db, user_id=user_id, conversation_id=row_id)[0].title == "What is my score?"


def test_nothing_is_kept_for_whoever_left_or_in_what_is_anothers(db: Connection) -> None:
    user_id, colleague = a_user(db), a_user(db)
    business_id, other = a_business(db, viewer=user_id, owner=colleague), a_business(db, owner=user_id)
    theirs, elsewhere = a_conversation(db, colleague, business_id), a_conversation(db, user_id, other)
    who: dict[str, Any] = {"user_id": user_id, "business_id": business_id}
    for row_id in (theirs, elsewhere, uuid.uuid4()):
        with pytest.raises(NotFound):
            conversations.keep(db, **who, conversation_id=row_id, exchange=exchange())
        with pytest.raises(NotFound):
            conversations.read_about(db, **who, conversation_id=row_id, limit=10)
    mine = a_conversation(db, user_id, business_id)
    leave(db, user_id, business_id)
    with pytest.raises(NotFound):
        conversations.keep(db, **who, conversation_id=mine, exchange=exchange())
    with pytest.raises(Forbidden):
        conversations.keep(db, **who, conversation_id=None, exchange=exchange())
    assert db.scalar(select(func.count()).select_from(models.AgentMessage).filter_by(conversation_id=mine)) == 0
