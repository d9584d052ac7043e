"""Amounts of money: integer minor units in one currency, and how people write them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

# Stripe's lists. ISK and UGX have no minor unit of their own, and HUF and TWD are paid out in whole units, but
# Stripe's API states all four with two decimals, so amounts read from it have the exponent 2.
ZERO_DECIMAL = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
THREE_DECIMAL = "bhd jod kwd omr tnd"
USUAL_EXPONENT = 2
EXPONENTS = dict.fromkeys(ZERO_DECIMAL.split(), 0) | dict.fromkeys(THREE_DECIMAL.split(), 3)

SYMBOLS = {
    "usd": "$",
    "eur": "€",
    "gbp": "£",
    "jpy": "¥",
    "inr": "₹",
    "krw": "₩",
    "ils": "₪",
    "vnd": "₫",
    "cad": "CA$",
    "aud": "A$",
    "nzd": "NZ$",
    "brl": "R$",
    "kwd": "KD ",
}


class MixedCurrencies(ArithmeticError):
    """Amounts of different currencies were about to be added or compared."""


def exponent(currency: str) -> int:
    """How many decimals Stripe's minor unit of this currency stands for: 0, 2 or 3."""
    return EXPONENTS.get(currency.lower(), USUAL_EXPONENT)


def to_major(minor: int | Fraction, currency: str) -> Decimal:
    """Minor units as a decimal number of the currency's major unit.

    A whole number of minor units converts exactly; a mean keeps six digits of a minor unit, rounded half-even.
    """
    if isinstance(minor, Fraction):
        minor_units = Decimal(round(minor * 10**6)).scaleb(-6)
        return minor_units.scaleb(-exponent(currency)).normalize() + 0
    return Decimal(minor).scaleb(-exponent(currency))


def to_number(minor: int | Fraction, currency: str) -> float:
    """Minor units as the float nearest to `to_major`, for an answer in JSON."""
    if isinstance(minor, int):
        return minor / 10 ** exponent(currency)  # the division of two whole numbers is rounded once
    return float(to_major(minor, currency))


def to_minor(major: Decimal | int | str, currency: str) -> int:
    """A decimal number of major units as minor units, rounded half-even once."""
    return int(Decimal(major).scaleb(exponent(currency)).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def format_money(minor: int | Fraction, currency: str) -> str:
    """The amount as a person writes it: `$50.00`, `¥5,000`, `KD 5.000`, `CHF 12.50`."""
    whole = minor if isinstance(minor, int) else round(minor)
    code = currency.lower()
    symbol, digits = SYMBOLS.get(code) or f"{code.upper()} ", exponent(code)
    units, decimals = divmod(abs(whole), 10**digits)
    return f"{'-' if whole < 0 else ''}{symbol}{units:,}{f'.{decimals:0{digits}d}' if digits else ''}"


@dataclass(frozen=True)
class Money:
    """An amount in minor units of one currency; arithmetic across currencies raises `MixedCurrencies`."""

    minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __str__(self) -> str:
        return format_money(self.minor, self.currency)

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            raise MixedCurrencies(f"{self.currency} and {other.currency} do not add up")
        return other.minor
