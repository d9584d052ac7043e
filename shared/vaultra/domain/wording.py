"""Numbers as they stand in sentences."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from fractions import Fraction

MOST_DIGITS = 12
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def percent(value: Fraction, *, beside: Iterable[Fraction] = ()) -> str:
    """A ratio as a percentage with two decimals at most: `0.5%`, `95%`.

    Args:
        beside: Thresholds in the same sentence; more decimals are written rather than look equal to one it is not.
    """
    # In whole numbers: with fractions, these few lines were a fifth of a score.
    above, below = value.as_integer_ratio()
    thresholds = [ratio for ratio in (limit.as_integer_ratio() for limit in beside) if ratio != (above, below)]
    for digits in range(2, MOST_DIGITS):
        unit = 10**digits
        rounded = rounded_ratio(100 * unit * above, below)
        if all(rounded * limit_below != limit_above * 100 * unit for limit_above, limit_below in thresholds):
            break
    whole, decimals = divmod(abs(rounded), unit)
    text = f"{whole:,}.{decimals:0{digits}d}".rstrip("0").rstrip(".")
    return f"{'-' if rounded < 0 else ''}{text}%"


def rounded_ratio(above: int, below: int) -> int:
    """The whole number nearest to `above` ÷ `below`, of two equally near the even one. `below` is positive."""
    whole, rest = divmod(above, below)
    return whole + (2 * rest > below or (2 * rest == below and whole & 1))


def share_of(value: Fraction, count: int) -> int:
    """How many of `count` a ratio is, to the nearest."""
    above, below = value.as_integer_ratio()
    return rounded_ratio(above * count, below)


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A number and its noun: `1 charge`, `1,500 charges`, `no charges`."""
    if count == 0:
        return f"no {plural or noun + 's'}"
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def day_in_words(day: dt.date) -> str:
    """A date as it stands in a sentence: `14 December 2026`."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"
