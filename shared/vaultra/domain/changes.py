"""What changed between two stored scores, to the point."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vaultra.domain.components import NOT_MEASURED
from vaultra.domain.readiness import BASE_SCORE, RULES, StoredScore
from vaultra.domain.wording import counted, day_in_words


@dataclass(frozen=True)
class RuleState:
    """What one stored score said of a rule; `band` is `not_measured` where it said nothing."""

    points: int = 0
    band: str = NOT_MEASURED
    value: float | str | None = None
    sample: int | None = None


@dataclass(frozen=True)
class RuleChange:
    """One rule's part in the difference of two scores; `difference` is in points."""

    key: str
    label: str
    unit: str
    before: RuleState
    after: RuleState
    sentence: str

    @property
    def difference(self) -> int:
        return self.after.points - self.before.points


@dataclass(frozen=True)
class ScoreChange:
    """The whole difference of two scores: `difference` = the rules' differences + `clamp`, exactly.

    Attributes:
        clamp: What the limits 0 and 100 add or take; where the formula changed, what that changed beside the rules.
        formula_changed: Whether the two were computed by different versions of the formula.
        rules: Every rule whose points, band or value changed; the greatest differences first.
    """

    before: StoredScore
    after: StoredScore
    rules: tuple[RuleChange, ...]
    clamp: int
    formula_changed: bool

    @property
    def difference(self) -> int:
        return self.after.score - self.before.score


def attribute(before: StoredScore, after: StoredScore) -> ScoreChange:
    """The difference of two stored scores, rule by rule."""
    then, now = _states(before), _states(after)
    keys = sorted(then.keys() | now.keys(), key=_place)
    changes = [_change(key, then.get(key), now.get(key)) for key in keys]
    moved = [change for change in changes if change.before != change.after]
    return ScoreChange(
        before=before,
        after=after,
        rules=tuple(sorted(moved, key=lambda change: -abs(change.difference))),
        clamp=_beyond_rules(after) - _beyond_rules(before),
        formula_changed=before.formula_version != after.formula_version,
    )


def summary(change: ScoreChange, today: dt.date) -> str:
    """The difference in one sentence; one score alone is compared with nothing."""
    before, after = change.before, change.after
    is_today = before.scored_on == today
    if before.id == after.id:
        text = f"The score is {after.score}. There is nothing yet to compare it with."
    elif change.difference == 0:
        text = f"The score is {after.score}, as it was {'earlier today' if is_today else f'on {_day(before)}'}."
    else:
        way = "rose" if change.difference > 0 else "fell"
        points, since = counted(abs(change.difference), "point"), "earlier today" if is_today else _day(before)
        text = f"The score {way} by {points} since {since}, from {before.score} to {after.score}."
    if change.formula_changed:
        versions = f"{change.before.formula_version} and {change.after.formula_version}"
        text += f" They come from different versions of the formula ({versions}), which may be part of the difference."
    return text


def _day(score: StoredScore) -> str:
    return day_in_words(score.scored_on)


def _change(key: str, before: RuleState | None, after: RuleState | None) -> RuleChange:
    rule = next((rule for rule in RULES if rule.key == key), None)
    label = key.replace("_", " ").capitalize() if rule is None else rule.label
    bands = {} if rule is None else {band.key: band.when for band in rule.bands}
    then, now = before or RuleState(), after or RuleState()
    return RuleChange(
        key=key,
        label=label,
        unit="state" if rule is None else rule.unit,
        before=then,
        after=now,
        sentence=_sentence(label, then, now, bands),
    )


def _sentence(label: str, before: RuleState, after: RuleState, bands: Mapping[str, str]) -> str:
    difference = after.points - before.points
    was, now = _in_words(before, bands), _in_words(after, bands)
    what = f"{label}: still {now}" if before.band == after.band else f"{label}: {was} before, {now} now"
    if difference == 0:
        return f"{what}, which leaves the points as they were."
    points = counted(abs(difference), "point")
    return f"{what}, {points} {'more' if difference > 0 else 'less'}."


def _in_words(state: RuleState, bands: Mapping[str, str]) -> str:
    return "not measured" if state.band == NOT_MEASURED else bands.get(state.band, state.band.replace("_", " "))


def _states(score: StoredScore) -> dict[str, RuleState]:
    rules: Sequence[Mapping[str, Any]] = score.components["rules"]
    return {
        rule["key"]: RuleState(points=rule["points"], band=rule["band"], value=rule["value"], sample=rule["sample"])
        for rule in rules
    }


def _beyond_rules(score: StoredScore) -> int:
    return score.score - BASE_SCORE - sum(state.points for state in _states(score).values())


def _place(key: str) -> tuple[int, str]:
    known = [rule.key for rule in RULES]
    return (known.index(key) if key in known else len(known), key)
