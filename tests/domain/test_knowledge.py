"""Articles: their sections, and the passages they are cut into."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultra.domain.knowledge import (
    LONGEST_PASSAGE,
    OVERLAP,
    Article,
    Section,
    content_hash,
    passages_of,
    plain,
    sections_of,
    sentences,
    slug_of,
    tokens,
)

BODY = """
## What lenders look at

They look at sales. See [volume](other.md#monthly-volume).

## Won vs. lost?

Both count.
"""


def article(*sections: Section) -> Article:
    return Article("an-article", "An article", "", "best-practices", "vaultra", "2026-11-20", (), sections)


def test_a_section_has_the_anchor_that_renderers_give_its_heading() -> None:
    found = sections_of(BODY, {"won-vs-lost": ("does winning help",)})
    assert [(section.slug, section.heading, section.questions) for section in found] == [
        ("what-lenders-look-at", "What lenders look at", ()),
        ("won-vs-lost", "Won vs. lost?", ("does winning help",)),
    ]
    assert slug_of("Payout reliability: 95 %") == "payout-reliability-95-"


@pytest.mark.parametrize(
    ("body", "questions", "reason"),
    [
        ("Hello\n## A\n", {}, "before the first heading"),
        ("## A\nx\n## A\ny", {}, "same anchor"),
        ("## A\nx", {"b": ("?",)}, "no section"),
    ],
)
def test_what_could_not_be_found_by_its_anchor_is_refused(
    body: str, questions: dict[str, tuple[str, ...]], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        sections_of(body, questions)


def test_a_short_section_is_one_passage_in_its_context_without_links() -> None:
    [passage, _] = passages_of([article(*sections_of(BODY, {"what-lenders-look-at": ("what counts",)}))])
    assert (passage.id, passage.text) == ("an-article#what-lenders-look-at", "They look at sales. See volume.")
    assert passage.in_context == "An article > What lenders look at\nThey look at sales. See volume."
    assert passage.questions == ("what counts",)


def test_sentences_end_where_readers_pause_and_not_in_numbers() -> None:
    text = "It is 0.75 % of charges. Stripe calls that excessive.\n- one item\n- two items"
    assert sentences(text) == ["It is 0.75 % of charges.", "Stripe calls that excessive.", "- one item", "- two items"]
    assert plain("**Two** [words](x.md#y), `code`") == "Two words, code"


LONG = st.lists(
    st.text("abc ", min_size=5, max_size=200).map(lambda words: f"A{words.strip()}."), min_size=1, max_size=30
)


@given(LONG)
def test_a_long_section_is_cut_at_sentences_and_nothing_is_lost(parts: list[str]) -> None:
    passages = passages_of([article(Section("s", "S", " ".join(parts), ("why",)))])
    whole = sentences(" ".join(parts))
    assert all(tokens(p.text) <= LONGEST_PASSAGE + 1 or len(sentences(p.text)) == 1 for p in passages)
    assert [p.questions for p in passages] == [("why",), *[()] * (len(passages) - 1)]
    read, seen = [], 0
    for passage in passages:
        found = sentences(passage.text)
        overlap = next(n for n in range(len(found) + 1) if whole[seen : seen + len(found) - n] == found[n:])
        assert tokens(" ".join(found[:overlap])) <= OVERLAP + 1
        read += found[overlap:]
        seen += len(found) - overlap
    assert read == whole
    assert len({p.id for p in passages}) == len(passages)


def test_the_hash_changes_with_whatever_is_written() -> None:
    def hashed(heading: str = "S", text: str = "One.", questions: tuple[str, ...] = ("why",)) -> str:
        return content_hash([article(Section("s", heading, text, questions))])

    assert hashed() == hashed()
    others = {hashed(heading="T"), hashed(text="Two."), hashed(questions=("what",)), hashed(questions=())}
    other_source = replace(article(Section("s", "S", "One.", ("why",))), source="another")
    assert len(others | {hashed(), content_hash([other_source])}) == 6
