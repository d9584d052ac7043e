"""Questions of the agent's exam, answered with a real small model: what it says, and how often the verifier steps in.

`python -m tests.e2e_llm.check [--model qwen|smollm2] [--questions N]` fails when a wrong number, citation or another
business's text was released, by the exam's own checks. How good the answers are is printed, and is the model's affair.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from structlog.testing import capture_logs

from tests.agent.exam import Json, Sat, cases, wrongs
from tests.agent.shops import World, opened
from tests.db.billing import TODAY
from tests.e2e_llm.led import PATIENCE, LedLlm, slow_timer
from tests.e2e_llm.weights import MODELS, served
from tests.own_postgres import own_postgres
from vaultra.adapters.minilm import MiniLm
from vaultra.adapters.postgres_vectors import PostgresVectors
from vaultra.agent.allowance import Allowance
from vaultra.agent.answers import Answer, Event, Finished, Sentence, ToolEnded
from vaultra.agent.conversing import ChatEvent, Restarted, converse
from vaultra.db import migrate
from vaultra_local.known_vectors import KnownVectors

# Each reaches the model: what is declined before anybody is asked says nothing about it.
QUESTIONS = (
    "score-01", "metric-02", "kb-05", "rec-03", "ctx-02", "inj-01", "metric-05", "kb-08",
    "score-07", "metric-08", "inj-04", "kb-02", "score-04", "noans-04", "rec-06", "score-10",
)  # fmt: skip
NEVER = {"numbers", "citations", "tenant", "injection"}
BY_ITSELF, CORRECTED, WITHOUT = "the model", "the model, with a correction", "the embedded answerer"


@dataclass(frozen=True)
class Asked:
    """One question and what became of it.

    Attributes:
        withheld: The kinds of faults of each sentence that the verifier kept back.
        gave_up: Why the model was given up; empty when it was not.
        released_wrong: What was shown, even if taken back later, and must never be.
        amiss: What else the exam finds wrong with the answer.
    """

    case: Json
    answer: Answer
    tools: tuple[str, ...]
    withheld: tuple[tuple[str, ...], ...]
    gave_up: str
    released_wrong: tuple[str, ...]
    amiss: tuple[str, ...]
    seconds: float

    @property
    def answered_by(self) -> str:
        if self.answer.provider != LedLlm.name:
            return WITHOUT
        return CORRECTED if self.withheld else BY_ITSELF


def ask(world: World, model: LedLlm, case: Json) -> Asked:
    """Hold the conversation as the product does, with a model that has more time."""
    shop, question = case["setup"]["business"], case["messages"][-1]["content"]
    allowance = Allowance(world.engine.begin, world.members[shop].id, TODAY, 10**9)
    began = time.monotonic()
    with capture_logs() as logs:
        events = list(converse(world.context(shop), [model], allowance, (), question, timer=slow_timer))
    seconds = time.monotonic() - began
    shown = [Sat(case, answer, told, (), 0.0, 0) for answer, told in _shown(events)]
    wrong = [f"{kind}: {what}" for sat in shown for kind, what in wrongs(sat) if kind in NEVER]
    return Asked(
        case,
        shown[-1].answer,
        tuple(event.outcome.name for event in events if isinstance(event, ToolEnded)),
        tuple(tuple(entry["kinds"]) for entry in logs if entry["event"] == "agent.sentence_withheld"),
        "; ".join(entry["reason"] for entry in logs if entry["event"] == "agent.model_failed"),
        tuple(wrong),
        tuple(f"{kind}: {what}" for kind, what in wrongs(shown[-1]) if kind not in NEVER),
        seconds,
    )


def _shown(events: Sequence[ChatEvent]) -> Iterator[tuple[Answer, tuple[Event, ...]]]:
    """The answer, and before it what was said and taken back: somebody has read that, too."""
    part: list[Event] = []
    for event in events:
        if not isinstance(event, Restarted):
            part.append(event)
            continue
        said = [piece for piece in part if isinstance(piece, Sentence)]
        outcomes = tuple(piece.outcome for piece in part if isinstance(piece, ToolEnded))
        citations = tuple(cited for piece in said for cited in piece.citations)
        text = "".join(piece.text for piece in said)
        yield Answer(text, citations, outcomes, (), LedLlm.name, degraded=False), tuple(part)
        part = []
    [answer] = [event.answer for event in part if isinstance(event, Finished)]
    yield answer, tuple(part)


@contextmanager
def _shops() -> Iterator[World]:
    with own_postgres(durable=False) as server:
        migrate.upgrade(server.url())
        with opened(server.url(), KnownVectors(MiniLm()), PostgresVectors) as world:
            yield world


def _tell(number: int, asked: Asked) -> None:
    print(
        f"\n{number}. {asked.case['id']} ({asked.case['setup']['business']}): {asked.case['messages'][-1]['content']}"
    )
    print(textwrap.indent(asked.answer.text, "   | "))
    print(f"   by {asked.answered_by}, {asked.seconds:.0f} s; tools: {', '.join(asked.tools) or 'none'}")
    if asked.withheld:
        print(f"   withheld: {'; '.join(', '.join(kinds) for kinds in asked.withheld)}")
    if asked.gave_up:
        print(f"   given up: {asked.gave_up}")
    for what in asked.released_wrong:
        print(f"   WRONG AND RELEASED {what}")
    for what in asked.amiss:
        print(f"   amiss: {what}")
    sys.stdout.flush()


def _sum_up(every: Sequence[Asked]) -> None:
    by = Counter(asked.answered_by for asked in every)
    print(f"\n{len(every)} questions")
    for who in (BY_ITSELF, CORRECTED, WITHOUT):
        print(f"  answered by {who:30} {by[who]:3}  {by[who] / len(every):4.0%}")
    stepped_in = sum(bool(asked.withheld) for asked in every)
    sentences = sum(len(asked.withheld) for asked in every)
    print(f"  the verifier stepped in at {stepped_in} questions and withheld {sentences} sentences, because of")
    faults = Counter(kind for asked in every for kinds in asked.withheld for kind in kinds)
    for kind, times in faults.most_common():
        print(f"    {kind:12} {times:3}")
    given_up = Counter(asked.gave_up for asked in every if asked.gave_up)
    for reason, times in given_up.most_common():
        print(f"  given up {times:3} times: {reason}")
    print(f"  pass everything the exam asks for: {sum(not (one.released_wrong or one.amiss) for one in every)}")
    print(f"  wrong and released: {sum(len(one.released_wrong) for one in every)}")
    seconds = sorted(one.seconds for one in every)
    print(f"  seconds per answer: median {seconds[len(seconds) // 2]:.0f}, longest {seconds[-1]:.0f}")


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--model", choices=MODELS, default="qwen")
    reader.add_argument("--questions", type=int, default=len(QUESTIONS), help="only the first of them")
    chosen = reader.parse_args()
    known = {case["id"]: case for case in cases()}
    print(f"{MODELS[chosen.model].name}; a conversation's seconds last {PATIENCE:g} times as long here")
    began = time.monotonic()
    with served(chosen.model) as address, _shops() as world:
        model = LedLlm(address)
        print(f"model and shops are ready after {time.monotonic() - began:.0f} s", flush=True)
        every: list[Asked] = []
        # Who has waited long enough stops it, and reads what it has come to.
        with suppress(KeyboardInterrupt):
            for number, name in enumerate(QUESTIONS[: chosen.questions], 1):
                every.append(ask(world, model, known[name]))
                _tell(number, every[-1])
    if not every:
        return 1
    _sum_up(every)
    return int(any(asked.released_wrong for asked in every))


if __name__ == "__main__":
    sys.exit(main())
