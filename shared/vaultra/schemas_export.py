"""The reply that gives a person everything held about them."""

import datetime as dt
from typing import Any
from uuid import UUID

from vaultra.domain.accounts import Role
from vaultra.domain.export import Held, HeldBusiness
from vaultra.schemas import BusinessReply, Reply, UserReply
from vaultra.schemas_users import PreferencesReply


class HeldUserReply(UserReply):
    """The user, and how they may sign in."""

    email_verified_at: dt.datetime | None
    has_password: bool


class HeldIdentityReply(Reply):
    """A way of signing in through somebody else, and the email they named."""

    issuer: str
    email: str
    created_at: dt.datetime


class HeldSessionReply(Reply):
    """A session."""

    signed_in_at: dt.datetime
    expires_at: dt.datetime


class HeldBusinessReply(Reply):
    """A business one belongs to; its profile is null unless one owns it."""

    id: UUID
    name: str
    role: Role
    joined_at: dt.datetime
    profile: BusinessReply | None

    @classmethod
    def of(cls, held: HeldBusiness) -> "HeldBusinessReply":
        profile = None if held.profile is None else BusinessReply.of(held.profile)
        return cls(id=held.id, name=held.name, role=held.role, joined_at=held.joined_at, profile=profile)


class HeldTokenReply(Reply):
    """A personal access token, without what it opens."""

    name: str
    created_at: dt.datetime
    expires_at: dt.datetime
    last_used_at: dt.datetime | None


class HeldMessageReply(Reply):
    """A message of a conversation."""

    role: str
    content: str
    tool_calls: list[Any] | None
    citations: list[Any] | None
    provider: str | None
    degraded: bool | None
    created_at: dt.datetime


class HeldConversationReply(Reply):
    """A conversation with the agent, its messages oldest first."""

    id: UUID
    business_id: UUID
    title: str | None
    created_at: dt.datetime
    messages: list[HeldMessageReply]


class HeldInvitationReply(Reply):
    """An invitation that was not accepted yet; `email` is who was asked."""

    business_name: str
    email: str
    role: Role
    created_at: dt.datetime
    expires_at: dt.datetime


class HeldMailReply(Reply):
    """A mail; `sent_at` is null when it was not sent."""

    kind: str
    created_at: dt.datetime
    sent_at: dt.datetime | None


class ExportReply(Reply):
    """Everything held about the signed-in user."""

    user: HeldUserReply
    notifications: PreferencesReply
    identities: list[HeldIdentityReply]
    sessions: list[HeldSessionReply]
    businesses: list[HeldBusinessReply]
    tokens: list[HeldTokenReply]
    conversations: list[HeldConversationReply]
    invitations_sent: list[HeldInvitationReply]
    invitations_received: list[HeldInvitationReply]
    mails: list[HeldMailReply]

    @classmethod
    def of(cls, held: Held) -> "ExportReply":
        return cls(
            user=HeldUserReply(
                id=held.user.id,
                email=held.user.email,
                name=held.user.name,
                avatar_url=held.user.avatar_url,
                created_at=held.user.created_at,
                email_verified_at=held.email_verified_at,
                has_password=held.has_password,
            ),
            notifications=PreferencesReply.model_validate(held.preferences, from_attributes=True),
            identities=[HeldIdentityReply.model_validate(one, from_attributes=True) for one in held.identities],
            sessions=[HeldSessionReply.model_validate(one, from_attributes=True) for one in held.sessions],
            businesses=[HeldBusinessReply.of(one) for one in held.businesses],
            tokens=[HeldTokenReply.model_validate(one, from_attributes=True) for one in held.tokens],
            conversations=[HeldConversationReply.model_validate(c, from_attributes=True) for c in held.conversations],
            invitations_sent=[_invitation(one) for one in held.invitations_sent],
            invitations_received=[_invitation(one) for one in held.invitations_received],
            mails=[HeldMailReply.model_validate(one, from_attributes=True) for one in held.mails],
        )


def _invitation(held: object) -> HeldInvitationReply:
    return HeldInvitationReply.model_validate(held, from_attributes=True)
