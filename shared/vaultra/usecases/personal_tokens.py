"""Personal access tokens: what an owner's own assistant shows to read one business, and nothing else."""

import datetime as dt
import hmac
import re
from uuid import UUID, uuid4

from sqlalchemy import Connection

from vaultra.db import personal_tokens
from vaultra.domain.personal_tokens import PersonalToken
from vaultra.domain.secret_tokens import hash_token, new_token
from vaultra.errors import Conflict, Forbidden, NotFound, Unauthorized

MOST_TOKENS = 20
LEAST_BETWEEN_NOTES = dt.timedelta(minutes=1)
_FORM = re.compile(r"vlt_([0-9a-f]{32})_([A-Za-z0-9_-]{43})", re.ASCII)


def create(
    conn: Connection, *, user_id: UUID, business_id: UUID, name: str, lifetime: dt.timedelta, now: dt.datetime
) -> tuple[PersonalToken, str]:
    """A new token for one business, as we keep it and as it is shown, this once.

    Raises:
        Conflict: the user has twenty that are still good.
        Forbidden: the user is no longer a member of the business.
        Unauthorized: the account is gone.
    """
    if not personal_tokens.lock_user(conn, user_id):
        raise Unauthorized("This account no longer exists.")
    if not personal_tokens.lock_membership(conn, user_id, business_id):
        raise Forbidden("You don't have access to this business.")
    if personal_tokens.count_tokens(conn, user_id, now) >= MOST_TOKENS:
        raise Conflict(f"You have {MOST_TOKENS} tokens. Delete one you no longer use first.")
    secret = new_token()
    token = PersonalToken(
        id=uuid4(), name=name, business_id=business_id, created_at=now, expires_at=now + lifetime, last_used_at=None
    )
    token_hash = _hash(secret, token.id, user_id, business_id)
    personal_tokens.insert_token(conn, token, user_id=user_id, token_hash=token_hash)
    return token, f"vlt_{token.id.hex}_{secret}"


def list_tokens(conn: Connection, user_id: UUID, now: dt.datetime) -> list[PersonalToken]:
    """The user's tokens that are still good, newest first."""
    return personal_tokens.list_tokens(conn, user_id, now)


def revoke(conn: Connection, *, user_id: UUID, token_id: UUID) -> None:
    """Make a token worthless; raise `NotFound` when the user has none such."""
    if not personal_tokens.delete_token(conn, user_id, token_id):
        raise NotFound("There is no such token.")


def verify(conn: Connection, token: str, now: dt.datetime) -> tuple[UUID, UUID] | None:
    """Whose token it is, and for which business: (user, business); None when it opens nothing.

    A token lives no longer than its user's membership. When it was last used is noted to the minute.
    """
    form = _FORM.fullmatch(token)
    if form is None:
        return None
    found = personal_tokens.find_record(conn, UUID(form[1]), now)
    if found is None:
        return None
    shown = _hash(form[2], found.id, found.user_id, found.business_id)
    if not hmac.compare_digest(shown, found.token_hash):
        return None
    personal_tokens.touch(conn, found.id, now, not_since=now - LEAST_BETWEEN_NOTES)
    return found.user_id, found.business_id


def _hash(secret: str, token_id: UUID, user_id: UUID, business_id: UUID) -> str:
    return hash_token(f"{secret}:{token_id}:{user_id}:{business_id}")
