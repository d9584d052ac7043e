"""Messages that failed, and the embedded broker."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from vaultra.db.models.declarative import NOW, Base


class DeadLetter(Base):
    """A message that failed for good, kept until an operator replays or drops it."""

    __tablename__ = "dead_letters"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    message_id: Mapped[str]
    subscription: Mapped[str]
    topic: Mapped[str]
    data: Mapped[bytes] = mapped_column(LargeBinary)
    attributes: Mapped[dict[str, Any]]
    ordering_key: Mapped[str] = mapped_column(server_default="")
    attempts: Mapped[int] = mapped_column(Integer)
    error: Mapped[str | None]
    dead_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    replayed_at: Mapped[dt.datetime | None]
    __table_args__ = (UniqueConstraint("subscription", "message_id", name="uq_dead_letters_message"),)


class BrokerSubscription(Base):
    """The embedded broker's subscriptions; written from functions.yaml when it starts."""

    __tablename__ = "broker_subscriptions"
    name: Mapped[str] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(index=True)
    endpoint: Mapped[str]
    ack_deadline_seconds: Mapped[float]
    min_backoff_seconds: Mapped[float]
    max_backoff_seconds: Mapped[float]
    max_attempts: Mapped[int | None] = mapped_column(Integer)
    dead_letter_topic: Mapped[str | None]
    max_outstanding: Mapped[int] = mapped_column(Integer)


class BrokerMessage(Base):
    """A published message of the embedded broker."""

    __tablename__ = "broker_messages"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    topic: Mapped[str]
    data: Mapped[bytes] = mapped_column(LargeBinary)
    attributes: Mapped[dict[str, Any]]
    ordering_key: Mapped[str] = mapped_column(server_default="")
    published_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)


class BrokerDelivery(Base):
    """A message on its way to one subscription; deleted when acknowledged.

    `attempts` counts deliveries begun; `visible_at` is when the next one may begin (the end of the
    running one's ack deadline, or of the back-off).
    """

    __tablename__ = "broker_deliveries"
    subscription: Mapped[str] = mapped_column(
        ForeignKey("broker_subscriptions.name", ondelete="CASCADE"), primary_key=True
    )
    message_id: Mapped[int] = mapped_column(ForeignKey("broker_messages.id", ondelete="CASCADE"), primary_key=True)
    ordering_key: Mapped[str]
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    visible_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    last_error: Mapped[str | None]
    __table_args__ = (
        Index("ix_broker_deliveries_due", "subscription", "visible_at"),
        Index("ix_broker_deliveries_message", "message_id"),
    )
