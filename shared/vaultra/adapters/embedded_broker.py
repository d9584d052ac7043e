"""The broker inside our own Postgres: publishing is one statement, within the caller's transaction if there is one."""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from vaultra.db import broker
from vaultra.db.engine import translate
from vaultra.ports import Message


class EmbeddedPublisher:
    """`JoiningPublisher` over the broker's tables."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def publish(self, messages: Sequence[Message]) -> None:
        if not messages:
            return
        try:
            with self._engine.begin() as connection:
                broker.publish(connection, messages)
        except SQLAlchemyError as error:
            raise translate(error) or error from error

    def join(self, connection: Connection, messages: Sequence[Message]) -> None:
        broker.publish(connection, messages)
