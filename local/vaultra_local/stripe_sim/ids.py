"""Ids that look like Stripe's and are the same on every start."""

import base64
from hashlib import blake2b

SUFFIX_BYTES = 18


def digest(*parts: object) -> bytes:
    """Eighteen bytes that depend on the parts alone: the source of every id and of every spread-out choice."""
    return blake2b("/".join(map(str, parts)).encode(), digest_size=SUFFIX_BYTES).digest()


def letters_of(made: bytes) -> str:
    """A digest as the 24 letters and digits behind a Stripe prefix."""
    return base64.b64encode(made, b"vQ").decode()


def suffix(*parts: object) -> str:
    """The letters and digits of the digest of these parts."""
    return letters_of(digest(*parts))


def stripe_id(prefix: str, *parts: object) -> str:
    """A whole id, such as `ch_4f…`, for the object that the parts name."""
    return f"{prefix}_{suffix(*parts)}"


def share(*parts: object) -> float:
    """A number in [0, 1) spread evenly over different parts: chance without a random generator."""
    return int.from_bytes(digest(*parts)[:7], "big") / (1 << 56)
