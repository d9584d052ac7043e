"""One call's transaction and its announcements: a broker in the same database takes them with the commit."""

import datetime as dt
from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, Engine, text

from tests.fakes import FakePublisher
from vaultra.adapters.embedded_broker import EmbeddedPublisher
from vaultra.call import Call, commit_and_announce, fail
from vaultra.db import broker
from vaultra.db.broker import Subscription
from vaultra.ports import JoiningPublisher, Message, Publisher
from vaultra.services import Services

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
TOPIC = "metrics-due"


class Reluctant(EmbeddedPublisher):
    """A broker in the database that can't take anything."""

    def join(self, connection: Connection, messages: Sequence[Message]) -> None:
        connection.execute(text("select 1 / 0"))


@pytest.fixture
def queue(fresh_engine: Engine) -> Engine:
    """A database where somebody listens to the topic."""
    listener = Subscription(TOPIC, TOPIC, "http://127.0.0.1:9", 10, 1, 10, 1)
    with fresh_engine.begin() as conn:
        broker.write_subscriptions(conn, [listener])
        conn.execute(text("create table effects (name text)"))
    return fresh_engine


def call_with(engine: Engine, publisher: Publisher) -> Call:
    """A call that has had an effect and has announced it."""
    services = Services(clock=lambda: NOW, engine=engine, publisher=publisher)
    call = Call(services=services, now=NOW, request_id="the-request", headers={})
    call.db.execute(text("insert into effects values ('one')"))
    call.publish(TOPIC, {"business_ids": []})
    return call


def kept(engine: Engine) -> tuple[int, int]:
    """Effects and messages that are committed."""
    with engine.connect() as conn:
        counted = text("select (select count(*) from effects), (select count(*) from broker_messages)")
        effects, messages = conn.execute(counted).one()
        return effects, messages


def test_only_the_broker_in_the_database_joins(queue: Engine) -> None:
    assert isinstance(EmbeddedPublisher(queue), JoiningPublisher)
    assert not isinstance(FakePublisher(), JoiningPublisher)


def test_the_effect_and_its_announcement_are_one_commit(queue: Engine) -> None:
    call = call_with(queue, EmbeddedPublisher(queue))
    call.commit()
    assert kept(queue) == (1, 1)  # so a crash at this place loses neither
    call.announce()
    assert kept(queue) == (1, 1)


def test_what_is_undone_is_not_announced(queue: Engine) -> None:
    call = call_with(queue, EmbeddedPublisher(queue))
    call.rollback()
    commit_and_announce(call, must_announce=True)
    assert kept(queue) == (0, 0)


def test_what_can_not_be_announced_is_undone(queue: Engine) -> None:
    call = call_with(queue, Reluctant(queue))
    with pytest.raises(Exception, match="division by zero") as raised:
        commit_and_announce(call, must_announce=False)
    fail(call, raised.value)
    assert kept(queue) == (0, 0)


def test_a_call_knows_whether_the_broker_joins(queue: Engine) -> None:
    assert call_with(queue, EmbeddedPublisher(queue)).broker_joins
    assert not call_with(queue, FakePublisher()).broker_joins


def test_a_call_of_one_statement_has_committed_it_at_once(queue: Engine) -> None:
    services = Services(clock=lambda: NOW, engine=queue, publisher=FakePublisher())
    call = Call(services=services, now=NOW, request_id="the-request", headers={})
    call.commits_each_statement = True
    call.db.execute(text("insert into effects values (:name)"), {"name": "one"})
    assert kept(queue) == (1, 0)
    call.rollback()
    assert kept(queue) == (1, 0)
    call.db.execute(text("insert into effects values (:name)"), {"name": "two"})
    call.commit()
    assert kept(queue) == (2, 0)


def test_another_broker_is_told_after_the_commit(queue: Engine) -> None:
    publisher = FakePublisher()
    call = call_with(queue, publisher)
    call.commit()
    assert (kept(queue), publisher.messages) == ((1, 0), [])
    call.announce()
    assert [message.topic for message in publisher.messages] == [TOPIC]


def test_an_announcement_without_a_transaction_gets_one_of_its_own(queue: Engine) -> None:
    services = Services(clock=lambda: NOW, engine=queue, publisher=EmbeddedPublisher(queue))
    call = Call(services=services, now=NOW, request_id="the-request", headers={})
    call.publish(TOPIC, {"business_ids": []})
    commit_and_announce(call, must_announce=True)
    assert kept(queue) == (0, 1)
