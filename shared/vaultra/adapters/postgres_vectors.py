"""Vectors in our own Postgres, compared one by one: for a few hundred that is a millisecond, and always right."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from vaultra.adapters.arrays import np
from vaultra.db import knowledge
from vaultra.db.engine import translate


class PostgresVectors:
    """A `VectorStore`; a namespace that has been asked is kept in memory, because it never changes once published."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loaded: dict[str, tuple[list[str], Any]] = {}

    def upsert(self, namespace: str, vectors: Mapping[str, Sequence[float]]) -> None:
        self._loaded.pop(namespace, None)
        self._run(lambda conn: knowledge.upsert_vectors(conn, namespace, vectors))

    def query(self, namespace: str, vector: Sequence[float], limit: int) -> dict[str, float]:
        if namespace not in self._loaded:
            rows = self._run(lambda conn: knowledge.list_vectors(conn, namespace))
            names = [name for name, _ in rows]
            self._loaded = {namespace: (names, np.array([values for _, values in rows], np.float32))}
        names, matrix = self._loaded[namespace]
        if not names:
            return {}
        cosines = matrix @ np.array(vector, np.float32)
        nearest = np.argsort(-cosines, kind="stable")[:limit]
        return {names[number]: float(cosines[number]) for number in nearest}

    def count(self, namespace: str) -> int:
        return self._run(lambda conn: knowledge.count_vectors(conn, namespace))

    def delete(self, namespace: str) -> None:
        self._loaded.pop(namespace, None)
        self._run(lambda conn: knowledge.delete_vectors(conn, namespace))

    def _run(self, work: Any) -> Any:
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except SQLAlchemyError as error:
            raise translate(error) or error from error
