"""Profiles and businesses."""

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from vaultra.domain.accounts import Industry
from vaultra.domain.money import to_minor
from vaultra.entrypoints import Access, Call, Routes, http_function
from vaultra.schemas import Body, BusinessReply, HttpsUrl, Name, Params, ProfileReply, UserReply
from vaultra.usecases import accounts

routes = Routes()

RevenueEstimate = Annotated[
    float,
    Field(ge=0, le=1_000_000_000_000, description="The owner's own estimate, in US dollars a year, kept to the cent."),
]


class ProfileChanges(Body):
    """What is left out stays as it is; a null takes the picture away."""

    name: Name = Field(default_factory=str)
    avatar_url: HttpsUrl | None = None


class NewBusiness(Body):
    """A business to create; only its name is needed. `founded_at` is not in the future."""

    name: Name
    legal_entity: Name | None = None
    industry: Industry | None = None
    revenue_estimate: RevenueEstimate | None = None
    founded_at: dt.date | None = None


class BusinessChanges(Body):
    """What is left out stays as it is; a null takes the value away."""

    name: Name = Field(default_factory=str)
    legal_entity: Name | None = None
    industry: Industry | None = None
    revenue_estimate: RevenueEstimate | None = None
    founded_at: dt.date | None = None


class BusinessParams(Params):
    """The business in the path."""

    business_id: UUID


@routes.get("/api/v1/users/me", access=Access.USER)
def get_me(call: Call) -> ProfileReply:
    """Who is signed in, and their businesses."""
    return ProfileReply.of(*accounts.get_profile(call.db, call.caller.user_id))


@routes.patch("/api/v1/users/me", access=Access.USER)
def update_me(call: Call, body: ProfileChanges) -> UserReply:
    """Change one's name or picture."""
    changes = body.model_dump(exclude_unset=True)
    return UserReply.of(accounts.update_user(call.db, call.caller.user_id, changes, call.now))


@routes.post("/api/v1/users/businesses", access=Access.USER, status=201, errors=(422,))
def create_business(call: Call, body: NewBusiness) -> BusinessReply:
    """Create a business; whoever creates it is its owner."""
    return BusinessReply.of(accounts.create_business(call.db, call.caller.user_id, _columns(body), call.now))


@routes.get("/api/v1/users/businesses/{business_id}", access=Access.VIEWER)
def get_business(call: Call, params: BusinessParams) -> BusinessReply:  # noqa: ARG001 - the edge reads it
    """A business one is a member of."""
    return BusinessReply.of(accounts.get_business(call.db, call.business.id))


@routes.patch("/api/v1/users/businesses/{business_id}", access=Access.ADMIN, errors=(422,))
def update_business(call: Call, params: BusinessParams, body: BusinessChanges) -> BusinessReply:  # noqa: ARG001
    """Change a business; for owners and admins."""
    return BusinessReply.of(accounts.update_business(call.db, call.business.id, _columns(body), call.now))


def _columns(body: NewBusiness | BusinessChanges) -> dict[str, Any]:
    columns = body.model_dump(exclude_unset=True)
    if "revenue_estimate" in columns:
        dollars = columns.pop("revenue_estimate")
        columns["revenue_estimate_minor"] = None if dollars is None else to_minor(str(dollars), "usd")
    return columns


users_api = http_function("users_api", routes)
