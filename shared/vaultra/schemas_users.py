"""The bodies and replies of users_api."""

import datetime as dt
from typing import Annotated
from uuid import UUID

from pydantic import Field

from vaultra.domain.accounts import Industry, Role
from vaultra.domain.members import Invitation, Team
from vaultra.domain.notifications import Digest
from vaultra.domain.personal_tokens import PersonalToken
from vaultra.domain.unsubscribing import TOKEN_LENGTH, Purpose
from vaultra.schemas import Body, Email, HttpsUrl, Name, Params, Reply

RevenueEstimate = Annotated[
    float,
    Field(ge=0, le=1_000_000_000_000, description="The owner's own estimate, in US dollars a year, kept to the cent."),
]
TimeZone = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9_+/-]*$")]
UnsubscribeToken = Annotated[str, Field(pattern=rf"^[A-Za-z0-9_-]{{{TOKEN_LENGTH}}}$")]
# A field that may be left out, and may not be null; nothing reads the value of one that was.
LEFT_OUT = Field(default_factory=str)


# --- The signed-in person --------------------------------------------------------------------


class ProfileChanges(Body):
    """What is left out stays as it is; a null takes the picture away."""

    name: Name = LEFT_OUT
    avatar_url: HttpsUrl | None = None


class PreferenceChanges(Body):
    """What is left out stays as it is. `time_zone` is an IANA name, such as Europe/Berlin."""

    digest: Digest = Field(default_factory=lambda: Digest.DAILY)
    alerts: bool = Field(default_factory=bool)
    time_zone: TimeZone = LEFT_OUT


class PreferencesReply(Reply):
    """The mails a person wants: the digest, and whether one comes at once when something is wrong.

    The digest comes between seven and eight in the morning of `time_zone`, an IANA name.
    """

    digest: Digest
    alerts: bool
    time_zone: str


class UnsubscribeParams(Params):
    """What the link of a mail carries."""

    token: UnsubscribeToken


class UnsubscribedReply(Reply):
    """Which mails come no more."""

    ended: Purpose


class AccountDeletion(Body):
    """`confirm` is one's own email address, in whatever case."""

    confirm: Annotated[str, Field(max_length=254)]


# --- Businesses ------------------------------------------------------------------------------


class NewBusiness(Body):
    """A business to create; only its name is needed. `founded_at` is not in the future."""

    name: Name
    legal_entity: Name | None = None
    industry: Industry | None = None
    revenue_estimate: RevenueEstimate | None = None
    founded_at: dt.date | None = None


class BusinessChanges(Body):
    """What is left out stays as it is; a null takes the value away."""

    name: Name = LEFT_OUT
    legal_entity: Name | None = None
    industry: Industry | None = None
    revenue_estimate: RevenueEstimate | None = None
    founded_at: dt.date | None = None


class BusinessDeletion(Body):
    """`confirm` is the name of the business."""

    confirm: Annotated[str, Field(max_length=200)]


class BusinessParams(Params):
    """The business in the path."""

    business_id: UUID


# --- Members and invitations -----------------------------------------------------------------


class MemberParams(BusinessParams):
    """The business and the member in the path."""

    user_id: UUID


class InvitationParams(BusinessParams):
    """The business and the invitation in the path."""

    invitation_id: UUID


class NewInvitation(Body):
    """Whom to invite, and what they may do once they have accepted."""

    email: Email
    role: Role


class RoleChange(Body):
    """What the member may do from now on."""

    role: Role


class Acceptance(Body):
    """What the invitation's link carried behind its `#token=`."""

    token: Annotated[str, Field(min_length=1, max_length=200)]


class MemberReply(Reply):
    """A member of a business."""

    user_id: UUID
    email: str
    name: str
    role: Role
    joined_at: dt.datetime


class InvitationReply(Reply):
    """An address that was asked to join and may still accept."""

    id: UUID
    email: str
    role: Role
    expires_at: dt.datetime

    @classmethod
    def of(cls, invitation: Invitation) -> "InvitationReply":
        return cls.model_validate(invitation, from_attributes=True)


class TeamReply(Reply):
    """The members of a business, oldest first; the invitations are shown to owners only."""

    members: list[MemberReply]
    invitations: list[InvitationReply]

    @classmethod
    def of(cls, team: Team) -> "TeamReply":
        return cls.model_validate(team, from_attributes=True)


# --- Personal access tokens ------------------------------------------------------------------


class NewToken(Body):
    """A token to make: for which business (one's only one may be left out), and for how long."""

    name: Name
    business_id: UUID | None = None
    expires_in_days: Annotated[int, Field(ge=1, le=365)]


class TokenParams(Params):
    """The token in the path, by its id."""

    token_id: UUID


class NewTokenReply(Reply):
    """A new token. `token` is shown this once: we keep only its hash."""

    id: UUID
    name: str
    business_id: UUID
    token: str
    created_at: dt.datetime
    expires_at: dt.datetime

    @classmethod
    def of(cls, kept: PersonalToken, token: str) -> "NewTokenReply":
        return cls(
            id=kept.id,
            name=kept.name,
            business_id=kept.business_id,
            token=token,
            created_at=kept.created_at,
            expires_at=kept.expires_at,
        )


class TokenReply(Reply):
    """A token that still is good; `last_used_at` is null until it is used, and exact to the minute."""

    id: UUID
    name: str
    business_id: UUID
    created_at: dt.datetime
    expires_at: dt.datetime
    last_used_at: dt.datetime | None


class TokensReply(Reply):
    """One's tokens that still are good, newest first."""

    tokens: list[TokenReply]

    @classmethod
    def of(cls, tokens: list[PersonalToken]) -> "TokensReply":
        return cls(tokens=[TokenReply.model_validate(token, from_attributes=True) for token in tokens])
