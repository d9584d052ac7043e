"""Who is calling, and may they: the one place where a token and a business scope are judged."""

from typing import Any
from uuid import UUID

import structlog

from vaultra.auth import verify_token
from vaultra.call import Call
from vaultra.errors import Forbidden
from vaultra.routes import Access
from vaultra.usecases import accounts

RANK = {"viewer": 1, "admin": 2, "owner": 3}


def authenticate(call: Call, token: str) -> None:
    """Set the caller from a bearer token; raise `Unauthorized` when it is not good."""
    call.caller = verify_token(token, call.services.auth.jwt_secrets, call.now)
    structlog.contextvars.bind_contextvars(user_id=str(call.caller.user_id))


def enter_business(call: Call, access: Access, params: Any, body: Any) -> None:
    """Set the business from path, query or body, or the caller's only one; raise `Forbidden` for strangers."""
    requested = getattr(params, "business_id", None) or getattr(body, "business_id", None)
    assert requested is None or isinstance(requested, UUID)
    membership = accounts.resolve_business(call.db, call.caller.user_id, requested)
    if RANK[membership.role.value] < RANK[access.value]:
        raise Forbidden("Your role in this business does not allow this", details={"needed": access.value})
    call.business = membership
    structlog.contextvars.bind_contextvars(business_id=str(membership.id))
