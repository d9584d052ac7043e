"""Numbers as they stand in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

MOST_DIGITS = 12


def percent(value: Fraction, *, beside: Iterable[Fraction] = ()) -> str:
    """A ratio as a percentage with two decimals at most: `0.5%`, `95%`.

    Args:
        beside: Thresholds in the same sentence; more decimals are written rather than look equal to one it is not.
    """
    thresholds = [threshold for threshold in beside if threshold != value]
    for digits in range(2, MOST_DIGITS):
        rounded = round(value * 100, digits)
        if all(rounded != threshold * 100 for threshold in thresholds):
            break
    text = f"{Decimal(rounded.numerator) / rounded.denominator:,.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}%"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A number and its noun: `1 charge`, `1,500 charges`, `no charges`."""
    if count == 0:
        return f"no {plural or noun + 's'}"
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
