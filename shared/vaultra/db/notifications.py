"""SQL for which mails a person wants."""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, update

from vaultra.db.models import User
from vaultra.domain.notifications import Digest, Preferences

PREFERENCES = (User.digest, User.alerts, User.time_zone)


def find_preferences(conn: Connection, user_id: UUID) -> Preferences | None:
    """The mails the user wants; None when there is no such user."""
    row = conn.execute(select(*PREFERENCES).where(User.id == user_id)).one_or_none()
    return _preferences(row)


def update_preferences(
    conn: Connection, user_id: UUID, changes: Mapping[str, Any], now: dt.datetime
) -> Preferences | None:
    """The mails the user wants after setting the given columns; None when there is no such user."""
    row = conn.execute(
        update(User).where(User.id == user_id).values(**changes, updated_at=now).returning(*PREFERENCES)
    ).one_or_none()
    return _preferences(row)


def _preferences(row: Row[*tuple[Any, ...]] | None) -> Preferences | None:
    return None if row is None else Preferences(Digest(row.digest), row.alerts, row.time_zone)
