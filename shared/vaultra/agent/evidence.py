"""What the tools told, taken apart: every number with what it is of and when, every date, every passage."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from vaultra.agent.facts import (
    MEASURED_BY,
    SEARCH,
    UNITS,
    Fact,
    Found,
    Place,
    facts_of_passage,
    facts_of_text,
    of_criterion,
    passages_of,
    spelled,
)
from vaultra.agent.standings import Standing, standings_of
from vaultra.agent.tools import ToolOutcome
from vaultra.domain import figures as read
from vaultra.domain.claims import Role, content
from vaultra.domain.metrics import METRICS
from vaultra.domain.subjects import SCORE, meant_by

_METRICS = {metric.key: metric for metric in METRICS}

# What fields are of and when, where the field's own name tells; others are of what their object is of.
_OF_THE_SCORE: Mapping[str, Role] = {"score": "now", "score_then": "then", "low": "any", "high": "any"}
_TIMES: Mapping[str, Role] = {
    "value": "now",
    "now": "now",
    "sample": "sample",
    "earlier": "before",
    "target": "then",
    "threshold": "limit",
    "low_sample_below": "limit",
    "best_points": "limit",
    "worst_points": "limit",
    "points": "change",
    "difference": "change",
    "headroom": "change",
    "change": "change",
    "change_ratio": "change",
    "clamp": "change",
    "gain": "change",
    "estimated_impact": "change",
}
_IN_ITS_UNIT = {"value", "now", "earlier", "target", "threshold", "headroom", "change", "total"}
_IN_POINTS = {"points", "difference", "best_points", "worst_points", "gain", "estimated_impact", "clamp", "seed_score"}
# Objects in which everything is of another time than it says.
_PARTS: Mapping[str, Role] = {
    "before": "before", "after": "now", "steps": "then", "calendar": "then", "history": "before", "periods": "before",
    "spans": "before",
}  # fmt: skip
# The seeds' three components are on a scale of their own, and the others say nothing to an owner.
_NOT_TOLD = {
    "revenue_stability", "risk_signals", "similarity", "milliseconds", "formula_version", "left_out", "id",
    "business_id", "snapshot_id", "source", "url",
}  # fmt: skip
_UNTIL = re.compile(r"\b(?:until|by) \d")
# Written by the merchant: data, never something that a sentence may rest on.
_MERCHANTS = {"name", "legal_entity"}


@dataclass
class Evidence:
    """Everything the answer may rest on. `add` takes in one more use of a tool.

    Attributes:
        texts: What the product itself says, in one spelling: repeating it is never wrong.
        tiers: The tiers that the score is in now, by key.
        statuses: For each lender, of what its minimums are, and how each is met.
        names: What merchants call themselves: between quotation marks, a name is no claim.
        standings: What is known of each metric, each rule and the score without its number.
        days_ago: The days that the tools compare with, by how many days ago they are.
    """

    facts: list[Fact] = field(default_factory=list)
    dates: set[dt.date] = field(default_factory=set)
    passages: dict[str, Found] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    tiers: set[str] = field(default_factory=set)
    statuses: dict[str, list[tuple[frozenset[str], str]]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    standings: dict[str, Standing] = field(default_factory=dict)
    days_ago: dict[int, dt.date] = field(default_factory=dict)

    def add(self, outcome: ToolOutcome) -> None:
        if not outcome.ok or outcome.result is None:
            self.texts.append(spelled(outcome.error or ""))
            self.facts += facts_of_text(outcome.error or "", Place())
            return
        if outcome.name == SEARCH:
            for found in passages_of(outcome):
                # A long section is found in several passages.
                known = self.passages.get(found.citation.key)
                whole = found if known is None else replace(known, text=f"{known.text} {found.text}")
                self.passages[found.citation.key] = whole
                self.facts += facts_of_passage(found)
            return
        self._states(outcome)
        for key, standing in standings_of(outcome):
            self.standings[key] = self.standings.get(key, Standing()).joined(standing)
        self._walk(outcome.result, Place(role="then" if outcome.name == "simulate" else None))
        for key, value in outcome.arguments.get("changes", {}).items() if outcome.name == "simulate" else ():
            self._number(key, value, Place(role="then"))

    def lenders_in(self, sentence: str) -> list[str]:
        """The lenders that a sentence names, of those whose minimums were compared."""
        return [lender for lender in self.statuses if lender.lower() in sentence.lower()]

    def _states(self, outcome: ToolOutcome) -> None:
        result = outcome.result or {}
        if outcome.name == "get_business_context":
            self.names |= {result[name] for name in _MERCHANTS if result.get(name)}
        if outcome.name in ("get_readiness_breakdown", "path_to_next_tier", "get_business_context"):
            self.tiers |= {value for value in _under(result, "tier") if isinstance(value, str)}
        if outcome.name == "explain_change":
            self.tiers.add(result["after"]["tier"])
            self._compares(result["before"]["scored_on"], result["after"]["scored_on"])
        if outcome.name == "get_metric_summary" and result["earlier_on"] is not None:
            self._compares(result["earlier_on"], result["period_end"])
        for one in result.get("criteria", ()):
            self.statuses.setdefault(one["lender"], []).append((of_criterion(one["subject"]), one["status"]))

    def _compares(self, before: str, after: str) -> None:
        then = dt.date.fromisoformat(before)
        self.days_ago[(dt.date.fromisoformat(after) - then).days] = then

    def _walk(self, node: Any, place: Place) -> None:
        if isinstance(node, list):
            for item in node:
                self._walk(item, place)
        elif isinstance(node, dict):
            inside = place.within(node)
            for name, value in node.items():
                if name in _NOT_TOLD or name in _MERCHANTS or (name == "reason" and "priority" in node):
                    continue
                if isinstance(value, dict | list):
                    self._walk(value, replace(inside.at(name), role=place.role or _PARTS.get(name)))
                elif isinstance(value, bool) or value is None:
                    continue
                elif isinstance(value, int | float):
                    self._number(name, value, inside)
                elif isinstance(value, str):
                    self._text(value, inside)

    def _number(self, name: str, value: float | int | str, place: Place) -> None:
        if isinstance(value, str):
            return
        unit = UNITS.get(place.unit or "", "plain") if name in _IN_ITS_UNIT else "plain"
        subjects, role = place.subjects, place.role
        if place.rule is not None and name in ("value", "sample"):
            subjects = frozenset({place.rule, MEASURED_BY.get(place.rule, place.rule)})
        if name in _METRICS:
            subjects, unit = meant_by(name), UNITS.get(_METRICS[name].unit, "plain")
            role = role or "now"
        elif name in _OF_THE_SCORE:
            subjects, unit, role = frozenset({SCORE}), "plain", role or _OF_THE_SCORE[name]
        elif name == "before" and place.role == "then":
            subjects, unit, role = frozenset({SCORE}), "plain", "any"
        elif name in _IN_POINTS:
            subjects, unit, role = subjects or frozenset({SCORE}), "points", _TIMES.get(name, "any")
        elif name == "sample":
            unit, role = "plain", "sample"
        elif name == "change_ratio":
            unit, role = "percent", "change"
        elif name == "amount":
            unit = "money"
        else:
            role = role or _TIMES.get(name, "any")
        exact = Fraction(repr(value))
        if unit == "percent":
            exact *= 100
        currency = place.currency if unit == "money" else None
        words = frozenset() if subjects else content(name.replace("_", " "))
        on = place.earlier_on if name == "earlier" else place.on
        self.facts.append(Fact(exact, unit, currency, subjects, role or "any", words, True, lender=place.lender, on=on))

    def _text(self, text: str, place: Place) -> None:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}(T.*)?", text):
            self.dates.add(dt.date.fromisoformat(text[:10]))
        elif " " in text:
            # What would be is no sentence to repeat as if it were so; a step says itself until when.
            if place.role != "then" or _UNTIL.search(text):
                self.texts.append(spelled(text))
            self.facts += facts_of_text(text, place)
            self.dates |= {
                dt.date(day.year, day.month, day.day)
                for day in read.days(text)
                if day.year is not None and day.day is not None
            }


def gathered(outcomes: Iterable[ToolOutcome], earlier: Sequence[ToolOutcome] = ()) -> Evidence:
    """The evidence of these uses of tools, and of those of earlier turns that were not repeated since."""
    now = list(outcomes)
    repeated = {(outcome.name, repr(outcome.arguments)) for outcome in now}
    evidence = Evidence()
    for outcome in earlier:
        if outcome.name != SEARCH and (outcome.name, repr(outcome.arguments)) not in repeated:
            evidence.add(outcome)
    for outcome in now:
        evidence.add(outcome)
    return evidence


def _under(node: Any, name: str) -> Iterator[Any]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == name:
                yield value
            elif isinstance(value, dict):
                yield from _under(value, name)
