"""Where to begin with each recommendation."""

import pytest

from vaultra.domain.advice_catalogue import ADVICE_RULES, ALL_IS_WELL
from vaultra.domain.first_steps import FIRST_STEPS, Effort

RULE_KEYS = [rule.key for rule in (*ADVICE_RULES, ALL_IS_WELL)]


def test_every_rule_that_gives_advice_says_where_to_begin_in_its_order() -> None:
    assert [*FIRST_STEPS] == RULE_KEYS


@pytest.mark.parametrize("key", RULE_KEYS)
def test_a_first_step_is_one_sentence_that_fits_a_line_or_two(key: str) -> None:
    sentence = FIRST_STEPS[key].sentence
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert len(sentence) <= 160
    assert sentence.count(". ") == 0


def test_every_effort_occurs() -> None:
    assert {step.effort for step in FIRST_STEPS.values()} == set(Effort)
