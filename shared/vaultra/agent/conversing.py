"""The next answer of a conversation: a model with tools, each sentence checked before it is said, or no model at all.

No connection is held while a model is awaited: tools and the allowance open their own.
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace

from vaultra.agent import embedded
from vaultra.agent.allowance import Allowance
from vaultra.agent.answers import Answer, Citation, Event, Finished, Sentence, ToolBegan, ToolEnded, Turn
from vaultra.agent.context_budget import OFFERS, most_tokens_read, opening, told_to_model, within_budget
from vaultra.agent.facts import spelled
from vaultra.agent.faults import Fault
from vaultra.agent.guards import guard
from vaultra.agent.model_steps import MOST_TOOL_CALLS, ModelStep, Unfit, is_malformed
from vaultra.agent.phrases import is_small_talk
from vaultra.agent.prompts import CALLS_ARE_USED_UP, correction, instructions
from vaultra.agent.tools import TOOLS, ToolContext, ToolOutcome, use_tool
from vaultra.agent.verifier import SHORTEST_REPETITION, Checked, Verifier, sentences
from vaultra.domain.conversations import Speaker
from vaultra.errors import Unavailable
from vaultra.ports import DialogueItem, LLMProvider, Said, ToolRequest, Wrote
from vaultra.telemetry import log

WHOLE_SECONDS = 45.0
# With less than this left, another model is not worth asking.
LEAST_SECONDS = 5.0
MOST_REPAIRS = 2
MOST_CORRECTIONS = 1
# Of one step; what a model thinks before it speaks counts, too.
MOST_TOKENS_WRITTEN = 3_000

NOTHING_READ = Fault("unread", "", "Nothing was looked up for it. Use a tool first.")


class UsedUp(Exception):
    """The business has used its allowance of the day."""


@dataclass(frozen=True)
class Restarted:
    """What was said so far is taken back: a model failed in the middle, and somebody else answers from the start."""


ChatEvent = Event | Restarted


def converse(
    context: ToolContext,
    providers: Sequence[LLMProvider],
    allowance: Allowance,
    history: Sequence[Turn],
    question: str,
    *,
    timer: Callable[[], float] = time.monotonic,
) -> Iterator[ChatEvent]:
    """What is told while the answer comes to be; the last event is `Finished`.

    Each model is tried in turn within 45 seconds; when none has answered, the answerer without one does. What no
    model should be asked (`guards`) it answers at once.
    """
    if not providers or is_small_talk(question) or guard(question, context.business.name) is not None:
        yield from embedded.answer(context, history, question)
        return
    ends = timer() + WHOLE_SECONDS
    used_up = False
    for number, provider in enumerate(providers):
        if ends - timer() < LEAST_SECONDS:
            break
        attempt = _Attempt(context, provider, allowance, history, question, ends, timer, degraded=number > 0)
        try:
            yield from attempt.answer()
            return
        except UsedUp:
            used_up = True
        except (Unavailable, Unfit) as error:
            log.warning("agent.model_failed", provider=provider.name, reason=str(error))
        if attempt.said:
            yield Restarted()
        if used_up:
            break
    yield from _without_model(context, history, question, used_up=used_up)


def _without_model(
    context: ToolContext, history: Sequence[Turn], question: str, *, used_up: bool
) -> Iterator[ChatEvent]:
    for event in embedded.answer(context, history, question):
        if not isinstance(event, Finished):
            yield event
            continue
        answer = replace(event.answer, degraded=True)
        if used_up:
            notice = Sentence(f"\n\n{CALLS_ARE_USED_UP}")
            yield notice
            answer = replace(answer, text=answer.text + notice.text)
        yield Finished(answer)


@dataclass
class _Attempt:
    """One model's try at the answer. `said` is what has been let through so far."""

    context: ToolContext
    provider: LLMProvider
    allowance: Allowance
    history: Sequence[Turn]
    question: str
    ends: float
    timer: Callable[[], float]
    degraded: bool
    said: list[Sentence] = field(default_factory=list)
    outcomes: list[ToolOutcome] = field(default_factory=list)
    repairs: int = 0
    corrections: int = 0
    corrected_with: str = ""

    def answer(self) -> Iterator[Event]:
        """Raise `Unavailable`, `Unfit` or `UsedUp` when this model does not get there."""
        verifier = Verifier(self.question, self.history)
        dialogue = opening(self.history, self.question)
        while True:
            requests = yield from self._step(verifier, dialogue)
            if requests is None:
                continue  # a sentence was withheld, and the model has been told
            if not requests:
                break
            for request in requests:
                yield from self._use(request, verifier, dialogue)
        if not self._text().strip():
            raise Unfit("it said nothing")
        last = verifier.closing(self._text())
        if last is not None:
            yield self._add(Sentence(f"\n\n{last}"))
        yield Finished(self._whole())

    def _step(
        self, verifier: Verifier, dialogue: list[DialogueItem]
    ) -> Generator[Event, None, list[ToolRequest] | None]:
        """One call of the model: what it says, sentence by sentence; gives the tools it wants.

        None means that a sentence was withheld and nothing of the rest was read.
        """
        sent = within_budget(dialogue)
        told = instructions(self.context.now)
        most_read = most_tokens_read(told, sent, OFFERS)
        set_aside = most_read + MOST_TOKENS_WRITTEN
        left = self.ends - self.timer()
        if left <= 0:
            raise Unavailable("There is no time left")
        if not self.allowance.set_aside(set_aside):
            raise UsedUp
        pieces = self.provider.stream(told, sent, OFFERS, most_tokens=MOST_TOKENS_WRITTEN, seconds=left)
        step, unread = ModelStep(pieces, most_read), list[str]()
        try:
            for raw in sentences(step.texts()):
                if step.is_cut_off:
                    break  # the tail of a sentence
                checked = verifier.check(raw)
                if raw.strip() and not self._has_read:
                    unread.append(raw)  # what a model says on its way to the tools is not needed
                    continue
                if faults := checked.faults or self._repeated(checked):
                    self._withhold(raw, faults, dialogue)
                    return None
                yield self._say(checked, apart=not step.has_spoken)
                step.has_spoken = True
        finally:
            step.close()
            self.allowance.settle(set_aside, step.cost)
        if unread and not step.requests:
            self._withhold("".join(unread), (NOTHING_READ,), dialogue)
            return None
        dialogue.append(Wrote(step.items))
        return step.requests

    @property
    def _has_read(self) -> bool:
        """Whether there is anything that an answer could rest on."""
        return bool(self.outcomes) or any(turn.outcomes for turn in self.history)

    def _repeated(self, checked: Checked) -> tuple[Fault, ...]:
        told, said = spelled(checked.text), [spelled(sentence.text) for sentence in self.said]
        again = len(told) >= SHORTEST_REPETITION and (told in said or told in spelled(self.corrected_with))
        return (Fault("repetition", checked.text, "It was said already."),) if again else ()

    def _withhold(self, raw: str, faults: Sequence[Fault], dialogue: list[DialogueItem]) -> None:
        kinds = sorted({fault.kind for fault in faults})
        log.info("agent.sentence_withheld", provider=self.provider.name, kinds=kinds)
        self.corrections += 1
        if self.corrections > MOST_CORRECTIONS:
            raise Unfit(f"what it says is not borne out ({', '.join(kinds)})")
        so_far = self._text().strip()
        if so_far:
            dialogue.append(Said(Speaker.ASSISTANT, so_far))
        self.corrected_with = correction(raw, faults)
        dialogue.append(Said(Speaker.USER, self.corrected_with))

    def _use(self, request: ToolRequest, verifier: Verifier, dialogue: list[DialogueItem]) -> Iterator[Event]:
        if len(self.outcomes) == MOST_TOOL_CALLS:
            raise Unfit("it does not stop asking for tools")
        self.repairs += is_malformed(request)
        if self.repairs > MOST_REPAIRS:
            raise Unfit("it does not know how to ask for a tool")
        known = TOOLS.get(request.name)
        event_id = str(len(self.outcomes) + 1)
        if known is not None:
            yield ToolBegan(event_id, known.name, known.title)
        outcome = use_tool(self.context, request.name, request.arguments, id=event_id)
        self.outcomes.append(outcome)
        if known is not None:
            yield ToolEnded(outcome)
        verifier.learn(outcome)
        dialogue.append(told_to_model(outcome, request.id, request.name))

    def _say(self, checked: Checked, *, apart: bool) -> Sentence:
        """Let a sentence through; the first of a step stands apart from what was said before it."""
        joined = apart and self.said and not self.said[-1].text[-1:].isspace()
        return self._add(Sentence(f"{' ' if joined else ''}{checked.text}", checked.citations))

    def _add(self, sentence: Sentence) -> Sentence:
        self.said.append(sentence)
        return sentence

    def _text(self) -> str:
        return "".join(sentence.text for sentence in self.said)

    def _whole(self) -> Answer:
        named: dict[str, Citation] = {cited.key: cited for sentence in self.said for cited in sentence.citations}
        return Answer(
            text=self._text().strip(),
            citations=tuple(named.values()),
            outcomes=tuple(self.outcomes),
            suggestions=embedded.suggestions(self.question, self.outcomes),
            provider=self.provider.name,
            degraded=self.degraded,
        )
