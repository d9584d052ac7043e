"""When the past stops counting: the coming days on which the score changes by itself, and why."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vaultra.domain.metric_set import MetricSet
from vaultra.domain.moved_objects import MovedObject
from vaultra.domain.outlook import HORIZON_DAYS, Outlook
from vaultra.domain.readiness import RULES, Tier, judge, score_of, tier_of
from vaultra.domain.rules import Finding, NotMeasured
from vaultra.domain.wording import counted


@dataclass(frozen=True)
class Leaving:
    """An object, the rule it counts for, and the first day on which it counts there no more."""

    rule: str
    leaves_on: dt.date
    object: MovedObject


@dataclass(frozen=True)
class JudgedDay:
    """Today or a coming day, its metrics and what each rule finds in them."""

    on: dt.date
    metrics: MetricSet
    findings: Mapping[str, Finding | NotMeasured]

    @property
    def score(self) -> int:
        return score_of(sum(self.points(key) for key in self.findings))

    def points(self, key: str) -> int:
        """What a rule adds; 0 when it is not measured."""
        finding = self.findings[key]
        return 0 if isinstance(finding, NotMeasured) else finding.band.points


@dataclass(frozen=True)
class Cause:
    """One rule's part in a coming change; `leaving` are the objects that cease to count for it on that day."""

    rule: str
    label: str
    difference: int
    sentence: str
    leaving: tuple[Leaving, ...]


@dataclass(frozen=True)
class Turn:
    """A coming day on which the score is another than the day before."""

    on: dt.date
    score: int
    tier: Tier
    difference: int
    causes: tuple[Cause, ...]


def coming_days(outlook: Outlook) -> list[JudgedDay]:
    """Today and each of the next 90 days."""
    return [judged(outlook.day(ahead), outlook.metrics(ahead)) for ahead in range(HORIZON_DAYS + 1)]


def judged(on: dt.date, metrics: MetricSet) -> JudgedDay:
    """What the rules find in these metrics."""
    return JudgedDay(on, metrics, {rule.key: judge(rule, metrics) for rule in RULES})


def calendar(days: Sequence[JudgedDay], leaving: Iterable[Leaving]) -> list[Turn]:
    """Every coming day on which the score changes if nothing else happens (`ASSUMPTION`), with its causes."""
    gone: dict[tuple[str, dt.date], list[Leaving]] = {}
    for one in leaving:
        gone.setdefault((one.rule, one.leaves_on), []).append(one)
    return [
        Turn(
            on=day.on,
            score=day.score,
            tier=tier_of(day.score),
            difference=day.score - before.score,
            causes=tuple(_causes(before, day, gone)),
        )
        for before, day in itertools.pairwise(days)
        if day.score != before.score
    ]


def _causes(before: JudgedDay, day: JudgedDay, gone: Mapping[tuple[str, dt.date], list[Leaving]]) -> list[Cause]:
    causes = []
    for rule in RULES:
        difference = day.points(rule.key) - before.points(rule.key)
        if difference:
            finding = day.findings[rule.key]
            said = f"Not measured: {finding.reason}." if isinstance(finding, NotMeasured) else rule.say(finding)
            change = f"{counted(abs(difference), 'point')} {'more' if difference > 0 else 'less'}"
            leaving = tuple(gone.get((rule.key, day.on), ()))
            causes.append(Cause(rule.key, rule.label, difference, f"{rule.label}: {change}. {said}", leaving))
    return sorted(causes, key=lambda cause: -abs(cause.difference))
