"""Traces of requests and messages."""

from collections.abc import Iterable, Mapping
from typing import Protocol


class Span(Protocol):
    """The handling of one request or message, as a trace shows it.

    Attributes:
        traceparent: What messages carry, in the form of W3C's header, so that their handling stands beneath it.
        kept: Whether the trace is among those that are kept.
    """

    traceparent: str
    kept: bool

    def link(self, traceparents: Iterable[str]) -> None:
        """Say which other requests this serves, too: those whose work it took along."""

    def end(self, attributes: Mapping[str, str | int], *, failed: bool) -> None:
        """Keep what it was and whether it failed; never payloads, ids of people, or tokens."""


class Traces(Protocol):
    """Keeps spans. `idle` says that none is under way."""

    @property
    def idle(self) -> bool: ...

    def begin(self, name: str, parent: str | None) -> Span:
        """A span beneath this `traceparent`, or the first one of a trace."""

    def flush(self) -> None:
        """Return once spans that ended are where they are kept, or could not be."""
