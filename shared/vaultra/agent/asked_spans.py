"""Which days a question asks about, and which days a metric looks at."""

from __future__ import annotations

import re
from collections.abc import Mapping

from vaultra.domain.metrics import METRICS
from vaultra.domain.period import BUCKET_DAYS

_NUMBERS = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "nine": 9, "twelve": 12}
_UNITS: Mapping[str, int] = {"day": 1, "week": 7, "month": BUCKET_DAYS, "quarter": 90, "year": 365}
_COUNTED = re.compile(
    rf"\b(?:last|past|previous|over) (\d{{1,3}}|{'|'.join(_NUMBERS)}) (day|week|month|quarter|year)s?\b"
)
_NAMED = re.compile(r"\b(?:last|past|this|previous|the) (week|quarter|year)\b")
_ONE_DAY = re.compile(r"\b(?:today|yesterday)\b")
_CALENDAR = re.compile(
    r"\b(?:in|during|for|of) "
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december)\b"
)
# Words of time, which tell nothing of what is asked about.
_TIME = re.compile(
    rf"{_COUNTED.pattern}|{_NAMED.pattern}|{_ONE_DAY.pattern}|{_CALENDAR.pattern}|"
    r"\b(?:this|last|past) months?\b|\b(?:so far|right now|lately|recently)\b"
)
_WINDOW = re.compile(r"\blast (\d+) (day|week)s\b")
CALENDAR_MONTH = 31
"""What is told for a month by its name: no number of days that a metric looks at."""


def asked_days(question: str) -> int | None:
    """How many days a tidied question asks about; None where it names none."""
    if found := _COUNTED.search(question):
        count = int(found[1]) if found[1].isdigit() else _NUMBERS[found[1]]
        return count * _UNITS[found[2]]
    if found := _NAMED.search(question):
        return _UNITS[found[1]]
    if _ONE_DAY.search(question):
        return 1
    return CALENDAR_MONTH if _CALENDAR.search(question) else None


def window_days(key: str) -> int | None:
    """How many days back a metric looks; None where it looks at one moment, or at periods."""
    return _WINDOWS[key]


def periods_in(days: int) -> int | None:
    """How many full periods these days are, as owners count months; None where they are no whole number of them."""
    periods = round(days / BUCKET_DAYS)
    return periods if abs(days - periods * BUCKET_DAYS) <= periods and days != CALENDAR_MONTH else None


def without_time(question: str) -> str:
    """A tidied question without the words that tell only when."""
    left = re.sub(r"\s+", " ", _TIME.sub(" ", question)).strip()
    return re.sub(r" (?:in|over|for|during)(?: the| our| my)?\W*$", "", left)


def _window(meaning: str) -> int | None:
    found = _WINDOW.search(meaning)
    return int(found[1]) * _UNITS[found[2]] if found else None


_WINDOWS: Mapping[str, int | None] = {metric.key: _window(metric.meaning) for metric in METRICS}
