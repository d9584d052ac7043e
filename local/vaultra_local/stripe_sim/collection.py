"""One kind of object of one account: kept compactly, newest first, found by key and never by scanning."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vaultra_local.stripe_sim.shapes import Json

Key = tuple[int, str]
"""`(created, id)`: the order of every list, ascending; lists are answered from the end."""

Entry = Any
"""The fields that differ from the kind's template, or a tuple, `created` first, that `unpack` turns into them."""


def created_of(entry: Entry) -> int:
    """When the object came to be, in seconds since 1970."""
    created: int = entry[0] if type(entry) is tuple else entry["created"]
    return created


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted.

    `start` (included) and `end` (excluded) bound `created` in seconds since 1970; `after` and `before` are
    the keys of the cursor objects, at most one of them; None leaves a side open.
    """

    limit: int = 10
    start: int | None = None
    end: int | None = None
    after: Key | None = None
    before: Key | None = None


class Collection:
    """Objects by id, and their keys in order, as a whole and per value of what they are filtered by.

    An index is built for a combination of filters when it is first asked for, and kept up from then on.

    Args:
        extractors: Per filter name, what an object's fields hold for it.
        unpack: Turns a compact entry into its fields.
    """

    def __init__(self, extractors: Mapping[str, Callable[[Json], Any]], unpack: Callable[[Any], Json]) -> None:
        self._extractors = extractors
        self._unpack = unpack
        self._keys: list[Key] = []
        self._entries: dict[str, Entry] = {}
        self._indexes: dict[tuple[str, ...], dict[tuple[Any, ...], list[Key]]] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, object_id: str) -> bool:
        return object_id in self._entries

    def ordered(self) -> Sequence[Key]:
        """All keys, oldest first."""
        return self._keys

    def entry(self, object_id: str) -> Entry:
        """The stored entry; raises KeyError."""
        return self._entries[object_id]

    def unpacked(self, entry: Entry) -> Json:
        """The fields of an entry, whether or not it still is the stored one."""
        fields: Json = self._unpack(entry) if type(entry) is tuple else entry
        return fields

    def fields(self, object_id: str) -> Json:
        """The fields that differ from the template, not to be changed in place; raises KeyError."""
        return self.unpacked(self._entries[object_id])

    def key_of(self, object_id: str) -> Key:
        """The object's place in the order; raises KeyError."""
        return created_of(self._entries[object_id]), object_id

    def load(self, rows: Iterable[tuple[str, Entry]]) -> None:
        """Put many new objects at once, given as id and entry."""
        for object_id, entry in rows:
            self._entries[object_id] = entry
            self._keys.append((created_of(entry), object_id))
        self._keys.sort()
        self._indexes.clear()

    def put(self, object_id: str, entry: Entry) -> None:
        """Add an object or replace it; an object never changes its `created`."""
        key = (created_of(entry), object_id)
        old = self._entries.get(object_id)
        self._entries[object_id] = entry
        if old is None:
            insort(self._keys, key)
        for names, index in self._indexes.items():
            before = None if old is None else self._values(names, old)
            after = self._values(names, entry)
            if before != after:
                if before is not None:
                    _remove(index[before], key)
                insort(index.setdefault(after, []), key)

    def delete(self, object_id: str) -> None:
        """Take an object away; raises KeyError."""
        key = self.key_of(object_id)
        entry = self._entries.pop(object_id)
        _remove(self._keys, key)
        for names, index in self._indexes.items():
            _remove(index[self._values(names, entry)], key)

    def find(self, filters: Mapping[str, Any]) -> Sequence[Key]:
        """Keys of the objects that have all these values, oldest first."""
        if not filters:
            return self._keys
        names = tuple(sorted(filters))
        if names not in self._indexes:
            index: dict[tuple[Any, ...], list[Key]] = {}
            for key in self._keys:
                index.setdefault(self._values(names, self._entries[key[1]]), []).append(key)
            self._indexes[names] = index
        return self._indexes[names].get(tuple(filters[name] for name in names), ())

    def page(self, filters: Mapping[str, Any], page: Page) -> tuple[list[str], bool]:
        """One page of ids, newest first, and whether there are more in the direction of travel."""
        return cut([self.find(filters)], page)

    def _values(self, names: tuple[str, ...], entry: Entry) -> tuple[Any, ...]:
        fields = self.unpacked(entry)
        return tuple(self._extractors[name](fields) for name in names)


def cut(lists: Sequence[Sequence[Key]], page: Page) -> tuple[list[str], bool]:
    """One page out of the union of ordered lists without common keys: ids newest first, and whether more follow."""
    wanted = page.limit + 1
    found: list[Key] = []
    for keys in lists:
        low = 0 if page.start is None else bisect_left(keys, (page.start, ""))
        high = len(keys) if page.end is None else bisect_left(keys, (page.end, ""))
        if page.before is not None:
            low = max(low, bisect_right(keys, page.before))
            found += keys[low : max(low, min(high, low + wanted))]
        else:
            if page.after is not None:
                high = min(high, bisect_left(keys, page.after))
            found += keys[max(low, high - wanted) : max(low, high)]
    if len(lists) > 1:
        found.sort()
    has_more = len(found) > page.limit
    kept = found[: page.limit] if page.before is not None else found[-page.limit :]
    return [object_id for _, object_id in reversed(kept)], has_more


def _remove(keys: list[Key], key: Key) -> None:
    at = bisect_left(keys, key)
    if at < len(keys) and keys[at] == key:
        del keys[at]
