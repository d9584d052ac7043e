"""Which mails a person wants."""

import uuid

import pytest
from sqlalchemy import Connection

from tests import rows
from tests.rows import NOON
from vaultra.domain.notifications import Digest, Preferences
from vaultra.errors import Unauthorized
from vaultra.usecases import notifications


def test_everything_comes_until_one_says_otherwise(db: Connection) -> None:
    user_id, other = rows.a_user(db), rows.a_user(db)
    assert notifications.get_preferences(db, user_id) == Preferences(Digest.DAILY, alerts=True)
    steps: list[tuple[dict[str, object], Preferences]] = [
        ({"digest": "weekly"}, Preferences(Digest.WEEKLY, alerts=True)),
        ({"alerts": False}, Preferences(Digest.WEEKLY, alerts=False)),
        ({}, Preferences(Digest.WEEKLY, alerts=False)),
        ({"digest": "off", "alerts": True}, Preferences(Digest.OFF, alerts=True)),
    ]
    for changes, expected in steps:
        assert notifications.update_preferences(db, user_id, changes, NOON) == expected
        assert notifications.get_preferences(db, user_id) == expected
    assert notifications.get_preferences(db, other) == Preferences(Digest.DAILY, alerts=True)


def test_who_is_gone_wants_nothing(db: Connection) -> None:
    with pytest.raises(Unauthorized):
        notifications.get_preferences(db, uuid.uuid4())
    with pytest.raises(Unauthorized):
        notifications.update_preferences(db, uuid.uuid4(), {"alerts": False}, NOON)
