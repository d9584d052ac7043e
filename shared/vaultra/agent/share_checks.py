"""Checking shares that are told in words: whether all payouts arrived, and whether most sales are one customer's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from vaultra.agent import judgement_words as words
from vaultra.agent.faults import Fault
from vaultra.agent.sentence_parts import CONCENTRATION, PAYOUTS, Part, value_of
from vaultra.agent.standings import Standings

HALF = Fraction(1, 2)
_DISPUTES = frozenset({"dispute_win_rate", "chargeback_count"})
_DIGIT = re.compile(r"\d")


def share_faults(part: Part, standings: Standings) -> Iterator[Fault]:
    """A share that the tools told otherwise."""
    keys = {key for *_, found in part.names for key in found}
    told = (
        (PAYOUTS in keys, _payouts, value_of(standings, PAYOUTS)),
        (bool(keys & _DISPUTES), _disputes, value_of(standings, "dispute_win_rate")),
        (CONCENTRATION in keys, _customers, value_of(standings, CONCENTRATION)),
        ("negative_balance_days" in keys, _balance, value_of(standings, "negative_balance_days")),
    )
    for is_meant, is_wrong, share in told:
        if is_meant and share is not None and is_wrong(part.text, share):
            yield Fault("judgement", part.text.strip(), "The tools told another share of it.")


def _payouts(text: str, share: Fraction) -> bool:
    arrives, fails = words.ARRIVES.search(text), words.FAILS.search(text)
    if words.NONE_OF.search(text):
        return share != 1 if fails else bool(arrives) and share != 0
    if words.NOT_EVERY.search(text):
        return share == 1
    if words.MOSTLY.search(text):
        return share <= HALF if arrives else bool(fails) and share >= HALF
    if words.ALL_OF.search(text):
        return bool(arrives) and share != 1
    return bool(words.NOT_ALL.search(text) and fails) and share == 1


def _disputes(text: str, share: Fraction) -> bool:
    won, lost = words.WON.search(text), words.LOST.search(text)
    if words.NONE_OF.search(text):
        return bool((won and share != 0) or (lost and share != 1))
    return bool(words.ALL_OF.search(text) and ((won and share != 1) or (lost and share != 0)))


def _customers(text: str, share: Fraction) -> bool:
    most, least = words.MOST_OF.search(text), words.LESS_THAN_HALF.search(text)
    if words.NONE_OF.search(text):
        return bool(most) and share > HALF
    return bool((most and share <= HALF) or (least and share > HALF))


def _balance(text: str, days: Fraction) -> bool:
    return bool(words.ABOVE_ZERO.search(text)) and days != 0
