"""Which passages answer a question: meaning and words, weighed against each other."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, pstdev

from vaultra.domain.knowledge import Passage

# Robertson's usual constants: how soon a repeated word stops counting, and how much a long passage is held back.
SATURATION, LENGTH_WEIGHT = 1.2, 0.75
# Words get at most half a say, and only as far as the best passage has the question's rare words: a paraphrase
# shares few, and there words mislead.
WORDS_SAY = 0.5

_WORD = re.compile(r"[a-z0-9]+")
_TELL_NOTHING = (
    "a about all am an and any are as at be been but by can could did do does for from get gets got had has have how i "
    "if in is it its just long many me much my no not of on or our out should so some than that the their them then "
    "there they this to up was we were what when which who why will with would you your"
)
_STOP_WORDS = frozenset(_TELL_NOTHING.split())
# One of each group at most, in this order: `charges`, `charged`, `charging` and `charge` are one word.
_ENDINGS = (r"(?<=[^s])s$", r"(ed|ing)$", r"e$")
_SHORTEST_STEM = 3


@dataclass(frozen=True)
class Hit:
    """A passage with how well it answers, which says something only beside others of the same question.

    `similarity` is the cosine of the best vector, -1 to 1; `coverage` the share of the question's words that the
    passage has, weighed by how rare they are.
    """

    passage: Passage
    score: float
    similarity: float
    coverage: float


class WordIndex:
    """BM25 over passages (Robertson and Zaragoza 2009), title and heading included."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._counts = [Counter(stems(f"{p.title} {p.heading} {p.heading} {p.text}")) for p in passages]
        self._lengths = [sum(counts.values()) for counts in self._counts]

    @cached_property
    def _rarity(self) -> Mapping[str, float]:
        having = Counter(word for counts in self._counts for word in counts)
        return {word: self._rarity_of(count) for word, count in having.items()}

    def _rarity_of(self, having: int) -> float:
        return math.log(1 + (len(self._counts) - having + 0.5) / (having + 0.5))

    def scores(self, question: str) -> list[float]:
        """How well each passage's words fit the question; 0 where none does."""
        asked = [word for word in stems(question) if word in self._rarity]
        mean = fmean(self._lengths) if self._lengths else 1.0
        return [
            sum(self._weight(word, counts[word], length / mean) for word in asked if word in counts)
            for counts, length in zip(self._counts, self._lengths, strict=True)
        ]

    def coverage(self, question: str) -> list[float]:
        """The share of the question's words that each passage has, 0 to 1, weighed by how rare they are."""
        rarity = {word: self._rarity.get(word, self._rarity_of(0)) for word in set(stems(question))}
        whole = sum(rarity.values())
        if not whole:
            return [0.0] * len(self._counts)
        return [sum(weight for word, weight in rarity.items() if word in counts) / whole for counts in self._counts]

    def _weight(self, word: str, count: int, relative_length: float) -> float:
        held_back = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * relative_length)
        return self._rarity[word] * count * (SATURATION + 1) / (count + held_back)


def stems(text: str) -> list[str]:
    """The words of a text that tell something, without the endings of English."""
    return [_stem(word) for word in _WORD.findall(text.lower().replace("'s", "").replace("’s", "")) if _tells(word)]


def rank(passages: Sequence[Passage], index: WordIndex, question: str, similarities: Sequence[float]) -> list[Hit]:
    """All passages, the best first.

    Args:
        similarities: Each passage's cosine with the question; empty when only words can be compared.
    """
    words, coverage = index.scores(question), index.coverage(question)
    best = max(range(len(words)), key=words.__getitem__, default=None)
    say = WORDS_SAY * coverage[best] if best is not None and words[best] > 0 else 0.0
    if not similarities:
        similarities, say = [0.0] * len(passages), 1.0
    fused = [
        (1 - say) * meaning + say * word
        for meaning, word in zip(_standardised(similarities), _standardised(words), strict=True)
    ]
    hits = [Hit(*values) for values in zip(passages, fused, similarities, coverage, strict=True)]
    return sorted(hits, key=lambda hit: (-hit.score, hit.passage.id))


def _tells(word: str) -> bool:
    return word not in _STOP_WORDS


def _stem(word: str) -> str:
    word = re.sub(r"(?<=..)ies$", "y", word)
    for ending in _ENDINGS:
        stem = re.sub(ending, "", word)
        word = stem if len(stem) >= _SHORTEST_STEM else word
    return word


def _standardised(values: Sequence[float]) -> list[float]:
    if not values:
        return []
    mean, spread = fmean(values), pstdev(values)
    return [0.0 if spread == 0 else (value - mean) / spread for value in values]
