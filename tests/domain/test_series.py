"""Volatility, trend and confidence intervals."""

import itertools
import statistics
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultra.domain.series import total, trend, variation, wilson


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([100, 110, 90, 105, 95, 100], 0.0707),
        ([100, 0, 100, 0, 100, 0], 1.0954),
        ([80, 100, 120, 100, 80, 120], 0.1789),
        ([10, 200, 40, 180, 20, 150], 0.8602),
    ],
)
def test_variation_of_the_worked_values(values: list[int], expected: float) -> None:
    value = variation(values)
    assert value is not None
    assert float(value) == pytest.approx(expected, abs=0.00005)


def test_variation_needs_three_buckets_and_a_positive_mean() -> None:
    assert variation([100, 130]) is None
    assert variation([0, 0, 0]) is None
    assert variation([100, 100, 100]) == 0


def test_variation_is_exact_on_a_threshold() -> None:
    # mean 10, deviations −2, 0, 2: exactly 1/5; mean 2, deviations −1, 0, 1: exactly 1/2
    assert variation([8, 10, 12]) == Fraction(1, 5)
    assert variation([1, 2, 3]) == Fraction(1, 2)
    just_above = variation([10**13 - 1, 2 * 10**13, 3 * 10**13 + 1])
    assert just_above is not None
    assert just_above > Fraction(1, 2)


@given(st.lists(st.integers(0, 10**9), min_size=3, max_size=6))
def test_variation_ignores_order_and_scale(values: list[int]) -> None:
    assert variation(values) == variation(sorted(values))
    assert variation(values) == variation([7 * value for value in values])


@pytest.mark.parametrize(
    ("values", "direction", "slope", "s"),
    [
        ([100, 102, 101, 105, 107, 110], "increasing", 0.0193, 13),
        ([120, 118, 110, 112, 104, 100], "declining", -0.0360, -13),
        ([100, 100, 100, 100, 100, 200], "stable", 0.0, 5),
    ],
)
def test_trend_of_the_worked_values(values: list[int], direction: str, slope: float, s: int) -> None:
    found = trend(values)
    assert found is not None
    assert (found.direction, found.s) == (direction, s)
    assert float(found.slope) == pytest.approx(slope, abs=0.00005)


def test_two_values_and_a_zero_median_have_no_trend() -> None:
    assert trend([100, 130]) is None
    assert trend([0, 0, 0, 0, 100, 200]) is None


@pytest.mark.parametrize(
    ("values", "direction"),
    [
        ([100, 105, 110], "stable"),  # 5 ÷ 105 is below 5 %
        ([95, 100, 105], "increasing"),  # exactly 5 %
        ([110, 104, 99], "declining"),
        ([100, 130, 120], "stable"),
        ([100, 110, 120, 130], "increasing"),
        ([100, 110, 120, 119], "stable"),  # S = 4 of four
        ([100, 110, 109, 120, 130], "increasing"),  # S = 8 of five
        ([100, 120, 110, 109, 130], "stable"),  # S = 4 of five
        ([1000, 1009, 1018, 1027, 1036, 1045], "stable"),  # in order, but below 1 % a bucket
        ([975, 985, 995, 1005, 1015, 1025], "increasing"),  # exactly 1 %
    ],
)
def test_trend_at_its_guards(values: list[int], direction: str) -> None:
    found = trend(values)
    assert found is not None
    assert found.direction == direction


@given(st.lists(st.integers(1, 10**6), min_size=3, max_size=6))
def test_a_reversed_series_has_the_opposite_trend(values: list[int]) -> None:
    forward, backward = trend(values), trend(values[::-1])
    assert forward is not None
    assert backward is not None
    assert forward.slope == -backward.slope
    opposite = {"increasing": "declining", "declining": "increasing", "stable": "stable"}
    assert backward.direction == opposite[forward.direction]


def test_no_order_of_five_values_is_called_a_trend_below_s_six() -> None:
    for values in permutations([100, 120, 140, 160, 180]):
        found = trend(values)
        assert found is not None
        assert (found.direction == "stable") == (abs(found.s) < 6)


@given(st.integers(1, 5000), st.data())
def test_wilson_holds_the_share(count: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, count))
    low, high = wilson(hits, count)
    assert 0 <= low <= Fraction(hits, count) + Fraction(1, 10**20)
    assert Fraction(hits, count) - Fraction(1, 10**20) <= high <= 1


def test_wilson_of_known_values() -> None:
    low, high = wilson(19, 20)
    assert (float(low), float(high)) == pytest.approx((0.76387, 0.99111), abs=0.00001)


@given(st.lists(st.integers(0, 10**12), min_size=3, max_size=6))
def test_the_slope_is_what_fractions_give(values: list[int]) -> None:
    steps = [Fraction(values[j] - values[i], j - i) for i, j in itertools.combinations(range(len(values)), 2)]
    middle = statistics.median(map(Fraction, values))
    found = trend(values)
    assert (found and found.slope) == (statistics.median(steps) / middle if middle else None)


@given(st.lists(st.fractions()))
def test_a_total_is_the_exact_sum(values: list[Fraction]) -> None:
    assert total(values) == sum(values, Fraction(0))
