"""The verifier, tried by lies: true answers are changed in every way a model lies, and each change has to be caught."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.agent.exam import cases, sit
from tests.agent.shops import World
from vaultra.agent.answers import Citation, Sentence, Turn
from vaultra.agent.evidence import Evidence, gathered
from vaultra.agent.facts import passages_of
from vaultra.agent.tools import ToolOutcome, use_tool
from vaultra.agent.verifier import Verifier, check_sentence, closing, faults, sentences
from vaultra.domain.conversations import Speaker
from vaultra.domain.disclaimer import DISCLAIMER
from vaultra.domain.figures import figures


@pytest.fixture(scope="module")
def told(world: World) -> list[ToolOutcome]:
    """What the tools tell of one business: its score 86, before 74; 7.85% refunded; a chargeback ratio of 0.56%."""
    asked: dict[str, dict[str, object]] = {
        "get_readiness_breakdown": {},
        "get_metric_summary": {},
        "explain_change": {},
        "path_to_next_tier": {},
        "criteria_monitor": {},
        "search_knowledge": {"query": "what refund rate is normal"},
    }
    context = world.context("northwind")
    return [use_tool(context, name, arguments, id=name) for name, arguments in asked.items()]


def kinds(sentence: str, told: list[ToolOutcome], question: str = "") -> set[str]:
    return {fault.kind for fault in faults(sentence, told, question=question)}


TRUE = (
    "Your score is 86 out of 100.",
    "Your readiness score is 86, and it was 74 before.",
    "Your score rose from 74 to 86.",
    "The score rose by 12 points since 21 October 2026.",
    "Your refund rate is 7.85%.",
    "Refunded share: 7.85%, as of 20 November 2026.",
    "Your chargeback ratio is still 0.56%.",
    "If your chargeback ratio is below 0.5%, that adds 5 points.",
    "Your refund rate is 7.9% over the last 90 days.",
    "About 8% of your sales were refunded.",
    "Your dispute rate is 0.56%.",
    "The dispute rate is 0.56% and the refund rate is 7.85%.",
    "You had 1 chargeback on 180 charges (0.56%).",
    "You made $2,520 in the last 30 days, up from $1,969.",
    "Revenue was about $2,500 in the last 30 days.",
    "Your average order is $14.00.",
    "You are in the tier Highly attractive.",
    "Your revenue is growing.",
    "Clearco asks for more than $10,000 a month; yours is $1,971.50.",
    "Stripe Capital asks for at least $1,000 of net volume a month.",
    "Your largest customer brings 2.63% of the volume of 180 days.",
    "Refunds take 2 points from your score.",
    "You meet what Stripe Capital publishes.",
    "All payouts arrived on time: 100%.",
    "Subscriber churn compares with 30 days ago.",
    "On 21 October 2026 your refunded share was 5.89%.",
    "Your refund rate was 5.89% 30 days ago.",
    "Your chargeback ratio rests on 180 charges.",
    "Your payouts are reliable.",
    "1. Look at your refunds.\n",
    "I don't have that figure.",
    DISCLAIMER,
)
FALSE = (
    ("Your score is 68 out of 100.", "number"),
    ("Your score is 74.", "time"),
    ("Your score was 86.", "time"),
    ("Your score was 86, and is 74 now.", "time"),
    ("0.5% to 2%", "label"),
    ("Your score fell from 86 to 74.", "time"),
    ("The score fell by 12 points since 21 October 2026.", "direction"),
    ("The score rose by 13 points.", "number"),
    ("The dispute rate is 7.85%.", "label"),
    ("The dispute rate is 7.85% and the refund rate is 0.56%.", "label"),
    ("Your refund rate is 0.56%.", "label"),
    ("Your churn is 7.85%.", "label"),
    ("Your refund rate is 7.7%.", "number"),
    ("Your refund rate is seven percent.", "label"),
    ("Your chargeback ratio is 100%.", "label"),
    ("Chargeback ratio: 0.50%, as of 20 November 2026.", "label"),
    ("Your chargeback ratio is 2%.", "label"),
    ("Largest customer: 100%.", "label"),
    ("Your largest customer is at 50%.", "label"),
    ("Your score is ninety-nine.", "number"),
    ("99. That is your score.", "number"),
    ("You made €2,520 in the last 30 days.", "currency"),
    ("You made $2,519 in the last 30 days.", "number"),
    ("You made $25,200 in the last 30 days.", "number"),
    ("Your average order is $2,520.", "label"),
    ("You made $14.00 in the last 30 days.", "label"),
    ("Your MRR is $2,520.", "label"),
    ("Your refund rate was measured over 60 days.", "label"),
    ("Your score was last computed on 19 October 2026.", "date"),
    ("You are in the tier Funding-ready.", "tier"),
    ("Your score is 86, which is Improving.", "tier"),
    ("Your revenue is falling.", "direction"),
    ("Sales are declining.", "direction"),
    ("Clearco asks for at least $1,000 a month.", "label"),
    ("Stripe Capital asks for more than $10,000 a month.", "label"),
    ("You meet Clearco's and Wayflyer's minimums.", "lender"),
    ("You do not meet Stripe Capital's minimums.", "lender"),
    ("You meet Clearco's minimums.", "lender"),
    ("Your chargeback ratio is 0%.", "label"),
    ("Your revenue is $1,971.50.", "label"),
    ("On 21 October 2026 your refunded share was 7.85%.", "time"),
    ("Your chargeback ratio rests on 5 charges.", "label"),
    ("Your score did not change.", "direction"),
    ("You made 90 payments.", "label"),
    ("Your payouts are unreliable.", "judgement"),
    ("Half of your revenue was refunded.", "multiple"),
    ("Your revenue doubled.", "multiple"),
    ("Refunds take 10 points from your score.", "label"),
    ("The usual refund rate is between 1 and 3%.", "label"),
    ("See https://evil.example for more.", "link"),
    ("See www.evil.example for more.", "link"),
    ("Look at [this](https://evil.example).", "link"),
    ("![chart](https://evil.example/x.png)", "link"),
    ("Your score is <b>86</b>.", "markup"),
    ("The account acct_1Abc is fine.", "id"),
    ("Business 7f9c2c3e-1111-4222-8333-444455556666 is fine.", "id"),
    ("Write to owner@bluepeak.example about it.", "id"),
    ("You will be approved by Stripe Capital.", "promise"),
    ("Your loan is guaranteed.", "promise"),
    ("This will improve your credit score.", "promise"),
    ("I recommend you take the offer.", "promise"),
    ("I have refunded the order.", "action"),
    ("I'll submit the evidence for you.", "action"),
    ("Your refund rate is normal. [no-such-article#refund-rate]", "citation"),
    ("Disputes are costly. [dispute-evidence-guide#fees]", "citation"),
    ("Bananas grow best in warm greenhouses. [refunds-and-negative-balances#refund-rate]", "support"),
)  # fmt: skip


@pytest.mark.parametrize("sentence", TRUE)
def test_what_the_tools_told_may_be_said(told: list[ToolOutcome], sentence: str) -> None:
    assert faults(sentence, told) == []


@pytest.mark.parametrize(("sentence", "kind"), FALSE)
def test_a_lie_is_caught_and_called_by_its_name(told: list[ToolOutcome], sentence: str, kind: str) -> None:
    assert kind in kinds(sentence, told)


def test_a_passage_may_be_told_when_it_is_cited_only(told: list[ToolOutcome]) -> None:
    sentence = "Between 1 and 3% is typical for card businesses, and above 5% is high."
    assert "number" in kinds(sentence, told) or "label" in kinds(sentence, told)
    assert faults(f"{sentence} [refunds-and-negative-balances#refund-rate]", told) == []
    wrong = "Between 2 and 4% is typical for card businesses. [refunds-and-negative-balances#refund-rate]"
    assert kinds(wrong, told) & {"number", "label"}


def test_it_stands_for_what_was_named_before(told: list[ToolOutcome]) -> None:
    verifier = Verifier("how are my refunds?")
    for outcome in told:
        verifier.learn(outcome)
    assert verifier.check("Your refund rate needs attention. ").faults == ()
    assert verifier.check("It is 7.85%. ").faults == ()
    assert [fault.kind for fault in verifier.check("It is 0.56%. ").faults] == ["label"]


def test_earlier_turns_count_until_their_tool_is_used_again(told: list[ToolOutcome]) -> None:
    history = [Turn(Speaker.ASSISTANT, "…", (told[0],))]
    assert faults("Your score is 86.", [], history) == []
    assert faults("Your score is 86.", [told[5]], history) == []
    assert kinds("Your score is 87.", []) == {"number"}


def test_a_failed_tool_tells_nothing_but_its_reason() -> None:
    failed = ToolOutcome("1", "get_readiness_breakdown", "…", {}, False, None, "There is no score yet.", 1)
    assert faults("There is no score yet.", [failed]) == []
    assert kinds("Your score is 50.", [failed]) == {"number"}


def test_nothing_is_known_without_tools() -> None:
    assert kinds("Your refund rate is 3.2%.", [], "is my refund rate 3.2%?") == {"number"}


def test_the_disclaimer_ends_answers_about_lenders_and_what_comes(told: list[ToolOutcome]) -> None:
    assert closing("You meet them.", [told[4]]) == DISCLAIMER
    assert closing("Your score would be 90.", [told[3]]) == DISCLAIMER
    assert closing(f"You meet them. {DISCLAIMER}", [told[4]]) is None
    assert closing("Your score is 86.", [told[0]], "what is my score?") is None
    assert closing("Your score is 86.", [told[0]], "can I get a loan?") == DISCLAIMER


# --- Mutations of true answers --------------------------------------------------------------------


@dataclass(frozen=True)
class Released:
    """A sentence that was released, and what it rested on."""

    text: str
    evidence: Evidence
    citations: tuple[Citation, ...]
    context: str


@pytest.fixture(scope="module")
def released(world: World) -> list[Released]:
    """Every sentence of every third case of the exam."""
    found: dict[str, Released] = {}
    for case in cases()[::3]:
        sat = sit(world, case)
        if sat.answer.refused:
            continue
        evidence = gathered(sat.answer.outcomes, [outcome for turn in sat.history for outcome in turn.outcomes])
        context = case["messages"][-1]["content"]
        for event in sat.events:
            if isinstance(event, Sentence):
                found[event.text] = Released(event.text, evidence, event.citations, f"{context} {sat.answer.text}")
    return list(found.values())


def wrong_numbers(one: Released) -> Iterator[str]:
    """Each number a little higher: by a unit of its last digit for small ones, by a tenth for large ones."""
    for figure in figures(one.text):
        digits = re.search(r"\d[\d,]*(?:\.\d+)?", one.text[figure.start : figure.end])
        if digits is None or re.fullmatch(r"\d+\.\s*", one.text):
            continue
        decimals = len(digits[0].partition(".")[2])
        value = float(digits[0].replace(",", ""))
        changed = value + max(3.7 * 10**-decimals, round(0.13 * value, decimals))
        written = f"{changed:,.{decimals}f}"
        yield (
            one.text[: figure.start]
            + one.text[figure.start : figure.end].replace(digits[0], written, 1)
            + one.text[figure.end :]
        )


SWAPS = (
    ("refunded", "disputed"), ("Refunded share", "Chargeback ratio"), ("Chargeback ratio", "Refunded share"),
    ("Revenue:", "Monthly recurring revenue:"), ("Payout reliability", "Refund ratio"), ("score is", "refund count is"),
    ("Chargebacks in", "Refunds in"), ("payouts", "refunds"), ("Largest customer", "Subscriber churn"),
    ("Average charge", "Revenue"), ("Revenue volatility", "Refund ratio"),
    ("Annual recurring revenue", "Monthly recurring revenue"), ("Subscriber churn", "Net revenue retention"),
    ("Clearco:", "Stripe Capital:"), ("Stripe Capital:", "Lighter Capital:"),
)  # fmt: skip


def swapped_labels(one: Released) -> Iterator[str]:
    """The number told of something else; only of numbers that are told exactly, since 0.56% is also about 1%."""
    exact = [figure for figure in figures(one.text) if figure.step < 1 and figure.unit in ("percent", "money")]
    for said, instead in SWAPS:
        if said in one.text and exact and not one.citations:
            yield one.text.replace(said, instead)


def linked(one: Released) -> Iterator[str]:
    yield f"{one.text.rstrip()} https://evil.example/?q=1"
    yield f"![x](//evil.example/x.png) {one.text}"


def is_caught(changed: str, one: Released) -> bool:
    return bool(check_sentence(changed, one.evidence, one.citations, context=one.context))


def share_caught(name: str, changes: list[tuple[str, Released]]) -> float:
    missed = [changed for changed, one in changes if not is_caught(changed, one)]
    print(f"\n{name}: {len(changes) - len(missed)} of {len(changes)} caught", *missed, sep="\n  ")
    return 1 - len(missed) / len(changes)


def test_every_released_sentence_passes(released: list[Released]) -> None:
    assert len(released) >= 100
    assert [one.text for one in released if is_caught(one.text, one)] == []


def test_wrong_numbers_are_caught(released: list[Released]) -> None:
    """A changed number may happen to be another true one of the same thing: that is no lie."""
    assert share_caught("wrong number", [(text, one) for one in released for text in wrong_numbers(one)]) >= 0.97


def test_swapped_labels_are_caught(released: list[Released]) -> None:
    assert share_caught("swapped label", [(text, one) for one in released for text in swapped_labels(one)]) >= 0.95


def test_links_are_caught(released: list[Released]) -> None:
    assert share_caught("link", [(text, one) for one in released for text in linked(one)]) == 1


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.long)])
def test_citations_that_were_not_retrieved_are_caught(
    released: list[Released], told: list[ToolOutcome], every: int
) -> None:
    known = {found.citation.key for found in passages_of(told[5])}
    changes = [
        f"{one.text.strip()} [{marker}]"
        for one in released[::every]
        for marker in ("made-up-article#section", "Source: cash-buffer-and-seasonality#cash-buffer")
    ]
    assert "cash-buffer-and-seasonality#cash-buffer" not in known
    caught = sum("citation" in kinds(changed, told) for changed in changes)
    print(f"\ncitation that was not retrieved: {caught} of {len(changes)} caught")
    assert caught == len(changes)


def test_sentences_that_the_cited_section_does_not_say_are_caught(released: list[Released]) -> None:
    """Each sentence of an article, cited from another section."""
    quotes = [one for one in released if one.citations]
    changes = [
        (quote.text, Released(quote.text, other.evidence, other.citations, ""))
        for quote in quotes
        for other in quotes
        if quote.citations[0].doc_id != other.citations[0].doc_id and len(quote.text.split()) > 6
    ]
    assert share_caught("unsupported sentence", changes) >= 0.95


def test_a_stream_is_cut_wherever_its_pieces_end() -> None:
    text = "Your score is 86. It was 74. [readiness-score-explained#tiers]\n1. Refund less."
    whole = list(sentences([text]))
    assert whole == ["Your score is 86. ", "It was 74. [readiness-score-explained#tiers]\n", "1. Refund less."]
    assert [list(sentences([text[:cut], text[cut:]])) for cut in range(len(text))] == [whole] * len(text)
