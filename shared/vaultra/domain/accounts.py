"""People, their businesses, and what a member may do there."""

import datetime as dt
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What a member may do: a viewer reads, an admin also changes and connects, an owner does everything."""

    OWNER = "owner"
    ADMIN = "admin"
    VIEWER = "viewer"

    def includes(self, needed: "Role") -> bool:
        """Whether this role may do whatever `needed` may do."""
        return _RANK[self] >= _RANK[needed]


_RANK = {Role.VIEWER: 0, Role.ADMIN: 1, Role.OWNER: 2}


class Industry(StrEnum):
    """The line of business an owner may choose."""

    RETAIL = "retail"
    ECOMMERCE = "ecommerce"
    SOFTWARE = "software"
    SERVICES = "services"
    FOOD_AND_BEVERAGE = "food_and_beverage"
    HEALTH = "health"
    EDUCATION = "education"
    MANUFACTURING = "manufacturing"
    CONSTRUCTION = "construction"
    HOSPITALITY = "hospitality"
    TRANSPORT = "transport"
    MEDIA = "media"
    NONPROFIT = "nonprofit"
    OTHER = "other"


@dataclass(frozen=True)
class Caller:
    """Who a verified token speaks for, and in which session. Roles are not in it: they are read per request."""

    user_id: UUID
    email: str
    session_id: UUID


@dataclass(frozen=True)
class User:
    """A person who signs in; `avatar_url` is None until they set one."""

    id: UUID
    email: str
    name: str
    avatar_url: str | None
    created_at: dt.datetime


@dataclass(frozen=True)
class Credentials:
    """A user with the hash of their password; None when they have no password.

    `familiar` says that they have signed in from the caller's address before.
    """

    user: User
    password_hash: str | None
    familiar: bool


@dataclass(frozen=True)
class Business:
    """A business; `revenue_estimate_minor` is the owner's own estimate in US cents a year. None means not told."""

    id: UUID
    name: str
    legal_entity: str | None
    industry: Industry | None
    revenue_estimate_minor: int | None
    founded_at: dt.date | None
    created_at: dt.datetime
    updated_at: dt.datetime


@dataclass(frozen=True)
class Membership:
    """A business as one of its members sees it: the business's `id` and `name`, and the member's role there."""

    id: UUID
    name: str
    role: Role


@dataclass(frozen=True)
class Profile:
    """A user and their businesses, oldest membership first."""

    user: User
    memberships: tuple[Membership, ...]


def hash_address(address: str) -> str:
    """What is kept of a network address: enough to know it again."""
    return hashlib.sha256(address.encode("utf-8")).hexdigest()[:32]
