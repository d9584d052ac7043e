"""Money: exponents, conversion, formatting, and no sums across currencies."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultra.domain.money import MixedCurrencies, Money, exponent, format_money, to_major, to_minor, to_number


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (5000, "jpy", "¥5,000"),
        (5000, "usd", "$50.00"),
        (5000, "kwd", "KD 5.000"),
        (-1050, "usd", "-$10.50"),
        (123456, "chf", "CHF 1,234.56"),
        (500, "ugx", "UGX 5.00"),
        (500, "isk", "ISK 5.00"),
        (0, "eur", "€0.00"),
    ],
)
def test_each_currency_is_written_by_its_own_exponent(minor: int, currency: str, written: str) -> None:
    assert format_money(minor, currency) == written


@pytest.mark.parametrize(("currency", "digits"), [("jpy", 0), ("KRW", 0), ("usd", 2), ("huf", 2), ("bhd", 3)])
def test_exponent(currency: str, digits: int) -> None:
    assert exponent(currency) == digits


@given(st.integers(-(10**15), 10**15), st.sampled_from(["jpy", "usd", "kwd"]))
def test_major_and_back(minor: int, currency: str) -> None:
    assert to_minor(to_major(minor, currency), currency) == minor


def test_a_mean_keeps_six_digits_of_a_minor_unit() -> None:
    assert to_major(Fraction(1000, 3), "usd") == Decimal("3.33333333")
    assert to_major(Fraction(1000, 3), "jpy") == Decimal("333.333333")


def test_currencies_do_not_add_up() -> None:
    assert Money(100, "usd") + Money(50, "usd") == Money(150, "usd")
    with pytest.raises(MixedCurrencies):
        Money(100, "usd") + Money(100, "eur")
    with pytest.raises(MixedCurrencies):
        Money(100, "usd") - Money(100, "jpy")
    with pytest.raises(MixedCurrencies):
        _ = Money(100, "usd") < Money(100, "jpy")


@given(st.integers(-(10**15), 10**15), st.sampled_from(["usd", "jpy", "kwd"]))
def test_a_number_is_the_float_nearest_to_the_amount(minor: int, currency: str) -> None:
    assert to_number(minor, currency) == float(to_major(minor, currency))
