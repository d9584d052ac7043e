"""Publishing the articles and searching them: nobody ever searches half of them, and twice is once."""

import datetime as dt
import itertools
from collections.abc import Iterator, Mapping, Sequence

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text

from tests.fakes import FakeEmbedder
from tests.model_servers import pinecone_index
from vaultra.adapters.pinecone_vectors import PineconeVectors
from vaultra.adapters.postgres_vectors import PostgresVectors
from vaultra.config import PineconeSettings
from vaultra.domain.knowledge import Article, Reference, Section
from vaultra.errors import NoData, Unavailable
from vaultra.usecases import knowledge
from vaultra.usecases.knowledge import Published

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def article(name: str, text: str, *questions: str) -> Article:
    section = Section("first", "First", text, questions)
    reference = Reference("Stripe", "https://docs.stripe.com", None)
    return Article(name, name.title(), "", "category", "vaultra", "2026-11-20", (reference,), (section,))


ARTICLES = [article("payouts", "A payout goes to the bank.", "when is my money here"), article("zoo", "Zebras zigzag.")]
CHANGED = [*ARTICLES, article("quiz", "Quick quizzes.")]


@pytest.fixture
def embedder() -> FakeEmbedder:
    return FakeEmbedder()


@pytest.fixture
def store(fresh_engine: Engine) -> PostgresVectors:
    return PostgresVectors(fresh_engine)


@pytest.fixture(autouse=True)
def no_library() -> Iterator[None]:
    yield
    knowledge._libraries.clear()


_minutes = itertools.count()


def publish(
    engine: Engine, embedder: FakeEmbedder, store: PostgresVectors, articles: list[Article] = ARTICLES
) -> Published:
    now = NOW + dt.timedelta(minutes=next(_minutes))
    with engine.begin() as conn:
        return knowledge.publish(conn, embedder, store, articles, now, pause=lambda _: None)


def first(engine: Engine, embedder: FakeEmbedder, store: PostgresVectors, question: str) -> str:
    with engine.connect() as conn:
        found = knowledge.search(knowledge.current_library(conn), embedder, store, question)
    return found.hits[0].passage.doc_id


def test_what_was_published_is_found_by_its_words_and_by_the_questions_it_answers(
    fresh_engine: Engine, embedder: FakeEmbedder, store: PostgresVectors
) -> None:
    published = publish(fresh_engine, embedder, store)
    assert (published.articles, published.passages, published.vectors, published.vectors_written) == (2, 2, 3, 3)
    assert first(fresh_engine, embedder, store, "zebras zigzag") == "zoo"
    assert first(fresh_engine, embedder, store, "when is my money here") == "payouts"
    with fresh_engine.connect() as conn:
        library = knowledge.current_library(conn)
        assert library.articles == tuple(ARTICLES)
        assert library.article("zoo") == ARTICLES[1]
        assert library.article("nothing") is None


def test_nothing_published_is_said_so(fresh_engine: Engine) -> None:
    with fresh_engine.connect() as conn, pytest.raises(NoData):
        knowledge.current_library(conn)


def test_publishing_the_same_again_embeds_nothing(
    fresh_engine: Engine, embedder: FakeEmbedder, store: PostgresVectors
) -> None:
    published, asked = publish(fresh_engine, embedder, store), len(embedder.embedded)
    again = publish(fresh_engine, embedder, store)
    assert (again.namespace, again.vectors_written, len(embedder.embedded)) == (published.namespace, 0, asked)


def test_the_namespace_before_stays_and_older_ones_go(
    fresh_engine: Engine, embedder: FakeEmbedder, store: PostgresVectors
) -> None:
    names = [publish(fresh_engine, embedder, store, articles).namespace for articles in (ARTICLES, CHANGED)]
    assert [store.count(name) > 0 for name in names] == [True, True]
    newest = publish(fresh_engine, embedder, store, [*CHANGED, article("fourth", "Four.")]).namespace
    assert [store.count(name) > 0 for name in [*names, newest]] == [False, True, True]
    # Back to the one before: it is the current one again, and nothing is mixed.
    assert publish(fresh_engine, embedder, store, CHANGED).namespace == names[1]
    assert first(fresh_engine, embedder, store, "quick quizzes") == "quiz"
    with fresh_engine.connect() as conn:
        assert conn.execute(text("select count(*) from knowledge_versions where is_current")).scalar_one() == 1


def test_another_embedder_never_shares_a_namespace(
    fresh_engine: Engine, embedder: FakeEmbedder, store: PostgresVectors
) -> None:
    one, other = publish(fresh_engine, embedder, store), publish(fresh_engine, FakeEmbedder("other"), store)
    assert one.namespace != other.namespace
    assert other.vectors_written == 3


def test_a_publish_that_fails_half_way_leaves_what_was_searched(
    fresh_engine: Engine, embedder: FakeEmbedder, store: PostgresVectors
) -> None:
    publish(fresh_engine, embedder, store)
    with pytest.raises(Unavailable), fresh_engine.begin() as conn:
        knowledge.publish(conn, embedder, Losing(fresh_engine), CHANGED, NOW, pause=lambda _: None)
    assert first(fresh_engine, embedder, store, "zebras zigzag") == "zoo"
    with fresh_engine.connect() as conn:
        assert knowledge.current_library(conn).article("quiz") is None
    # What it left behind is not taken for whole.
    assert publish(fresh_engine, embedder, store, CHANGED).vectors_written == 4
    assert first(fresh_engine, embedder, store, "quick quizzes") == "quiz"


class Losing(PostgresVectors):
    """A store that forgets what it was given last."""

    def upsert(self, namespace: str, vectors: Mapping[str, Sequence[float]]) -> None:
        kept = list(vectors)[:-1]
        super().upsert(namespace, {name: vectors[name] for name in kept})


def test_it_waits_until_a_vector_database_shows_what_it_was_given(fresh_engine: Engine, embedder: FakeEmbedder) -> None:
    pauses: list[float] = []
    with pinecone_index(dimension=26, unseen=4) as server, fresh_engine.begin() as conn:
        settings = PineconeSettings(pinecone_api_key=SecretStr("pc-test"), pinecone_index_host=server.url)
        store = PineconeVectors(settings)
        published = knowledge.publish(conn, embedder, store, ARTICLES, NOW, pause=pauses.append)
        found = knowledge.search(knowledge.current_library(conn), embedder, store, "zebras zigzag")
    assert (published.vectors_written, len(pauses), found.hits[0].passage.doc_id) == (3, 3, "zoo")


def test_without_embeddings_words_still_find(
    fresh_engine: Engine, embedder: FakeEmbedder, store: PostgresVectors
) -> None:
    publish(fresh_engine, embedder, store)
    embedder.failure = Unavailable("Embeddings can't be had now")
    with fresh_engine.connect() as conn:
        found = knowledge.search(knowledge.current_library(conn), embedder, store, "a payout to the bank")
    assert (found.by_words_only, found.hits[0].passage.doc_id) == (True, "payouts")
