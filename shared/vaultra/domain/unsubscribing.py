"""The token in a mail's unsubscribe link: it says whose mails of which purpose end, and nobody else can make one."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from vaultra.domain.signing_secrets import key_for

USE = "unsubscribe"
ID_BYTES = 16
MAC_BYTES = 32
TOKEN_LENGTH = 66
"""Characters of every token: URL-safe base64 of a letter for the purpose, the user's id and the signature."""


class Purpose(StrEnum):
    """What somebody may have enough of."""

    DIGEST = "digest"
    ALERTS = "alerts"


_LETTERS = {Purpose.DIGEST: b"d", Purpose.ALERTS: b"a"}
_PURPOSES = {letter: purpose for purpose, letter in _LETTERS.items()}


@dataclass(frozen=True)
class Unsubscription:
    """Whose mails end, and which."""

    user_id: UUID
    purpose: Purpose


def write_token(wish: Unsubscription, secrets: Sequence[str]) -> str:
    """The token that carries this wish out, for as long as its secret is in use; the first secret signs it.

    It is always the same for the same user and purpose: nothing is stored, and no mail's link ends before another's.
    """
    content = _LETTERS[wish.purpose] + wish.user_id.bytes
    return base64.urlsafe_b64encode(content + _signature(content, secrets[0])).decode("ascii").rstrip("=")


def read_token(token: str, secrets: Sequence[str]) -> Unsubscription | None:
    """What a token wishes, signed with any of the secrets; None for one that we did not write."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    content, signature = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
    signed = [hmac.compare_digest(signature, _signature(content, secret)) for secret in secrets]
    purpose = _PURPOSES.get(content[:1])
    if not any(signed) or purpose is None or len(content) != 1 + ID_BYTES:
        return None
    return Unsubscription(UUID(bytes=content[1:]), purpose)


def _signature(content: bytes, secret: str) -> bytes:
    return hmac.digest(key_for(USE, secret), content, hashlib.sha256)
