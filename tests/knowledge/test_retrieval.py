"""The right article and section are found: for the model that runs here, and through OpenAI's and Pinecone's SDKs."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from tests.model_servers import openai_embeddings, pinecone_index
from vaultra.adapters.minilm import MiniLm
from vaultra.adapters.openai_embedder import OpenAiEmbedder
from vaultra.adapters.pinecone_vectors import PineconeVectors
from vaultra.adapters.postgres_vectors import PostgresVectors
from vaultra.config import OpenAiSettings, PineconeSettings
from vaultra.db import engine as database
from vaultra.ports import Embedder, VectorStore
from vaultra.usecases import knowledge
from vaultra_local import articles
from vaultra_local.known_vectors import KnownVectors

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
HERE = Path(__file__).parent
RIGHT_ARTICLE, RIGHT_SECTION = 0.95, 0.85
"""The goals: the share of questions whose article, and whose section, is among the first three."""
SETS = ("examples.jsonl", "questions.jsonl")


def questions(name: str) -> list[dict[str, Any]]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [found for found in map(json.loads, lines) if found["expected_doc"] is not None]


@pytest.fixture(scope="module")
def engine(make_database: Any) -> Iterator[Engine]:
    engine = database.create(make_database("retrieval"), pool_size=2)
    yield engine
    engine.dispose()


class Remembering:
    """The model that runs here, asked once for each text."""

    name = MiniLm.name

    def __init__(self) -> None:
        self._model = KnownVectors(MiniLm())
        self._known: dict[str, list[float]] = {}

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        new = [text for text in texts if text not in self._known]
        self._known |= dict(zip(new, self._model.embed(new), strict=True))
        return [self._known[text] for text in texts]


@pytest.fixture(scope="module")
def model() -> Remembering:
    return Remembering()


@pytest.fixture(scope="module", params=["embedded", "openai and pinecone"])
def backend(
    request: pytest.FixtureRequest, engine: Engine, model: Remembering
) -> Iterator[tuple[Embedder, VectorStore]]:
    """The same meanings both ways: the server that speaks OpenAI's protocol fills the model's vectors up with zeros."""
    if request.param == "embedded":
        yield model, PostgresVectors(engine)
        return
    with openai_embeddings(model.embed) as openai, pinecone_index(dimension=1536) as pinecone:
        yield (
            OpenAiEmbedder(OpenAiSettings(openai_api_key=SecretStr("sk-test"), openai_base_url=f"{openai.url}/v1")),
            PineconeVectors(PineconeSettings(pinecone_api_key=SecretStr("pc-test"), pinecone_index_host=pinecone.url)),
        )


def test_the_right_article_and_section_are_among_the_first_three(
    backend: tuple[Embedder, VectorStore], engine: Engine
) -> None:
    embedder, store = backend
    with engine.begin() as conn:
        published = knowledge.publish(conn, embedder, store, articles.read_all(), NOW)
        library = knowledge.current_library(conn)
    print(f"\n{embedder.name}: {published.articles} articles, {published.passages} passages")
    for name in SETS:
        asked = questions(name)
        article_found = section_found = first = 0
        for question in asked:
            hits = knowledge.search(library, embedder, store, question["question"]).hits
            sections = list(dict.fromkeys((hit.passage.doc_id, hit.passage.slug) for hit in hits))[:3]
            article_found += question["expected_doc"] in [doc_id for doc_id, _ in sections]
            wanted = (question["expected_doc"], question["expected_topic"])
            section_found += wanted in sections
            first += wanted == sections[0]
        shares = [found / len(asked) for found in (article_found, section_found, first)]
        print(
            f"{name}: {len(asked)} questions, article {shares[0]:.1%}, section {shares[1]:.1%}, first {shares[2]:.1%}"
        )
        assert shares[0] >= RIGHT_ARTICLE
        assert shares[1] >= RIGHT_SECTION
