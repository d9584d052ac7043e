"""Sentences cut out of a stream: nothing is lost, and where the pieces end changes nothing."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultra.domain.sentence_cutting import cut


@pytest.mark.parametrize(
    "sentences",
    [
        ["It is 3.5%. ", "That is low."],
        ["Really? ", "Yes! ", "Good."],
        ["Ask e.g. your bank. ", "Then wait."],
        ["Acme Inc. sells. ", "It grows."],
        ["1. Refund less.\n", "2. Sell more."],
        ["- one\n", "- two\n\n", "Then."],
        ["It is high. [refunds#rate] ", "Lower it."],
        ["It is high. [a#b] [c#d]\n", "Next."],
        ["He said “no.” ", "Then he left."],
        ["no end"],
    ],
)
def test_a_text_is_cut_behind_its_sentences(sentences: list[str]) -> None:
    assert list(cut(["".join(sentences)])) == sentences


def test_a_sentence_is_told_as_soon_as_the_next_begins() -> None:
    pieces = cut(iter(["It is 3.", "5%. ", "Th", "at is low."]))
    assert next(pieces) == "It is 3.5%. "


TEXTS = st.text(alphabet="aB1 .!?\n[]#-,", max_size=60)


@given(TEXTS, st.lists(st.integers(0, 60), max_size=6))
def test_nothing_is_lost_wherever_the_pieces_end(text: str, cuts: list[int]) -> None:
    places = sorted({0, *(place for place in cuts if place <= len(text)), len(text)})
    pieces = [text[start:end] for start, end in pairwise(places)]
    assert "".join(cut(pieces)) == text
    assert list(cut(pieces)) == list(cut([text]))
