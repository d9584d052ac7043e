"""Numbers in sentences."""

from fractions import Fraction

import pytest

from vaultra.domain.wording import counted, percent


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
