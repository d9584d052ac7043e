"""The vectors beside the articles, made by the model: `python -m vaultra_local.knowledge_vectors`.

`make knowledge-vectors` does it after an article was changed.
"""

import sys
from pathlib import Path

from vaultra.adapters.minilm import MiniLm
from vaultra.domain.knowledge import passages_of
from vaultra.usecases.knowledge import texts_of
from vaultra_local import articles
from vaultra_local.known_vectors import packed, path_of


def main(folder: Path = articles.FOLDER) -> int:
    """Compute and write them."""
    model = MiniLm()
    texts = sorted(set(texts_of(passages_of(articles.read_all(folder))).values()))
    path_of(model, folder).write_bytes(packed(dict(zip(texts, model.embed(texts), strict=True))))
    sys.stdout.write(f"{len(texts)} vectors\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
