"""Currency exponents and exact conversion, so that no amount is ever divided by 100 by habit."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

ZERO_DECIMAL = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])


def exponent(currency: str) -> int:
    """How many decimal places the minor unit of `currency` has."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def exact(number: Any) -> Fraction:
    """A JSON number or numeric string as the fraction that its decimal digits say."""
    return Fraction(number) if isinstance(number, (int, Fraction)) else Fraction(Decimal(str(number)))


def convert(amount_minor: Fraction | int, source: str, target: str, rate: Fraction) -> Fraction:
    """Minor units of `source` as minor units of `target`; `rate` is target per source in major units."""
    return amount_minor * rate * Fraction(10) ** (exponent(target) - exponent(source))


def major(amount_minor: int, currency: str) -> Decimal:
    """Minor units as an exact decimal number of major units."""
    return Decimal(amount_minor).scaleb(-exponent(currency))
