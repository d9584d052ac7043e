"""Cutting a text into sentences while it is still coming."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# No sentence ends behind these.
_SHORT = {
    "e.g", "i.e", "etc", "vs", "approx", "inc", "ltd", "llc", "co", "corp", "st", "mr", "mrs", "ms", "dr",
    "u.s", "u.k", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "cf", "max",
    "min", "incl", "excl", "est",
}  # fmt: skip
_END = re.compile(r"[.!?]+[\"”’')\]]*(?=\s)|\n")
# What stands behind a full stop and still belongs to its sentence: markers of sources.
_MARKERS = re.compile(r"(?:\s*\[[^\]\n]{1,200}\])+")
_ORDINAL = re.compile(r"(?:^|\n)\s*\d{1,2}\.$")


def cut(pieces: Iterable[str]) -> Iterator[str]:
    """Each sentence with the space behind it, as soon as the next one has begun; joined they are the whole text.

    Lines end sentences. The ordinal of a list (`1. `), a decimal point and an abbreviation do not, and a marker of a
    source behind the full stop, as in `It is 3%. [Source: refunds]`, still belongs to it.
    """
    waiting = ""
    for piece in pieces:
        waiting += piece
        while (end := _end_of_first(waiting)) is not None:
            yield waiting[:end]
            waiting = waiting[end:]
    yield from _rest(waiting)


def _rest(waiting: str) -> Iterator[str]:
    while (end := _end_of_first(waiting + " X")) is not None and end < len(waiting):
        yield waiting[:end]
        waiting = waiting[end:]
    if waiting:
        yield waiting


def _end_of_first(text: str) -> int | None:
    """Where the second sentence begins; None while that can't be told."""
    for match in _END.finditer(text):
        if not text[: match.end()].strip():
            continue
        if match[0] != "\n" and _goes_on(text, match):
            continue
        markers = _MARKERS.match(text, match.end())
        behind = match.end() if markers is None else markers.end()
        begins = re.compile(r"\S").search(text, behind)
        # Until the next sentence's first letter is there, a marker may still follow.
        if begins is None or (begins[0] == "[" and "]" not in text[begins.start() :]):
            return None
        return begins.start()
    return None


def _goes_on(text: str, match: re.Match[str]) -> bool:
    """Whether the full stop ends an abbreviation or the ordinal of a list."""
    before = text[: match.start() + 1]
    if match[0][0] != ".":
        return False
    word = re.search(r"([A-Za-z.]+)\.$", before)
    if word is not None and word[1].lower() in ("no", "nr"):
        return re.match(r"\s*(?:\d|$)", text[match.end() :]) is not None
    return _ORDINAL.search(before) is not None or (word is not None and word[1].lower() in _SHORT)
