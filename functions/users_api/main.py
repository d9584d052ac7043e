"""Profiles, businesses, members and invitations, tokens for one's own assistant; taking everything, deleting it."""

import datetime as dt
from typing import Any

from vaultra.domain import limits as allowed
from vaultra.domain.money import to_minor
from vaultra.entrypoints import Access, Call, Redirect, Routes, http_function
from vaultra.schemas import BusinessMembershipReply, BusinessReply, ProfileReply, UserReply
from vaultra.schemas_export import ExportReply
from vaultra.schemas_users import (
    Acceptance,
    AccountDeletion,
    BusinessChanges,
    BusinessDeletion,
    BusinessParams,
    InvitationParams,
    InvitationReply,
    MemberParams,
    MemberReply,
    NewBusiness,
    NewInvitation,
    NewToken,
    NewTokenReply,
    PreferenceChanges,
    PreferencesReply,
    ProfileChanges,
    RoleChange,
    TeamReply,
    TokenParams,
    TokensReply,
    UnsubscribedReply,
    UnsubscribeParams,
)
from vaultra.usecases import accounts, deletion, export, limits, mailing, members, notifications, personal_tokens

routes = Routes()


# --- The signed-in person --------------------------------------------------------------------


@routes.get("/api/v1/users/me", access=Access.USER)
def get_me(call: Call) -> ProfileReply:
    """Who is signed in, and their businesses."""
    return ProfileReply.of(call.profile)


@routes.patch("/api/v1/users/me", access=Access.USER)
def update_me(call: Call, body: ProfileChanges) -> UserReply:
    """Change one's name or picture."""
    changes = body.model_dump(exclude_unset=True)
    return UserReply.of(accounts.update_user(call.db, call.caller.user_id, changes, call.now))


@routes.delete("/api/v1/users/me", access=Access.USER, errors=(409, 422))
def delete_me(call: Call, body: AccountDeletion) -> None:
    """Delete one's account, and the businesses that have no other owner; nothing of them is kept."""
    deletion.delete_user(call.db, call.services.stripe, call.caller.user_id, confirm=body.confirm, now=call.now)


@routes.get("/api/v1/users/me/export", access=Access.USER)
def export_me(call: Call) -> ExportReply:
    """Everything held about the signed-in user."""
    return ExportReply.of(export.gather(call.db, call.caller.user_id, call.now))


@routes.get("/api/v1/users/me/notifications", access=Access.USER)
def get_notifications(call: Call) -> PreferencesReply:
    """The mails one wants, and the time zone in whose morning the digest comes."""
    preferences = notifications.get_preferences(call.db, call.caller.user_id)
    return PreferencesReply.model_validate(preferences, from_attributes=True)


@routes.patch("/api/v1/users/me/notifications", access=Access.USER, errors=(422,))
def update_notifications(call: Call, body: PreferenceChanges) -> PreferencesReply:
    """Change the mails one wants."""
    changes = body.model_dump(exclude_unset=True)
    preferences = notifications.update_preferences(call.db, call.caller.user_id, changes, call.now)
    return PreferencesReply.model_validate(preferences, from_attributes=True)


@routes.post("/api/v1/users/unsubscribe", access=Access.PUBLIC)
def unsubscribe(call: Call, params: UnsubscribeParams) -> UnsubscribedReply:
    """End the mails that the link in one of them is about: one click, without signing in."""
    secrets = call.services.auth.jwt_secrets
    return UnsubscribedReply(ended=notifications.unsubscribe(call.db, params.token, secrets, call.now))


@routes.get("/api/v1/users/unsubscribe", access=Access.PUBLIC, redirects=True)
def open_unsubscribe_page(call: Call, params: UnsubscribeParams) -> Redirect:
    """Show the site's page, whose button ends those mails; looking at a link ends nothing."""
    return Redirect(f"{call.services.site.site_url}{mailing.UNSUBSCRIBE_PAGE}{params.token}")


# --- Businesses ------------------------------------------------------------------------------


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


@routes.delete("/api/v1/users/businesses/{business_id}", access=Access.OWNER, errors=(409, 422))
def delete_business(call: Call, params: BusinessParams, body: BusinessDeletion) -> None:  # noqa: ARG001
    """Give the Stripe access back and delete the business with all its data; for owners."""
    deletion.delete_business(
        call.db,
        call.services.stripe,
        call.business,
        caller_id=call.caller.user_id,
        confirm=body.confirm,
        now=call.now,
    )


