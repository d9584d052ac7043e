"""How much of a conversation a model is given: the newest of it, and the question always whole."""

from collections.abc import Sequence
from dataclasses import replace

import orjson

from vaultra.agent.answers import Turn
from vaultra.agent.tools import TOOLS, ToolOutcome
from vaultra.domain.conversations import Speaker
from vaultra.domain.masking import masked
from vaultra.ports import DialogueItem, Said, ToolOffer, ToolReturned, Wrote

MOST_TURNS = 6
MOST_HISTORY_CHARACTERS = 8_000
MOST_RESULT_CHARACTERS = 12_000
"""Of all tools' replies in one answer together."""
LEFT_OUT = '{"left_out":"This reply was left out to save room. Use the tool again if you need it."}'
# What providers add around every message and tool, in tokens: generously.
TOKENS_AROUND = 32

OFFERS = tuple(ToolOffer(tool.name, tool.description, tool.parameters) for tool in TOOLS.values())


def opening(history: Sequence[Turn], question: str) -> list[DialogueItem]:
    """What was said last, oldest first, then the question; whoever somebody is was taken out."""
    turns: list[Turn] = []
    room = MOST_HISTORY_CHARACTERS
    for turn in reversed(history[-MOST_TURNS:]):
        room -= len(turn.text)
        if room < 0:
            break
        turns.append(turn)
    turns.reverse()
    return [*(Said(turn.role, masked(turn.text)) for turn in turns), Said(Speaker.USER, masked(question))]


def told_to_model(outcome: ToolOutcome, request_id: str, name: str) -> ToolReturned:
    """A tool's reply as a model gets it."""
    content = outcome.result if outcome.ok else {"error": outcome.error}
    return ToolReturned(request_id, name, masked(orjson.dumps(content).decode()))


def within_budget(dialogue: Sequence[DialogueItem]) -> list[DialogueItem]:
    """The dialogue with the oldest replies of tools left out, where all together are too long."""
    room = MOST_RESULT_CHARACTERS
    kept: list[DialogueItem] = []
    for item in reversed(dialogue):
        if isinstance(item, ToolReturned):
            room -= len(item.output)
            kept.append(item if room >= 0 else replace(item, output=LEFT_OUT))
        else:
            kept.append(item)
    kept.reverse()
    return kept


def most_tokens_read(instructions: str, dialogue: Sequence[DialogueItem], offers: Sequence[ToolOffer]) -> int:
    """More tokens than a model can find in this: none is shorter than a byte."""
    parts = [instructions.encode()]
    parts += [orjson.dumps([offer.name, offer.description, offer.parameters]) for offer in offers]
    parts += [_bytes_of(item) for item in dialogue]
    return sum(len(part) + TOKENS_AROUND for part in parts)


def _bytes_of(item: DialogueItem) -> bytes:
    match item:
        case Said(text=text):
            return text.encode()
        case Wrote(items):
            return orjson.dumps(items)
        case ToolReturned(output=output):
            return output.encode()
