"""Which mails a person wants."""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import notifications
from vaultra.domain.notifications import Preferences
from vaultra.errors import Unauthorized


def get_preferences(conn: Connection, user_id: UUID) -> Preferences:
    """The mails the user wants; raise `Unauthorized` when the account is gone."""
    return _known(notifications.find_preferences(conn, user_id))


def update_preferences(conn: Connection, user_id: UUID, changes: Mapping[str, Any], now: dt.datetime) -> Preferences:
    """The same after setting `digest` or `alerts`; raise `Unauthorized` when the account is gone."""
    if not changes:
        return get_preferences(conn, user_id)
    return _known(notifications.update_preferences(conn, user_id, changes, now))


def _known(preferences: Preferences | None) -> Preferences:
    if preferences is None:
        raise Unauthorized("This account no longer exists.")
    return preferences
