"""Stripe's signature over a webhook's bytes: who sent it, and when."""

import datetime as dt
import hashlib
import hmac
from collections.abc import Sequence

from vaultra.errors import InvalidInput

LONGEST_STAMP = 12
TOLERANCE = dt.timedelta(seconds=300)


def verify_signature(payload: bytes, header: str, secrets: Sequence[str], now: dt.datetime) -> None:
    """Raise `InvalidInput` unless one of the secrets signed these bytes within five minutes of `now`.

    The header is `t=1700000000,v1=…,v1=…`: one signature for each secret that Stripe signs with while it rolls
    them. Other schemes, such as `v0`, prove nothing. An empty secret signs nothing, whatever is configured.
    """
    parts = [part.partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1"]
    whole = header.isascii() and all(separator for _, separator, _ in parts) and len(stamps) == 1 and bool(signatures)
    if not whole or not stamps[0].isdigit() or len(stamps[0]) > LONGEST_STAMP:
        raise InvalidInput("The signature can't be read")
    signed = stamps[0].encode() + b"." + payload
    # Only of a secret that did not sign it the next is tried: Stripe signs with ours, and hashing is what costs.
    expected = (hmac.digest(secret.encode(), signed, hashlib.sha256) for secret in secrets if secret.strip())
    if not any(hmac.compare_digest(right.hex(), given) for right in expected for given in signatures):
        raise InvalidInput("The signature does not match")
    if abs(now.timestamp() - int(stamps[0])) > TOLERANCE.total_seconds():
        raise InvalidInput("The signature is too old, or from the future")
