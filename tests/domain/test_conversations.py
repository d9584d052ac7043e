"""What a conversation is called, and what answers cost."""

import pytest

from vaultra.domain.conversations import LONGEST_TITLE, TokenCount, title_of


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("What is my score?", "What is my score?"),
        ("  What\n is\tmy score?  ", "What is my score?"),
        ("word " * 30, " ".join(["word"] * 16) + "…"),
        ("x" * 200, "x" * LONGEST_TITLE + "…"),
        ("x" * LONGEST_TITLE, "x" * LONGEST_TITLE),
    ],
    ids=["short", "lines", "words", "one word", "just long enough"],
)
def test_a_conversation_is_called_after_its_first_question(question: str, title: str) -> None:
    assert title_of(question) == title


def test_costs_are_added() -> None:
    assert TokenCount(1, 2) + TokenCount(30, 40) == TokenCount(31, 42)
    assert TokenCount(31, 42).total == 73
