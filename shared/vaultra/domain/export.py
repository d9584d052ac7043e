"""Everything held about a person, as they may take it with them."""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from vaultra.domain.accounts import Business, Role, User
from vaultra.domain.notifications import Preferences
from vaultra.domain.personal_tokens import PersonalToken


@dataclass(frozen=True)
class HeldIdentity:
    """A way of signing in through somebody else; `email` is what they said when it was first used."""

    issuer: str
    email: str
    created_at: dt.datetime


@dataclass(frozen=True)
class HeldSession:
    """When the person signed in, and until when it lasts."""

    signed_in_at: dt.datetime
    expires_at: dt.datetime


@dataclass(frozen=True)
class HeldBusiness:
    """A business they belong to; `profile` is None unless they own it."""

    id: UUID
    name: str
    role: Role
    joined_at: dt.datetime
    profile: Business | None


@dataclass(frozen=True)
class HeldMessage:
    """One message of a conversation, with the tools and citations behind it, and who gave the answer."""

    role: str
    content: str
    tool_calls: list[Any] | None
    citations: list[Any] | None
    provider: str | None
    degraded: bool | None
    created_at: dt.datetime


@dataclass(frozen=True)
class HeldConversation:
    """A conversation with the agent, its messages in order."""

    id: UUID
    business_id: UUID
    title: str | None
    created_at: dt.datetime
    messages: list[HeldMessage]


@dataclass(frozen=True)
class HeldInvitation:
    """An invitation they sent or received; `email` is who was asked."""

    business_name: str
    email: str
    role: Role
    created_at: dt.datetime
    expires_at: dt.datetime


@dataclass(frozen=True)
class HeldMail:
    """A mail to them; `sent_at` is None when it was not sent."""

    kind: str
    created_at: dt.datetime
    sent_at: dt.datetime | None


@dataclass(frozen=True)
class Held:
    """All of it. `email_verified_at` is None while nothing has shown that the mailbox is theirs."""

    user: User
    email_verified_at: dt.datetime | None
    has_password: bool
    preferences: Preferences
    identities: list[HeldIdentity]
    sessions: list[HeldSession]
    businesses: list[HeldBusiness]
    tokens: list[PersonalToken]
    conversations: list[HeldConversation]
    invitations_sent: list[HeldInvitation]
    invitations_received: list[HeldInvitation]
    mails: list[HeldMail]
