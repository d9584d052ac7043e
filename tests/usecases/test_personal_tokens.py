"""Personal access tokens; RELIABILITY row A22 for them."""

import datetime as dt
import re
import uuid
from uuid import UUID

import pytest
from sqlalchemy import Connection, delete, select, update

from tests import rows
from tests.rows import NOON
from vaultra.db import models
from vaultra.domain.personal_tokens import PersonalToken
from vaultra.errors import Conflict, Forbidden, NotFound, Unauthorized
from vaultra.usecases import personal_tokens

DAY, SECOND = dt.timedelta(days=1), dt.timedelta(seconds=1)
Token = models.PersonalAccessToken


class Owner:
    """A user with a business."""

    def __init__(self, db: Connection) -> None:
        self.id = rows.a_user(db)
        self.business_id = rows.a_business(db, owner=self.id)


@pytest.fixture
def owner(db: Connection) -> Owner:
    return Owner(db)


def create(
    db: Connection, user_id: UUID, business_id: UUID, *, days: int = 30, now: dt.datetime = NOON
) -> tuple[PersonalToken, str]:
    return personal_tokens.create(
        db, user_id=user_id, business_id=business_id, name="My assistant", lifetime=days * DAY, now=now
    )


def test_a_token_opens_its_business_until_it_expires(db: Connection, owner: Owner) -> None:
    kept, token = create(db, owner.id, owner.business_id)
    assert re.fullmatch(rf"vlt_{kept.id.hex}_[A-Za-z0-9_-]{{43}}", token)  # 256 bits
    assert (kept.name, kept.business_id, kept.expires_at) == ("My assistant", owner.business_id, NOON + 30 * DAY)
    assert personal_tokens.verify(db, token, NOON + 30 * DAY - SECOND) == (owner.id, owner.business_id)
    assert personal_tokens.verify(db, token, NOON + 30 * DAY) is None


def test_only_a_hash_is_stored(db: Connection, owner: Owner) -> None:
    _, token = create(db, owner.id, owner.business_id)
    secret = token.removeprefix("vlt_").partition("_")[2]
    assert secret not in str(db.execute(select(Token.__table__)).all())


def test_a_hash_copied_to_another_row_opens_nothing(db: Connection, owner: Owner) -> None:
    thief = Owner(db)
    mine, my_token = create(db, owner.id, owner.business_id)
    theirs, their_token = create(db, thief.id, thief.business_id)
    swapped = f"vlt_{mine.id.hex}_{their_token.rpartition(theirs.id.hex + '_')[2]}"
    stolen = db.execute(select(Token.token_hash).where(Token.id == theirs.id)).scalar_one()
    db.execute(update(Token).where(Token.id == mine.id).values(token_hash=stolen))
    for token in (swapped, my_token):
        assert personal_tokens.verify(db, token, NOON) is None
    # Nor from one token of one's own to another, which may last longer.
    again, again_token = create(db, owner.id, owner.business_id)
    own = db.execute(select(Token.token_hash).where(Token.id == again.id)).scalar_one()
    db.execute(update(Token).where(Token.id == mine.id).values(token_hash=own))
    assert personal_tokens.verify(db, f"vlt_{mine.id.hex}_{again_token[-43:]}", NOON) is None
    # Nor does a row that was given to somebody else, or made to open another business.
    rows.join(db, thief.id, owner.business_id, "viewer")
    db.execute(update(Token).where(Token.id == theirs.id).values(business_id=owner.business_id))
    assert personal_tokens.verify(db, their_token, NOON) is None


