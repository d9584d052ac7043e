"""What a rule of the score is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from vaultra.domain.metric_set import MetricSet
from vaultra.domain.metrics import Unit

Group = Literal["seed", "extra"]
NO_FIGURES: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Band:
    """One outcome of a rule: `when` says in words what puts a business there."""

    key: str
    points: int
    when: str


class Finding(NamedTuple):
    """What a rule found: its band, the value it rests on, and the figures that its sentence tells beside.

    Figures are kept as JSON: whole numbers, words, and fractions as text (`domain.exact`).
    """

    band: Band
    value: Fraction | str
    sample: int | None = None
    currency: str | None = None
    figures: Mapping[str, Any] = NO_FIGURES

    @property
    def number(self) -> Fraction:
        """The value of a rule that rests on a number; raises TypeError for a word."""
        if isinstance(self.value, str):
            raise TypeError(f"{self.value} is a word")
        return self.value


class NotMeasured(NamedTuple):
    """The rule has nothing to go by, and earns exactly 0 points."""

    reason: str
    sample: int | None = None


@dataclass(frozen=True)
class Rule:
    """One line of the catalogue; `bands` are listed from the best to the worst, `say` tells a finding in a sentence."""

    key: str
    label: str
    group: Group
    unit: Unit
    bands: tuple[Band, ...]
    judge: Callable[[MetricSet], Finding | NotMeasured]
    say: Callable[[Finding], str]


def missing(metrics: MetricSet, key: str) -> NotMeasured:
    """Not measured, for the reason for which the metric is not."""
    measure = metrics[key]
    return NotMeasured(measure.reason or "it was not measured", measure.sample)
