"""The answerer without a model: it reads what is wanted, uses the tools, and says what they told."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence

from vaultra.agent import templates as say
from vaultra.agent.answers import Answer, Citation, Event, Finished, Sentence, Turn
from vaultra.agent.exemplars import Intent
from vaultra.agent.guards import guard
from vaultra.agent.intents import Wanted, understand
from vaultra.agent.leads import leads
from vaultra.agent.steps import LEAST_SIMILARITY, STEPS, also
from vaultra.agent.talk import Talk
from vaultra.agent.tools import ToolContext, ToolOutcome
from vaultra.agent.verifier import Verifier, sentences
from vaultra.telemetry import log

NAME = "embedded"
# Below, no example is about it.
LEAST_LIKENESS = 0.4
# So much nearer must an example be than a passage before one's own numbers are meant.
NEARER = 0.15


def answer(context: ToolContext, history: Sequence[Turn], question: str) -> Iterator[Event]:
    """What is told while the answer comes to be; the last event is `Finished`. It needs no model, and never fails."""
    declined = guard(question, context.business.name)
    if declined is not None:
        yield Sentence(declined.text)
        yield Finished(Answer(declined.text, (), (), declined.suggestions, NAME, refused=True))
        return
    talk = Talk(context, history, Verifier(question, history))
    # An owner may speak of the business by its name; what the words mean does not depend on it.
    asked = re.sub(re.escape(context.business.name), "my business", question, flags=re.IGNORECASE)
    wanted = understand(context.embedder, asked, history)
    intent = yield from _settled(talk, wanted)
    lines = yield from STEPS[intent](talk, wanted)
    if intent not in ("knowledge", "elsewhere", "nothing") and not (wanted.normal or wanted.improve):
        lines = [*lines, *also(talk, wanted)]
    text = say.joined(lines)
    last = talk.verifier.closing(text) if talk.outcomes else None
    said, citations = [], dict[str, Citation]()
    for sentence in _spoken(talk, text if last is None else f"{text}\n\n{last}"):
        said.append(sentence.text)
        citations |= {citation.key: citation for citation in sentence.citations}
        yield sentence
    yield Finished(
        Answer(
            text="".join(said).strip(),
            citations=tuple(citations.values()),
            outcomes=tuple(talk.outcomes),
            suggestions=leads(intent, talk.outcomes, question),
            provider=NAME,
            refused=intent == "elsewhere",
        )
    )


def suggestions(question: str, outcomes: Sequence[ToolOutcome]) -> tuple[str, ...]:
    """Two or three questions that lead on from an answer, whoever gave it."""
    return leads(None, outcomes, question)


def _spoken(talk: Talk, text: str) -> Iterator[Sentence]:
    """The sentences that pass; what does not is a fault of ours, and is left out."""
    spoken = False
    for raw in sentences([text]):
        checked = talk.verifier.check(raw)
        if checked.faults:
            log.error("agent.own_sentence_withheld", kinds=sorted({fault.kind for fault in checked.faults}))
            continue
        spoken = spoken or bool(checked.text.strip())
        yield Sentence(checked.text, checked.citations)
    if not spoken:
        yield Sentence(say.WITHHELD)


def _settled(talk: Talk, wanted: Wanted) -> Generator[Event, None, Intent]:
    """The intent, after a look into the articles where the words alone leave it open."""
    if wanted.is_certain or (wanted.intent in ("greeting", "thanks", "help") and wanted.likeness >= LEAST_LIKENESS):
        return wanted.intent
    found = yield from talk.search(wanted.question)
    if wanted.intent == "metric" and wanted.told:
        return "metric"  # one's own number, with what was found beside it
    best = max((one.similarity for one in found[:2]), default=0.0)
    if best >= LEAST_SIMILARITY and best + (0.0 if wanted.told else NEARER) >= wanted.likeness:
        return "knowledge"
    if wanted.intent == "elsewhere" or wanted.likeness < LEAST_LIKENESS:
        return "elsewhere" if wanted.intent == "elsewhere" else "nothing"
    return wanted.intent
