"""What MiniLM says of our own articles, kept beside them: computing it takes a first start a quarter of a minute."""

import hashlib
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from vaultra.ports import Embedder
from vaultra_local import articles

# A text's digest and its vector; half the precision is far more than telling meanings apart needs, and half the size.
RECORD = struct.Struct("<16s384e")


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
    def texts(self) -> frozenset[bytes]:
        """The digests of the texts that are known."""
        return frozenset(self._vectors)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        new = [text for text in texts if digest(text) not in self._vectors]
        computed = dict(zip(new, self._embedder.embed(new), strict=True)) if new else {}
        return [computed[text] if text in computed else self._vectors[digest(text)] for text in texts]


def path_of(embedder: Embedder, folder: Path) -> Path:
    """Where the vectors of a folder's articles are."""
    return folder / f"{embedder.name}.vectors"


def digest(text: str) -> bytes:
    """What a text is known by."""
    return hashlib.sha256(text.encode()).digest()[:16]


def packed(vectors: Mapping[str, Sequence[float]]) -> bytes:
    """The file's content, for these texts and their vectors of 384 dimensions."""
    return b"".join(RECORD.pack(digest(text), *vector) for text, vector in sorted(vectors.items()))


def _read(path: Path) -> dict[bytes, list[float]]:
    """Nothing where there is no such file: every other embedder, and folders of somebody's own."""
    if not path.exists():
        return {}
    return {known: vector for known, *vector in RECORD.iter_unpack(path.read_bytes())}
