"""SQL that gathers everything held about a person."""

import datetime as dt
from collections import defaultdict
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, or_, select

from vaultra.db import accounts, models
from vaultra.domain.accounts import Role
from vaultra.domain.export import (
    HeldBusiness,
    HeldConversation,
    HeldIdentity,
    HeldInvitation,
    HeldMail,
    HeldMessage,
    HeldSession,
)


def find_sign_in_facts(conn: Connection, user_id: UUID) -> tuple[dt.datetime | None, bool] | None:
    """When the user's email was verified, and whether they have a password; None when there is no such user."""
    user = models.User
    row = conn.execute(
        select(user.email_verified_at, user.password_hash.is_not(None).label("has_password")).where(user.id == user_id)
    ).one_or_none()
    return None if row is None else (row.email_verified_at, row.has_password)


def list_identities(conn: Connection, user_id: UUID) -> list[HeldIdentity]:
    """How the user signs in through others, oldest first."""
    identity = models.Identity
    statement = (
        select(identity.issuer, identity.email, identity.created_at)
        .where(identity.user_id == user_id)
        .order_by(identity.created_at, identity.issuer, identity.subject)
    )
    return [HeldIdentity(*row) for row in conn.execute(statement)]


def list_sessions(conn: Connection, user_id: UUID) -> list[HeldSession]:
    """The user's sessions that have not been cleared away, newest first."""
    session = models.Session
    statement = (
        select(session.signed_in_at, session.expires_at)
        .where(session.user_id == user_id)
        .order_by(session.expires_at.desc(), session.id)
    )
    return [HeldSession(*row) for row in conn.execute(statement)]


def list_businesses(conn: Connection, user_id: UUID) -> list[HeldBusiness]:
    """The user's businesses, oldest membership first, with the profile of those they own."""
    membership = models.UserBusinessMembership
    statement = (
        select(membership.business_id, membership.role, membership.created_at, models.Business.name)
        .join(models.Business, models.Business.id == membership.business_id)
        .where(membership.user_id == user_id)
        .order_by(membership.created_at, membership.business_id)
    )
    return [
        HeldBusiness(
            id=row.business_id,
            name=row.name,
            role=Role(row.role),
            joined_at=row.created_at,
            profile=accounts.find_business(conn, row.business_id) if row.role == Role.OWNER.value else None,
        )
        for row in conn.execute(statement).all()
    ]


def list_conversations(conn: Connection, user_id: UUID) -> list[HeldConversation]:
    """The user's conversations with their messages, oldest first."""
    conversation, message = models.AgentConversation, models.AgentMessage
    said = (
        select(
            message.conversation_id,
            message.role,
            message.content,
            message.tool_calls,
            message.citations,
            message.provider,
            message.degraded,
            message.created_at,
        )
        .join(conversation, conversation.id == message.conversation_id)
        .where(conversation.user_id == user_id)
        .order_by(message.created_at, message.id)
    )
    messages: dict[UUID, list[HeldMessage]] = defaultdict(list)
    for row in conn.execute(said):
        messages[row.conversation_id].append(
            HeldMessage(
                role=row.role,
                content=row.content,
                tool_calls=row.tool_calls,
                citations=row.citations,
                provider=row.provider,
                degraded=row.degraded,
                created_at=row.created_at,
            )
        )
    statement = (
        select(conversation.id, conversation.business_id, conversation.title, conversation.created_at)
        .where(conversation.user_id == user_id)
        .order_by(conversation.created_at, conversation.id)
    )
    return [HeldConversation(*row, messages=messages[row.id]) for row in conn.execute(statement)]


def list_invitations_sent(conn: Connection, user_id: UUID) -> list[HeldInvitation]:
    """The invitations the user sent that nobody accepted yet, oldest first."""
    return _invitations(conn, models.Invitation.invited_by == user_id)


def list_invitations_received(conn: Connection, email: str) -> list[HeldInvitation]:
    """The invitations to this address, in whatever case, that were not accepted yet, oldest first."""
    return _invitations(conn, func.lower(models.Invitation.email) == func.lower(email))


def list_mails(conn: Connection, user_id: UUID, email: str) -> list[HeldMail]:
    """The mails to the user or their address, oldest first."""
    mail = models.Mail
    statement = (
        select(mail.kind, mail.created_at, mail.sent_at)
        .where(or_(mail.user_id == user_id, func.lower(mail.recipient) == func.lower(email)))
        .order_by(mail.created_at, mail.id)
    )
    return [HeldMail(*row) for row in conn.execute(statement)]


def _invitations(conn: Connection, which: ColumnElement[Any]) -> list[HeldInvitation]:
    invitation = models.Invitation
    statement = (
        select(models.Business.name, invitation.email, invitation.role, invitation.created_at, invitation.expires_at)
        .join(models.Business, models.Business.id == invitation.business_id)
        .where(which)
        .order_by(invitation.created_at, invitation.id)
    )
    return [
        HeldInvitation(
            business_name=row.name,
            email=row.email,
            role=Role(row.role),
            created_at=row.created_at,
            expires_at=row.expires_at,
        )
        for row in conn.execute(statement)
    ]
