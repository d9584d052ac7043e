"""Numbers that are known, each with what it is of and when: read from fields, sentences and passages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

from vaultra.agent.answers import Citation
from vaultra.agent.asked_spans import window_days
from vaultra.agent.tools import ToolOutcome
from vaultra.domain.claims import Role, claims, content, role_in_words
from vaultra.domain.figures import FigureUnit
from vaultra.domain.knowledge import plain, sentences
from vaultra.domain.metrics import METRICS
from vaultra.domain.readiness import RULES, TIERS
from vaultra.domain.subjects import SCORE, TIER, meant_by

SEARCH = "search_knowledge"
# While meanings can't be compared, the share of common words stands for the similarity, and counts a little less.
BY_WORDS = 0.8
UNITS: Mapping[str, FigureUnit] = {"money": "money", "ratio": "percent", "count": "plain", "days": "days"}
_METRICS = {metric.key: metric for metric in METRICS}


@dataclass(frozen=True)
class Fact:
    """One number that is known.

    Attributes:
        subjects: What it is of; empty where only its words tell.
        words: Those of the sentence it stands in, or of the field that it is where no subject tells what it is.
        is_field: Whether it is a field; then all of its words have to be said.
        section: The article's section it stands in; only a sentence that cites the section rests on it.
        on: The day on which it was so, where the field tells one.
    """

    value: Fraction
    unit: FigureUnit
    currency: str | None = None
    subjects: frozenset[str] = frozenset()
    role: Role = "any"
    words: frozenset[str] = frozenset()
    is_field: bool = False
    section: str | None = None
    lender: str | None = None
    on: dt.date | None = None


@dataclass(frozen=True)
class Found:
    """A passage that was retrieved; `similarity` is how near it is, 0 to 1."""

    citation: Citation
    text: str
    similarity: float

    @property
    def words(self) -> frozenset[str]:
        return content(f"{self.citation.title} {self.citation.heading} {self.text}")


@dataclass(frozen=True)
class Place:
    """Where in a result something stands: what that is of, in which unit and currency, and when.

    Attributes:
        on: The day that the object tells of.
        earlier_on: The day that the fields `earlier` in it tell of.
        rule: The score's rule that the object is; its value is of one metric, whatever else its name may mean.
    """

    subjects: frozenset[str] = frozenset()
    unit: str | None = None
    currency: str | None = None
    role: Role | None = None
    lender: str | None = None
    on: dt.date | None = None
    earlier_on: dt.date | None = None
    rule: str | None = None

    def within(self, node: Mapping[str, Any]) -> Place:
        """The same inside an object, which may say what it is of."""
        keys = [node[name] for name in ("metric", "rule", "key", "subject") if isinstance(node.get(name), str)]
        keys += node["rules"] if node.get("rules") and isinstance(node["rules"][0], str) else []
        keys += [SCORE, *node["metric_refs"]] if node.get("metric_refs") else []
        definition = node.get("definition") or {}
        if definition:
            keys = [definition["key"]]
        subjects = frozenset().union(*map(meant_by, keys)) if keys else self.subjects
        lender = node["lender"] if isinstance(node.get("lender"), str) else self.lender
        if lender is not None and isinstance(node.get("subject"), str):
            subjects = of_criterion(node["subject"])
        return replace(
            self,
            subjects=subjects,
            unit=node.get("unit") or definition.get("unit") or self.unit,
            currency=node.get("currency") or self.currency,
            lender=lender,
            on=_day(node, "on") or _day(node, "scored_on") or self.on,
            earlier_on=_day(node, "earlier_on") or self.earlier_on,
            rule=node["key"] if node.get("key") in _RULES and "sentence" in node else self.rule,
        )

    def at(self, name: str) -> Place:
        """The same one step further in."""
        return replace(self, subjects=meant_by(name)) if name in _METRICS else self


# The metric whose value a rule has, where it is of another name.
MEASURED_BY: Mapping[str, str] = {
    "refunds": "refund_volume_ratio",
    "concentration": "top_customer_share",
    "scale": "monthly_net_volume",
    "continuity": "active_weeks_ratio",
}
_RULES = frozenset(rule.key for rule in RULES)


def _day(node: Mapping[str, Any], name: str) -> dt.date | None:
    return dt.date.fromisoformat(node[name]) if isinstance(node.get(name), str) else None


_CRITERIA: Mapping[str, tuple[str, ...]] = {
    "monthly_volume": ("monthly_net_volume", "net_volume", "revenue_total"),
    "yearly_volume": ("net_volume", "monthly_net_volume", "revenue_total"),
    "dispute_ratio": ("chargeback_ratio",),
}


def of_criterion(subject: str) -> frozenset[str]:
    """What a lender's minimum is of."""
    return frozenset().union(*map(meant_by, _CRITERIA.get(subject, (subject,))))


def passages_of(outcome: ToolOutcome) -> list[Found]:
    """The passages that a search retrieved, the best first."""
    if outcome.name != SEARCH or not outcome.ok or outcome.result is None:
        return []
    return [
        Found(
            Citation(
                doc_id=one["doc_id"],
                title=one["title"],
                section=one["section"],
                heading=one["heading"],
                url=one["url"],
            ),
            one["text"],
            BY_WORDS * one["coverage"] if outcome.result["by_words_only"] else one["similarity"],
        )
        for one in outcome.result["passages"]
    ]


def spelled(text: str) -> str:
    """A text in one spelling, for comparing."""
    return " ".join(plain(text).replace("*", "").replace("’", "'").split()).casefold()


@lru_cache(maxsize=1)
def catalogue() -> tuple[Fact, ...]:
    """What the product's own definitions say, whoever asks: the days of metrics, the limits of rules and tiers."""
    found: list[Fact] = []
    for metric in METRICS:
        place = Place(subjects=meant_by(metric.key))
        for text in (metric.meaning, metric.formula):
            found += [replace(fact, subjects=meant_by(metric.key)) for fact in facts_of_text(text, place)]
        if days := window_days(metric.key):
            found.append(Fact(Fraction(days), "days", None, meant_by(metric.key), is_field=True))
    for rule in RULES:
        place = Place(subjects=meant_by(rule.key), role="limit")
        for band in rule.bands:
            found += [replace(fact, subjects=place.subjects, role="limit") for fact in facts_of_text(band.when, place)]
    for tier in TIERS:
        found.append(Fact(Fraction(tier.from_score), "plain", None, frozenset({SCORE, TIER}), "limit"))
    return tuple(found)


def facts_of_text(text: str, place: Place) -> Iterator[Fact]:
    for sentence in sentences(text):
        words = content(sentence)
        for claim in claims(sentence):
            subjects = frozenset(claim.subjects)
            if not claim.counted:
                subjects |= place.subjects
            lender = place.lender or (claim.lenders[0].removeprefix("lender:") if claim.lenders else None)
            role = place.role if place.role in ("then", "limit") else role_in_words(sentence, claim.figure)
            figure = claim.figure
            yield Fact(figure.value, figure.unit, figure.currency, subjects, role, words, lender=lender)


def facts_of_passage(found: Found) -> Iterator[Fact]:
    context = content(f"{found.citation.title} {found.citation.heading}")
    for sentence in sentences(found.text):
        words = content(sentence) | context
        for claim in claims(sentence):
            figure = claim.figure
            yield Fact(
                figure.value, figure.unit, figure.currency, frozenset(claim.subjects), "any", words,
                section=found.citation.key, lender=claim.lenders[0].removeprefix("lender:") if claim.lenders else None,
            )  # fmt: skip
