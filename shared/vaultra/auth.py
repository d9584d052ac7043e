"""Passwords and bearer tokens: hashing, checking, issuing, verifying."""

import base64
import datetime as dt
import functools
import hashlib
import threading
import unicodedata
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import bcrypt
import jwt
from jwt.types import Options

from vaultra.domain.accounts import Caller
from vaultra.domain.signing_secrets import check_secrets
from vaultra.errors import Unauthorized, Unavailable

TOKEN_LIFETIME = dt.timedelta(days=7)
MAX_CLOCK_LEAD_SECONDS = 60  # a token may come from an instance whose clock runs this far ahead of ours
ALGORITHM = "HS256"
ISSUER = "vaultra"
AUDIENCE = "vaultra-api"
CLAIMS = ["iss", "aud", "user_id", "email", "exp", "iat", "jti"]

BCRYPT_COST = 12
MAX_HASHES_AT_ONCE = 4  # a hash takes a core for a quarter of a second; more at once would starve every other request
HASH_WAIT_SECONDS = 10.0
# Checked when there is no password to check, so that an unknown email takes as long as a wrong password.
# It is the hash of 32 random bytes that were thrown away.
NOBODYS_HASH = "$2b$12$cVbD4/.h9.Bj2YnECDigg.pZuz.SoHsnpjeiN.QfyF7ieHq.FdOfa"

_places = threading.BoundedSemaphore(MAX_HASHES_AT_ONCE)


def hash_password(password: str, *, wait_seconds: float = HASH_WAIT_SECONDS) -> str:
    """The bcrypt hash to store for a password of any length.

    Takes about a quarter of a second: call it before the first statement of a transaction.

    Args:
        wait_seconds: How long to wait for one of the places for hashing.

    Raises:
        Unavailable: too many passwords are being hashed on this instance.
    """
    with _place_to_hash(wait_seconds):
        return bcrypt.hashpw(_prehash(password), bcrypt.gensalt(BCRYPT_COST)).decode("ascii")


def check_password(password: str, password_hash: str | None) -> bool:
    """Whether the password belongs to the hash; False, after the same time, when there is no hash.

    Raises:
        Unavailable: too many passwords are being hashed on this instance.
    """
    with _place_to_hash(HASH_WAIT_SECONDS):
        matches = bcrypt.checkpw(_prehash(password), (password_hash or NOBODYS_HASH).encode("ascii"))
    return matches and password_hash is not None


@contextmanager
def _place_to_hash(wait_seconds: float) -> Iterator[None]:
    if not _places.acquire(timeout=wait_seconds):
        raise Unavailable("Too many people are signing in. Try again in a moment.", retry_after=5)
    try:
        yield
    finally:
        _places.release()


def _prehash(password: str) -> bytes:
    """44 ASCII bytes, since bcrypt reads only 72 and stops at NUL; NFKC so that every keyboard gives the same."""
    text = unicodedata.normalize("NFKC", password)
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest())


def issue_token(caller: Caller, secrets: Sequence[str], now: dt.datetime, expires_at: dt.datetime) -> str:
    """A bearer token for this caller, good until `expires_at` or its session's end; the first secret signs it."""
    check_secrets(secrets)
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "user_id": str(caller.user_id),
        "email": caller.email,
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
        "jti": str(caller.session_id),
    }
    return jwt.encode(claims, secrets[0], algorithm=ALGORITHM, headers={"kid": _key_id(secrets[0])})


def verify_token(token: str, secrets: Sequence[str], now: dt.datetime) -> Caller:
    """Who the token speaks for at `now`; it may be signed with any of the secrets. Its session may have ended.

    Raises:
        Unauthorized: signature, claims or times are not as we issue them.
    """
    check_secrets(secrets)
    try:
        return _caller(_signed_claims(token, tuple(secrets)), now.timestamp())
    except (jwt.PyJWTError, ValueError) as error:
        raise Unauthorized("The token is not valid.") from error


@functools.cache
def _key_id(secret: str) -> str:
    """Names a secret without telling it."""
    return hashlib.sha256(b"kid:" + secret.encode("utf-8")).hexdigest()[:8]


@functools.lru_cache(maxsize=1000)  # its owner's next request brings the same token
def _signed_claims(token: str, secrets: tuple[str, ...]) -> Mapping[str, Any]:
    key_id = jwt.get_unverified_header(token).get("kid")
    secret = next((secret for secret in secrets if _key_id(secret) == key_id), None)
    if secret is None:
        raise ValueError("signed with a key that is not ours, or no longer")
    # The times are checked by the caller, against the call's clock instead of PyJWT's own.
    options: Options = {"require": CLAIMS, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
    return jwt.decode(token, secret, algorithms=[ALGORITHM], audience=AUDIENCE, issuer=ISSUER, options=options)


def _caller(claims: Mapping[str, Any], now: float) -> Caller:
    times = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    if any(type(value) is not int for value in times.values()):  # a bool is an int to isinstance
        raise ValueError("a time is not an integer")
    if times["exp"] <= now or max(times["iat"], times.get("nbf", 0)) > now + MAX_CLOCK_LEAD_SECONDS:
        raise ValueError("expired, or not yet valid")
    user_id, email, session_id = claims["user_id"], claims["email"], claims["jti"]
    if not all(isinstance(claim, str) for claim in (user_id, email, session_id)):
        raise ValueError("a claim is not text")
    return Caller(user_id=uuid.UUID(user_id), email=email, session_id=uuid.UUID(session_id))
