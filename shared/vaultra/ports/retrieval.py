"""What finds knowledge by meaning: embeddings, and vectors kept."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class Embedder(Protocol):
    """Turns texts into vectors whose angles tell how near they are in meaning. `name` tells the model apart."""

    @property
    def name(self) -> str: ...

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector of length 1 per text, in their order; raise `Unavailable` when the model does not answer."""


class VectorSearch(Protocol):
    """Finds vectors that are near in meaning, apart in namespaces. Raises `Unavailable`."""

    def query(self, namespace: str, vector: Sequence[float], limit: int) -> dict[str, float]:
        """The nearest at most, with the cosine of each, -1 to 1."""


class VectorStore(VectorSearch, Protocol):
    """Keeps vectors by name, too. What was written may take seconds to be found; `count` tells when it is there."""

    def upsert(self, namespace: str, vectors: Mapping[str, Sequence[float]]) -> None:
        """Keep these; what had the same name is replaced."""

    def count(self, namespace: str) -> int:
        """How many vectors it has; 0 for a namespace that does not exist."""

    def delete(self, namespace: str) -> None:
        """Forget a namespace; nothing happens when there is none."""
