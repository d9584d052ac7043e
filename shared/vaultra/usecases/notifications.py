"""Which mails a person wants, and the one click that ends some of them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import notifications
from vaultra.domain.notifications import Digest, Preferences, is_time_zone
from vaultra.domain.unsubscribing import Purpose, read_token
from vaultra.errors import InvalidInput, Unauthorized, Unprocessable


def get_preferences(conn: Connection, user_id: UUID) -> Preferences:
    """The mails the user wants; raise `Unauthorized` when the account is gone."""
    return _known(notifications.find_preferences(conn, user_id))


def update_preferences(conn: Connection, user_id: UUID, changes: Mapping[str, Any], now: dt.datetime) -> Preferences:
    """The same after setting `digest`, `alerts` or `time_zone`.

    Raises:
        Unprocessable: there is no such time zone.
        Unauthorized: the account is gone.
    """
    if not changes:
        return get_preferences(conn, user_id)
    if "time_zone" in changes and not is_time_zone(changes["time_zone"]):
        reason = "there is no such time zone; use an IANA name such as Europe/Berlin"
        raise Unprocessable(f"Invalid input: time_zone: {reason}", details={"field": "time_zone", "reason": reason})
    return _known(notifications.update_preferences(conn, user_id, changes, now))


def unsubscribe(conn: Connection, token: str, secrets: Sequence[str], now: dt.datetime) -> Purpose:
    """Do what the token in a mail's link says: end the digest, or the alerts; doing it again changes nothing.

    Args:
        secrets: What such tokens are signed with; any of them is good.

    Returns:
        Which mails come no more, also when the account is gone.

    Raises:
        InvalidInput: we did not write this token.
    """
    wish = read_token(token, secrets)
    if wish is None:
        raise InvalidInput(
            "This link is not whole. Open it again from the mail, or change what you get in the settings."
        )
    notifications.update_preferences(conn, wish.user_id, ENDED[wish.purpose], now)
    return wish.purpose


ENDED: dict[Purpose, Mapping[str, Any]] = {
    Purpose.DIGEST: {"digest": Digest.OFF.value},
    Purpose.ALERTS: {"alerts": False},
}


def _known(preferences: Preferences | None) -> Preferences:
    if preferences is None:
        raise Unauthorized("This account no longer exists.")
    return preferences
