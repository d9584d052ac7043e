"""What every vector store does, shown of each: our own Postgres, and Pinecone through its own SDK."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from tests.model_servers import ModelServer, pinecone_index
from vaultra.adapters.pinecone_vectors import PineconeVectors
from vaultra.adapters.postgres_vectors import PostgresVectors
from vaultra.config import PineconeSettings
from vaultra.db import engine as database
from vaultra.errors import Unavailable
from vaultra.ports import VectorStore

EAST, NORTH, NORTH_EAST = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.6, 0.8, 0.0]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with pinecone_index(dimension=3) as running:
        yield running


def pinecone(server: ModelServer) -> PineconeVectors:
    return PineconeVectors(PineconeSettings(pinecone_api_key=SecretStr("pc-test"), pinecone_index_host=server.url))


@pytest.fixture(params=["postgres", "pinecone"])
def store(request: pytest.FixtureRequest) -> VectorStore:
    if request.param == "postgres":
        return PostgresVectors(request.getfixturevalue("fresh_engine"))
    return pinecone(request.getfixturevalue("server"))


def test_the_nearest_come_with_their_cosines(store: VectorStore) -> None:
    store.upsert("one", {"east": EAST, "north": NORTH, "north-east": NORTH_EAST})
    found = store.query("one", NORTH, 2)
    assert list(found) == ["north", "north-east"]
    assert list(found.values()) == pytest.approx([1.0, 0.8])
    assert store.count("one") == 3


def test_namespaces_know_nothing_of_each_other(store: VectorStore) -> None:
    store.upsert("one", {"east": EAST})
    store.upsert("two", {"east": NORTH, "north": NORTH})
    assert store.query("one", EAST, 10) == pytest.approx({"east": 1.0})
    store.delete("two")
    assert (store.count("one"), store.count("two"), store.query("two", EAST, 10)) == (1, 0, {})
    store.delete("two")
    assert store.count("never") == 0


def test_the_same_name_is_replaced(store: VectorStore) -> None:
    store.upsert("one", {"a": EAST})
    assert store.query("one", NORTH, 1) == pytest.approx({"a": 0.0})
    store.upsert("one", {"a": NORTH})
    assert store.query("one", NORTH, 1) == pytest.approx({"a": 1.0})
    assert store.count("one") == 1


def test_hundreds_at_once(store: VectorStore) -> None:
    many = {f"v{number}": [1.0, number / 1000, 0.0] for number in range(350)}
    store.upsert("one", many)
    assert store.count("one") == 350
    assert list(store.query("one", EAST, 350))[:2] == ["v0", "v1"]


def test_a_database_that_is_not_there_is_told() -> None:
    nowhere = database.create("postgresql+pg8000://nobody@127.0.0.1:9/none", pool_size=1)
    for store in (
        PostgresVectors(nowhere),
        PineconeVectors(
            PineconeSettings(pinecone_api_key=SecretStr("pc-test"), pinecone_index_host="http://127.0.0.1:9")
        ),
    ):
        with pytest.raises(Unavailable) as told:
            store.count("one")
        assert "pc-test" not in told.value.message


def test_a_refusal_of_pinecone_is_told_without_the_key(server: ModelServer) -> None:
    server.failures = [(401, {"code": 16, "message": "Invalid API key pc-test"})]
    with pytest.raises(Unavailable) as told:
        pinecone(server).count("one")
    assert "pc-test" not in told.value.message
    assert server.headers[0]["api-key"] == "pc-test"
