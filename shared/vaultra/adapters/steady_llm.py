"""A model asked with patience: the one place that tries again, and that stops asking one which keeps failing."""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing

from vaultra.errors import Unavailable
from vaultra.ports import DialogueItem, LLMProvider, ModelPiece, ToolOffer

RETRIES = 2
FIRST_PAUSE_SECONDS = 0.5
# By then something has to have come; nothing is tried again later than that.
FIRST_PIECE_SECONDS = 15.0
FAILURES_TO_OPEN = 3
OPEN_SECONDS = 30.0


class Refused(Unavailable):
    """The model's server does not take the request, and asking again changes nothing: a wrong key or model."""


class SteadyLlm:
    """An `LLMProvider` around another one, whose own library must not try again by itself.

    A failure before the first piece is tried again twice, within the time there is for the first piece; after it
    something was told already. After three failures in a row nobody asks for half a minute; then one call tries.
    """

    def __init__(
        self,
        provider: LLMProvider,
        *,
        timer: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._provider = provider
        self._timer, self._pause = timer, pause
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = float("-inf")

    @property
    def name(self) -> str:
        return self._provider.name

    def stream(
        self,
        instructions: str,
        dialogue: Sequence[DialogueItem],
        tools: Sequence[ToolOffer],
        *,
        most_tokens: int,
        seconds: float,
    ) -> Generator[ModelPiece]:
        began = self._timer()
        self._check_open()
        for tried in range(RETRIES + 1):
            left = seconds - (self._timer() - began)
            pieces = self._provider.stream(instructions, dialogue, tools, most_tokens=most_tokens, seconds=left)
            try:
                first = next(pieces)
            except Unavailable as error:
                wait = self._wait(error, tried)
                in_time = self._timer() - began + wait < min(seconds, FIRST_PIECE_SECONDS)
                if tried == RETRIES or not in_time or isinstance(error, Refused):
                    self._failed()
                    raise
                self._pause(wait)
                continue
            yield from self._rest(first, pieces)
            return

    def _rest(self, first: ModelPiece, pieces: Generator[ModelPiece]) -> Generator[ModelPiece]:
        try:
            with closing(pieces):
                yield first
                yield from pieces
        except Unavailable:
            self._failed()
            raise
        self._worked()

    def _wait(self, error: Unavailable, tried: int) -> float:
        return float(error.retry_after) if error.retry_after is not None else FIRST_PAUSE_SECONDS * 2**tried

    def _check_open(self) -> None:
        with self._lock:
            now = self._timer()
            if now < self._closed_until:
                raise Unavailable(f"{self.name} failed several times and is left alone for a while")
            if self._failures >= FAILURES_TO_OPEN:
                self._closed_until = now + OPEN_SECONDS  # for the others, until this call has tried

    def _worked(self) -> None:
        with self._lock:
            self._failures, self._closed_until = 0, float("-inf")

    def _failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES_TO_OPEN:
                self._closed_until = self._timer() + OPEN_SECONDS
