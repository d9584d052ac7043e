"""Tokens for one's own assistant."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class PersonalToken:
    """What its owner may know of a token later on; `last_used_at` is None until it is used."""

    id: UUID
    name: str
    business_id: UUID
    created_at: dt.datetime
    expires_at: dt.datetime
    last_used_at: dt.datetime | None


@dataclass(frozen=True)
class TokenRecord:
    """What a token is checked against."""

    id: UUID
    user_id: UUID
    business_id: UUID
    token_hash: str
    expires_at: dt.datetime
