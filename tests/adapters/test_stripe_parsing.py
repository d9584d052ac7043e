"""Readers of single fields: what Stripe can have meant, and nothing else."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from tests.stripe_payloads import NOON, at
from vaultra.adapters import stripe_parsing as read

Reader = Callable[[Any], Any]
REFUSALS = (KeyError, TypeError, ValueError, ArithmeticError)


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        (read.label, "ch_1", "ch_1"), (read.label, {"id": "ch_1", "object": "charge"}, "ch_1"),
        (read.label, None, None), (read.label, "x" * 255, "x" * 255), (read.word, "won", "won"),
        (read.currency, "EUR", "eur"), (read.boolean, False, False), (read.lower, "EUR", "eur"), (read.lower, 5, None),
        (read.integer, 5 * 10**12, 5 * 10**12), (read.integer, -5, -5), (read.optional_integer, None, None),
        (read.decimal, "0.5", "0.5"), (read.decimal, 25.5, "25.5"), (read.decimal, None, None),
        (read.decimal, "1e12", "1e12"), (read.decimal, 0, "0"),
        (read.time, at(NOON), NOON), (read.time, 0, dt.datetime(1970, 1, 1, tzinfo=dt.UTC)),
        (read.optional_second, at(NOON), at(NOON)), (read.optional_second, None, None),
        (read.listed, None, []), (read.listed, {"data": [1]}, [1]),
    ],
)  # fmt: skip
def test_what_stripe_tells_is_read(reader: Reader, value: Any, expected: Any) -> None:
    assert reader(value) == expected


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        (read.label, 5), (read.label, {}), (read.label, {"id": 5}), (read.label, []), (read.label, "x" * 256),
        (read.label, "a\0b"), (read.word, None), (read.word, ""), (read.currency, "us"), (read.currency, None),
        (read.currency, "u€d"), (read.currency, "12a"), (read.boolean, 1), (read.boolean, None), (read.boolean, "true"),
        (read.integer, 5 * 10**12 + 1), (read.integer, True), (read.integer, 1.0), (read.integer, "1"),
        (read.decimal, "1e13"), (read.decimal, "1e999999999"), (read.decimal, "1e-30"), (read.decimal, "NaN"),
        (read.decimal, "Infinity"), (read.decimal, "1" * 61), (read.decimal, "x"), (read.decimal, True),
        (read.decimal, []), (read.time, -1), (read.time, 7_258_118_401), (read.time, None), (read.time, "now"),
        (read.optional_second, -1), (read.listed, {}), (read.listed, {"data": None}), (read.listed, "x"),
    ],
)  # fmt: skip
def test_what_stripe_cannot_have_meant_is_refused(reader: Reader, value: Any) -> None:
    with pytest.raises(REFUSALS):
        reader(value)


def test_what_is_left_out_is_not_null() -> None:
    raw = {"customer": None, "charge": {"id": "ch_1"}}
    assert read.present(raw, "customer", "charge", "invoice") == {"customer": None, "charge": "ch_1"}
    assert (read.lacks(raw, "customer"), read.lacks(raw, "customer", "invoice")) == (False, True)
    assert read.dig({"a": {"b": 1}}, "a", "b") == 1
    assert read.dig({"a": 5}, "a", "b") is None
