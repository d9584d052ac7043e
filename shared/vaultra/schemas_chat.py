"""What is asked of the agent, what it tells while it answers, and the whole answer."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from vaultra.agent.answers import Answer, Citation
from vaultra.agent.chat import Answered
from vaultra.agent.tools import ToolOutcome
from vaultra.domain.disclaimer import DISCLAIMER
from vaultra.schemas import Body, Question, Reply


class ChatQuestion(Body):
    """A question about a business, the asker's only one when none is named; without a conversation it begins one."""

    message: Question
    business_id: UUID | None = None
    conversation_id: UUID | None = None


class CitationReply(Reply):
    """A section of a help article that the answer rests on; `url` is where an owner reads it."""

    doc_id: str
    title: str
    section: str
    heading: str
    url: str

    @classmethod
    def of(cls, citation: Citation) -> "CitationReply":
        return cls(**citation.as_json())


class ToolCallReply(Reply):
    """One use of a tool. `title` is for people; `error` says why there is no `result`."""

    id: str
    name: str
    title: str
    arguments: dict[str, Any]
    ok: bool
    result: dict[str, Any] | None
    error: str | None
    milliseconds: int

    @classmethod
    def of(cls, outcome: ToolOutcome) -> "ToolCallReply":
        return cls(**vars(outcome))


class ChatReply(Reply):
    """The agent's answer.

    `provider` tells who gave it: `embedded`, or the language model's provider. `degraded` says that a model was to
    answer and could not, or only another than the first. Every number in `response` is in a result of `tool_calls`,
    here or earlier in the conversation, or in a cited section.
    """

    conversation_id: UUID
    message_id: UUID
    response: str
    citations: list[CitationReply]
    tool_calls: list[ToolCallReply]
    suggestions: list[str] = Field(description="Questions that lead on.")
    provider: str
    degraded: bool
    disclaimer: str

    @classmethod
    def of(cls, answered: Answered) -> "ChatReply":
        answer: Answer = answered.answer
        return cls(
            conversation_id=answered.kept.conversation_id,
            message_id=answered.kept.message_id,
            response=answer.text,
            citations=[CitationReply.of(citation) for citation in answer.citations],
            tool_calls=[ToolCallReply.of(outcome) for outcome in answer.outcomes],
            suggestions=list(answer.suggestions),
            provider=answer.provider,
            degraded=answer.degraded,
            disclaimer=DISCLAIMER,
        )


# --- What is told meanwhile, as server-sent events -------------------------------------------------


class ChatStarted(Reply):
    """`start`: the question was taken. A new conversation has no id before its first answer is kept."""

    conversation_id: UUID | None


class ToolTold(Reply):
    """`tool`: one begins, or has ended; `ms` and `ok` are null until it has."""

    phase: Literal["begin", "end"]
    id: str
    name: str
    title: str
    ms: int | None = None
    ok: bool | None = None


class TextTold(Reply):
    """`delta`: a sentence that was checked, with the space behind it; joined they are the answer."""

    text: str


class Restart(Reply):
    """`restart`: forget the text so far, because who was answering failed; the answer begins again."""


class Suggestions(Reply):
    """`suggestions`: questions that lead on."""

    suggestions: list[str]
