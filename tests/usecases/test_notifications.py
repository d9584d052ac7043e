"""Which mails a person wants, and the link that ends some of them."""

import uuid
from typing import Any

import pytest
from sqlalchemy import Connection

from tests import rows
from tests.rows import NOON
from vaultra.domain.notifications import Digest, Preferences
from vaultra.domain.unsubscribing import Purpose, Unsubscription, write_token
from vaultra.errors import InvalidInput, Unauthorized, Unprocessable
from vaultra.usecases import notifications

SECRETS = ["a-secret-of-the-tests-with-32-bytes"]


def wants(digest: Digest = Digest.DAILY, *, alerts: bool = True, time_zone: str = "UTC") -> Preferences:
    return Preferences(digest, alerts, time_zone)


def test_everything_comes_until_one_says_otherwise(db: Connection) -> None:
    user_id, other = rows.a_user(db), rows.a_user(db)
    assert notifications.get_preferences(db, user_id) == wants()
    steps: list[tuple[dict[str, Any], Preferences]] = [
        ({"digest": "weekly"}, wants(Digest.WEEKLY)),
        ({"alerts": False}, wants(Digest.WEEKLY, alerts=False)),
        ({}, wants(Digest.WEEKLY, alerts=False)),
        ({"time_zone": "Asia/Kathmandu"}, wants(Digest.WEEKLY, alerts=False, time_zone="Asia/Kathmandu")),
        ({"digest": "off", "alerts": True}, wants(Digest.OFF, time_zone="Asia/Kathmandu")),
    ]
    for changes, expected in steps:
        assert notifications.update_preferences(db, user_id, changes, NOON) == expected
        assert notifications.get_preferences(db, user_id) == expected
    assert notifications.get_preferences(db, other) == wants()


def test_a_time_zone_that_is_none_changes_nothing(db: Connection) -> None:
    user_id = rows.a_user(db)
    with pytest.raises(Unprocessable, match="no such time zone"):
        notifications.update_preferences(db, user_id, {"digest": "off", "time_zone": "Mars/Olympus_Mons"}, NOON)
    assert notifications.get_preferences(db, user_id) == wants()


def test_who_is_gone_wants_nothing(db: Connection) -> None:
    with pytest.raises(Unauthorized):
        notifications.get_preferences(db, uuid.uuid4())
    with pytest.raises(Unauthorized):
        notifications.update_preferences(db, uuid.uuid4(), {"alerts": False}, NOON)


@pytest.mark.parametrize(
    ("purpose", "left"), [(Purpose.DIGEST, wants(Digest.OFF)), (Purpose.ALERTS, wants(alerts=False))]
)
def test_a_link_ends_what_it_is_about_of_whom_it_was_sent_to(
    db: Connection, purpose: Purpose, left: Preferences
) -> None:
    user_id, other = rows.a_user(db), rows.a_user(db)
    token = write_token(Unsubscription(user_id, purpose), SECRETS)
    for _ in range(2):
        assert notifications.unsubscribe(db, token, SECRETS, NOON) is purpose
    assert notifications.get_preferences(db, user_id) == left
    assert notifications.get_preferences(db, other) == wants()


def test_a_link_of_somebody_who_is_gone_has_nothing_to_end(db: Connection) -> None:
    token = write_token(Unsubscription(uuid.uuid4(), Purpose.DIGEST), SECRETS)
    assert notifications.unsubscribe(db, token, SECRETS, NOON) is Purpose.DIGEST


def test_a_link_that_is_not_ours_ends_nothing(db: Connection) -> None:
    user_id = rows.a_user(db)
    token = write_token(Unsubscription(user_id, Purpose.DIGEST), ["another-secret-of-the-tests-32-bytes"])
    with pytest.raises(InvalidInput):
        notifications.unsubscribe(db, token, SECRETS, NOON)
    assert notifications.get_preferences(db, user_id) == wants()
