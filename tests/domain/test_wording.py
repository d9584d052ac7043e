"""Numbers in sentences."""

import datetime as dt
from fractions import Fraction

import pytest

from vaultra.domain.wording import counted, day_in_words, percent, rounded_ratio, share_of


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("0", "0%"),
        ("0.005", "0.5%"),
        ("0.95", "95%"),
        ("1", "100%"),
        ("0.95238", "95.24%"),
        ("-0.036036", "-3.6%"),
        ("12.5", "1,250%"),
    ],
)
def test_percentages_have_two_decimals_at_most(value: str, written: str) -> None:
    assert percent(Fraction(value)) == written


def test_a_value_never_looks_like_a_threshold_it_is_not() -> None:
    half = Fraction(5, 1000)
    assert percent(Fraction("0.00499999"), beside=(half,)) == "0.499999%"
    assert percent(half, beside=(half,)) == "0.5%"


def test_counts() -> None:
    assert [counted(n, "charge") for n in (0, 1, 1500)] == ["no charges", "1 charge", "1,500 charges"]


@pytest.mark.parametrize(
    ("above", "below", "rounded"), [(5, 2, 2), (7, 2, 4), (-5, 2, -2), (-7, 2, -4), (8, 3, 3), (7, 3, 2), (6, 3, 2)]
)
def test_half_is_rounded_to_the_even_number(above: int, below: int, rounded: int) -> None:
    assert rounded_ratio(above, below) == rounded == round(Fraction(above, below))


def test_a_half_per_cent_of_a_hundredth_is_rounded_as_fractions_are() -> None:
    assert percent(Fraction(25, 100_000)) == "0.02%"
    assert percent(Fraction(35, 100_000)) == "0.04%"


def test_a_share_of_a_count() -> None:
    assert share_of(Fraction(19, 20), 20) == 19
    assert share_of(Fraction(1, 4), 10) == 2
    assert share_of(Fraction(0), 10) == 0


def test_dates_are_written_out() -> None:
    assert [day_in_words(dt.date(2026, month, 1)) for month in (1, 5, 12)] == [
        "1 January 2026",
        "1 May 2026",
        "1 December 2026",
    ]
