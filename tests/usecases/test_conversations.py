"""Reading, naming and deleting one's own conversations."""

import datetime as dt
import uuid
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import Connection

from tests.rows import NOON, a_business, a_conversation, a_message, a_user
from vaultra.errors import InvalidInput, NotFound
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
