"""Checking a number of a sentence: known, told of what it is of, in its currency, and at its time."""

from __future__ import annotations

from collections.abc import Sequence

from vaultra.agent.evidence import Evidence
from vaultra.agent.facts import Fact
from vaultra.agent.faults import Fault
from vaultra.domain import figures as read
from vaultra.domain.claims import Claim, content, fits
from vaultra.domain.subjects import SCORE, named

# The share of a sentence's words that the sentence with the same number has to have, where no name binds it.
LEAST_OVERLAP = 0.5
# A smaller plain number is no amount without its sign.
LEAST_AMOUNT = 100


def number_faults(claim: Claim, sentence: str, facts: Sequence[Fact], evidence: Evidence, context: str) -> list[Fault]:
    figure = claim.figure
    text = sentence[figure.start : figure.end].strip()
    same = [fact for fact in facts if _same_number(claim, fact)]
    if not same:
        other = any(figure.tells(fact.value) and fact.unit == "money" for fact in facts) and figure.unit == "money"
        if other:
            return [Fault("currency", text, "The tools told this amount in another currency.")]
        hint = any(found.text and _has_number(found.text, claim) for found in evidence.passages.values())
        reason = "Cite the section it comes from." if hint else "No tool told this number. Leave it out."
        return [Fault("number", text, reason)]
    subjects = frozenset(claim.subjects) or subjects_of(context)
    words = content(sentence)
    bound = [fact for fact in same if _agrees(fact, subjects, words, claim, named_here=bool(claim.subjects))]
    if not bound:
        return [Fault("label", text, "The tools told this number of something else.")]
    rests = any(fact.section is not None or (fact.is_field and fact.role in ("now", "before", "any")) for fact in bound)
    if claim.said_to_be and not rests and any(_could_have_been_meant(fact, subjects, claim) for fact in facts):
        return [Fault("label", text, "The tools told another number of it.")]
    roles = {role for role in {fact.role for fact in bound} if fits(role, sentence, claim)}
    if not roles:
        return [Fault("time", text, "The tools told this number of another time, or as a limit or a change.")]
    if claim.past and SCORE in subjects and roles <= {"now", "any"} and _was_something_else(facts, bound):
        return [Fault("time", text, "This is the number of today.")]
    return []


def _same_number(claim: Claim, fact: Fact) -> bool:
    figure, unit = claim.figure, claim.figure.unit
    if unit == "plain" and fact.unit == "percent":
        return figure.step < 1 and figure.tells(fact.value / 100)
    if unit == "plain" and fact.unit == "money":
        return figure.tells(fact.value) and figure.value >= LEAST_AMOUNT
    if unit == "money":
        return fact.unit == "money" and figure.tells(fact.value) and figure.currency in (None, fact.currency)
    if {unit, fact.unit} == {"plain", "points"}:
        # `The score is 86` and `6 periods`: only of the score itself, points go without their name.
        return SCORE in fact.subjects and figure.tells(fact.value)
    if {unit, fact.unit} == {"plain", "days"}:
        return figure.tells(fact.value)
    if unit in ("months", "years", "weeks") and fact.unit == "plain":
        return figure.tells(fact.value)
    return unit == fact.unit and figure.tells(fact.value)


def _agrees(fact: Fact, subjects: frozenset[str], words: frozenset[str], claim: Claim, *, named_here: bool) -> bool:
    """Whether the number is told of what it is known of."""
    if fact.lender is not None and claim.lenders and f"lender:{fact.lender}" not in claim.lenders:
        return False
    if fact.is_field and not fact.subjects:
        return fact.words <= words if fact.words else True
    if fact.section is not None:
        return _overlaps(words, fact) and (not named_here or not fact.subjects or bool(subjects & fact.subjects))
    if subjects and fact.subjects:
        return bool(subjects & fact.subjects)
    if not subjects and fact.lender is not None:
        return f"lender:{fact.lender}" in claim.lenders
    return _overlaps(words, fact)


def _could_have_been_meant(fact: Fact, subjects: frozenset[str], claim: Claim) -> bool:
    """Whether this is the number that a tool told of what the sentence names, in the unit that it uses."""
    return (
        fact.is_field
        and fact.role in ("now", "any")
        and fact.unit == claim.figure.unit
        and bool(fact.subjects & subjects)
    )


def _overlaps(words: frozenset[str], fact: Fact) -> bool:
    """Whether the sentence says about what the one with the fact says."""
    return bool(words) and len(words & fact.words) >= LEAST_OVERLAP * len(words)


def _was_something_else(facts: Sequence[Fact], bound: Sequence[Fact]) -> bool:
    subjects = frozenset().union(*(fact.subjects for fact in bound))
    return any(fact.role == "before" and fact.is_field and fact.subjects & subjects for fact in facts)


def subjects_of(text: str) -> frozenset[str]:
    return frozenset(subject for name in named(text) for subject in name.subjects)


def _has_number(text: str, claim: Claim) -> bool:
    return any(figure.value == claim.figure.value and figure.unit == claim.figure.unit for figure in read.figures(text))
