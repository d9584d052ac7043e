"""Forgetting what has expired: one list of what expires, and of how long it is kept after that."""

import datetime as dt

from sqlalchemy import Connection, delete

from vaultra.db import models

AT_ONCE = dt.timedelta(0)
KEPT = (
    # From where somebody signed in stays familiar for a month.
    (models.Session.expires_at, dt.timedelta(days=30)),
    (models.RateLimit.full_at, AT_ONCE),
    (models.OauthState.expires_at, AT_ONCE),
    (models.SignInState.expires_at, AT_ONCE),
    (models.PasswordReset.expires_at, AT_ONCE),
    # Their owners see for a week that they have expired.
    (models.Invitation.expires_at, dt.timedelta(days=7)),
    (models.PersonalAccessToken.expires_at, dt.timedelta(days=7)),
)


def purge(conn: Connection, now: dt.datetime) -> dict[str, int]:
    """Forget what expired long enough ago; how many rows of each table."""
    return {
        column.class_.__tablename__: conn.execute(delete(column.class_).where(column <= now - kept)).rowcount
        for column, kept in KEPT
    }
