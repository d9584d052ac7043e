"""The path to a tier: it reaches it, by the engine, and nothing cheaper does."""

import datetime as dt
import itertools
import os
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.businesses import (
    Event,
    facts_on,
    moved_on,
    outlook_of,
    random_business,
    steady_business,
)
from tests.domain.shops import AS_OF, TODAY, days_ago
from vaultra.domain.growth import SALES_RULES
from vaultra.domain.metric_facts import PayerTotals, Standing
from vaultra.domain.metrics import compute_metrics
from vaultra.domain.outlook import HORIZON_DAYS, Outlook
from vaultra.domain.paths import Option, Path, cheapest, conclusion, find_path, next_tier, options
from vaultra.domain.period import ONE_DAY
from vaultra.domain.readiness import RULES, TIERS, Tier, score, tier_of
from vaultra.domain.roll_off import JudgedDay, coming_days
from vaultra.domain.steps import EFFORTS, Prospect, Step, applied

# More than the everyday run has time for: VAULTRA_BUSINESSES=500 pytest tests/domain/test_paths.py
BUSINESSES = int(os.environ.get("VAULTRA_BUSINESSES", "20"))
NOT_READY, IMPROVING, FUNDING_READY, HIGHLY_ATTRACTIVE = sorted(TIERS, key=lambda tier: tier.from_score)


def test_every_path_reaches_its_tier_and_no_cheaper_single_step_does() -> None:
    began, found, unreachable, single, several = time.process_time(), 0, 0, 0, 0
    for seed in range(BUSINESSES):
        business = random_business(seed)
        outlook = outlook_of(business)
        days = coming_days(outlook)
        target = next_tier(tier_of(days[0].score))
        if target is None:
            continue
        path = find_path(outlook, days, target)
        singles = list(every_single_step(outlook, days, target))
        if path is None:
            unreachable += 1
            assert singles == [], f"business {seed} has a path of one step"
            continue
        found += 1
        single, several = single + (len(path.steps) == 1), several + (len(path.steps) > 1)
        # The engine's own metrics of that day, from every single event, and then the steps.
        ahead = (path.on - TODAY).days
        later = moved_on(business, ahead)
        metrics = compute_metrics(facts_on(later, path.on), AS_OF + ONE_DAY * ahead)
        for step in path.steps:
            metrics = applied(metrics, step)
        assert score(metrics).score == path.reached.score >= target.from_score, f"business {seed}"
        assert min(singles, default=cost(path)) >= cost(path), f"business {seed} has a cheaper step"
    print(
        f"Show 2: {BUSINESSES} businesses, {found} paths ({single} of one step, {several} of more), all reach their "
        f"tier by the engine, no cheaper single step does; {unreachable} have none within 90 days; "
        f"{time.process_time() - began:.1f} s CPU"
    )


def cost(path: Path) -> tuple[int, int, dt.date]:
    return (len(path.steps), sum(step.cost for step in path.steps), path.on)


def every_single_step(outlook: Outlook, days: Sequence[JudgedDay], target: Tier) -> list[tuple[int, int, dt.date]]:
    """The cost of every step that reaches the tier alone: each day and each band tried, the sum made anew."""
    today, costs = days[0], []
    for ahead, day in enumerate(days[1:], start=1):
        held = {rule.key: min(today.points(rule.key), day.points(rule.key)) for rule in RULES}
        for key in held:
            alone = sum(held.values()) - held[key] + day.points(key)
            if day.points(key) > today.points(key) and 50 + alone >= target.from_score:
                costs.append((1, 0, day.on))
        for step in all_actions(Prospect(outlook, ahead, day), days):
            moved = coming(applied(day.metrics, step), step)
            alone = sum(points for key, points in held.items() if key not in step.rules) + moved
            if 50 + alone >= target.from_score:
                costs.append((1, EFFORTS.index(step.effort), day.on))
    return costs


def all_actions(on: Prospect, days: Sequence[JudgedDay]) -> list[Step]:
    every = itertools.chain.from_iterable(options(on, days))
    return [step for option in every for step in option.steps if len(option.steps) == 1 and step.effort != "keep"]


def coming(metrics: object, step: Step) -> int:
    """What the step's rules add in these metrics, by the whole engine."""
    components = score(metrics).components  # type: ignore[arg-type]
    return sum(part.points for part in components if part.key in step.rules)


small_options = st.lists(
    st.tuples(st.integers(-15, 10), st.lists(st.sampled_from(EFFORTS), max_size=2)), min_size=1, max_size=4
)


