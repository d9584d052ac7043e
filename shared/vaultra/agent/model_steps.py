"""One call of a model, taken apart while it comes: its text, the tools it asks for, and what it cost."""

from collections.abc import Generator, Iterator

from pydantic import ValidationError

from vaultra.agent.tools import TOOLS
from vaultra.domain.conversations import TokenCount
from vaultra.ports import Json, ModelPiece, StepEnded, ToolRequest

MOST_TOOL_CALLS = 8
MOST_CHARACTERS = 8_000
# Of English and JSON; what a step has cost that was broken off is reckoned with it.
BYTES_PER_TOKEN = 3


class Unfit(Exception):
    """A model does not do what is asked of it; the message says what it did."""


class ModelStep:
    """What comes in one call of a model, taken apart.

    Attributes:
        has_spoken: Whether a sentence of it was let through.
    """

    def __init__(self, pieces: Generator[ModelPiece], most_read: int) -> None:
        self.requests: list[ToolRequest] = []
        self.has_spoken = False
        self._pieces = pieces
        self._most_read = most_read
        self._characters = 0
        self._has_begun = False
        self._ended: StepEnded | None = None

    def texts(self) -> Iterator[str]:
        """The text; the rest is kept aside."""
        for piece in self._pieces:
            self._has_begun = True
            match piece:
                case str():
                    self._characters += len(piece)
                    if self._characters > MOST_CHARACTERS:
                        raise Unfit("it does not stop talking")
                    yield piece
                case ToolRequest():
                    self.requests.append(piece)
                    if len(self.requests) > MOST_TOOL_CALLS:
                        raise Unfit("it asks for too many tools at once")
                case StepEnded():
                    self._ended = piece

    @property
    def is_cut_off(self) -> bool:
        """Whether the step is over, and ended in the middle of a sentence."""
        return self._ended is not None and self._ended.cut_off

    @property
    def items(self) -> tuple[Json, ...]:
        """What the model wants to have back."""
        return () if self._ended is None else self._ended.items

    @property
    def cost(self) -> TokenCount:
        """What the step cost: as told, or as it is estimated where nobody told."""
        if self._ended is not None and self._ended.tokens is not None:
            return self._ended.tokens
        if not self._has_begun:
            return TokenCount()
        return TokenCount(self._most_read // BYTES_PER_TOKEN, self._characters // BYTES_PER_TOKEN)

    def close(self) -> None:
        """End the request, if it has not ended."""
        self._pieces.close()


def is_malformed(request: ToolRequest) -> bool:
    """Whether it is no request that a tool could ever follow."""
    tool = TOOLS.get(request.name)
    if tool is None:
        return True
    try:
        tool.arguments.model_validate_json(request.arguments)
    except ValidationError:
        return True
    return False
