"""Quoting an article: the few sentences of the best passage that answer, word by word, with their source."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vaultra.agent.facts import Found
from vaultra.domain.claims import content
from vaultra.domain.sentence_cutting import cut

# Words of an article that are quoted at most, and pieces of it.
MOST_QUOTED = 75
MOST_PIECES = 4

_ADVICE = re.compile(r"\bWhat to do\b|\bWhat helps\b|^To (?:lower|reduce|improve|raise|steady)\b")
# Behind a sentence, but not behind the ordinal of a list; and in front of each item.
_PIECE = re.compile(r"(?<=[.!?])(?<! \d\.)(?<!^\d\.) +(?=[A-Z0-9“\"(])|(?<=:) +(?=- |\d\. )| +(?=- [a-z0-9])")
_ITEM = re.compile(r"- |\d\. ")


def quoted(found: Sequence[Found], question: str, *, advice: bool = False, most: int = MOST_PIECES) -> list[str]:
    """The pieces of the best passage that answer, word by word, each with its source behind it.

    Args:
        most: How many pieces at most.
        advice: Whether what to do is asked for, rather than what something is; then the article's advice is taken.
    """
    if not found:
        return []
    of_article = [one for one in found if one.citation.doc_id == found[0].citation.doc_id]
    passage = next((one for one in of_article if advice and _ADVICE.search(one.text)), found[0])
    pieces = [piece.strip() for piece in _PIECE.split(passage.text) if piece.strip()]
    start = _best_start(pieces, content(question))
    if advice:
        start = next((at for at, piece in enumerate(pieces) if _ADVICE.search(piece)), start)
    chosen: list[str] = []
    words = 0
    for piece in pieces[start:]:
        if chosen and (words + len(piece.split()) > MOST_QUOTED or len(chosen) >= most):
            break
        chosen.append(piece)
        words += len(piece.split())
    while len(chosen) > 1 and chosen[-1].endswith(":"):
        chosen.pop()
    marker = f" [{passage.citation.key}]"
    return [_marked(piece, marker) for piece in chosen]


def _marked(piece: str, marker: str) -> str:
    piece = piece.replace("*", "")
    marked = " ".join(f"{sentence.strip()}{marker}" for sentence in cut([piece]))
    # A list's item has a line of its own, and so has what introduces it.
    return f"{marked}\n" if _ITEM.match(piece) or piece.endswith(":") else marked


def _best_start(pieces: Sequence[str], asked: frozenset[str]) -> int:
    """Where the two neighbouring pieces begin that have most of the question's words; the first of equals."""

    def shared(at: int) -> tuple[int, int]:
        here = len(asked & content(pieces[at]))
        after = len(asked & content(pieces[at + 1])) if at + 1 < len(pieces) else 0
        return (2 * here + after, -at)

    starts = [at for at, piece in enumerate(pieces) if not _ITEM.match(piece)] or [0]
    best = max(starts, key=shared)
    # What stands first names its subject; what stands later may say `they`.
    return 0 if shared(best)[0] <= shared(0)[0] + 2 else best
