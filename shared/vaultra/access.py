"""Who is calling, and may they: the one place where a token and a business scope are judged."""

from typing import Any
from uuid import UUID

import structlog

from vaultra.auth import verify_token
from vaultra.call import Call
from vaultra.domain.accounts import Role
from vaultra.errors import Forbidden
from vaultra.routes import Access
from vaultra.usecases import sessions


def admit(call: Call, access: Access, token: str, params: Any, body: Any) -> None:
    """Set the caller and, for a business's route, the business from path, query or body, or the caller's only one.

    Raises:
        Unauthorized: the token is not good, or its session has ended.
        BusinessRequired: no business was named, and the caller does not have exactly one.
        Forbidden: a stranger, a business that does not exist, or a role that is not enough.
    """
    call.caller = verify_token(token, call.services.auth.jwt_secrets, call.now)
    structlog.contextvars.bind_contextvars(user_id=str(call.caller.user_id))
    if not access.of_business:
        sessions.check(call.db, call.caller, call.now)
        return
    requested = getattr(params, "business_id", None) or getattr(body, "business_id", None)
    assert requested is None or isinstance(requested, UUID)
    membership = sessions.enter_business(call.db, call.caller, requested, call.now)
    if not membership.role.includes(Role(access.value)):
        raise Forbidden("Your role in this business does not allow this", details={"needed": access.value})
    call.business = membership
    structlog.contextvars.bind_contextvars(business_id=str(membership.id))
