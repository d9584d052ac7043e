"""The vectors beside the articles are what the model says of them."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from vaultra.adapters.arrays import np
from vaultra.adapters.minilm import MiniLm
from vaultra.domain.knowledge import passages_of
from vaultra.usecases.knowledge import texts_of
from vaultra_local import articles
from vaultra_local.known_vectors import KnownVectors, digest


class Silent:
    """An embedder that tells what it was asked, and nothing of the texts."""

    name = MiniLm.name

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.asked += texts
        return [[1.0] for _ in texts]


def texts() -> list[str]:
    return sorted(set(texts_of(passages_of(articles.read_all())).values()))


def likeness(ours: list[list[float]], theirs: list[list[float]]) -> float:
    """The least cosine of any pair."""
    pairs = np.array(ours), np.array(theirs)
    lengths = [np.linalg.norm(vectors, axis=1) for vectors in pairs]
    return float(((pairs[0] * pairs[1]).sum(axis=1) / lengths[0] / lengths[1]).min())


def test_every_text_of_the_articles_is_known_and_no_other() -> None:
    """Where this fails, an article was changed: `make knowledge-vectors`."""
    assert KnownVectors(Silent()).texts == {digest(text) for text in texts()}


def test_the_model_says_the_same() -> None:
    some = texts()[::25]
    assert likeness(KnownVectors(Silent()).embed(some), MiniLm().embed(some)) > 0.9999


@pytest.mark.long
def test_the_model_says_the_same_of_every_text() -> None:
    assert likeness(KnownVectors(Silent()).embed(texts()), MiniLm().embed(texts())) > 0.9999


def test_only_what_is_not_known_is_asked_and_the_order_stays() -> None:
    model, (first, second, *_) = Silent(), texts()
    vectors = KnownVectors(model).embed([first, "a text of somebody's own", second])
    assert model.asked == ["a text of somebody's own"]
    assert [len(vector) for vector in vectors] == [384, 1, 384]


def test_a_folder_without_vectors_asks_the_model_for_everything(tmp_path: Path) -> None:
    model = Silent()
    KnownVectors(model, tmp_path).embed(texts()[:3])
    assert model.asked == texts()[:3]
