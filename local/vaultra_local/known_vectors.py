"""What MiniLM says of our own articles, kept beside them: computing it takes a first start a quarter of a minute.

`python -m vaultra_local.known_vectors` (`make knowledge-vectors`) writes it after an article was changed.
"""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from vaultra.domain.knowledge import passages_of
from vaultra.ports import Embedder
from vaultra.usecases.knowledge import texts_of
from vaultra_local import articles


class KnownVectors:
    """An `Embedder` that asks another one only about the texts that the folder of articles has no vectors of."""

    def __init__(self, embedder: Embedder, folder: Path = articles.FOLDER) -> None:
        self._embedder = embedder
        self._vectors = _read(path_of(embedder, folder))

    @property
    def name(self) -> str:
        """The other one's: the vectors are its own."""
        return self._embedder.name

    @property
    def texts(self) -> frozenset[str]:
        """The digests of the texts that are known."""
        return frozenset(self._vectors)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        new = [text for text in texts if digest(text) not in self._vectors]
        computed = dict(zip(new, self._embedder.embed(new), strict=True)) if new else {}
        return [computed[text] if text in computed else self._vectors[digest(text)] for text in texts]


def path_of(embedder: Embedder, folder: Path) -> Path:
    """Where the vectors of a folder's articles are."""
    return folder / f"{embedder.name}.npz"


def digest(text: str) -> str:
    """What a text is known by."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _read(path: Path) -> dict[str, list[float]]:
    """Nothing where there is no such file: every other embedder, and folders of somebody's own."""
    if not path.exists():
        return {}
    from vaultra.adapters.arrays import np  # here, because only the local model brings NumPy

    with np.load(path, allow_pickle=False) as file:
        digests = (digest.decode() for digest in file["digests"].tolist())
        return dict(zip(digests, file["vectors"].tolist(), strict=True))


def main(folder: Path = articles.FOLDER) -> int:
    """Compute and write them."""
    from vaultra.adapters.arrays import np
    from vaultra.adapters.minilm import MiniLm

    model = MiniLm()
    texts = sorted(set(texts_of(passages_of(articles.read_all(folder))).values()))
    # Half the precision is far more than telling meanings apart needs, and half the size.
    vectors = np.array(model.embed(texts), np.float16)
    np.savez(path_of(model, folder), digests=np.array([digest(text) for text in texts], np.bytes_), vectors=vectors)
    sys.stdout.write(f"{len(texts)} vectors\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
