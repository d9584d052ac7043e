"""SQL for which mails a person wants."""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, update

from vaultra.db.models import User
from vaultra.domain.notifications import Digest, Preferences


def find_preferences(conn: Connection, user_id: UUID) -> Preferences | None:
    """The mails the user wants; None when there is no such user."""
    row = conn.execute(select(User.digest, User.alerts).where(User.id == user_id)).one_or_none()
    return _preferences(row)


def update_preferences(
    conn: Connection, user_id: UUID, changes: Mapping[str, Any], now: dt.datetime
) -> Preferences | None:
    """The mails the user wants after setting the given columns; None when there is no such user."""
    row = conn.execute(
        update(User).where(User.id == user_id).values(**changes, updated_at=now).returning(User.digest, User.alerts)
    ).one_or_none()
    return _preferences(row)


def _preferences(row: Row[*tuple[Any, ...]] | None) -> Preferences | None:
    return None if row is None else Preferences(digest=Digest(row.digest), alerts=row.alerts)
