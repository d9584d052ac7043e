"""Sloppy English, read as it was meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultra.domain.plain_question import LONGEST, tidied


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("whats my scroe rn??", "what is my score right now?"),
        ("how's ur refudn rate", "how is your refund rate"),
        ("chargback rate", "chargeback rate"),
        ("any tips 4 me?", "any tips for me?"),
        ("at 0.4%, what then", "at 0.4%, what then"),
        ("score score score", "score"),
        ("is this present normal", "is this present normal"),
        ("a core store", "a core store"),
        ("My  REVENUE\n?", "my revenue ?"),
    ],
)
def test_a_question_is_tidied(written: str, meant: str) -> None:
    assert tidied(written) == meant


@given(st.text(max_size=3000))
def test_any_text_is_tidied_once_and_for_all(text: str) -> None:
    assert len(tidied(text)) <= LONGEST
