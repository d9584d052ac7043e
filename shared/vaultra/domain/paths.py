"""The path to a tier: the smallest set of steps that reaches it within 90 days, found by exact search."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from vaultra.domain.growth import SALES_RULES, more_sales
from vaultra.domain.outlook import HORIZON_DAYS, Outlook
from vaultra.domain.readiness import BASE_SCORE, RULES, TIERS, Readiness, Tier, judge, score
from vaultra.domain.roll_off import JudgedDay
from vaultra.domain.rules import NotMeasured
from vaultra.domain.steps import ACTIONS, KEEP, Prospect, Step, applied
from vaultra.domain.wording import counted, day_in_words

RULE_OF = {rule.key: rule for rule in RULES}


@dataclass(frozen=True)
class Path:
    """A set of steps, and what the engine gives once they are taken.

    Attributes:
        on: The earliest day on which all of them hold together.
        reached: The score of that day once they are taken and nothing else happens.
        today: Where the path begins.
    """

    on: dt.date
    steps: tuple[Step, ...]
    reached: Readiness
    today: JudgedDay

    def gain(self, step: Step) -> int:
        """How many points more than today a step's rules add."""
        return step.points - sum(map(self.today.points, step.rules))


@dataclass(frozen=True)
class Option:
    """What some rules can add on a day, and the steps that takes: none for what they add anyway."""

    points: int
    steps: tuple[Step, ...] = ()

    @property
    def cost(self) -> tuple[int, int]:
        return (len(self.steps), sum(step.cost for step in self.steps))


def next_tier(current: Tier) -> Tier | None:
    """The tier above; None above the highest."""
    above = [tier for tier in TIERS if tier.from_score > current.from_score]
    return above[-1] if above else None


def find_path(outlook: Outlook, days: Sequence[JudgedDay], target: Tier) -> Path | None:
    """The cheapest path to a tier, or None when none reaches it within the 90 days.

    On each coming day, every rule has its options: what it adds anyway (the lesser of today's points and those it
    has then if nothing else happens), what time alone gives it by then, and what each possible step of its owner
    gives it. All combinations are searched, by keeping for each sum of points only the cheapest way to it. Fewest
    steps come first (time alone is one, since something must not happen meanwhile), then the least effort in sum,
    then the earliest day. Other rules are taken at the lesser of today and then, so nothing unnamed is relied on.

    Args:
        days: The coming_days of today and the 90 days after.
    """
    today, best = days[0], None
    need = target.from_score - BASE_SCORE
    if sum(map(today.points, RULE_OF)) >= need:
        return Path(today.on, (), score(today.metrics), today)
    for ahead, day in enumerate(days[1:], start=1):
        found = cheapest(options(Prospect(outlook, ahead, day), days), need)
        if found is not None and (best is None or found.cost < best[0].cost):
            best = (found, day)
    if best is None:
        return None
    chosen, day = best
    taken = day.metrics
    for step in chosen.steps:
        taken = applied(taken, step)
    return Path(day.on, chosen.steps, score(taken), today)


def conclusion(target: Tier | None, path: Path | None) -> str:
    """What the search for a path came to, in a sentence."""
    if target is None:
        return "There is no higher tier."
    if path is None:
        return f"{target.label} (from {target.from_score} points) can't be reached within {HORIZON_DAYS} days."
    if not path.steps:
        return f"The score is {path.reached.score}, which is enough for {target.label} (from {target.from_score})."
    steps = counted(len(path.steps), "step")
    score_then = f"the score is then {path.reached.score}, today it is {path.today.score}"
    return f"{target.label} can be reached by {day_in_words(path.on)} with {steps}: {score_then}."


def options(on: Prospect, days: Sequence[JudgedDay]) -> list[list[Option]]:
    """For each rule, or rules that move together, what they can add on that day."""
    groups = [_kept(key, on, days) + _acted(key, on, days[0]) for key in RULE_OF if key not in SALES_RULES]
    together = [
        Option(sum(one.points for one in parts), tuple(itertools.chain.from_iterable(one.steps for one in parts)))
        for parts in itertools.product(*(_kept(key, on, days) for key in SALES_RULES))
    ]
    return [*groups, together + [Option(step.points, (step,)) for step in more_sales(on)]]


def _kept(key: str, on: Prospect, days: Sequence[JudgedDay]) -> list[Option]:
    """What a rule adds without a step, and what time alone gives it."""
    now, then = days[0].points(key), on.then.points(key)
    kept = [Option(min(now, then))]
    if then > now:
        since = on.ahead
        while days[since - 1].points(key) >= then:
            since -= 1
        finding = on.then.findings[key]
        why = "what is not measured takes no points" if isinstance(finding, NotMeasured) else finding.band.when
        sentence = f"{KEEP[key].format(by=on.by)}, for {why}."
        kept.append(Option(then, (Step((key,), "keep", then, sentence, days[since].on),)))
    return kept


def _acted(key: str, on: Prospect, today: JudgedDay) -> list[Option]:
    """What each step of the owner gives a rule, where that is more than today and than time gives it."""
    best = max(today.points(key), on.then.points(key))
    found = []
    for step in ACTIONS[key](on) if key in ACTIONS else ():
        finding = judge(RULE_OF[key], applied(on.then.metrics, step))
        if not isinstance(finding, NotMeasured) and finding.band.points > best:
            points, sentence = finding.band.points, f"{step.sentence}, for {finding.band.when}."
            found.append(Option(points, (replace(step, points=points, sentence=sentence),)))
    return found


def cheapest(groups: Iterable[Sequence[Option]], need: int) -> Option | None:
    """The cheapest choice of one option of each group that adds up to `need`; None when none does."""
    reached = {0: Option(0)}
    for group in groups:
        longer: dict[int, Option] = {}
        for so_far, option in itertools.product(reached.values(), group):
            points = so_far.points + option.points
            joined = Option(points, so_far.steps + option.steps)
            if points not in longer or joined.cost < longer[points].cost:
                longer[points] = joined
        reached = longer
    enough = [option for points, option in sorted(reached.items()) if points >= need]
    return min(enough, key=lambda option: option.cost, default=None)
