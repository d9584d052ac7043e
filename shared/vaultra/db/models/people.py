"""People and businesses."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from vaultra.db.models.declarative import NEW_UUID, NOW, Base


class User(Base):
    """A person who signs in. `email` is unique without regard to case.

    `email_verified_at` is when they first proved that its mailbox is theirs; None while they have not.
    `digest` and `alerts` are the mails they want; `time_zone` is an IANA name, in which their day begins.
    """

    __tablename__ = "users"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str | None]
    email_verified_at: Mapped[dt.datetime | None]
    avatar_url: Mapped[str | None]
    digest: Mapped[str] = mapped_column(server_default="daily")
    alerts: Mapped[bool] = mapped_column(server_default=text("true"))
    time_zone: Mapped[str] = mapped_column(server_default="UTC")
    created_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    __table_args__ = (
        CheckConstraint("digest in ('daily', 'weekly', 'off')", name="ck_users_digest"),
        Index("uq_users_email", text("lower(email)"), unique=True),
    )


class Identity(Base):
    """A user as an outside sign-in knows them. `email` is what it said when they first came."""

    __tablename__ = "identities"
    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    email: Mapped[str]
    created_at: Mapped[dt.datetime]


class Session(Base):
    """A bearer token is good while its session (`id` is its `jti`) exists and has not expired.

    `address_hash` is where the user signed in from. Refreshing opens a new session with the same
    `signed_in_at`, and lets the old one end a minute later.
    """

    __tablename__ = "sessions"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    address_hash: Mapped[str]
    signed_in_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)


class SignInState(Base):
    """One started Google sign-in; used once, within ten minutes, in the browser that started it.

    `state_hash` and `browser_hash` are hashes of what the address and the cookie carry.
    """

    __tablename__ = "sign_in_states"
    state_hash: Mapped[str] = mapped_column(primary_key=True)
    browser_hash: Mapped[str]
    nonce: Mapped[str]
    code_verifier: Mapped[str]
    next_path: Mapped[str | None]
    expires_at: Mapped[dt.datetime]


class PasswordReset(Base):
    """A mailed link to choose a new password; used once, within the hour. Only the token's hash is kept."""

    __tablename__ = "password_resets"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[dt.datetime]


class RateLimit(Base):
    """How much of a limit is used up: `key` names the limit and hashes who it is for.

    `full_at` is when the whole allowance is there again (GCRA's theoretical arrival time). Unlogged,
    because after a crash everybody may begin anew.
    """

    __tablename__ = "rate_limits"
    key: Mapped[str] = mapped_column(primary_key=True)
    full_at: Mapped[dt.datetime] = mapped_column(index=True)
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)


class Business(Base):
    """A business whose readiness Vaultra looks after."""

    __tablename__ = "businesses"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    name: Mapped[str]
    legal_entity: Mapped[str | None]
    industry: Mapped[str | None]
    revenue_estimate_minor: Mapped[int | None]
    founded_at: Mapped[dt.date | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)


class UserBusinessMembership(Base):
    """Who may see a business, and what they may do there."""

    __tablename__ = "user_business_memberships"
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    business_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("businesses.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=NOW)
    __table_args__ = (CheckConstraint("role in ('owner', 'admin', 'viewer')", name="ck_memberships_role"),)


class Invitation(Base):
    """An email address asked to join a business. `token_hash` is set when its mail is written."""

    __tablename__ = "invitations"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    business_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"))
    email: Mapped[str]
    role: Mapped[str]
    token_hash: Mapped[str | None] = mapped_column(unique=True)
    invited_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    __table_args__ = (
        CheckConstraint("role in ('owner', 'admin', 'viewer')", name="ck_invitations_role"),
        Index("uq_invitations_email", "business_id", text("lower(email)"), unique=True),
        Index("ix_invitations_email", text("lower(email)")),
    )


class PersonalAccessToken(Base):
    """A token for one's own assistant, good for one business as long as one is its member.

    The token is `vlt_{id}_{secret}`. `token_hash` is of the secret together with the ids of the token,
    the user and the business, so that a hash copied to another row opens nothing.
    """

    __tablename__ = "personal_access_tokens"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID]
    business_id: Mapped[uuid.UUID]
    name: Mapped[str]
    token_hash: Mapped[str]
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    last_used_at: Mapped[dt.datetime | None]
    __table_args__ = (
        ForeignKeyConstraint(
            ["user_id", "business_id"],
            ["user_business_memberships.user_id", "user_business_memberships.business_id"],
            name="fk_personal_access_tokens_membership",
            ondelete="CASCADE",
        ),
        Index("ix_personal_access_tokens_membership", "user_id", "business_id"),
    )


class Mail(Base):
    """A mail to send, or sent. It is written when it is sent, so that no link in it is ever stored.

    `kind` is a name in `domain.mails.MAILS`; `facts` is what it tells beside that. `dedupe_key` makes
    a mail of which there must be one only. `sent_at` is None while it waits; `dropped` says why it was
    not sent after all.
    """

    __tablename__ = "mails"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    kind: Mapped[str]
    recipient: Mapped[str]
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    business_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("businesses.id", ondelete="CASCADE"), index=True)
    invitation_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("invitations.id", ondelete="CASCADE"), index=True
    )
    facts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    dedupe_key: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[dt.datetime]
    sent_at: Mapped[dt.datetime | None]
    dropped: Mapped[str | None]
    __table_args__ = (
        Index("ix_mails_waiting", "created_at", postgresql_where=text("sent_at is null and dropped is null")),
        Index("ix_mails_recipient", text("lower(recipient)")),
    )
