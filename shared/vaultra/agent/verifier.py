"""What stands between an answer and its reader: every sentence is checked against what the tools told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from vaultra.agent import manners
from vaultra.agent.answers import Citation, Turn
from vaultra.agent.evidence import Evidence, gathered
from vaultra.agent.facts import catalogue, spelled
from vaultra.agent.faults import Fault
from vaultra.agent.judgement_checks import is_borne_out, judgement_faults
from vaultra.agent.number_checks import number_faults
from vaultra.agent.sentence_parts import CONCENTRATION
from vaultra.agent.status_checks import lender_faults, tier_faults
from vaultra.agent.tools import ToolOutcome
from vaultra.domain import figures as read
from vaultra.domain.claims import claims
from vaultra.domain.disclaimer import DISCLAIMER, NOT_OFFERS
from vaultra.domain.retrieval import stems
from vaultra.domain.sentence_cutting import cut
from vaultra.domain.subjects import named

# The share of a cited sentence's words that the passage has to have: below, it supports something else.
LEAST_SUPPORT = 0.6
# Shorter ones stand in many texts without repeating any.
SHORTEST_REPETITION = 20

_MARKER = re.compile(r" ?\[(?:sources?: ?)?([a-z0-9-]+)(?:#([a-z0-9-]+))?\]", re.IGNORECASE)
_MULTIPLES = re.compile(
    r"\b(half|a third|two thirds|a quarter|three quarters|doubled?|tripled?|twice|thrice|halved|a dozen|hundreds|"
    r"thousands|millions)\b",
    re.IGNORECASE,
)
_THAN_HALF = re.compile(r"\bcustomers?\b[^.;]{0,30}\b(?:more|less) than half$", re.IGNORECASE)
_OWN_WORDS = frozenset({spelled(DISCLAIMER), spelled(NOT_OFFERS)})


@dataclass(frozen=True)
class Checked:
    """A sentence as it may be shown, without its markers; what it cites; and why it may not be shown at all."""

    text: str
    citations: tuple[Citation, ...]
    faults: tuple[Fault, ...]


class Verifier:
    """Checks the sentences of one answer, in order: what a sentence names, the next may call `it`."""

    def __init__(self, question: str, history: Sequence[Turn] = ()) -> None:
        earlier = [outcome for turn in history for outcome in turn.outcomes]
        self._earlier, self._outcomes, self._question = earlier, list[ToolOutcome](), question
        self._evidence = gathered((), earlier)
        self._said = question

    def learn(self, outcome: ToolOutcome) -> None:
        """A tool told something more."""
        self._outcomes.append(outcome)
        if any(earlier.name == outcome.name for earlier in self._earlier):
            self._evidence = gathered(self._outcomes, self._earlier)
        else:
            self._evidence.add(outcome)

    def check(self, raw: str) -> Checked:
        """A sentence as it was written, with markers like `[refunds-and-negative-balances#refund-rate]`."""
        text, citations, unknown = cited(raw, self._evidence)
        found = [*unknown, *check_sentence(text, self._evidence, citations, context=self._said)]
        if not found and named(text) and not text.startswith("("):
            self._said = text
        return Checked(text, citations, tuple(found))

    def closing(self, text: str) -> str | None:
        """The sentence that has to stand at the end of this answer and does not; None when none is missing."""
        return closing(text, self._outcomes, self._question)


def faults(
    sentence: str,
    outcomes: Sequence[ToolOutcome],
    history: Sequence[Turn] = (),
    question: str = "",
    cited_sections: Iterable[Citation] = (),
) -> list[Fault]:
    """Why a single sentence may not be said, given what the tools told; empty when it may.

    Args:
        cited_sections: What it cites beside its own markers.
    """
    evidence = gathered(outcomes, [outcome for turn in history for outcome in turn.outcomes])
    text, citations, unknown = cited(sentence, evidence)
    also = [citation for citation in cited_sections if citation not in citations]
    unknown += [
        Fault("citation", citation.key, "It was not found in this turn.")
        for citation in also
        if citation.key not in evidence.passages
    ]
    known = tuple(citation for citation in also if citation.key in evidence.passages)
    return unknown + check_sentence(text, evidence, (*citations, *known), context=question)


def sentences(pieces: Iterable[str]) -> Iterator[str]:
    """The sentences of a text that comes in pieces, each with the space behind it, as soon as it is whole."""
    return cut(pieces)


def closing(text: str, outcomes: Sequence[ToolOutcome], question: str = "") -> str | None:
    """The disclaimer, where an answer about lenders, loans or a coming score lacks it."""
    needed = manners.about_funding(question) or any(
        outcome.ok and outcome.name in ("criteria_monitor", "simulate", "path_to_next_tier") for outcome in outcomes
    )
    return DISCLAIMER if needed and DISCLAIMER not in text else None


def cited(raw: str, evidence: Evidence) -> tuple[str, tuple[Citation, ...], list[Fault]]:
    """A sentence without its markers, the sections they name, and a fault for each that was not retrieved."""
    citations: list[Citation] = []
    unknown: list[Fault] = []
    for match in _MARKER.finditer(raw):
        doc_id, section = match[1].lower(), (match[2] or "").lower()
        if doc_id.isdigit():
            continue
        key = f"{doc_id}#{section}"
        keys = [key] if section else [known for known in evidence.passages if known.startswith(key)]
        citations += [evidence.passages[known].citation for known in keys if known in evidence.passages]
        if not any(known in evidence.passages for known in keys):
            unknown.append(Fault("citation", match[0].strip(), "Cite only sections that search_knowledge just found."))
    text = _MARKER.sub(lambda match: match[0] if match[1].isdigit() else "", raw)
    return text, tuple(dict.fromkeys(citations)), unknown


def check_sentence(
    sentence: str, evidence: Evidence, citations: Sequence[Citation], *, context: str = ""
) -> list[Fault]:
    """Every fault of a sentence.

    Args:
        context: What was said before it, or asked: what `it` stands for.
    """
    for name in evidence.names:
        sentence = sentence.replace(f"“{name}”", "“…”")
    found = [Fault(kind, text, reason) for kind, text, reason in manners.breaches(sentence)]
    told = spelled(sentence).strip("()-• ")
    sections = {citation.key for citation in citations}
    if told in _OWN_WORDS:
        return found
    repeated = [*evidence.texts, *(spelled(evidence.passages[key].text) for key in sections)]
    if len(told) >= SHORTEST_REPETITION and any(told in text for text in repeated):
        return found
    facts = [fact for fact in (*evidence.facts, *catalogue()) if fact.section is None or fact.section in sections]
    for claim in claims(sentence):
        found += number_faults(claim, sentence, facts, evidence, context)
    found += _date_faults(sentence, evidence, sections)
    found += _multiple_faults(sentence, evidence, sections)
    found += tier_faults(sentence, evidence)
    found += judgement_faults(sentence, evidence.standings, context)
    found += lender_faults(sentence, evidence)
    if not found and not sections and not evidence.lenders_in(sentence) and not read.figures(sentence):
        found += _unborne_faults(sentence, evidence, context)
    if sections:
        found += _support_faults(sentence, evidence, sections)
    return found


def _date_faults(sentence: str, evidence: Evidence, sections: set[str]) -> list[Fault]:
    known = [day for key in sections for day in read.days(evidence.passages[key].text)]
    return [
        Fault("date", sentence[day.start : day.end], "No tool told this date.")
        for day in read.days(sentence)
        if not any(day.tells(date) for date in evidence.dates)
        and not any((day.year, day.month, day.day) == (other.year, other.month, other.day) for other in known)
    ]


def _multiple_faults(sentence: str, evidence: Evidence, sections: set[str]) -> list[Fault]:
    """`Half` and `doubled` are numbers, too."""
    texts = [*evidence.texts, *(spelled(evidence.passages[key].text) for key in sections)]
    return [
        Fault("multiple", match[0], "No tool told this. Use the number itself.")
        for match in _MULTIPLES.finditer(sentence)
        # How much of the sales one customer brings is compared with the half.
        if not (CONCENTRATION in evidence.standings and _THAN_HALF.search(sentence[: match.end()]))
        and not any(match[0].lower() in text for text in texts)
    ]


def _unborne_faults(sentence: str, evidence: Evidence, context: str) -> list[Fault]:
    """What is said of the business without a number, a source, or anything in the tools' replies that bears it out."""
    if is_borne_out(sentence, evidence.standings, context):
        return []
    return [Fault("judgement", sentence.strip(), "No tool told this. Say the number, or what the tool's reply says.")]


def _support_faults(sentence: str, evidence: Evidence, sections: set[str]) -> list[Fault]:
    words = [word for word in stems(sentence) if not word.isdigit()]
    there = frozenset().union(*(evidence.passages[key].words for key in sections))
    share = sum(word in there for word in words) / len(words) if words else 1.0
    if share >= LEAST_SUPPORT:
        return []
    return [Fault("support", sentence.strip(), "The cited section does not say this.")]
