"""What a sentence says of which number: each figure bound to the thing it is told of, and to its time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from vaultra.domain.figures import Figure, figures
from vaultra.domain.metrics import METRICS
from vaultra.domain.retrieval import stems
from vaultra.domain.subjects import Named, named

# When a number holds: today, before, under a condition or later; a limit, or a change; how many things another number
# rests on; `any` where nothing tells.
Role = Literal["now", "before", "then", "limit", "change", "sample", "any"]

UNITS = {metric.key: metric.unit for metric in METRICS}
# Between these, a number is not told of what was named on the other side.
_SEGMENT = re.compile(
    r"[;:()\n–—]|,(?!\d)|(?<!\d)\.(?!\d)|\b(?:and|but|while|whereas|though|although|against|compared|versus|vs|or|so|"
    r"beside|which|because|with|at)\b",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"(?:\bwas|\bwere|\bhad|\bfrom|\bprevious(?:ly)?|\bbefore|\bearlier|\bused to be|\bagainst|\bcompared (?:with|to)|"
    r"\bthan|\bafter|\blast time|\bstarted at)(?: (?:at|about|only|just|a|the|your|of|score|previous))* $",
    re.IGNORECASE,
)
# A limit or a change is told within so many letters of its number.
NEAR = 40
_PRESENT = re.compile(
    r"(?:\bnow|\btoday|\bcurrently|\bis|\bare|\b(?:rose|fell|went|up|down|moved|changed|grew) from "
    r"(?:[^.]|\.\d){1,20} to)(?: (?:it|is|at|about|only|now|still))* $",
    re.IGNORECASE,
)
_PAST_ANYWHERE = re.compile(
    r"\b(was|were|had|previous(ly)?|before|earlier|ago|used to|up from|down from|from|compared|against|than|rose|fell|"
    r"went|changed|changes?|since|dropped|gained|lost|after|last time|history)\b",
    re.IGNORECASE,
)
_LATER = re.compile(
    r"\b(would|could|will|might|can|if|by|reach(es|ed)?|then|after|once|target|aim|goal|until|when|expected|add|adds|"
    r"bring|brings|gains?|worth|impact|from .+ on|becomes?|step|with)\b|\+ ?\d",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"\b(below|above|at least|at most|more than|less than|under|over|from|limits?|minimums?|asks?|needs?|requires?|"
    r"threshold|up to|to|between|starts?|or more|or less|best|worst|range|out of|maximum|most|least|fewer|days?|"
    r"points?)\b"
    r"|[–<>≤≥-]",
    re.IGNORECASE,
)
_CHANGE = re.compile(
    r"\b(points?|up|down|by|gain(s|ed)?|add(s|ed)?|worth|rose|fell|lost|earn(s|ed)?|takes?|took|more|less|higher|lower|"
    r"change|difference|short|away|above|below|increase|decrease|ahead|headroom|over|under|missing|gap)\b|[+−-] ?\d",
    re.IGNORECASE,
)
# Between what a number rests on and that it does so: `on 180 charges`, `rests on few events (24)`.
_SAMPLE = re.compile(
    r"\b(rests?|based|sample|events?|few|only|out of)\b|\b(of|on|from|over|in|for|with) $", re.IGNORECASE
)
# Between a name and the number that it is said to be: `Largest customer: 2.63%`, `your refund rate is 7.85%`.
_SAID_TO_BE = re.compile(
    r"^(?::| is| are| of| stands at| comes to| came to| amounts to)"
    r"(?: (?:about|around|only|just|now|currently|still|at))* $"
)
# `At 7.9%, your refund rate …`
_AT, _AND_NAMES_IT = re.compile(r"\bat (?:about |around )?$", re.IGNORECASE), re.compile(r"^, (?:your |the )?$")
_SUPPOSED = re.compile(
    r"\b(if|would|could|should|might|may|with|until|when|once|say|suppose|target|aim|best|worst|to)\b", re.IGNORECASE
)
# Between a number and what it counts: `3 open disputes`, `7.9% refund rate`.
_ADJOINING = re.compile(
    r"^ ?(?:-?day |of your |of the |of |paying |new |different |further |other |more |lost |won )?$"
)


@dataclass(frozen=True)
class Claim:
    """A figure with what it is told of.

    Attributes:
        subjects: All that the binding name may mean; empty where the sentence names nothing.
        counted: Whether the name stands right behind the number, as in `3 refunds`: then it is nothing else.
        past: Whether the words in front of it say that it was.
        said_to_be: Whether the sentence says that this is what it is now: `Largest customer: 2.63%`.
        name: The binding name as it is written, in lower case; empty where there is none.
    """

    figure: Figure
    subjects: tuple[str, ...]
    counted: bool
    past: bool
    lenders: tuple[str, ...]
    said_to_be: bool = False
    name: str = ""


def claims(sentence: str) -> list[Claim]:
    """Every figure of a sentence with what it is told of.

    In its own part of the sentence, a name right behind the number binds it, else the nearest one in front, else the
    next one behind. Where that part names nothing, the nearest name in front of it does, else the first one behind.
    """
    names = named(sentence)
    lenders = tuple(name.subjects[0] for name in names if name.subjects[0].startswith("lender:"))
    things = [name for name in names if not name.subjects[0].startswith("lender:")]
    found = figures(sentence)
    edges = _edges(sentence, found, things)
    return [
        _claim(figure, sentence, [name for name in things if _can_be(name, figure)], edges, lenders) for figure in found
    ]


def fits(role: Role, sentence: str, claim: Claim) -> bool:
    """Whether the sentence can tell a number of that role: what was is not told as what is."""
    start, end = claim.figure.start, claim.figure.end
    around = f"{sentence[max(0, start - NEAR) : start]} {sentence[end : end + NEAR]}"
    if role == "before":
        return bool(_PAST_ANYWHERE.search(sentence)) and not _PRESENT.search(sentence[:start])
    if role == "then":
        return bool(_LATER.search(sentence))
    if role == "limit":
        return bool(_LIMIT.search(around))
    if role == "change":
        return claim.figure.unit == "points" or bool(_CHANGE.search(around))
    if role == "sample":
        return bool(_SAMPLE.search(sentence[max(0, start - NEAR) : start]))
    return True


def content(text: str) -> frozenset[str]:
    """The words that carry what a text says, without endings and without numbers."""
    return frozenset(word for word in stems(text) if not word.isdigit())


def role_in_words(text: str, figure: Figure) -> Role:
    """What the words in front of a number say of its time."""
    before = text[: figure.start]
    if _PAST.search(before):
        return "before"
    if _PRESENT.search(before):
        return "now"
    return "then" if re.search(r"\b(would be|will be|is then|could be|would|then)( \w+)? $", before) else "any"


def _claim(
    figure: Figure, sentence: str, things: list[Named], edges: list[tuple[int, int]], lenders: tuple[str, ...]
) -> Claim:
    start, end = next(edge for edge in edges if edge[0] <= figure.start < edge[1])
    inside = [name for name in things if start <= name.start < end]
    adjoining = [
        name for name in inside if name.start >= figure.end and _ADJOINING.match(sentence[figure.end : name.start])
    ]
    in_front = [name for name in inside if name.end <= figure.start]
    behind = [name for name in inside if name.start >= figure.end]
    earlier = [name for name in things if name.end <= start]
    later = [name for name in things if name.start >= end]
    if adjoining:
        chosen: Named | None = adjoining[0]
    else:
        chosen = next(iter([*in_front[::-1], *behind, *earlier[::-1], *later]), None)
    return Claim(
        figure=figure,
        subjects=() if chosen is None else chosen.subjects,
        counted=bool(adjoining),
        past=bool(_PAST.search(sentence[: figure.start])),
        lenders=lenders,
        said_to_be=chosen is not None and _is_said_to_be(sentence, chosen, figure),
        name="" if chosen is None else chosen.phrase,
    )


def _is_said_to_be(sentence: str, name: Named, figure: Figure) -> bool:
    if name.start >= figure.end:
        in_front, between = sentence[: figure.start], sentence[figure.end : name.start]
        return bool(_AT.search(in_front) and _AND_NAMES_IT.match(between))
    between = sentence[name.end : figure.start]
    return bool(_SAID_TO_BE.match(between)) and not _SUPPOSED.search(sentence[: name.start])


def _can_be(name: Named, figure: Figure) -> bool:
    """Whether a number of that unit can be one of what is named: no count is a percentage."""
    wanted = {"percent": "ratio", "money": "money"}.get(figure.unit)
    return wanted is None or any(UNITS.get(subject, wanted) == wanted for subject in name.subjects)


def _edges(sentence: str, found: list[Figure], things: list[Named]) -> list[tuple[int, int]]:
    """The parts of a sentence; a number or a name is never cut."""
    whole = [(item.start, item.end) for item in found] + [(item.start, item.end) for item in things]
    cuts = [
        match.start()
        for match in _SEGMENT.finditer(sentence)
        if not any(start < match.end() and match.start() < end for start, end in whole)
    ]
    return list(pairwise(sorted({0, *cuts, len(sentence)}))) or [(0, 0)]