def test_what_is_no_token_opens_nothing(db: Connection, owner: Owner) -> None:
    kept, token = create(db, owner.id, owner.business_id)
    secret = token[-43:]
    changed = token[:-1] + ("A" if token[-1] != "A" else "B")
    unknown = f"vlt_{uuid.uuid4().hex}_{secret}"
    for bad in (
        "",
        "vlt_",
        changed,
        unknown,
        token + "x",
        token + "\n",
        " " + token,
        token.upper(),
        f"vlt_{kept.id}_{secret}",
        f"vlt_{kept.id.hex}_",
        f"vlt_{kept.id.hex}_{'é' * 43}",
        "vlt_" + "٣" * 32 + "_" + secret,
    ):
        assert personal_tokens.verify(db, bad, NOON) is None


def test_when_it_was_used_is_noted_once_a_minute(db: Connection, owner: Owner) -> None:
    _, token = create(db, owner.id, owner.business_id)
    noted = []
    for seconds in (0, 59, 60, 61, 120):
        personal_tokens.verify(db, token, NOON + seconds * SECOND)
        [kept] = personal_tokens.list_tokens(db, owner.id, NOON)
        assert kept.last_used_at is not None
        noted.append((kept.last_used_at - NOON).seconds)
    assert noted == [0, 0, 60, 60, 120]


def test_a_wrong_secret_notes_no_use(db: Connection, owner: Owner) -> None:
    kept, _ = create(db, owner.id, owner.business_id)
    personal_tokens.verify(db, f"vlt_{kept.id.hex}_{'x' * 43}", NOON)
    assert personal_tokens.list_tokens(db, owner.id, NOON) == [kept]


def test_a_token_dies_with_the_membership_and_does_not_come_back(db: Connection, owner: Owner) -> None:
    viewer = rows.a_user(db)
    rows.join(db, viewer, owner.business_id, "viewer")
    _, token = create(db, viewer, owner.business_id)
    assert personal_tokens.verify(db, token, NOON) == (viewer, owner.business_id)
    rows.leave(db, viewer, owner.business_id)
    assert personal_tokens.verify(db, token, NOON) is None
    rows.join(db, viewer, owner.business_id, "owner")
    assert personal_tokens.verify(db, token, NOON) is None


def test_a_revoked_token_opens_nothing_and_only_its_owner_revokes_it(db: Connection, owner: Owner) -> None:
    kept, token = create(db, owner.id, owner.business_id)
    for user_id, token_id in [(rows.a_user(db), kept.id), (owner.id, uuid.uuid4())]:
        with pytest.raises(NotFound):
            personal_tokens.revoke(db, user_id=user_id, token_id=token_id)
    personal_tokens.revoke(db, user_id=owner.id, token_id=kept.id)
    assert personal_tokens.verify(db, token, NOON) is None


def test_the_list_is_ones_own_and_what_is_good(db: Connection, owner: Owner) -> None:
    create(db, owner.id, owner.business_id, days=1, now=NOON - DAY)
    older, _ = create(db, owner.id, owner.business_id)
    newer, _ = create(db, owner.id, owner.business_id, now=NOON + SECOND)
    other = Owner(db)
    create(db, other.id, other.business_id)
    assert personal_tokens.list_tokens(db, owner.id, NOON) == [newer, older]


def test_one_has_twenty_that_are_good_at_most(db: Connection, owner: Owner) -> None:
    create(db, owner.id, owner.business_id, days=1, now=NOON - DAY)  # expired, and so not counted
    for _ in range(20):
        kept, _ = create(db, owner.id, owner.business_id)
    with pytest.raises(Conflict):
        create(db, owner.id, owner.business_id)
    personal_tokens.revoke(db, user_id=owner.id, token_id=kept.id)
    create(db, owner.id, owner.business_id)


def test_who_is_no_member_gets_none(db: Connection, owner: Owner) -> None:
    with pytest.raises(Forbidden):
        create(db, rows.a_user(db), owner.business_id)
    with pytest.raises(Forbidden):
        create(db, owner.id, uuid.uuid4())
    db.execute(delete(models.User).where(models.User.id == owner.id))
    with pytest.raises(Unauthorized):
        create(db, owner.id, owner.business_id)
