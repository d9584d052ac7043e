"""Text into word pieces, as BERT's uncased models read it (Devlin et al. 2018)."""

import functools
import unicodedata
from collections.abc import Iterator
from pathlib import Path

LONGEST_WORD = 100
# Everything printable in ASCII that is neither a letter nor a digit is a word of its own, as is each ideograph.
_ASCII_SIGNS = frozenset(chr(code) for code in (*range(33, 48), *range(58, 65), *range(91, 97), *range(123, 127)))
_IDEOGRAPHS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF))


class WordPieces:
    """A vocabulary; texts longer than `longest` pieces are cut, the two marks included."""

    def __init__(self, vocabulary: Path, longest: int) -> None:
        lines = vocabulary.read_text(encoding="utf-8").splitlines()
        self._ids = {piece: number for number, piece in enumerate(lines)}
        self._begin, self._end, self._unknown = (self._ids[mark] for mark in ("[CLS]", "[SEP]", "[UNK]"))
        self._longest = longest
        self._pieces = functools.lru_cache(maxsize=20_000)(self._cut)

    def ids(self, text: str) -> list[int]:
        """The numbers of a text's pieces, between the marks of its beginning and end."""
        pieces = [piece for word in _words(text) for piece in self._pieces(word)]
        return [self._begin, *pieces[: self._longest - 2], self._end]

    def _cut(self, word: str) -> tuple[int, ...]:
        """The longest known piece from the left, again and again."""
        found: list[int] = []
        start = 0
        while start < len(word) <= LONGEST_WORD:
            for end in range(len(word), start, -1):
                piece = self._ids.get(word[start:end] if start == 0 else f"##{word[start:end]}")
                if piece is not None:
                    found.append(piece)
                    start = end
                    break
            else:
                return (self._unknown,)
        return tuple(found) or (self._unknown,)


def _words(text: str) -> list[str]:
    return "".join(_signs(text)).split()


def _signs(text: str) -> Iterator[str]:
    for sign in unicodedata.normalize("NFD", text.lower()):
        category = unicodedata.category(sign)
        if sign.isspace():
            yield " "
        elif category in ("Mn", "Cc", "Cf") or sign in "\x00\ufffd":
            continue  # accents, and what nobody sees
        elif sign in _ASCII_SIGNS or category[0] == "P" or any(low <= ord(sign) <= high for low, high in _IDEOGRAPHS):
            yield f" {sign} "
        else:
            yield sign
