"""The secrets that sign what we hand out: good enough to begin with, and a key of its own for each use."""

import hashlib
import hmac
from collections.abc import Sequence

MIN_SECRET_BYTES = 32  # RFC 7518 §3.2: an HS256 key is at least as long as the hash
MIN_SECRET_VARIETY = 8  # different characters: fewer is somebody leaning on a key


def check_secrets(secrets: Sequence[str]) -> None:
    """Refuse signing secrets that could be guessed.

    Raises:
        ValueError: there is none, or one is shorter than 32 bytes or repeats a few characters.
    """
    if not secrets:
        raise ValueError("JWT_SECRET is empty")
    if any(len(secret.encode("utf-8")) < MIN_SECRET_BYTES for secret in secrets):
        raise ValueError(f"every secret in JWT_SECRET needs at least {MIN_SECRET_BYTES} bytes")
    if any(len(set(secret)) < MIN_SECRET_VARIETY for secret in secrets):
        raise ValueError("a secret in JWT_SECRET repeats a few characters; make one with `openssl rand -base64 32`")


def key_for(use: str, secret: str) -> bytes:
    """A key of 32 bytes for one use: what is signed with it is good for nothing else, and tells nothing of others."""
    return hmac.digest(secret.encode("utf-8"), f"vaultra:{use}".encode(), hashlib.sha256)
