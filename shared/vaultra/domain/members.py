"""Members of a business and invitations to become one."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from vaultra.domain.accounts import Role

INVITATION_LIFETIME = dt.timedelta(days=7)


@dataclass(frozen=True)
class Member:
    """A person who may see a business, and since when."""

    user_id: UUID
    email: str
    name: str
    role: Role
    joined_at: dt.datetime


@dataclass(frozen=True)
class Invitation:
    """An email address asked to join a business; good until `expires_at`."""

    id: UUID
    business_id: UUID
    email: str
    role: Role
    expires_at: dt.datetime


@dataclass(frozen=True)
class Team:
    """The members of a business, and whom it has invited."""

    members: list[Member]
    invitations: list[Invitation]


@dataclass(frozen=True)
class InvitationLetter:
    """What the mail of an invitation says; `inviter_name` is None when that person's account is gone.

    `token` exists in the mail alone: we keep its hash.
    """

    email: str
    business_name: str
    role: Role
    inviter_name: str | None
    token: str
    expires_at: dt.datetime
