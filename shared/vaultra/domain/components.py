"""One rule's part in a score: what is kept of it, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from vaultra.domain.exact import exact
from vaultra.domain.rules import NO_FIGURES, Band, Finding, NotMeasured, Rule
from vaultra.domain.wording import counted

NOT_MEASURED = "not_measured"

Effect = Literal["helps", "hurts", "neutral", "not_measured"]


class Component(NamedTuple):
    """One rule's part in a score; its sentence is made when somebody asks.

    What is not measured has no value, 0 points, and the band `not_measured`.
    """

    rule: Rule
    finding: Finding | NotMeasured

    @property
    def key(self) -> str:
        """The rule's."""
        return self.rule.key

    @property
    def label(self) -> str:
        """The rule's."""
        return self.rule.label

    @property
    def best_points(self) -> int:
        """What the rule's best band adds."""
        return self.rule.bands[0].points

    @property
    def worst_points(self) -> int:
        """What the rule's worst band takes, as a negative number."""
        return self.rule.bands[-1].points

    @property
    def points(self) -> int:
        """What it adds to the score."""
        return 0 if isinstance(self.finding, NotMeasured) else self.finding.band.points

    @property
    def band(self) -> str:
        """The key of the outcome."""
        return NOT_MEASURED if isinstance(self.finding, NotMeasured) else self.finding.band.key

    @property
    def value(self) -> Fraction | str | None:
        """What was measured: a ratio, an amount in major units, a count, or a word."""
        return None if isinstance(self.finding, NotMeasured) else self.finding.value

    @property
    def sample(self) -> int | None:
        """How many things the value rests on; None when that says nothing."""
        return self.finding.sample

    @property
    def reason(self) -> str | None:
        """Why it is not measured; None when it is."""
        return self.finding.reason if isinstance(self.finding, NotMeasured) else None

    @property
    def effect(self) -> Effect:
        """Whether it helps, hurts or does neither."""
        if isinstance(self.finding, NotMeasured):
            return "not_measured"
        return "helps" if self.points > 0 else "hurts" if self.points < 0 else "neutral"

    @property
    def sentence(self) -> str:
        """The explanation, built from what was measured and the thresholds."""
        if isinstance(self.finding, NotMeasured):
            return f"Not measured: {self.finding.reason}. That neither adds nor takes points."
        return f"{self.rule.say(self.finding)} {_outcome(self.finding.band, self.rule.bands[0])}"


def answered(part: Component) -> dict[str, Any]:
    """A component as it is answered."""
    return {
        "key": part.key,
        "label": part.label,
        "group": part.rule.group,
        "value": _number_or_word(part.value),
        "unit": part.rule.unit,
        "currency": None if isinstance(part.finding, NotMeasured) else part.finding.currency,
        "sample": part.sample,
        "points": part.points,
        "best_points": part.best_points,
        "worst_points": part.worst_points,
        "band": part.band,
        "effect": part.effect,
        "reason": part.reason,
        "sentence": part.sentence,
    }


def kept_part(part: Component) -> dict[str, Any]:
    """A component as it is stored: what was measured, without what the catalogue says of it."""
    rule, found = part
    kept: dict[str, Any] = {"key": rule.key, "value": None, "sample": found.sample}
    if isinstance(found, NotMeasured):
        return kept | {"band": NOT_MEASURED, "points": 0, "reason": found.reason}
    band, value, _, currency, figures = found
    kept |= {"band": band.key, "points": band.points, "value": _number_or_word(value)}
    if isinstance(value, Fraction):
        kept["exact"] = str(value)
    if currency is not None:
        kept["currency"] = currency
    if figures:
        kept["figures"] = figures
    return kept


def component_of(kept: Mapping[str, Any], rule: Rule) -> Component:
    """The component that `kept_part` wrote; raises StopIteration for a band that the rule does not have."""
    if kept["band"] == NOT_MEASURED:
        return Component(rule, NotMeasured(kept["reason"], kept["sample"]))
    band = next(band for band in rule.bands if band.key == kept["band"])
    value = exact(kept["exact"]) if "exact" in kept else kept["value"]
    return Component(rule, Finding(band, value, kept["sample"], kept.get("currency"), kept.get("figures", NO_FIGURES)))


def _number_or_word(value: Fraction | str | None) -> float | str | None:
    return float(value) if isinstance(value, Fraction) else value


@lru_cache
def _outcome(band: Band, best: Band) -> str:
    more = "" if band is best else f"; {best.when} would add {best.points}"
    if band.points == 0:
        return f"This neither adds nor takes points{more}."
    points = counted(abs(band.points), "point")
    return f"This {'adds' if band.points > 0 else 'takes'} {points}, for {band.when}{more}."
