"""Owners' keys as they are stored: encrypted, and bound to the row they belong to."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import orjson

from vaultra.errors import AccessRevoked
from vaultra.telemetry import log

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class SealBroken(AccessRevoked):
    """What is stored was sealed for another row, or with a key we no longer have."""


@dataclass(frozen=True)
class Place:
    """The row a key belongs to: a connection, its business, and Stripe's id of the account."""

    connection: UUID
    business: UUID
    account: str


class Sealing:
    """Seals with the first of our keys and opens with any of them, so that one can be replaced while all works.

    A ciphertext says inside which row it is of, since Fernet would open it in any: copied elsewhere, it opens nothing.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        """Raises `ValueError` when there is no key, or one that is not 32 bytes of URL-safe base64."""
        self._first, self._fernet = _fernet(keys[:1]), _fernet(keys)

    def seal(self, key: str, place: Place) -> str:
        """The key as it may be stored in that place."""
        content = orjson.dumps({"key": key, **asdict(place)})
        return self._fernet.encrypt(content).decode("ascii")

    def open(self, sealed: str, place: Place) -> str:
        """The key that was sealed in that place.

        Raises:
            SealBroken: it was sealed elsewhere, with a key we don't have, or was changed.
        """
        content = self._decrypted(sealed)
        if content != {"key": content.get("key"), **_as_json(place)}:
            raise _broken("sealed for another row")
        return str(content["key"])

    def reseal(self, sealed: str, place: Place) -> str | None:
        """The same key, sealed with our first key; None when it is sealed with that one already.

        Raises:
            SealBroken: as `open`.
        """
        key = self.open(sealed, place)
        return None if _opens(self._first, sealed) else self.seal(key, place)

    def _decrypted(self, sealed: str) -> dict[str, object]:
        from cryptography.fernet import InvalidToken

        try:
            content: dict[str, object] = orjson.loads(self._fernet.decrypt(sealed))
        except InvalidToken:
            raise _broken("sealed with another key, or changed") from None
        return content


def _fernet(keys: Sequence[str]) -> "MultiFernet":
    # Imported here: it takes a while, and few functions ever open a key.
    from cryptography.fernet import Fernet, MultiFernet

    return MultiFernet([Fernet(key) for key in keys])


def _opens(fernet: "MultiFernet", sealed: str) -> bool:
    from cryptography.fernet import InvalidToken

    try:
        fernet.decrypt(sealed)
    except InvalidToken:
        return False
    return True


def _as_json(place: Place) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(place).items()}


def _broken(reason: str) -> SealBroken:
    log.error("sealed_key.broken", reason=reason)
    return SealBroken("The stored restricted key can't be opened any more. Paste it again, or a new one.")
