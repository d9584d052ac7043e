"""How steady and which way: variation, trend and confidence of small samples, in exact arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from typing import Literal

Direction = Literal["increasing", "declining", "stable"]

# Enough digits that rounding never moves a value across a threshold: sums of six buckets of up to 10^14 minor
# units give fractions that differ from 1/5 or 1/2 by at least 10^-30, or not at all.
EXACT = Context(prec=80)
ROOT = Context(prec=40)

# With fewer buckets, chance alone makes a trend or a spread.
LEAST_BUCKETS = 3
# Mann–Kendall's S at which chance becomes an unlikely explanation: one-sided p is 0.068 at S = 9 of six, 0.117 and
# 0.042 at S = 6 of five and four (Gilbert 1987).
LEAST_S = {4: 6, 5: 6, 6: 9}
# Three values can only be in order or not, so the slope has to be plain as well.
LEAST_SLOPE_OF_THREE = Fraction(5, 100)
# Below one per cent a bucket, a trend is of no consequence to a lender.
LEAST_SLOPE = Fraction(1, 100)
# The 97.5th percentile of the normal distribution: an interval of 95 %.
Z = Decimal("1.959963984540054")


# By the number of values: what all distances between two of them divide.
COMMON_MULTIPLE = {3: 2, 4: 6, 5: 12, 6: 60}


def _twice_median(values: Sequence[int]) -> int:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] * 2 if len(ordered) % 2 else ordered[middle - 1] + ordered[middle]


def total(values: Iterable[Fraction]) -> Fraction:
    """The exact sum. Few denominators occur, so whole numbers are added, and a fraction for each of those."""
    numerators: dict[int, int] = {}
    for value in values:
        numerators[value.denominator] = numerators.get(value.denominator, 0) + value.numerator
    return sum((Fraction(above, below) for below, above in numerators.items()), Fraction(0))


def variation(values: Sequence[int]) -> Fraction | None:
    """The coefficient of variation: sample standard deviation ÷ mean; None when the mean is not positive."""
    count, revenue = len(values), sum(values)
    if count < LEAST_BUCKETS or revenue <= 0:
        return None
    spread = count * sum(value * value for value in values) - revenue * revenue
    squared = EXACT.divide(Decimal(count * spread), Decimal((count - 1) * revenue * revenue))
    return Fraction(ROOT.sqrt(squared))


@dataclass(frozen=True)
class Trend:
    """Which way a series goes: `direction` is increasing, declining or stable; `slope` is per step ÷ the median."""

    direction: Direction
    slope: Fraction
    s: int


def trend(values: Sequence[int]) -> Trend | None:
    """Theil–Sen slope guarded by Mann–Kendall's S, of three to six values; None when it cannot be told."""
    if len(values) < LEAST_BUCKETS:
        return None
    # Twice the median, and slopes times what divides by every distance: whole numbers sort and compare fast.
    twice_middle = _twice_median(values)
    if twice_middle <= 0:
        return None
    steps = list(combinations(enumerate(values), 2))
    common = COMMON_MULTIPLE[len(values)]
    slopes = [(later - earlier) * (common // (j - i)) for (i, earlier), (j, later) in steps]
    slope = Fraction(_twice_median(slopes), common * twice_middle)
    s = sum((later > earlier) - (later < earlier) for (_, earlier), (_, later) in steps)
    least_s = LEAST_S.get(len(values), len(steps))
    least_slope = LEAST_SLOPE_OF_THREE if len(values) == LEAST_BUCKETS else LEAST_SLOPE
    if abs(s) < least_s or abs(slope) < least_slope or (s > 0) != (slope > 0):
        return Trend("stable", slope, s)
    return Trend("increasing" if s > 0 else "declining", slope, s)


@lru_cache(maxsize=20_000)  # the same few counts come back all the time, and the root is slow
def wilson(hits: int, count: int) -> tuple[Fraction, Fraction]:
    """The 95 % Wilson score interval of `hits` in `count` trials, within [0, 1]. `count` is at least 1."""
    n, share, square = Decimal(count), Decimal(hits) / count, Z * Z
    centre = share + square / (2 * n)
    reach = Z * ROOT.sqrt(share * (1 - share) / n + square / (4 * n * n))
    scale = 1 + square / n
    return Fraction(max((centre - reach) / scale, Decimal(0))), Fraction(min((centre + reach) / scale, Decimal(1)))