@given(st.lists(small_options, min_size=1, max_size=5), st.integers(-20, 30))
def test_the_search_finds_what_trying_everything_finds(plan: list[list[tuple[int, list[str]]]], need: int) -> None:
    groups = [[Option(points, tuple(map(a_step, efforts))) for points, efforts in group] for group in plan]
    tried = [
        (sum(len(one.steps) for one in chosen), sum(step.cost for one in chosen for step in one.steps))
        for chosen in itertools.product(*groups)
        if sum(one.points for one in chosen) >= need
    ]
    found = cheapest(groups, need)
    assert (None if found is None else found.cost) == min(tried, default=None)
    assert found is None or found.points >= need


def a_step(effort: str) -> Step:
    return Step(("scale",), effort, 0, "", TODAY)  # type: ignore[arg-type]


# --- Worked values ------------------------------------------------------------------------------


def dispute(age: int) -> Event:
    return Event(days_ago(age), "dispute", 4000)


def path_of(outlook: Outlook, target: Tier) -> Path | None:
    return find_path(outlook, coming_days(outlook), target)


def test_time_alone_is_a_path() -> None:
    """82 points with four disputes in the window; when three of them have left it, five more."""
    outlook = outlook_of(steady_business(dispute(25), dispute(20), dispute(10), dispute(5)))
    days = coming_days(outlook)
    path = find_path(outlook, days, HIGHLY_ATTRACTIVE)
    assert days[0].score == 82
    assert path is not None
    assert (path.on, path.reached.score, [path.gain(step) for step in path.steps]) == (days_ago(-20), 87, [5])
    assert path.steps[0].sentence == "No new dispute until 10 December 2026, for a chargeback ratio below 0.5%."
    assert path.steps[0].earliest == days_ago(-20)
    assert conclusion(HIGHLY_ATTRACTIVE, path) == (
        "Highly attractive can be reached by 10 December 2026 with 1 step: the score is then 87, today it is 82."
    )


def test_what_is_past_due_is_a_step_of_its_own() -> None:
    business = steady_business(dispute(25), dispute(20), standing=Standing(True, True, past_due=True))
    outlook = outlook_of(business)
    days = coming_days(outlook)
    assert days[0].score == 81
    singles = [step for step in all_actions(Prospect(outlook, 1, days[1]), days) if step.rules == ("account_standing",)]
    assert [step.sentence for step in singles] == [
        "Give Stripe the information that is past due, by 21 November 2026, "
        "for an account in good standing with no negative day."
    ]


def test_a_tier_that_is_reached_needs_no_step() -> None:
    path = path_of(outlook_of(steady_business()), IMPROVING)
    assert path is not None
    assert (path.on, path.steps) == (TODAY, ())
    assert conclusion(IMPROVING, path) == "The score is 88, which is enough for Improving (from 41)."


def test_a_new_shop_cannot_get_there_within_ninety_days() -> None:
    outlook = outlook_of(steady_business(length=10, per_day=1, payers=PayerTotals(10, 40_000, 40_000, 2, 30_000, 0, 0)))
    assert path_of(outlook, HIGHLY_ATTRACTIVE) is None
    assert conclusion(HIGHLY_ATTRACTIVE, None) == (
        "Highly attractive (from 86 points) can't be reached within 90 days."
    )


def test_the_tiers_above_one_another() -> None:
    assert [next_tier(tier) for tier in (NOT_READY, IMPROVING, FUNDING_READY)] == [
        IMPROVING,
        FUNDING_READY,
        HIGHLY_ATTRACTIVE,
    ]
    assert next_tier(HIGHLY_ATTRACTIVE) is None
    assert conclusion(None, None) == "There is no higher tier."


def test_nothing_unnamed_is_relied_on() -> None:
    """What a rule gains by time counts only as a step, so that the owner knows that it has to go on."""
    outlook = outlook_of(steady_business(dispute(25), dispute(20), dispute(10), dispute(5)))
    days = coming_days(outlook)
    for group in options(Prospect(outlook, 60, days[60]), days):
        free = [option for option in group if not option.steps]
        assert len(free) == 1
        waits = [step for option in group for step in option.steps if step.rules == ("chargeback_ratio",)]
        assert {step.earliest for step in waits if step.effort == "keep"} <= {days_ago(-20)}
    free_sum = sum(option.points for group in options(Prospect(outlook, 60, days[60]), days) for option in group[:1])
    assert 50 + free_sum <= days[0].score


@pytest.mark.parametrize("key", SALES_RULES)
def test_the_rules_of_sales_stand_in_the_catalogue(key: str) -> None:
    assert key in {rule.key for rule in RULES}


def test_the_horizon_is_searched_whole() -> None:
    outlook = outlook_of(steady_business(length=300))
    days = coming_days(outlook)
    assert len(days) == HORIZON_DAYS + 1
    assert (days[0].metrics["track_record"].value, days[60].metrics["track_record"].value) == (10, 12)
