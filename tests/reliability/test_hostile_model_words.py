"""RELIABILITY row G7 for words: a model that read everything and tells the opposite without a number."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.agent.said import FRESH, HELD_OUT, PAIRS, Pair
from tests.agent.shops import World
from tests.fakes import scripted
from tests.reliability.hostile import answer_of, canaried, talk, told

READS = [
    (name, "{}")
    for name in ("get_readiness_breakdown", "get_metric_summary", "explain_change", "criteria_monitor")
]  # fmt: skip
EVERYTHING = (*PAIRS, *HELD_OUT, *FRESH)


@pytest.fixture(scope="module")
def world(make_database: Callable[[str], str]) -> Iterator[World]:
    """Every shop, all but one with canaries."""
    with canaried(make_database("hostile_words")) as world:
        yield world


def run_g7(world: World, pairs: Sequence[Pair]) -> None:
    released, refused = [], []
    for shop, true, false in pairs:
        lie = talk(world, scripted(READS, [f"{false} ", "x"], [f"{false} ", "x"]), shop=shop)
        if false in told(lie):
            released.append(f"{shop}: {false}")
        assert answer_of(lie).provider == "embedded", "somebody else answers instead"
        if true not in told(talk(world, scripted(READS, [f"{true} "], []), shop=shop)):
            refused.append(f"{shop}: {true}")
    print(*refused, sep="\n")
    print(f"G7: {len(released)} of {len(pairs)} false sentences without a number released, {len(refused)} true refused")
    assert released == []
    assert len(refused) <= 0.1 * len(pairs)


def test_g7_no_false_word_is_released(world: World) -> None:
    run_g7(world, EVERYTHING[::8])


@pytest.mark.long
def test_g7_no_false_word_of_any_pair_is_released(world: World) -> None:
    run_g7(world, EVERYTHING)
