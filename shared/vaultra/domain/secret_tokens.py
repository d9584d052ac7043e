"""Tokens that open something to whoever holds them: how they are made, and what we keep of them."""

import hashlib
import secrets

TOKEN_BYTES = 32


def new_token() -> str:
    """43 characters that nobody can guess, and that may stand in an address."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> str:
    """What is stored of a token: enough to know it again, and of no use to a thief. It needs no salt, being random."""
    return hashlib.sha256(token.encode("utf-8")).hexdigest()
