"""One question in a conversation: what was said before is read, the answer is made, and both are kept together."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from uuid import UUID

from sqlalchemy import Connection

from vaultra.agent.allowance import Allowance
from vaultra.agent.answers import Answer, Finished, Turn
from vaultra.agent.conversing import ChatEvent, converse
from vaultra.agent.tools import ToolContext, ToolOutcome
from vaultra.domain.conversations import Exchange, Kept, Message
from vaultra.ports import Clock, Json, LLMProvider
from vaultra.usecases import conversations

REMEMBERED_MESSAGES = 12
_OUTCOME = {field.name for field in fields(ToolOutcome)}


@dataclass(frozen=True)
class Answered:
    """The answer, and where it is kept now."""

    answer: Answer
    kept: Kept


@dataclass(frozen=True)
class Chat:
    """Who asks about which business, and what may be used to answer.

    Attributes:
        begin: Opens a transaction that writes; used for moments only.
        tokens_per_day: How many tokens of models the business may use on a day.
    """

    context: ToolContext
    user_id: UUID
    providers: Sequence[LLMProvider]
    tokens_per_day: int
    begin: Callable[[], AbstractContextManager[Connection]]
    clock: Clock

    def history(self, conn: Connection, conversation_id: UUID | None) -> list[Turn]:
        """What was said last in this conversation, oldest first; nothing in a new one.

        Raises:
            NotFound: it is not the asker's, not about this business, or does not exist.
        """
        if conversation_id is None:
            return []
        messages = conversations.read_about(
            conn,
            user_id=self.user_id,
            business_id=self.context.business.id,
            conversation_id=conversation_id,
            limit=REMEMBERED_MESSAGES,
        )
        return [_turn(message) for message in messages]

    def reply(
        self, conversation_id: UUID | None, history: Sequence[Turn], question: str
    ) -> Iterator[ChatEvent | Answered]:
        """What is told while the answer comes to be; `Answered` is the last, and stands in place of `Finished`.

        Whoever stops listening before leaves nothing behind.

        Raises:
            NotFound, Forbidden: as `conversations.keep`.
        """
        allowance = Allowance(self.begin, self.context.business.id, self.context.now.date(), self.tokens_per_day)
        for event in converse(self.context, self.providers, allowance, history, question):
            if isinstance(event, Finished):
                yield Answered(event.answer, self._keep(conversation_id, question, event.answer, allowance))
            else:
                yield event

    def _keep(self, conversation_id: UUID | None, question: str, answer: Answer, allowance: Allowance) -> Kept:
        exchange = Exchange(
            question=question,
            answer=answer.text,
            tool_calls=tuple(asdict(outcome) for outcome in answer.outcomes),
            citations=tuple(citation.as_json() for citation in answer.citations),
            provider=answer.provider,
            degraded=answer.degraded,
            tokens=allowance.used,
            asked_at=self.context.now,
            answered_at=self.clock(),
        )
        with self.begin() as conn:
            return conversations.keep(
                conn,
                user_id=self.user_id,
                business_id=self.context.business.id,
                conversation_id=conversation_id,
                exchange=exchange,
            )


def _turn(message: Message) -> Turn:
    return Turn(message.role, message.content, tuple(_outcomes(message.tool_calls or ())))


def _outcomes(calls: Sequence[Json]) -> Iterator[ToolOutcome]:
    # What was kept by a release that told less of them is left aside.
    return (ToolOutcome(**call) for call in calls if set(call) == _OUTCOME)
