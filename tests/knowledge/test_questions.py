"""The evaluation questions: what owners ask, with the section that should answer; some that nothing here answers."""

import json
from collections import Counter
from pathlib import Path

from tests.knowledge.articles import PAGES

CASES = [json.loads(line) for line in (Path(__file__).parent / "questions.jsonl").read_text("utf-8").splitlines()]
ANSWERED = [case for case in CASES if case["expected_doc"] is not None]
SECTIONS = {(page.name, slug) for page in PAGES.values() for slug in page.sections}


def words(question: str) -> str:
    return " ".join("".join(letter if letter.isalnum() else " " for letter in question.lower()).split())


def test_each_case_has_the_same_four_fields() -> None:
    assert all(list(case) == ["id", "question", "expected_doc", "expected_topic"] for case in CASES)
    assert [case["id"] for case in CASES] == [f"k{number:03d}" for number in range(1, len(CASES) + 1)]
    assert all(case["question"].strip() == case["question"] != "" for case in CASES)


def test_there_are_enough_of_both_kinds() -> None:
    assert len(ANSWERED) >= 150
    assert len(CASES) - len(ANSWERED) >= 30
    assert all(case["expected_topic"] is None for case in CASES if case["expected_doc"] is None)


def test_every_section_is_asked_about_at_least_twice() -> None:
    asked = Counter((case["expected_doc"], case["expected_topic"]) for case in ANSWERED)
    assert set(asked) <= SECTIONS
    assert {section: asked[section] for section in SECTIONS if asked[section] < 2} == {}


def test_no_question_is_asked_twice_or_taken_from_an_article() -> None:
    asked = Counter(words(case["question"]) for case in CASES)
    assert [question for question, times in asked.items() if times > 1] == []
    written = {
        words(question)
        for page in PAGES.values()
        for questions in page.front["questions"].values()
        for question in questions
    }
    assert not written & set(asked)
