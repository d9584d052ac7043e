"""Faults on request: chosen requests answer 429, 500 or 503, hang, or lose their connection."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

FaultKind = Literal["429", "500", "503", "409", "slow", "timeout", "reset"]


@dataclass
class Fault:
    """Which requests go wrong, and how.

    Attributes:
        kind: A status; `slow` (answers after `delay_seconds`); `timeout` (answers nothing for
            `delay_seconds`, then drops the connection); `reset` (drops the connection at once).
        path: Requests whose path starts with this; without `query` part.
        count: Only that many of them; None: without end.
        share: Only this share of them, in [0, 1], drawn from `seed`.
        retry_after_seconds: The Retry-After header of a 429 or 503; None leaves it out.
        account: Only requests for this account.
        skip: Let that many matching requests pass first.
    """

    kind: FaultKind
    path: str = "/v1/"
    count: int | None = None
    share: float = 1.0
    seed: int = 0
    retry_after_seconds: int | None = 1
    delay_seconds: float = 120.0
    account: str | None = None
    skip: int = 0
    hits: int = 0
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in FaultKind.__args__:  # type: ignore[attr-defined]
            raise ValueError(f"unknown kind of fault: {self.kind}")
        self._random = random.Random(self.seed)  # noqa: S311 - chance, not secrecy

    def strikes(self, path: str, account: str | None) -> bool:
        """Whether this request goes wrong; counts it if so."""
        if not path.startswith(self.path) or (self.account and self.account != account):
            return False
        if self.count is not None and self.hits >= self.count:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self._random.random() >= self.share:
            return False
        self.hits += 1
        return True


def first_strike(faults: Iterable[Fault], path: str, account: str | None) -> Fault | None:
    """The first fault that takes this request."""
    return next((fault for fault in faults if fault.strikes(path, account)), None)
