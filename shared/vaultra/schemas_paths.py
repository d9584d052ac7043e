"""The request and the reply about what comes: the path to a tier, and what rolls off."""

import datetime as dt
from collections.abc import Iterator
from typing import Self
from uuid import UUID

from pydantic import Field

from vaultra.domain.disclaimer import DISCLAIMER
from vaultra.domain.metric_set import MetricSet, Value
from vaultra.domain.metrics import METRICS, Metric, Unit
from vaultra.domain.money import to_number
from vaultra.domain.outlook import ASSUMPTION
from vaultra.domain.paths import Path, conclusion
from vaultra.domain.readiness import TierKey
from vaultra.domain.roll_off import Cause, Leaving, Turn
from vaultra.domain.steps import Effort, Step
from vaultra.schemas import Params, Reply
from vaultra.schemas_changes import MovedObjectReply
from vaultra.usecases.paths import Prospects


class PathParams(Params):
    """Where the path is to lead."""

    business_id: UUID | None = None
    target: TierKey | None = Field(default=None, description="The next tier when it is not named.")


class TargetReply(Reply):
    """A metric as it is now and as a step makes it; amounts in the major unit of `currency`."""

    metric: str
    label: str
    unit: Unit
    currency: str | None
    now: float | str | None
    target: float | str | None


class StepReply(Reply):
    """One change that the path asks for; `gain` in points against today, `earliest` the first day it can hold.

    `effort` is `keep` where time alone does it, as long as nothing bad happens meanwhile. `targets` are the metrics it
    has to move, where it is not time alone.
    """

    rules: tuple[str, ...]
    effort: Effort
    gain: int
    earliest: dt.date
    sentence: str
    targets: list[TargetReply]

    @classmethod
    def of(cls, step: Step, path: Path) -> Self:
        return cls(
            rules=step.rules,
            effort=step.effort,
            gain=path.gain(step),
            earliest=step.earliest,
            sentence=step.sentence,
            targets=list(_targets(step, path.today.metrics)),
        )


class LeavingReply(Reply):
    """Something that ceases to count for a rule, and the first day on which it does not count there."""

    rule: str
    leaves_on: dt.date
    object: MovedObjectReply

    @classmethod
    def of(cls, leaving: Leaving) -> Self:
        return cls(rule=leaving.rule, leaves_on=leaving.leaves_on, object=MovedObjectReply.of(leaving.object))


class CauseReply(Reply):
    """One rule's part in a coming change."""

    rule: str
    label: str
    difference: int
    sentence: str
    leaving: list[LeavingReply]

    @classmethod
    def of(cls, cause: Cause) -> Self:
        return cls(
            rule=cause.rule,
            label=cause.label,
            difference=cause.difference,
            sentence=cause.sentence,
            leaving=[LeavingReply.of(one) for one in cause.leaving],
        )


class TurnReply(Reply):
    """A coming day on which the score is another than the day before."""

    on: dt.date
    score: int
    tier: TierKey
    difference: int
    causes: list[CauseReply]

    @classmethod
    def of(cls, turn: Turn) -> Self:
        return cls(
            on=turn.on,
            score=turn.score,
            tier=turn.tier.key,
            difference=turn.difference,
            causes=[CauseReply.of(cause) for cause in turn.causes],
        )


class PathReply(Reply):
    """The smallest set of steps to a tier, and what the coming 90 days bring by themselves.

    `reachable` is null where there is no higher tier. `on` is the earliest day on which all steps hold together, and
    `score_then` the score of that day. `calendar` lists every day of the 90 on which the score changes if nothing
    else happens, as `assumption` says; `leaving` what ceases to count and when, of `leaving_total` the soonest.
    """

    business_id: UUID
    as_of: dt.datetime
    score: int
    tier: TierKey
    target: TierKey | None
    reachable: bool | None
    on: dt.date | None
    score_then: int | None
    summary: str
    steps: list[StepReply]
    calendar: list[TurnReply]
    leaving: list[LeavingReply]
    leaving_total: int
    assumption: str
    disclaimer: str

    @classmethod
    def of(cls, business_id: UUID, found: Prospects) -> Self:
        path = found.path
        return cls(
            business_id=business_id,
            as_of=found.as_of,
            score=found.score,
            tier=found.tier.key,
            target=None if found.target is None else found.target.key,
            reachable=None if found.target is None else path is not None,
            on=None if path is None else path.on,
            score_then=None if path is None else path.reached.score,
            summary=conclusion(found.target, path),
            steps=[] if path is None else [StepReply.of(step, path) for step in path.steps],
            calendar=[TurnReply.of(turn) for turn in found.turns],
            leaving=[LeavingReply.of(one) for one in found.leaving],
            leaving_total=found.leaving_count,
            assumption=ASSUMPTION,
            disclaimer=DISCLAIMER,
        )


def _targets(step: Step, now: MetricSet) -> Iterator[TargetReply]:
    for metric in METRICS:
        if metric.key in step.sets and step.sets[metric.key].value != now[metric.key].value:
            yield TargetReply(
                metric=metric.key,
                label=metric.label,
                unit=metric.unit,
                currency=now.currency if metric.unit == "money" else None,
                now=_shown(metric, now[metric.key].value, now.currency),
                target=_shown(metric, step.sets[metric.key].value, now.currency),
            )


def _shown(metric: Metric, value: Value | None, currency: str | None) -> float | str | None:
    if value is None or isinstance(value, str):
        return value
    if metric.unit != "money":
        return float(value)
    return None if currency is None else to_number(value, currency)
