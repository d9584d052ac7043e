"""Keeping what a tool tells within a model's attention: long lists end earlier, and the reply says so."""

from collections.abc import Iterator
from typing import Any

import orjson

from vaultra.ports import Json

LEFT_OUT = "left_out"
LEFT_OUT_SCHEMA: Json = {
    "type": "object",
    "description": "How many entries at the end of a list were left out, by the list's place; there is more than shown",
    "additionalProperties": {"type": "integer"},
}


def fit(reply: Json, most: int) -> Json:
    """The reply in at most so many characters of JSON, as sent.

    Where it would be longer, the list that takes most room (lists within it not counted) loses its last entries, as
    often as it takes, and `left_out` tells how many are missing from which: `{"calendar": 12}`.

    Raises:
        ValueError: there is no list left that could be cut.
    """
    left_out: dict[str, int] = {}
    while length(fitted := {**reply, LEFT_OUT: left_out} if left_out else reply) > most:
        lists = [(place, found) for place, found in _lists(reply, "") if found]
        if not lists:
            raise ValueError("too long without a list to cut")
        place, longest = max(lists, key=lambda item: _own_length(item[1]))
        dropped = max(1, len(longest) // 4)
        reply = _without_end(reply, place, dropped)
        left_out = {name: count for name, count in left_out.items() if not _within(name, place, len(longest) - dropped)}
        left_out[place] = left_out.get(place, 0) + dropped
    return fitted


def length(reply: Json) -> int:
    """How many characters it has as JSON."""
    return len(orjson.dumps(reply).decode())


def _lists(value: Any, place: str) -> Iterator[tuple[str, list[Any]]]:
    if isinstance(value, list):
        yield place, value
        for number, item in enumerate(value):
            yield from _lists(item, f"{place}.{number}")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _lists(item, f"{place}.{name}" if place else name)


def _own_length(found: list[Any]) -> int:
    return len(orjson.dumps(found)) - sum(len(orjson.dumps(inner)) for inner in _outermost(found))


def _outermost(found: list[Any]) -> Iterator[list[Any]]:
    """The lists within a list that are in no other list within it."""
    for item in found:
        if isinstance(item, list):
            yield item
        elif isinstance(item, dict):
            yield from _outermost(list(item.values()))


def _without_end(value: Any, place: str, dropped: int) -> Any:
    """A copy in which the list at the place is shorter; what is not on the way there is shared."""
    if not place:
        return value[: len(value) - dropped]
    step, _, rest = place.partition(".")
    if isinstance(value, list):
        return [_without_end(item, rest, dropped) if str(number) == step else item for number, item in enumerate(value)]
    return {name: _without_end(item, rest, dropped) if name == step else item for name, item in value.items()}


def _within(name: str, place: str, kept: int) -> bool:
    """Whether a list that was cut stood in one of the entries that are gone now."""
    if not name.startswith(f"{place}."):
        return False
    return int(name.removeprefix(f"{place}.").partition(".")[0]) >= kept
