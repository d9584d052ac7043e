"""Vectors in a Pinecone index of dense vectors whose metric is cosine."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from vaultra.errors import Unavailable

if TYPE_CHECKING:
    from vaultra.config import PineconeSettings

# A request may have 2 MB; a hundred vectors of 1536 numbers have about one and a half.
BATCH = 100
MOST_RESULTS = 10_000

T = TypeVar("T")


def _upsert(records: Sequence[Mapping[str, Any]], namespace: str, index: Any) -> None:
    index.upsert(vectors=records, namespace=namespace)


class PineconeVectors:
    """A `VectorStore`. The index is named by its host, so that nothing is asked of the control plane."""

    def __init__(self, settings: "PineconeSettings") -> None:
        self._settings = settings
        self._opened: Any = None

    def upsert(self, namespace: str, vectors: Mapping[str, Sequence[float]]) -> None:
        records = [{"id": name, "values": list(values)} for name, values in vectors.items()]
        for start in range(0, len(records), BATCH):
            batch = records[start : start + BATCH]
            self._ask(partial(_upsert, batch, namespace))

    def query(self, namespace: str, vector: Sequence[float], limit: int) -> dict[str, float]:
        most = min(limit, MOST_RESULTS)
        answer = self._ask(lambda index: index.query(vector=list(vector), top_k=most, namespace=namespace))
        return {match.id: match.score for match in answer.matches}

    def count(self, namespace: str) -> int:
        spaces = self._ask(lambda index: index.describe_index_stats()).namespaces
        return spaces[namespace].vector_count if namespace in spaces else 0

    def delete(self, namespace: str) -> None:
        if self.count(namespace):  # deleting what is not there is an error
            self._ask(lambda index: index.delete(delete_all=True, namespace=namespace))

    def _ask(self, work: Callable[[Any], T]) -> T:
        from pinecone.errors import PineconeError

        try:
            return work(self._index())
        except PineconeError as error:
            raise Unavailable(f"The vector database does not answer ({type(error).__name__})") from error

    def _index(self) -> Any:
        if self._opened is None:
            from pinecone import Pinecone

            key = self._settings.pinecone_api_key.get_secret_value()
            self._opened = Pinecone(api_key=key).index(host=self._settings.pinecone_index_host)
        return self._opened
