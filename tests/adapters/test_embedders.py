"""Embedders: the one that runs here, and OpenAI's through its own SDK against a server that speaks its protocol."""

import math
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from tests.model_servers import ModelServer, openai_embeddings
from vaultra.adapters.minilm import MiniLm
from vaultra.adapters.openai_embedder import OpenAiEmbedder
from vaultra.config import OpenAiSettings
from vaultra.errors import Unavailable


@pytest.fixture(scope="module")
def here() -> MiniLm:
    return MiniLm()


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_vectors_have_length_one_and_do_not_depend_on_their_neighbours(here: MiniLm) -> None:
    texts = ["How is my refund rate?", "", "naïve café — 日本語", "word " * 400, "x" * 200]
    together = here.embed(texts)
    for text, vector in zip(texts, together, strict=True):
        assert len(vector) == 384
        assert math.isclose(math.hypot(*vector), 1, abs_tol=1e-5)
        assert cosine(vector, here.embed([text])[0]) > 0.99999


def test_what_means_the_same_is_nearer_than_what_shares_words(here: MiniLm) -> None:
    asked, same, other = here.embed(
        ["my customer took the money back through the bank", "a chargeback", "the bank holds my customer account"]
    )
    rest = here.embed(["the weather in Lisbon"])[0]
    assert cosine(asked, same) > cosine(asked, rest)
    assert cosine(asked, other) > cosine(asked, rest)


def test_it_is_the_published_model(here: MiniLm) -> None:
    """The first numbers of the model card's own example, which sentence-transformers gives with torch."""
    first, second = here.embed(["This is an example sentence", "Each sentence is converted"])
    assert first[:4] == pytest.approx([0.0676569, 0.0634959, 0.0487131, 0.0793049], abs=1e-5)
    assert second[:4] == pytest.approx([0.0864386, 0.1027627, 0.0053946, 0.0020444], abs=1e-5)


# --- OpenAI -----------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with openai_embeddings(lambda texts: [[float(len(text)), 1.0] for text in texts], dimensions=4) as running:
        yield running


@pytest.fixture
def embedder(server: ModelServer) -> OpenAiEmbedder:
    return OpenAiEmbedder(OpenAiSettings(openai_api_key=SecretStr("sk-test"), openai_base_url=f"{server.url}/v1"))


def test_openais_vectors_come_in_the_order_of_the_texts(embedder: OpenAiEmbedder, server: ModelServer) -> None:
    vectors = embedder.embed(["a" * 3, "b" * 300])
    assert [round(vector[0] / vector[1]) for vector in vectors] == [3, 300]
    assert all(math.isclose(math.hypot(*vector), 1, abs_tol=1e-6) for vector in vectors)
    [(path, body)] = server.requests
    assert (path, body["model"], body["input"]) == ("/v1/embeddings", "text-embedding-3-small", ["aaa", "b" * 300])
    assert server.headers[0]["authorization"] == "Bearer sk-test"
    assert embedder.name == "text-embedding-3-small"


def test_many_texts_go_in_batches(embedder: OpenAiEmbedder, server: ModelServer) -> None:
    assert len(embedder.embed([f"text {number}" for number in range(600)])) == 600
    assert [len(body["input"]) for _, body in server.requests] == [256, 256, 88]


def test_a_refusal_that_passes_is_tried_again_and_one_that_stays_is_told(
    embedder: OpenAiEmbedder, server: ModelServer
) -> None:
    busy = (429, {"error": {"message": "Too many requests sk-test", "type": "rate_limit"}})
    server.failures = [busy]
    assert len(embedder.embed(["x"])) == 1
    server.failures = [busy] * 3
    with pytest.raises(Unavailable) as told:
        embedder.embed(["x"])
    assert "sk-test" not in told.value.message
    server.failures = [(401, {"error": {"message": "no such key", "type": "invalid_request_error"}})]
    with pytest.raises(Unavailable):
        embedder.embed(["x"])
