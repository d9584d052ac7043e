"""What a model says without a number is compared with what the tools told: true sentences pass, false ones do not.

`PAIRS` were written before the check; `HELD_OUT`, too, and looked at after its first run, which let 3 of its 32 false
sentences pass and refused 4 true ones. `FRESH` was written afterwards: the words known by then let 17 of its 28 false
sentences pass, whence the rule that what nothing bears out is not said.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.agent import said
from tests.agent.said import HONEST, Pair
from tests.agent.shops import SHOPS, World
from vaultra.agent.evidence import Evidence, gathered
from vaultra.agent.tools import ToolOutcome, use_tool
from vaultra.agent.verifier import Verifier, check_sentence

TOOLS = (
    "get_readiness_breakdown", "get_metric_summary", "get_business_context", "explain_change", "criteria_monitor",
    "path_to_next_tier",
)  # fmt: skip
SETS: Mapping[str, tuple[Pair, ...]] = {"PAIRS": said.PAIRS, "HELD_OUT": said.HELD_OUT, "FRESH": said.FRESH}
# True sentences in words that are not known are refused, and the model is told to say the number instead.
MOST_REFUSED = 0.15


@pytest.fixture(scope="module")
def told(world: World) -> dict[str, list[ToolOutcome]]:
    return {shop: [use_tool(world.context(shop), name, {}, id=name) for name in TOOLS] for shop in SHOPS}


@pytest.fixture(scope="module")
def evidence(told: dict[str, list[ToolOutcome]]) -> dict[str, Evidence]:
    return {shop: gathered(outcomes) for shop, outcomes in told.items()}


def is_refused(sentence: str, evidence: Evidence, context: str = "") -> bool:
    return bool(check_sentence(sentence, evidence, (), context=context))


@pytest.mark.parametrize("name", SETS)
def test_no_false_sentence_is_released_and_few_true_ones_are_refused(name: str, evidence: dict[str, Evidence]) -> None:
    pairs = SETS[name]
    released = [f"{shop}: {false}" for shop, _, false in pairs if not is_refused(false, evidence[shop])]
    refused = [f"{shop}: {true}" for shop, true, _ in pairs if is_refused(true, evidence[shop])]
    print(f"\n{name}: {len(released)} false sentences released, {len(refused)} true ones refused, of {len(pairs)} each")
    print(*refused, sep="\n")
    assert released == []
    assert len(refused) <= MOST_REFUSED * len(pairs)


def test_there_are_enough_pairs_over_several_shops() -> None:
    pairs = [pair for pairs in SETS.values() for pair in pairs]
    assert len(said.PAIRS) + len(said.HELD_OUT) >= 60
    assert len({shop for shop, _, _ in pairs}) >= 5
    assert all(true != false for _, true, false in pairs)


def test_prose_as_models_write_it_is_seldom_refused(told: dict[str, list[ToolOutcome]]) -> None:
    refused = []
    for shop, sentences in HONEST.items():
        verifier = Verifier("How is my business doing?")
        for outcome in told[shop]:
            verifier.learn(outcome)
        refused += [f"{shop}: {one}" for one in sentences if verifier.check(f"{one} ").faults]
    total = sum(len(sentences) for sentences in HONEST.values())
    print(f"\n{len(refused)} of {total} honest sentences refused", *refused, sep="\n  ")
    assert len(refused) <= 0.1 * total


@pytest.mark.parametrize(
    "sentence",
    [
        "Is your score falling?",
        "If your payouts were unreliable, your score would fall.",
        "Lenders avoid shops with high refund rates.",
        "Keep your disputes low.",
        "To lower your refund rate, look at the reasons.",
        "Your score could fall once old sales stop counting.",
        "The score is computed from your Stripe data.",
        "I can show you your score and what hurts it.",
    ],
)
def test_what_claims_nothing_of_the_business_is_let_pass(sentence: str, evidence: dict[str, Evidence]) -> None:
    assert not is_refused(sentence, evidence["northwind"])


@pytest.mark.parametrize(
    "sentence",
    [
        "Your payouts are getting worse.",
        "Your refund rate is alarming.",
        "Your business is collapsing.",
        "Your score is falling.",
    ],
)
def test_without_evidence_nothing_is_said(sentence: str) -> None:
    assert is_refused(sentence, Evidence())


def test_what_was_measured_is_not_said_to_be_missing(evidence: dict[str, Evidence]) -> None:
    assert is_refused("Your payout reliability is not measured.", evidence["northwind"])
    assert not is_refused("Your payout reliability is not measured.", evidence["newcomer"])


def test_it_is_what_was_named_before(evidence: dict[str, Evidence]) -> None:
    northwind = evidence["northwind"]
    assert is_refused("It is low.", northwind, context="Your refund rate needs attention.")
    assert not is_refused("It is high.", northwind, context="Your refund rate needs attention.")
    assert is_refused("It went down.", northwind, context="Your score comes next.")
    assert not is_refused("It went up.", northwind, context="Your score comes next.")


def test_each_part_of_a_sentence_is_judged_by_itself(evidence: dict[str, Evidence]) -> None:
    northwind = evidence["northwind"]
    assert not is_refused("Your refund rate is high, but your payouts are reliable.", northwind)
    assert is_refused("Your refund rate is high, but your payouts are unreliable.", northwind)
    assert is_refused("Your payouts are reliable, and your refund rate is low.", northwind)


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("Your refund rate is not low.", "Your refund rate is not high."),
        ("Your payouts are not unreliable.", "Your payouts are not reliable."),
        ("Your score has not fallen.", "Your score has not risen."),
    ],
)
def test_not_turns_it_round(true: str, false: str, evidence: dict[str, Evidence]) -> None:
    assert not is_refused(true, evidence["northwind"])
    assert is_refused(false, evidence["northwind"])
