"""The knowledge base: publishing articles, and finding the passages that answer a question."""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from vaultra.db import knowledge
from vaultra.domain.knowledge import Article, Passage, content_hash, passages_of
from vaultra.domain.retrieval import Hit, WordIndex, rank
from vaultra.errors import NoData, Unavailable
from vaultra.ports import Embedder, VectorSearch, VectorStore
from vaultra.telemetry import log

# A vector database tells what was written seconds later; after a minute something is wrong.
LONGEST_WAIT = dt.timedelta(minutes=1)
BETWEEN_LOOKS = dt.timedelta(seconds=1)
EMBEDDED_AT_ONCE = 64


@dataclass(frozen=True)
class Published:
    """What publishing does: the namespace that is searched after it, how much it holds, and what is written anew."""

    namespace: str
    articles: int
    passages: int
    vectors: int
    vectors_written: int


@dataclass(frozen=True)
class Library:
    """The published articles, ready to be searched. Made once per namespace, since that never changes."""

    namespace: str
    articles: tuple[Article, ...]
    passages: tuple[Passage, ...]
    index: WordIndex

    def article(self, doc_id: str) -> Article | None:
        """The article with this id."""
        return next((article for article in self.articles if article.doc_id == doc_id), None)


@dataclass(frozen=True)
class Found:
    """Passages in the order in which they answer; `by_words_only` when meanings could not be compared just now."""

    hits: tuple[Hit, ...]
    by_words_only: bool


def publish(
    conn: Connection,
    embedder: Embedder,
    store: VectorStore,
    articles: Sequence[Article],
    now: dt.datetime,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> Published:
    """Let these articles be searched in place of those before; doing it again does nothing.

    The vectors are written under a namespace of their own, named after the embedder and the content; once all are
    found there, one row is changed, and everybody searches them. The namespace before stays for those who are just
    searching it; older ones are deleted.

    Raises:
        Unavailable: an embedding or the vector database can't be had now. What was searched before still is.
    """
    knowledge.lock_versions(conn)
    published = compare(conn, embedder, store, articles)
    namespace = published.namespace
    if published.vectors_written:
        texts = texts_of(passages_of(articles))
        names = list(texts)
        for start in range(0, len(names), EMBEDDED_AT_ONCE):
            batch = names[start : start + EMBEDDED_AT_ONCE]
            vectors = embedder.embed([texts[name] for name in batch])
            store.upsert(namespace, dict(zip(batch, vectors, strict=True)))
        _wait_for(store, namespace, len(names), pause)
    knowledge.insert_version(conn, namespace, articles, now)
    knowledge.make_current(conn, namespace, now)
    for superseded in knowledge.list_superseded(conn):
        store.delete(superseded)
        knowledge.delete_version(conn, superseded)
    return published


def compare(conn: Connection, embedder: Embedder, store: VectorStore, articles: Sequence[Article]) -> Published:
    """What `publish` would do; changes nothing."""
    passages = passages_of(articles)
    namespace, vectors = f"kb-{embedder.name}-{content_hash(articles)}", _vector_count(passages)
    there = store.count(namespace)
    # A namespace that is searched is whole; of any other nobody knows what an interrupted publish has left.
    whole = there >= vectors and knowledge.find_current(conn) == namespace
    return Published(namespace, len(articles), len(passages), vectors, 0 if whole else vectors)


_libraries: dict[str, Library] = {}


def current_library(conn: Connection) -> Library:
    """The articles that are published now; raise `NoData` when none ever were."""
    namespace = knowledge.find_current(conn)
    if namespace is None:
        raise NoData("The help articles have not been published here yet.")
    if namespace not in _libraries:
        articles = tuple(knowledge.list_articles(conn, namespace))
        passages = tuple(passages_of(articles))
        _libraries.clear()
        _libraries[namespace] = Library(namespace, articles, passages, WordIndex(passages))
    return _libraries[namespace]


def search(library: Library, embedder: Embedder, vectors: VectorSearch, question: str) -> Found:
    """All passages, those first that answer the question best."""
    try:
        [vector] = embedder.embed([question])
        near = vectors.query(library.namespace, vector, _vector_count(library.passages))
    except Unavailable as error:
        log.warning("knowledge.by_words_only", reason=error.message)
        near = {}
    similarities = [_similarity(passage, near) for passage in library.passages] if near else []
    return Found(tuple(rank(library.passages, library.index, question, similarities)), by_words_only=not near)


def texts_of(passages: Sequence[Passage]) -> dict[str, str]:
    """What is embedded, by the vector's name: each passage, and each question it answers."""
    texts = {passage.id: passage.in_context for passage in passages}
    texts |= {_question_name(passage, number): question for passage in passages for number, question in _asked(passage)}
    return texts


def _similarity(passage: Passage, near: dict[str, float]) -> float:
    """How near the passage is, or the nearest of its questions; a vector that is not there is not near."""
    names = [passage.id, *(_question_name(passage, number) for number, _ in _asked(passage))]
    return max(near.get(name, 0.0) for name in names)


def _asked(passage: Passage) -> list[tuple[int, str]]:
    return list(enumerate(passage.questions, start=1))


def _question_name(passage: Passage, number: int) -> str:
    return f"{passage.id}?{number}"


def _vector_count(passages: Sequence[Passage]) -> int:
    return sum(1 + len(passage.questions) for passage in passages)


def _wait_for(store: VectorStore, namespace: str, expected: int, pause: Callable[[float], None]) -> None:
    for _ in range(LONGEST_WAIT // BETWEEN_LOOKS):
        if store.count(namespace) >= expected:
            return
        pause(BETWEEN_LOOKS.total_seconds())
    raise Unavailable(f"The vector database does not show all {expected} vectors yet")
