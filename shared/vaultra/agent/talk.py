"""One answer of the answerer without a model while it comes to be: its tools, and what they told."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from vaultra.agent.answers import Event, ToolBegan, ToolEnded, Turn
from vaultra.agent.facts import SEARCH, Found, passages_of
from vaultra.agent.tools import TOOLS, ToolContext, ToolOutcome, use_tool
from vaultra.agent.verifier import Verifier
from vaultra.ports import Json

Steps = Generator[Event, None, list[str]]
"""What a kind of question takes: the tools' events, and at the end the lines of the answer."""


@dataclass
class Talk:
    """One answer while it comes to be."""

    context: ToolContext
    history: Sequence[Turn]
    verifier: Verifier
    outcomes: list[ToolOutcome] = field(default_factory=list)

    def use(self, name: str, **arguments: object) -> Generator[Event, None, ToolOutcome]:
        """Use a tool, telling that it began and ended; what was looked up already is not looked up again."""
        for known in self.outcomes:
            if known.name == name == SEARCH:
                return known
        id_ = str(len(self.outcomes) + 1)
        yield ToolBegan(id_, name, TOOLS[name].title)
        outcome = use_tool(self.context, name, arguments, id=id_)
        self.outcomes.append(outcome)
        self.verifier.learn(outcome)
        yield ToolEnded(outcome)
        return outcome

    def result(self, name: str, **arguments: object) -> Generator[Event, None, Json | str]:
        """The same; gives the result, or in words why there is none."""
        outcome = yield from self.use(name, **arguments)
        return outcome.result if outcome.result is not None else outcome.error or ""

    def search(self, question: str) -> Generator[Event, None, list[Found]]:
        return passages_of((yield from self.use(SEARCH, query=question, limit=5)))