def _columns(body: NewBusiness | BusinessChanges) -> dict[str, Any]:
    columns = body.model_dump(exclude_unset=True)
    if "revenue_estimate" in columns:
        dollars = columns.pop("revenue_estimate")
        columns["revenue_estimate_minor"] = None if dollars is None else to_minor(str(dollars), "usd")
    return columns


# --- Members and invitations -----------------------------------------------------------------


@routes.get("/api/v1/users/businesses/{business_id}/members", access=Access.VIEWER)
def get_members(call: Call, params: BusinessParams) -> TeamReply:  # noqa: ARG001
    """The members of a business, and for owners its open invitations."""
    return TeamReply.of(members.get_team(call.db, call.business, call.now))


@routes.post("/api/v1/users/businesses/{business_id}/members", access=Access.OWNER, status=201, errors=(409, 429))
def invite_member(call: Call, params: BusinessParams, body: NewInvitation) -> InvitationReply:  # noqa: ARG001
    """Invite an address by mail, for a week; inviting it again renews the invitation and kills the old link."""
    by_business = allowed.INVITATIONS_BY_BUSINESS.of(str(call.business.id))
    limits.take(call.db, call.now, by_business, allowed.INVITATIONS_BY_EMAIL.of(body.email.lower()))
    call.commit()
    invitation = members.invite(
        call.db,
        business_id=call.business.id,
        caller_id=call.caller.user_id,
        email=body.email,
        role=body.role,
        now=call.now,
    )
    mail_id = mailing.request(
        call.db,
        kind="invitation",
        recipient=invitation.email,
        now=call.now,
        business_id=invitation.business_id,
        invitation_id=invitation.id,
    )
    call.publish(mailing.TOPIC, {"mail_id": str(mail_id)})
    return InvitationReply.of(invitation)


@routes.delete("/api/v1/users/businesses/{business_id}/invitations/{invitation_id}", access=Access.OWNER, errors=(404,))
def withdraw_invitation(call: Call, params: InvitationParams) -> None:
    """Take an invitation back; its link opens nothing any more."""
    members.withdraw(call.db, business_id=call.business.id, invitation_id=params.invitation_id)


@routes.post("/api/v1/users/invitations/accept", access=Access.USER, errors=(403, 429))
def accept_invitation(call: Call, body: Acceptance) -> BusinessMembershipReply:
    """Join the business of an invitation that was sent to the signed-in user's address; its link works once."""
    limits.take(call.db, call.now, allowed.TOKEN_TRIES_BY_ADDRESS.of(call.address))
    call.commit()
    membership = members.accept(call.db, user_id=call.caller.user_id, token=body.token, now=call.now)
    return BusinessMembershipReply.model_validate(membership, from_attributes=True)


@routes.patch("/api/v1/users/businesses/{business_id}/members/{user_id}", access=Access.OWNER, errors=(404, 409))
def change_role(call: Call, params: MemberParams, body: RoleChange) -> MemberReply:
    """Give a member another role; the last owner stays one."""
    member = members.change_role(
        call.db,
        business_id=call.business.id,
        caller_id=call.caller.user_id,
        user_id=params.user_id,
        role=body.role,
    )
    return MemberReply.model_validate(member, from_attributes=True)


@routes.delete("/api/v1/users/businesses/{business_id}/members/{user_id}", access=Access.VIEWER, errors=(404, 409))
def remove_member(call: Call, params: MemberParams) -> None:
    """End a membership: owners anybody's, everybody their own; the last owner stays."""
    members.remove(call.db, business_id=call.business.id, caller_id=call.caller.user_id, user_id=params.user_id)


# --- Personal access tokens ------------------------------------------------------------------


@routes.get("/api/v1/users/me/tokens", access=Access.USER)
def list_tokens(call: Call) -> TokensReply:
    """One's tokens that are still good."""
    return TokensReply.of(personal_tokens.list_tokens(call.db, call.caller.user_id, call.now))


@routes.post("/api/v1/users/me/tokens", access=Access.VIEWER, status=201, errors=(409,))
def create_token(call: Call, body: NewToken) -> NewTokenReply:
    """Make a token for one's own assistant, good for one business; it is shown this once."""
    kept, token = personal_tokens.create(
        call.db,
        user_id=call.caller.user_id,
        business_id=call.business.id,
        name=body.name,
        lifetime=dt.timedelta(days=body.expires_in_days),
        now=call.now,
    )
    return NewTokenReply.of(kept, token)


@routes.delete("/api/v1/users/me/tokens/{token_id}", access=Access.USER, errors=(404,))
def revoke_token(call: Call, params: TokenParams) -> None:
    """Make a token worthless."""
    personal_tokens.revoke(call.db, user_id=call.caller.user_id, token_id=params.token_id)


users_api = http_function("users_api", routes)
