"""Giving a person everything that is held about them."""

import datetime as dt
import uuid
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, insert, select, update

from tests import rows
from tests.rows import NOON
from vaultra.db import models
from vaultra.domain.accounts import Role
from vaultra.domain.export import HeldIdentity, HeldInvitation, HeldMail, HeldSession
from vaultra.domain.notifications import Digest, Preferences
from vaultra.errors import Unauthorized
from vaultra.usecases import export, members, personal_tokens

HOUR = dt.timedelta(hours=1)


def add(db: Connection, table: type[models.Base], **values: Any) -> None:
    db.execute(insert(table).values(values))


def fill(db: Connection, user_id: UUID, mark: str) -> None:
    """One of everything held about a user, `mark` in every word of it."""
    user = models.User
    db.execute(
        update(user)
        .where(user.id == user_id)
        .values(email=f"{mark}@example.com", name=mark, password_hash="hash", email_verified_at=NOON, digest="weekly")
    )
    business_id = rows.a_business(db, owner=user_id)
    db.execute(update(models.Business).where(models.Business.id == business_id).values(name=mark, industry="retail"))
    add(db, models.Identity, issuer=mark, subject=mark, user_id=user_id, email=f"{mark}@example.com", created_at=NOON)
    add(db, models.Session, user_id=user_id, address_hash=mark, signed_in_at=NOON, expires_at=NOON + HOUR)
    personal_tokens.create(db, user_id=user_id, business_id=business_id, name=mark, lifetime=HOUR, now=NOON)
    conversation_id = rows.a_conversation(db, user_id, business_id, title=mark)
    for minutes, said in [(1, "second"), (0, "first")]:
        at = NOON + dt.timedelta(minutes=minutes)
        rows.a_message(db, conversation_id, content=f"{said} of {mark}", created_at=at)
    members.invite(
        db, business_id=business_id, caller_id=user_id, email=f"to-{mark}@example.com", role=Role.ADMIN, now=NOON
    )
    host = rows.a_user(db)
    their_business = rows.a_business(db, owner=host, viewer=user_id)
    inviting = rows.a_business(db, owner=host)
    members.invite(
        db, business_id=inviting, caller_id=host, email=f"{mark.upper()}@example.com", role=Role.VIEWER, now=NOON
    )
    rows.a_conversation(db, host, their_business, title="not theirs")
    add(db, models.Mail, kind="a", recipient=f"{mark.upper()}@EXAMPLE.com", created_at=NOON)
    add(db, models.Mail, kind="b", recipient="x@example.com", user_id=user_id, created_at=NOON + HOUR, sent_at=NOON)


def test_all_of_it_and_nothing_of_others(db: Connection) -> None:
    mine, other = rows.a_user(db), rows.a_user(db)
    fill(db, other, "somebody")
    fill(db, mine, "ana")
    held = export.gather(db, mine, NOON)
    assert "somebody" not in repr(held)
    assert "not theirs" not in repr(held)
    assert (held.user.id, held.user.email, held.user.name) == (mine, "ana@example.com", "ana")
    assert (held.email_verified_at, held.has_password) == (NOON, True)
    assert held.preferences == Preferences(Digest.WEEKLY, alerts=True, time_zone="UTC")
    assert held.identities == [HeldIdentity("ana", "ana@example.com", NOON)]
    assert held.sessions == [HeldSession(NOON, NOON + HOUR)]
    own, joined = sorted(held.businesses, key=lambda business: business.role)
    assert (own.name, own.role, joined.name, joined.role) == ("ana", Role.OWNER, "Shop", Role.VIEWER)
    assert own.profile is not None
    assert (own.profile.id, own.profile.industry) == (own.id, "retail")
    assert joined.profile is None
    assert [token.name for token in held.tokens] == ["ana"]
    [conversation] = held.conversations
    assert (conversation.title, conversation.business_id) == ("ana", own.id)
    assert [message.content for message in conversation.messages] == ["first of ana", "second of ana"]
    week = NOON + dt.timedelta(days=7)
    assert held.invitations_sent == [HeldInvitation("ana", "to-ana@example.com", Role.ADMIN, NOON, week)]
    assert held.invitations_received == [HeldInvitation("Shop", "ANA@example.com", Role.VIEWER, NOON, week)]
    assert held.mails == [HeldMail("a", NOON, None), HeldMail("b", NOON + HOUR, NOON)]


def test_no_secret_and_no_hash_is_among_it(db: Connection) -> None:
    user_id = rows.a_user(db)
    fill(db, user_id, "ana")
    db.execute(update(models.Invitation).values(token_hash=models.Invitation.email + "-hash"))
    db.execute(update(models.User).where(models.User.id == user_id).values(password_hash="a-hash"))
    db.execute(update(models.Session).values(address_hash="address-hash"))
    token_hash = db.execute(select(models.PersonalAccessToken.token_hash)).scalar_one()
    held = repr(export.gather(db, user_id, NOON))
    assert "-hash" not in held
    assert token_hash not in held


def test_who_is_gone_holds_nothing(db: Connection) -> None:
    with pytest.raises(Unauthorized):
        export.gather(db, uuid.uuid4(), NOON)
