"""What every parser of Stripe's objects uses: its result, and readers of single fields that refuse what can't be."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from vaultra.ports import Json

# Stripe promises that no id of its own is longer, and its enumerations are far shorter.
LONGEST_TEXT = 255
LONGEST_NUMBER = 60
# Beyond any amount of Stripe's, whose largest charge has twelve digits, and small enough that the database can
# add up a day of them. A rate turns one minor unit into another: none is near this.
LARGEST_AMOUNT_MINOR = 5 * 10**12
LARGEST_RATE = 10**6
LARGEST_QUANTITY = 10**6
# 2200-01-01. What is later is no time that anything was, or will be, billed at.
LATEST_SECOND = 7_258_118_400


@dataclass(frozen=True)
class ParsedObject:
    """One object's state. `incomplete` means that it must be read from the API to be known whole."""

    table: str
    id: str
    created_at: dt.datetime
    values: Json
    incomplete: bool = False
    embedded: tuple["ParsedObject", ...] = field(default=())


def lacks(raw: Json, *names: str) -> bool:
    """Whether the payload's API version leaves out one of these; a null is told, and nothing is left out."""
    return any(name not in raw for name in names)


def present(raw: Json, *names: str) -> Json:
    """References and words by the same name, for those the payload has."""
    return {name: label(raw[name]) for name in names if name in raw}


def dig(raw: Any, *path: str) -> Any:
    """What is at the path's end; None when the path breaks off."""
    for name in path:
        if not isinstance(raw, dict):
            return None
        raw = raw.get(name)
    return raw


def listed(raw: Any) -> list[Any]:
    """What a list object of the API holds; nothing when there is none."""
    data = [] if raw is None else raw["data"]
    if not isinstance(data, list):
        raise TypeError("list")
    return data


def required_id(raw: Json) -> str:
    """The object's own id."""
    value = label(raw["id"])
    if not value:
        raise ValueError("id")
    return value


def label(value: Any) -> str | None:
    """A word or an id; of an expanded object, its id."""
    if isinstance(value, dict):
        value = value["id"]
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError("text")
    if len(value) > LONGEST_TEXT or "\0" in value:
        raise ValueError("text")
    return value


def word(value: Any) -> str:
    """A word that has to be there, such as a status."""
    found = label(value)
    if not found:
        raise ValueError("word")
    return found


def boolean(value: Any) -> bool:
    """True or False, and nothing that is only like it."""
    if not isinstance(value, bool):
        raise TypeError("boolean")
    return value


def lower(value: Any) -> str | None:
    """A word in lower case; None for anything else."""
    return value.lower() if isinstance(value, str) else None


def currency(value: Any) -> str:
    """An ISO code, lower case."""
    iso = lower(value)
    if iso is None or len(iso) != 3 or not iso.isascii() or not iso.isalpha():
        raise ValueError("currency")
    return iso


def integer(value: Any, largest: int = LARGEST_AMOUNT_MINOR) -> int:
    """A whole number; an amount of minor units unless another bound is given."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("integer")
    if abs(value) > largest:
        raise OverflowError("integer")
    return value


def optional_integer(value: Any, largest: int = LARGEST_AMOUNT_MINOR) -> int | None:
    """The same, or None."""
    return None if value is None else integer(value, largest)


def decimal(value: Any, largest: int = LARGEST_AMOUNT_MINOR) -> str | None:
    """A number, which Stripe tells as a number or as text, as exact text."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(told := str(value)) > LONGEST_NUMBER:
        raise TypeError("number")
    number = Decimal(told)
    if not number.is_finite() or abs(number) > largest or number.adjusted() < -20:
        raise OverflowError("number")
    return told


def time(value: Any) -> dt.datetime:
    """A time in seconds since 1970, as UTC."""
    second = integer(value, LATEST_SECOND)
    if second < 0:
        raise OverflowError("time")
    return dt.datetime.fromtimestamp(second, dt.UTC)


def optional_second(value: Any) -> int | None:
    """A time as it is told, in seconds since 1970, or None."""
    return None if value is None else int(time(value).timestamp())
