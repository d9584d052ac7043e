"""Numbers and dates as they stand in sentences: their value, unit, currency, and how exactly they are told."""

import datetime as dt
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultra.domain.figures import days, figures
from vaultra.domain.money import SYMBOLS, exponent, format_money
from vaultra.domain.wording import day_in_words, percent


def read(text: str) -> list[tuple[float, str, str | None]]:
    return [(float(figure.value), figure.unit, figure.currency) for figure in figures(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("7.9%", [(7.9, "percent", None)]),
        ("7.9 %", [(7.9, "percent", None)]),
        ("7.9 percent", [(7.9, "percent", None)]),
        ("-3 per cent", [(-3, "percent", None)]),
        ("0.5 percentage points", [(0.5, "percent", None)]),
        ("between 1 and 3%", [(1, "plain", None), (3, "percent", None)]),
        ("3-5%", [(3, "plain", None), (5, "percent", None)]),
        ("$48,210.50", [(48210.5, "money", "usd")]),
        ("€9,600", [(9600, "money", "eur")]),
        ("CHF 12.50", [(12.5, "money", "chf")]),
        ("12.50 eur", [(12.5, "money", "eur")]),
        ("5 dollars", [(5, "money", "usd")]),
        ("US$3k", [(3000, "money", "usd")]),
        ("$1.2 million", [(1_200_000, "money", "usd")]),
        ("-$5.00", [(-5, "money", "usd")]),
        ("30-day periods", [(30, "days", None)]),
        ("12 points", [(12, "points", None)]),
        ("three refunds", [(3, "plain", None)]),
        ("twelve months", [(12, "months", None)]),
        ("two ways", []),
        ("ninety-nine", [(99, "plain", None)]),
        ("Thirty percent", [(30, "percent", None)]),
        ("99. Great", [(99, "plain", None)]),
        ("[99]", [(99, "plain", None)]),
        ("one of them", []),
        ("86 out of 100", [(86, "plain", None)]),
        ("86/100", [(86, "plain", None)]),
        ("100%", [(100, "percent", None)]),
        ("1. Refund less\n2. Sell more", []),
        ("It is 3%. [1]", [(3, "percent", None)]),
        ("on 14 December 2026", []),
        ("since 2026-10-21", []),
        ("acct_123 v2 x86", []),
    ],
)
def test_a_number_is_read_with_its_unit(text: str, found: list[tuple[float, str, str | None]]) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "exact", "right"),
    [
        ("7.9%", Fraction("7.85059"), True),
        ("8%", Fraction("7.85059"), True),
        ("7.8%", Fraction("7.85059"), False),
        ("7.90%", Fraction("7.85059"), False),
        ("$48k", Fraction(48210), True),
        ("$48k", Fraction(48600), False),
        ("$48,000", Fraction(48210), False),
        ("about $48,000", Fraction(48210), True),
        ("180", Fraction(180), True),
        ("180", Fraction(181), False),
        ("4%", Fraction(-4), True),
    ],
)
def test_a_number_tells_an_exact_one_as_far_as_it_is_written(text: str, exact: Fraction, right: bool) -> None:
    [figure] = figures(text)
    assert figure.tells(exact) is right


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("14 December 2026", [(2026, 12, 14)]),
        ("Dec 14, 2026", [(2026, 12, 14)]),
        ("14th of December", [(None, 12, 14)]),
        ("December 2026", [(2026, 12, None)]),
        ("2026-12-14T10:00:00Z", [(2026, 12, 14)]),
        ("31 February 2026", [(2026, 2, None)]),
        ("you may be right", []),
    ],
)
def test_dates_are_read(text: str, found: list[tuple[int | None, int, int | None]]) -> None:
    assert [(day.year, day.month, day.day) for day in days(text)] == found


@given(st.integers(-(10**12), 10**12), st.sampled_from([*sorted(SYMBOLS), "chf", "bhd"]))
def test_every_amount_we_write_is_read_back(minor: int, currency: str) -> None:
    [figure] = figures(f"Your revenue is {format_money(minor, currency)} now.")
    assert figure.currency == currency
    assert figure.value == Fraction(minor, 10 ** exponent(currency))


@given(st.fractions(-10, 10, max_denominator=10**6))
def test_every_percentage_we_write_tells_its_ratio(ratio: Fraction) -> None:
    [figure] = figures(f"It is {percent(ratio)}.")
    assert figure.unit == "percent"
    assert abs(abs(figure.value) - abs(100 * ratio)) <= Fraction(1, 200)


@given(st.dates(dt.date(1990, 1, 1), dt.date(2100, 1, 1)))
def test_every_day_we_write_is_read_back(day: dt.date) -> None:
    for text in (day_in_words(day), day.isoformat()):
        [found] = days(f"It ends on {text}, then.")
        assert found.tells(day)
        assert not figures(text)


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    places = [(found.start, found.end) for found in figures(text)] + [(found.start, found.end) for found in days(text)]
    assert all(0 <= start < end <= len(text) for start, end in places)


def test_nothing_but_nothing_is_zero() -> None:
    [zero] = figures("0%")
    assert zero.tells(Fraction(0))
    assert not zero.tells(Fraction(3, 10))


def test_no_days_are_zero_days() -> None:
    assert [(one.value, one.unit) for one in figures("no days below zero")] == [(0, "days")]
    assert figures("no day below zero, and no refunds") == []
