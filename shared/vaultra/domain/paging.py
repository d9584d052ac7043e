"""Pages of lists that can grow: where a page ends, and the opaque cursor that asks for the next one."""

import base64
import datetime as dt
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from vaultra.errors import InvalidInput

Item = TypeVar("Item")

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True)
class Place:
    """Where an item stands in its list: the greatest ranks come first, then the newest, then the greatest id."""

    ranks: tuple[int, ...]
    created_at: dt.datetime
    id: UUID

    @property
    def cursor(self) -> str:
        """The place as text for an address. It names no owner: every page is read within the caller's own scope."""
        microseconds = (self.created_at - EPOCH) // MICROSECOND
        packed = _layout(len(self.ranks)).pack(*self.ranks, microseconds, self.id.bytes)
        return base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")


def read_cursor(cursor: str, *, ranks: int) -> Place:
    """The place a cursor stands for.

    Args:
        ranks: How many ranks the list is ordered by.

    Raises:
        InvalidInput: it is not a cursor of such a list.
    """
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        *found, microseconds, raw_id = _layout(ranks).unpack(packed)
        return Place(tuple(found), EPOCH + microseconds * MICROSECOND, UUID(bytes=raw_id))
    except (ValueError, OverflowError, struct.error):
        reason = "must be the next_cursor of an earlier page"
        raise InvalidInput(f"cursor {reason}", details={"field": "cursor", "reason": reason}) from None


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Some items of a list, in its order; `next_cursor` asks for those after them, None when there are none."""

    items: tuple[Item, ...]
    next_cursor: str | None


def cut(items: Sequence[Item], limit: int, place: Callable[[Item], Place]) -> Page[Item]:
    """The page of at most `limit` items, given one item more when there is one."""
    kept = tuple(items[:limit])
    return Page(kept, place(kept[-1]).cursor if len(items) > limit else None)


def _layout(ranks: int) -> struct.Struct:
    return struct.Struct(f">{ranks}iq16s")
