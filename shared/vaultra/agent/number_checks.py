"""Checking a number of a sentence: known, told of what it is of, in its currency, and at its time."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence

from vaultra.agent.evidence import Evidence
from vaultra.agent.facts import Fact
from vaultra.agent.faults import Fault
from vaultra.agent.status_checks import limit_faults
from vaultra.domain import figures as read
from vaultra.domain.claims import Claim, content, fits, role_in_words
from vaultra.domain.metrics import METRICS
from vaultra.domain.subjects import SCORE, named

# The share of a sentence's words that the sentence with the same number has to have, where no name binds it.
LEAST_OVERLAP = 0.5
# And of the words of that sentence, the share that has to be said again.
RETOLD = 0.5
# A smaller plain number is no amount without its sign.
LEAST_AMOUNT = 100
_NOT_MEASURED = re.compile(r"\b(?:not|n't)(?: been)? measured\b", re.IGNORECASE)
_AGO = re.compile(r"(?<!\d)(\d{1,3}) days (?:ago|before|earlier)\b")
_THAN = re.compile(r" (?:more|less|fewer|higher|lower|away|above|below|up|down|short|better|worse)\b", re.IGNORECASE)
_LAST = re.compile(r"\b(?:last|past) $", re.IGNORECASE)
_LABELS: Mapping[str, str] = {
    written: metric.key for metric in METRICS for written in (metric.label.lower(), f"{metric.label.lower()}s")
} | {metric.label.lower().removesuffix("s"): metric.key for metric in METRICS}
_RESTS = re.compile(r"\b(?:rests?|based) on\b[^.;]{0,25}$", re.IGNORECASE)


def number_faults(claim: Claim, sentence: str, facts: Sequence[Fact], evidence: Evidence, context: str) -> list[Fault]:
    figure = claim.figure
    text = sentence[figure.start : figure.end].strip()
    if _is_compared_with(claim, sentence, evidence):
        return []
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
    if _NOT_MEASURED.search(sentence) and not any(not fact.is_field for fact in bound):
        return [Fault("label", text, "It is not measured, for the reason that the tools told.")]
    meant = _meant(claim, sentence, facts, subjects, evidence)
    if meant and not any(fact in meant or fact.section is not None for fact in bound):
        if any({fact.role, one.role} == {"now", "before"} for fact in bound for one in meant if fact.is_field):
            return [Fault("time", text, "The tools told this number of another time.")]
        return [Fault("label", text, "The tools told another number of it.")]
    if found := limit_faults(claim, sentence, _told_now(claim, facts, subjects)):
        return found
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
        # What stands in a sentence of ours is told again in about its words.
        retold = fact.is_field or fact.role in ("limit", "change", "then") or _retells(words, fact)
        return bool(subjects & fact.subjects) and retold
    if not subjects and fact.lender is not None:
        return f"lender:{fact.lender}" in claim.lenders
    return _overlaps(words, fact)


def _meant(
    claim: Claim, sentence: str, facts: Sequence[Fact], subjects: frozenset[str], evidence: Evidence
) -> list[Fact]:
    """The fields that a sentence says this number to be: what something is, was, was on a day, or rests on.

    Empty where it says nothing of the kind, or no tool told it.
    """
    own = _fields(claim, facts, subjects)
    in_front = sentence[: claim.figure.start]
    if _RESTS.search(in_front):
        return [fact for fact in own if fact.role == "sample"]
    if claim.past:
        days = [day for day in read.days(sentence) if day.day is not None]
        ago = evidence.days_ago.get(_days_ago(sentence) or 0)
        dated = [fact for fact in own if fact.on is not None and _is_told(fact.on, days, ago)]
        return dated or [fact for fact in own if fact.role in ("before", "now")]
    if claim.figure.unit == "points" and _THAN.match(sentence, claim.figure.end):
        return []
    if claim.said_to_be or role_in_words(sentence, claim.figure) == "now":
        return [fact for fact in own if fact.role == "now"]
    return []


def _told_now(claim: Claim, facts: Sequence[Fact], subjects: frozenset[str]) -> list[Fact]:
    """What it is now, of what is usually meant by the name."""
    now = [fact for fact in _fields(claim, facts, subjects) if fact.role == "now" and fact.unit == claim.figure.unit]
    return [fact for fact in now if claim.subjects and claim.subjects[0] in fact.subjects] or now


def _fields(claim: Claim, facts: Sequence[Fact], subjects: frozenset[str]) -> list[Fact]:
    """The fields of what the sentence names, in the unit of its number."""
    own = [fact for fact in facts if fact.is_field and fact.subjects & subjects and _same_unit(claim, fact)]
    if not claim.lenders:
        # A lender's volume is looked at over other days.
        own = [fact for fact in own if fact.lender is None]
    # What is called by the label of a metric is that metric; a looser word may mean any of several.
    return [fact for fact in own if _LABELS.get(claim.name) in fact.subjects] or own


def _is_told(on: dt.date, days: Sequence[read.Day], ago: dt.date | None) -> bool:
    return on == ago or any(day.tells(on) for day in days)


def _is_compared_with(claim: Claim, sentence: str, evidence: Evidence) -> bool:
    """Whether it is `30 days ago`, or the `last 30 days` of the score, where the tools compared with that day."""
    ago = _AGO.match(sentence, claim.figure.start) and _days_ago(sentence) in evidence.days_ago
    last = SCORE in claim.subjects and _LAST.search(sentence[: claim.figure.start])
    return bool(ago or (last and claim.figure.unit == "days" and claim.figure.value in evidence.days_ago))


def _days_ago(sentence: str) -> int | None:
    """How many days ago the sentence says that something was."""
    found = _AGO.search(sentence)
    return int(found[1]) if found else None


def _same_unit(claim: Claim, fact: Fact) -> bool:
    return fact.unit == claim.figure.unit or {fact.unit, claim.figure.unit} <= {"plain", "days", "points"}


def _overlaps(words: frozenset[str], fact: Fact) -> bool:
    """Whether the sentence says about what the one with the fact says."""
    return bool(words) and len(words & fact.words) >= LEAST_OVERLAP * len(words)


def _retells(words: frozenset[str], fact: Fact) -> bool:
    """Whether the sentence has about all of what the one with the fact says, whatever else it says."""
    return _overlaps(words, fact) or len(words & fact.words) >= RETOLD * len(fact.words)


def _was_something_else(facts: Sequence[Fact], bound: Sequence[Fact]) -> bool:
    subjects = frozenset().union(*(fact.subjects for fact in bound))
    return any(fact.role == "before" and fact.is_field and fact.subjects & subjects for fact in facts)


def subjects_of(text: str) -> frozenset[str]:
    return frozenset(subject for name in named(text) for subject in name.subjects)


def _has_number(text: str, claim: Claim) -> bool:
    return any(figure.value == claim.figure.value and figure.unit == claim.figure.unit for figure in read.figures(text))
