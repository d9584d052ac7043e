"""The statements about conversations."""

import datetime as dt
import uuid
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import Connection, func, select

from tests.rows import NOON, a_business, a_conversation, a_message, a_user, join, leave
from vaultra.db import conversations, models
from vaultra.domain.conversations import Conversation, Message, Speaker
from vaultra.domain.paging import Place

LATER = NOON + dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)


def own(db: Connection) -> tuple[UUID, UUID, UUID]:
    """A user, a business they belong to, and their conversation about it."""
    user_id = a_user(db)
    business_id = a_business(db, viewer=user_id)
    return user_id, business_id, a_conversation(db, user_id, business_id)


def test_a_conversation_is_read_as_it_was_written(db: Connection) -> None:
    user_id, business_id, row_id = own(db)
    expected = Conversation(row_id, business_id, "My score", NOON, NOON)
    assert conversations.find_conversation(db, user_id, row_id) == expected
    assert conversations.list_conversations(db, user_id, business_id, after=None, limit=10) == [expected]


def test_a_list_is_ones_own_about_one_business(db: Connection) -> None:
    user_id, business_id, row_id = own(db)
    colleague = a_user(db)
    join(db, colleague, business_id, "owner")
    a_conversation(db, colleague, business_id)
    a_conversation(db, user_id, a_business(db, owner=user_id))
    found = conversations.list_conversations(db, user_id, business_id, after=None, limit=10)
    assert [item.id for item in found] == [row_id]
    leave(db, user_id, business_id)
    assert conversations.list_conversations(db, user_id, business_id, after=None, limit=10) == []


@pytest.mark.parametrize("size", [1, 4, 11, 12, 13])
def test_pages_are_the_list_cut_the_newest_first(db: Connection, size: int) -> None:
    user_id = a_user(db)
    business_id = a_business(db, owner=user_id)
    for number in range(12):
        a_conversation(db, user_id, business_id, created_at=NOON - number // 3 * MINUTE, updated_at=LATER)
    whole = conversations.list_conversations(db, user_id, business_id, after=None, limit=100)
    assert [(item.created_at, item.id) for item in whole] == sorted(
        ((item.created_at, item.id) for item in whole), reverse=True
    )
    found: list[Conversation] = []
    after: Place | None = None
    while items := conversations.list_conversations(db, user_id, business_id, after=after, limit=size):
        found += items
        assert len(found) <= len(whole), "a page repeats an item"
        after = items[-1].place
    assert found == whole


def test_messages_are_the_newest_from_the_oldest_to_the_newest(db: Connection) -> None:
    user_id, _, row_id = own(db)
    for number in range(5):
        a_message(db, row_id, content=str(number), created_at=NOON + number * MINUTE)
    a_message(db, own(db)[2], content="of another conversation")
    found = conversations.list_messages(db, user_id, row_id, limit=3)
    assert [message.content for message in found] == ["2", "3", "4"]


def test_a_question_comes_before_its_answer_of_the_same_moment(db: Connection) -> None:
    user_id, _, row_id = own(db)
    for number in range(4):
        moment = NOON + number * MINUTE
        for role in ("assistant", "user") if number % 2 else ("user", "assistant"):
            a_message(db, row_id, role=role, created_at=moment)
    found = conversations.list_messages(db, user_id, row_id, limit=100)
    assert [message.role for message in found] == [Speaker.USER, Speaker.ASSISTANT] * 4


def test_a_message_carries_what_it_rests_on(db: Connection) -> None:
    user_id, _, row_id = own(db)
    calls, citations = [{"name": "get_score", "ok": True}], [{"doc_id": "chargebacks"}]
    message_id = a_message(db, row_id, role="assistant", content="68", tool_calls=calls, citations=citations)
    assert conversations.list_messages(db, user_id, row_id, limit=1) == [
        Message(message_id, Speaker.ASSISTANT, "68", tuple(calls), tuple(citations), NOON)
    ]


def test_a_title_is_set_on_ones_own_conversation(db: Connection) -> None:
    user_id, business_id, row_id = own(db)
    other = a_conversation(db, user_id, business_id, title="Another")
    changed = conversations.update_title(db, user_id, row_id, "Payouts", LATER)
    assert changed == Conversation(row_id, business_id, "Payouts", NOON, LATER)
    kept = conversations.find_conversation(db, user_id, other)
    assert kept is not None
    assert (kept.title, kept.updated_at) == ("Another", NOON)


def test_deleting_takes_the_messages_along_and_nothing_else(db: Connection) -> None:
    user_id, business_id, row_id = own(db)
    kept = a_conversation(db, user_id, business_id)
    for conversation_id in (row_id, kept):
        a_message(db, conversation_id)
    assert conversations.delete_conversation(db, user_id, row_id)
    assert not conversations.delete_conversation(db, user_id, row_id)
    counts = select(models.AgentMessage.conversation_id, func.count()).where(
        models.AgentMessage.conversation_id.in_([row_id, kept])
    )
    assert [tuple(row) for row in db.execute(counts.group_by(models.AgentMessage.conversation_id))] == [(kept, 1)]


def another_user(db: Connection, user_id: UUID, business_id: UUID, row_id: UUID) -> tuple[UUID, UUID]:
    colleague = a_user(db)
    join(db, colleague, business_id, "owner")
    return colleague, row_id


def a_former_member(db: Connection, user_id: UUID, business_id: UUID, row_id: UUID) -> tuple[UUID, UUID]:
    leave(db, user_id, business_id)
    a_business(db, owner=user_id)
    return user_id, row_id


def nothing(db: Connection, user_id: UUID, business_id: UUID, row_id: UUID) -> tuple[UUID, UUID]:
    return user_id, uuid.uuid4()


@pytest.mark.parametrize("whose", [another_user, a_former_member, nothing])
def test_what_is_not_ones_own_is_not_there(
    db: Connection, whose: Callable[[Connection, UUID, UUID, UUID], tuple[UUID, UUID]]
) -> None:
    user_id, business_id, row_id = own(db)
    a_message(db, row_id)
    asker, asked = whose(db, user_id, business_id, row_id)
    assert conversations.find_conversation(db, asker, asked) is None
    assert conversations.list_messages(db, asker, asked, limit=10) == []
    assert conversations.update_title(db, asker, asked, "Mine", LATER) is None
    assert not conversations.delete_conversation(db, asker, asked)
    join(db, user_id, business_id, "viewer")
    assert conversations.find_conversation(db, user_id, row_id) == Conversation(
        row_id, business_id, "My score", NOON, NOON
    )
