"""Owners' restricted keys: what may be pasted, what it is good for, how it is opened for a read and sealed again."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection as Database

from vaultra.db import connections
from vaultra.domain.connections import SealedKey, refusal_of_key
from vaultra.errors import AccessRevoked, InvalidInput, Unprocessable
from vaultra.ports import KeyInspector, KeyRights
from vaultra.sealing import Place, SealBroken, Sealing

FIELD = "restricted_key"


@dataclass(frozen=True)
class Resealed:
    """What sealing a page of keys again did. `last` is where the next page begins; None when there is none.

    `keys` were sealed anew. `broken` are connections whose key opens no more: their owners have to paste it again.
    """

    keys: int
    broken: list[UUID]
    last: UUID | None


def read_key(text: str) -> str:
    """The restricted key somebody pasted.

    Raises:
        Unprocessable: this is another kind of key, or none.
    """
    key = text.strip()
    refusal = refusal_of_key(key)
    if refusal is not None:
        raise _refused(refusal)
    return key


def inspect_key(inspector: KeyInspector, key: str) -> KeyRights:
    """What the key is good for, if it reads all that is needed and changes nothing. No transaction may be open.

    Raises:
        Unprocessable: the key does not work, may read too little or may do too much.
        RateLimited, Unavailable: Stripe does not answer now.
    """
    try:
        rights = inspector.inspect(key)
    except (AccessRevoked, InvalidInput) as error:
        raise _refused(error.message) from error
    found = {name: list(names) for name, names in (("missing", rights.missing), ("writable", rights.writable)) if names}
    reasons = []
    if rights.writable:
        reasons.append(
            f"This key can change things at Stripe: {', '.join(rights.writable)}. Set these to Read or None."
        )
    if rights.missing:
        reasons.append(f"This key can't read all that Vaultra needs. Set these to Read: {', '.join(rights.missing)}.")
    if reasons:
        raise _refused(" ".join(reasons), **found)
    return rights


def key_of(conn: Database, sealing: Callable[[], Sealing], external_id: str) -> str | None:
    """The restricted key an account is read with; None when it is read with the platform's key.

    Args:
        sealing: Asked for only when there is a key to open.

    Raises:
        AccessRevoked: the account is not connected any more, or its key can't be opened.
    """
    found = connections.find_key(conn, external_id)
    if found is None:
        raise AccessRevoked("This account is not connected any more. Connect it again.")
    return None if found.sealed is None else sealing().open(found.sealed, _place(found))


def reseal(conn: Database, sealing: Sealing, after: UUID | None, limit: int) -> Resealed:
    """Seal those of one page of stored keys with our first key that another sealed; safe to repeat.

    Commit after each page: its rows are locked until then, and read all the while.
    """
    page = connections.list_keys(conn, after, limit)
    anew, broken = 0, []
    for found in page:
        assert found.sealed is not None, "only stored keys are listed"
        try:
            sealed = sealing.reseal(found.sealed, _place(found))
        except SealBroken:
            broken.append(found.connection_id)
            continue
        if sealed is not None:
            connections.keep_key(conn, found.connection_id, sealed)
            anew += 1
    return Resealed(anew, broken, page[-1].connection_id if len(page) == limit else None)


def _place(found: SealedKey) -> Place:
    return Place(found.connection_id, found.business_id, found.external_id)


def _refused(reason: str, **details: list[str]) -> Unprocessable:
    return Unprocessable(reason, details={"field": FIELD, "reason": reason, **details})
