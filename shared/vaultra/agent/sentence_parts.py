"""The parts of a sentence, and what each is about: by its name, by other words for it, or as `it`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from vaultra.agent import judgement_words as words
from vaultra.agent.standings import Standing, Standings
from vaultra.domain.subjects import REVENUE, SCORE, Named, named

CONCENTRATION, PAYOUTS = "top_customer_share", "payout_reliability"
# `Your revenue is steady` is about steadiness, and `many customers were refunded` about refunds.
_GENERIC = frozenset({*REVENUE, "transaction_count", "payer_count"})
# What is spoken of without its name.
_MEANT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(?:money|cash|funds|deposits?)\b(?=.{0,30}\bbank\b)", re.I), PAYOUTS),
    (re.compile(r"\bspread\b(?=.{0,30}\bcustomers)|\b(?:one|no|single) customer\b", re.I), CONCENTRATION),
    (
        re.compile(r"\bbalance\b(?=.{0,20}\b(?:negative|below zero|in the red|overdrawn|above zero|positive))", re.I),
        "negative_balance_days",
    ),
    (
        re.compile(r"\bsubscribers? (?:left|leave|quit|are gone)\b|\b(?:lost|losing) (?:\w+ )?subscribers\b", re.I),
        "subscriber_churn_rate",
    ),
    (re.compile(r"\byour numbers\b", re.I), SCORE),
    (re.compile(r"\bselling\b(?=.{0,12}\blong)", re.I), "track_record"),
    (re.compile(r"\b(?:your (?:business|shop)|you)\b(?=.{0,12}\bin (?:\w+ )?(?:shape|health)\b)", re.I), SCORE),
)
Knows = Callable[[Standing], bool]


@dataclass(frozen=True)
class Part:
    """A part of a sentence, and what it may be about: its own names, or else those of the part beside it.

    Attributes:
        names: Each with where it begins and ends; both are -1 where it stands outside.
        compares: Whether the sentence compares with what was before.
    """

    text: str
    names: tuple[tuple[int, int, tuple[str, ...]], ...]
    compares: bool

    def spoken_of(self, word: re.Match[str], standings: Standings, knows: Knows) -> tuple[str, Standing] | None:
        """What a word is said of, of what the tools told so much; None where they did not."""
        in_front = [keys for _, end, keys in reversed(self.names) if end <= word.start()]
        behind = [keys for start, _, keys in self.names if start >= word.end()]
        # `Growing` is a name of the trend, too.
        itself = [keys for start, end, keys in self.names if start < word.end() and word.start() < end]
        ordered = [*in_front, *behind, *itself]
        for keys in [*(one for one in ordered if not _is_loose(one)), *(one for one in ordered if _is_loose(one))]:
            known = [key for key in keys if key in standings and knows(standings[key])]
            if known:
                return known[0], standings[known[0]]
            if not _is_loose(keys):
                return None  # it is about this, and nothing is known of it
        return None


def parts(sentence: str, context: str) -> Iterator[Part]:
    """The parts of a sentence, cut where another thing may begin.

    Args:
        context: What was said before it, or asked: what `it` stands for.
    """
    # In `it was level`, no tier is named.
    ways = [match.span() for match in words.WAYS["level"].finditer(sentence)]
    things = [
        name
        for name in named(sentence)
        if not name.subjects[0].startswith("lender:")
        and not (name.phrase == "level" and any(start <= name.start < end for start, end in ways))
    ]
    implied = [(*match.span(), (key,)) for pattern, key in _MEANT for match in pattern.finditer(sentence)]
    whole = [name for name in things if not any(name.start < end and start < name.end for start, end, _ in implied)]
    places = sorted([*((name.start, name.end, name.subjects) for name in whole), *implied])
    outside = [(-1, -1, name.subjects) for name in named(context)[:1]] if words.STANDS_FOR_IT.search(sentence) else []
    compares = words.BEFORE.search(sentence) is not None
    for start, end in _edges(sentence, things):
        own = [(first - start, last - start, keys) for first, last, keys in places if start <= first < end]
        before = [(-1, -1, keys) for first, _, keys in places if first < start]
        after = [(-1, -1, keys) for first, _, keys in places if first >= end]
        yield Part(sentence[start:end], tuple(own or before[-1:] or after[:1] or outside), compares)


def _edges(sentence: str, names: list[Named]) -> list[tuple[int, int]]:
    """Where the sentence's parts begin and end; a name is never cut."""
    cuts = [
        match.start()
        for match in words.CLAUSES.finditer(sentence)
        if not any(name.start < match.end() and match.start() < name.end for name in names)
    ]
    return list(pairwise(sorted({0, *cuts, len(sentence)})))


def _is_loose(keys: tuple[str, ...]) -> bool:
    """Whether it is named beside what a sentence is about: revenue, customers, the score."""
    return keys[0] in _GENERIC or SCORE in keys


def value_of(standings: Standings, key: str) -> Fraction | None:
    """How much it is, where the tools told it."""
    return standings[key].value if key in standings else None
