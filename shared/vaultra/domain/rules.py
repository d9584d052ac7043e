"""What a rule of the score is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from vaultra.domain.metric_set import MetricSet
from vaultra.domain.metrics import Unit

Group = Literal["seed", "extra"]


@dataclass(frozen=True)
class Band:
    """One outcome of a rule: `when` says in words what puts a business there."""

    key: str
    points: int
    when: str


@dataclass(frozen=True)
class Finding:
    """What a rule found: its band, the value it rests on, and that value in a sentence."""

    band: Band
    value: Fraction | str
    said: str
    sample: int | None = None
    currency: str | None = None


@dataclass(frozen=True)
class NotMeasured:
    """The rule has nothing to go by, and earns exactly 0 points."""

    reason: str
    sample: int | None = None


@dataclass(frozen=True)
class Rule:
    """One line of the catalogue; `bands` are listed from the best to the worst."""

    key: str
    label: str
    group: Group
    unit: Unit
    bands: tuple[Band, ...]
    judge: Callable[[MetricSet], Finding | NotMeasured]


def missing(metrics: MetricSet, key: str) -> NotMeasured:
    """Not measured, for the reason for which the metric is not."""
    measure = metrics[key]
    return NotMeasured(measure.reason or "it was not measured", measure.sample)
