"""Meaning as vectors from OpenAI, or from a server that speaks its protocol."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vaultra.errors import Unavailable

if TYPE_CHECKING:
    from openai import OpenAI

    from vaultra.config import OpenAiSettings

TIMEOUT_SECONDS = 10
RETRIES = 2
# Far below the API's own limits of 2048 texts and 300,000 tokens a request.
BATCH = 256


class OpenAiEmbedder:
    """An `Embedder` over the embeddings endpoint."""

    def __init__(self, settings: "OpenAiSettings") -> None:
        self._model = settings.openai_embedding_model
        self._settings = settings
        self._client: OpenAI | None = None

    @property
    def name(self) -> str:
        return self._model

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        from openai import OpenAIError

        vectors: list[list[float]] = []
        try:
            for start in range(0, len(texts), BATCH):
                batch = list(texts[start : start + BATCH])
                answer = self._openai().embeddings.create(model=self._model, input=batch)
                vectors += [_unit(item.embedding) for item in sorted(answer.data, key=lambda item: item.index)]
        except OpenAIError as error:
            raise Unavailable(f"Embeddings can't be had now ({type(error).__name__})") from error
        return vectors

    def _openai(self) -> "OpenAI":
        if self._client is None:
            from openai import OpenAI

            self._client = OpenAI(
                api_key=self._settings.openai_api_key.get_secret_value(),
                base_url=self._settings.openai_base_url,
                timeout=TIMEOUT_SECONDS,
                max_retries=RETRIES,
            )
        return self._client


def _unit(vector: Sequence[float]) -> list[float]:
    length = math.sqrt(sum(value * value for value in vector))
    if length == 0:
        raise Unavailable("Embeddings can't be had now (a vector without length)")
    return [value / length for value in vector]
