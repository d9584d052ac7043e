"""Checking where a sentence puts the business: in which tier, and on which side of lenders' minimums and of limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from vaultra.agent.evidence import Evidence
from vaultra.agent.facts import Fact
from vaultra.agent.faults import Fault
from vaultra.domain.claims import Claim
from vaultra.domain.readiness import TIERS
from vaultra.domain.subjects import lender_subject, named

_CONDITION = re.compile(r"\b(if|would|could|should|when|until|how|why|whether|can|may|might|unless|once)\b", re.I)
_NOW = re.compile(
    r"\b(you(?:'re| are)|your (?:score|tier|business|shop|current tier)[^.;]{0,30}\b(?:is|puts)|"
    r"(?:score|tier|band)(?: of \d+)? (?:is|puts)|currently|which is|that is|in the)\b[^.;]{0,40}$",
    re.IGNORECASE,
)
# In small letters, `improving` is an ordinary word; these are not, where they are said of the business.
_IS_TIER = re.compile(
    r"\b(?:you|your (?:business|shop|score)|it)\b[^.;,]{0,20}\b(?:is|are|'re|remains?|became|has become|have become)"
    r"(?P<not> not)?(?: (?:now|already|still|currently|yet))* (?P<tier>not ready|funding[- ]ready|highly attractive)\b",
    re.IGNORECASE,
)
_EXTREME = re.compile(
    r"\b(?P<not>not )?(?:yet )?(?:in|reached|into|at|of|up to|down to|to) the "
    r"(?:(?P<top>top|highest|best)|(?P<low>lowest|bottom|worst)) (?:tier|band|level)",
    re.IGNORECASE,
)
_ANOTHER = re.compile(r"\b(?:next|another|higher|further) (?:tier|one|band|level)\b", re.IGNORECASE)
_MEETS = re.compile(
    r"\b(meet|meets|met|qualif\w+|eligible|satisf\w+|pass(es)?|above|over|clears?|exceeds?|within|enough)\b",
    re.IGNORECASE,
)
_MEETS_NOT = re.compile(
    r"\b(not|miss(es|ed)?|fail(s|ed)?|short of|below|under|yet to|cannot|neither|out of reach|too (?:low|little))\b"
    r"|n't\b",
    re.IGNORECASE,
)
_MORE_THAN = re.compile(
    r"\b(?:is|are|was|stands|stays|remains|sits|lies|now|still)\b[^.;,]{0,20}\b"
    r"(?:above|over|more than|higher than|beyond|at least)(?: the| a)? $|\bexceeds?(?: the)? $",
    re.IGNORECASE,
)
_LESS_THAN = re.compile(
    r"\b(?:is|are|was|stands|stays|remains|sits|lies|now|still)\b[^.;,]{0,20}\b"
    r"(?:below|under|less than|lower than|within|at most|inside)(?: the| a)? $",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(?:not|no longer)\b|n't\b", re.IGNORECASE)


def says_where_it_is(sentence: str) -> bool:
    """Whether a sentence names a tier, or speaks of the best or the worst."""
    named_so = any(tier.label in sentence for tier in TIERS)
    return named_so or _IS_TIER.search(sentence) is not None or _EXTREME.search(sentence) is not None


def tier_faults(sentence: str, evidence: Evidence) -> Iterator[Fault]:
    """A tier that the score is not in."""
    if not evidence.tiers:
        return
    for tier in TIERS:
        # As a tier it is written with a capital letter.
        for match in re.finditer(rf"\b{re.escape(tier.label)}\b", sentence):
            in_front = sentence[: match.start()]
            said = _NOW.search(in_front) and not _CONDITION.search(in_front) and not _ANOTHER.search(in_front)
            if said and tier.key not in evidence.tiers and not _NOT.search(in_front):
                yield _wrong_tier(match[0])
    keys = [tier.key for tier in TIERS]
    best = min(keys.index(key) for key in keys if key in evidence.tiers)
    for match in _IS_TIER.finditer(sentence):
        if _CONDITION.search(sentence[: match.start()]):
            continue
        label = match["tier"].lower().replace("-", " ")
        wanted = next(n for n, tier in enumerate(TIERS) if tier.label.lower().replace("-", " ") == label)
        # Whoever is in a higher tier is ready for funding, too.
        holds = best == wanted if keys[wanted] == "not_ready" else best <= wanted
        if holds is bool(match["not"]):
            yield _wrong_tier(match["tier"])
    for match in _EXTREME.finditer(sentence):
        if not _CONDITION.search(sentence[: match.start()]):
            holds = best == (0 if match["top"] else len(TIERS) - 1)
            if holds is bool(match["not"] or _NOT.search(sentence[: match.start()])):
                yield _wrong_tier(match[0])


def lender_faults(sentence: str, evidence: Evidence) -> Iterator[Fault]:
    """Minimums that are said to be met and are not, or the other way round."""
    if _CONDITION.search(sentence) or not (_MEETS.search(sentence) or _MEETS_NOT.search(sentence)):
        return
    names = named(sentence)
    lenders = {subject for name in names for subject in name.subjects if subject.startswith("lender:")}
    things = {subject for name in names for subject in name.subjects} - lenders
    for lender, statuses in evidence.statuses.items():
        if lender_subject(lender) not in lenders:
            continue
        # Of one number, if the sentence names it; else of all that the lender asks for.
        of_it = {status for subjects, status in statuses if subjects & things} or {status for _, status in statuses}
        negative = _MEETS_NOT.search(sentence) is not None
        if ("not_met" not in of_it) if negative else ("not_met" in of_it or "met" not in of_it):
            yield Fault("lender", lender, "The comparison says otherwise.")


def limit_faults(claim: Claim, sentence: str, now: Sequence[Fact]) -> list[Fault]:
    """Something that is said to be above or below a number, and is not.

    Args:
        now: The fields that tell what it is now.
    """
    in_front, figure = sentence[: claim.figure.start], claim.figure
    above, below = _MORE_THAN.search(in_front), _LESS_THAN.search(in_front)
    said = above or below
    if said is None or not now or _CONDITION.search(in_front):
        return []
    values = [abs(fact.value) for fact in now]
    holds = [(value >= abs(figure.value)) if above else (value <= abs(figure.value)) for value in values]
    if any(holds) is (_NOT.search(said[0]) is None):
        return []
    return [Fault("label", sentence[figure.start : figure.end].strip(), "The tools told that it is on the other side.")]


def _wrong_tier(text: str) -> Fault:
    return Fault("tier", text, "The score is in another tier.")
