"""The numbers and dates that stand in a sentence, each with its unit and how exactly it is told."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from vaultra.domain.money import EXPONENTS, SYMBOLS
from vaultra.domain.wording import MONTHS

FigureUnit = Literal["money", "percent", "points", "days", "months", "years", "weeks", "plain"]


@dataclass(frozen=True)
class Figure:
    """One number in a text.

    Attributes:
        value: As it is written: 7.9 for `7.9%`, 48000 for `$48k`.
        step: One unit of its last written digit: 0.1 for `7.9%`, 1000 for `$48k`. Rounding explains half of it.
        currency: The ISO code in lower case where it is an amount; None elsewhere, and for a sign like `kr`.
        start, end: Where it stands, its unit and sign included.
    """

    value: Fraction
    step: Fraction
    unit: FigureUnit
    currency: str | None
    start: int
    end: int

    def tells(self, exact: Fraction) -> bool:
        """Whether this is the exact number, rounded at most as far as it is written; the sign may be in the words.

        Only nothing is zero: 0.3% is not told as 0%.
        """
        if not self.value:
            return not exact
        return abs(abs(self.value) - abs(exact)) <= (
            self.step / 2 if abs(exact).denominator > 1 or self.step > 1 else 0
        )


@dataclass(frozen=True)
class Day:
    """A date in a text, or only its month; `year` and `day` are None where it does not tell them."""

    year: int | None
    month: int
    day: int | None
    start: int
    end: int

    def tells(self, date: dt.date) -> bool:
        """Whether it is that date, as far as it is told."""
        return self.month == date.month and self.year in (None, date.year) and self.day in (None, date.day)


_WORDS = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
WORDS = {word: number for number, word in enumerate(_WORDS.split(), start=2)} | {
    "hundred": 100,
    "thousand": 1000,
}
TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_ONES = "one|two|three|four|five|six|seven|eight|nine"
# In front of these a number word counts something; elsewhere, `two ways` and `one of them` are no figures.
_COUNTED = (
    "percent|per cent|%|points?|days?|weeks?|months?|years?|dollars|euros|pounds|charges|payments|chargebacks?|"
    "disputes?|refunds?|payouts?|customers?|subscribers?|orders|sales|warnings|periods?|payers|transactions"
)
_SIGNS = sorted((sign.strip() for sign in ("US$", *SYMBOLS.values())), key=len, reverse=True)
_CODES = {"usd", "eur", "gbp", "chf", "cad", "aud", "nzd", "sek", "nok", "dkk", "inr", "mxn", "brl", "sgd", "hkd"}
_CODE = "|".join(sorted(_CODES | set(EXPONENTS) | set(SYMBOLS)))
_BY_SIGN = {"US$": "usd"} | {sign.strip(): code for code, sign in SYMBOLS.items()}
_BY_NAME = {"dollar": "usd", "euro": "eur", "pound": "gbp", "yen": "jpy"}

_FIGURE = re.compile(
    rf"""
    (?<![\w#.])(?<![A-Za-z_]-)                                # not within a word or an id
    (?P<sign>[-−+±]\ ?)?
    (?P<front>(?:{"|".join(map(re.escape, _SIGNS))}|\b(?:{_CODE})\b)\ ?)?
    (?P<inner>[-−])?
    (?:(?P<digits>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?)
       (?P<scale>\ ?(?:k|thousand|m|million|bn|billion)\b)?
      |(?P<tens>\b(?:{"|".join(TENS)}))(?:[-\ ](?P<ones>{_ONES}))?\b
      |(?P<none>\bno(?=\ days\b))
      |(?P<word>\b(?:{"|".join(sorted(WORDS, key=len, reverse=True))})\b)(?=[ -](?:\w+\ )?(?:{_COUNTED})))
    (?P<behind>\ ?%|[ -](?:percent(?:age\ points?)?|per\ cent)\b
      |\ (?:{_CODE})\b|\ ?€|\ (?:dollar|euro|pound|yen)s?\b
      |[ -]points?\b|[ -]days?\b|[ -]weeks?\b|[ -]months?\b|[ -]years?\b)?
    (?![\w])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ABOUT = re.compile(r"(?:\babout|\baround|\broughly|\bnearly|\balmost|\bapproximately|~|\bsome) ?$", re.IGNORECASE)
_SCALES = {"k": 1000, "thousand": 1000, "m": 10**6, "million": 10**6, "bn": 10**9, "billion": 10**9}
# Lists are short here: a larger number in front of a line is told.
_LIST_ORDINAL = re.compile(r"^[ \t]*(?:[1-9]|10)[.)] ", re.MULTILINE)
_OUT_OF_100 = re.compile(r"(?:\b(?:out )?of|/) ?100\b(?!\.\d|,\d| ?%)")
_REFERENCE = re.compile(r"\[[1-9]\]")

_MONTH = "|".join(f"{name}|{name[:3]}\\.?" for name in MONTHS) + "|Sept\\.?"
_DATES = (
    re.compile(r"\b(?P<year>\d{4})-(?P<number>\d{2})-(?P<day>\d{2})(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2})?)?"),
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<month>{_MONTH})\b(?:,? (?P<year>\d{{4}})\b)?", re.I),
    re.compile(rf"\b(?P<month>{_MONTH}) (?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\d)(?:,? (?P<year>\d{{4}})\b)?", re.I),
    re.compile(rf"\b(?P<month>{_MONTH}),? (?P<year>\d{{4}})\b", re.I),
)


def figures(text: str) -> list[Figure]:
    """The numbers of a text in their order, without dates, the ordinals of lists, `[1]` and the 100 of `out of 100`."""
    hidden = [(day.start, day.end) for day in days(text)]
    for pattern in (_LIST_ORDINAL, _OUT_OF_100, _REFERENCE):
        hidden += [match.span() for match in pattern.finditer(text)]
    for start, end in hidden:
        text = text[:start] + " " * (end - start) + text[end:]
    return [_figure(match, text) for match in _FIGURE.finditer(text)]


def days(text: str) -> list[Day]:
    """The dates of a text in their order; what no calendar has is none."""
    found: list[Day] = []
    for pattern in _DATES:
        for match in pattern.finditer(text):
            day = _day(match)
            if day is not None and all(day.end <= other.start or other.end <= day.start for other in found):
                found.append(day)
    return sorted(found, key=lambda day: day.start)


def _figure(match: re.Match[str], text: str) -> Figure:
    digits, scale = match["digits"], (match["scale"] or "").strip().lower()
    plain = digits.replace(",", "") if digits else str(_spelled_out(match))
    factor = _SCALES.get(scale, 1)
    decimals = len(plain.partition(".")[2])
    value, step = Fraction(plain) * factor, Fraction(factor, 10**decimals)
    if step == 1 and _ABOUT.search(text[: match.start()]):
        step = Fraction(10 ** (len(plain) - len(plain.rstrip("0"))))
    if (match["sign"] or "").strip() in ("-", "−") or match["inner"]:
        value = -value
    front, behind = (match["front"] or "").strip(), (match["behind"] or "").strip(" -").lower()
    currency = _currency(front, behind)
    unit: FigureUnit = "money" if front or currency else _unit(behind)
    return Figure(value, step, unit, currency, match.start(), match.end())


def _spelled_out(match: re.Match[str]) -> int:
    if match["none"]:
        return 0
    if match["word"]:
        return WORDS[match["word"].lower()]
    ones = (match["ones"] or "").lower()
    return TENS[match["tens"].lower()] + (1 if ones == "one" else WORDS.get(ones, 0))


def _currency(front: str, behind: str) -> str | None:
    if front:
        return _BY_SIGN.get(front) or _BY_SIGN.get(front.upper()) or front.lower()
    if behind == "€":
        return "eur"
    return _BY_NAME.get(behind.removesuffix("s")) or (behind if re.fullmatch(_CODE, behind) else None)


def _unit(behind: str) -> FigureUnit:
    if behind == "%" or behind.startswith("per"):
        return "percent"
    units: dict[str, FigureUnit] = {
        "point": "points", "day": "days", "week": "weeks", "month": "months", "year": "years",
    }  # fmt: skip
    return units.get(behind.removesuffix("s"), "plain")


def _day(match: re.Match[str]) -> Day | None:
    parts = match.groupdict()
    year = int(parts["year"]) if parts.get("year") else None
    day = int(parts["day"]) if parts.get("day") else None
    if parts.get("number"):
        month = int(parts["number"])
    else:
        month = next(n for n, name in enumerate(MONTHS, 1) if name.lower().startswith(parts["month"][:3].lower()))
    try:
        dt.date(year or 2024, month, day or 1)
    except ValueError:
        return None
    return Day(year, month, day, match.start(), match.end())
