"""Rows to begin a test with: people, businesses, memberships, recommendations and conversations."""

import datetime as dt
import uuid
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, insert
from sqlalchemy.dialects.postgresql import insert as upsert

from vaultra.db import models

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def a_user(db: Connection) -> UUID:
    """A new user."""
    return add(db, models.User, email=f"{uuid.uuid4().hex}@example.com", name="Ana")


def a_business(db: Connection, **roles: UUID) -> UUID:
    """A new business and its members by role: `owner=…, viewer=…`."""
    business_id = add(db, models.Business, name="Shop")
    for role, user_id in roles.items():
        join(db, user_id, business_id, role)
    return business_id


def join(db: Connection, user_id: UUID, business_id: UUID, role: str) -> None:
    """Make the user a member, or give the member another role."""
    row = {"user_id": user_id, "business_id": business_id, "role": role}
    db.execute(
        upsert(models.UserBusinessMembership)
        .values(row)
        .on_conflict_do_update(index_elements=["user_id", "business_id"], set_={"role": role})
    )


def leave(db: Connection, user_id: UUID, business_id: UUID) -> None:
    """End a membership."""
    membership = models.UserBusinessMembership
    db.execute(delete(membership).where(membership.user_id == user_id, membership.business_id == business_id))


def a_recommendation(db: Connection, business_id: UUID, **given: Any) -> UUID:
    """A recommendation of a rule of its own, as given and otherwise ordinary."""
    ordinary = {
        "rule_key": uuid.uuid4().hex,
        "title": "Reduce chargebacks",
        "description": "2.4 % of your payments are disputed.",
        "priority": "high",
        "category": "chargebacks",
        "estimated_impact": 15,
        "metric_refs": ["chargeback_ratio"],
        "created_at": NOON,
        "updated_at": NOON,
    }
    return add(db, models.Recommendation, business_id=business_id, **{**ordinary, **given})


def a_conversation(db: Connection, user_id: UUID, business_id: UUID, **given: Any) -> UUID:
    """A conversation, as given and otherwise ordinary."""
    ordinary = {"title": "My score", "created_at": NOON, "updated_at": NOON}
    return add(db, models.AgentConversation, user_id=user_id, business_id=business_id, **{**ordinary, **given})


def a_message(db: Connection, conversation_id: UUID, **given: Any) -> UUID:
    """A message of a conversation, as given and otherwise ordinary."""
    ordinary = {"role": "user", "content": "What is my score?", "created_at": NOON}
    return add(db, models.AgentMessage, conversation_id=conversation_id, **{**ordinary, **given})


def add(db: Connection, table: type[models.Base], **values: Any) -> UUID:
    """Insert one row of a table whose key is an id of ours; gives the id."""
    row_id: UUID = db.execute(insert(table).values(values).returning(table.__table__.c.id)).scalar_one()
    return row_id
