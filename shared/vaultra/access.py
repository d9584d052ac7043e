"""Who is calling, and may they: the one place where a token and a business scope are judged."""

from typing import Any
from uuid import UUID

import structlog

from vaultra.auth import verify_token
from vaultra.call import Call
from vaultra.domain.accounts import Role
from vaultra.routes import Access
from vaultra.usecases import memberships, sessions


def admit(call: Call, access: Access, token: str, params: Any, body: Any) -> None:
    """Set the caller, and their profile or, for a business's route, the business.

    That is the one that path, query or body name, or the caller's only one.

    Raises:
        Unauthorized: the token is not good, or its session has ended.
        BusinessRequired: no business was named, and the caller does not have exactly one.
        Forbidden: a stranger, a business that does not exist, or a role that is not enough.
    """
    call.caller = verify_token(token, call.services.auth.jwt_secrets, call.now)
    structlog.contextvars.bind_contextvars(user_id=str(call.caller.user_id))
    if not access.of_business:
        call.profile = sessions.get_profile(call.db, call.caller, call.now)
        return
    requested = getattr(params, "business_id", None) or getattr(body, "business_id", None)
    assert requested is None or isinstance(requested, UUID)
    membership = sessions.enter_business(call.db, call.caller, requested, call.now)
    memberships.check_role(membership, Role(access.value))
    call.business = membership
    structlog.contextvars.bind_contextvars(business_id=str(membership.id))
