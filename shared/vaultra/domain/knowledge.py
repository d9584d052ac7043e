"""The articles: what they are made of, and the passages they are found by."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

# Enough for one thought, and less than the 256 word pieces at which the embedded model stops reading.
LONGEST_PASSAGE = 220
OVERLAP = 50
# English prose has four to five characters a token; three counts too many rather than too few.
CHARACTERS_PER_TOKEN = 3

_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\([^)\s]*\)")
_SENTENCE_END = re.compile(r"(?<=[.!?:]) +(?=[A-Z0-9“\"(])|\n+")


@dataclass(frozen=True)
class Reference:
    """Where a fact of an article comes from; `url` and `date` are None where there is none."""

    title: str
    url: str | None = None
    date: str | None = None


@dataclass(frozen=True)
class Section:
    """A part of an article under one heading; `slug` is its anchor, and `questions` are answered by it."""

    slug: str
    heading: str
    text: str
    questions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Article:
    """An article of the knowledge base, as its Markdown file says. `updated` is a date, `source` who wrote it."""

    doc_id: str
    title: str
    summary: str
    category: str
    source: str
    updated: str
    references: tuple[Reference, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Passage:
    """A part of a section that is found as one; `text` is plain, without links.

    `id` is `doc_id#slug`, or `doc_id#slug.2` for a section's second passage. `questions` are the section's.
    """

    id: str
    doc_id: str
    slug: str
    title: str
    heading: str
    text: str
    questions: tuple[str, ...]

    @property
    def in_context(self) -> str:
        """The text under its title and heading: alone, a passage may not say what it is about."""
        return f"{self.title} > {self.heading}\n{self.text}"


def slug_of(heading: str) -> str:
    """The anchor that Markdown renderers give a heading: `What lenders look at` is `what-lenders-look-at`."""
    return re.sub(r"[^a-z0-9 -]", "", heading.strip().lower()).replace(" ", "-")


def sections_of(body: str, questions: Mapping[str, Sequence[str]]) -> tuple[Section, ...]:
    """The sections of an article's Markdown, each under a heading of the second level.

    Args:
        questions: What each section answers, by its slug.

    Raises:
        ValueError: there is text before the first heading, a slug twice, or a question about no section.
    """
    before, *parts = _HEADING.split(body)
    if before.strip():
        raise ValueError("text stands before the first heading")
    headings, texts = parts[::2], parts[1::2]
    slugs = [slug_of(heading) for heading in headings]
    if len(set(slugs)) < len(slugs):
        raise ValueError("two headings have the same anchor")
    unknown = set(questions) - set(slugs)
    if unknown:
        raise ValueError(f"there are questions about {', '.join(sorted(unknown))}, which is no section")
    return tuple(
        Section(slug, heading, text.strip(), tuple(questions.get(slug, ())))
        for slug, heading, text in zip(slugs, headings, texts, strict=True)
    )


def passages_of(articles: Iterable[Article]) -> list[Passage]:
    """The passages of all articles, in their order: sections, cut where they are long."""
    return [passage for article in articles for section in article.sections for passage in _cut(article, section)]


def content_hash(articles: Iterable[Article]) -> str:
    """The same for the same articles, and another when anything in one differs; sixteen hexadecimal digits."""
    told = json.dumps([LONGEST_PASSAGE, OVERLAP, *map(asdict, articles)], ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def tokens(text: str) -> int:
    """How many tokens a text has at most, for any of the models we use and English prose."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def sentences(text: str) -> list[str]:
    """The sentences and list items of a text."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def plain(markdown: str) -> str:
    """The words of a text, without its links and emphasis."""
    return _LINK.sub(r"\1", markdown).replace("**", "").replace("`", "")


def _cut(article: Article, section: Section) -> Iterator[Passage]:
    for number, text in enumerate(_packed(sentences(plain(section.text))), start=1):
        name = f"{article.doc_id}#{section.slug}"
        yield Passage(
            id=name if number == 1 else f"{name}.{number}",
            doc_id=article.doc_id,
            slug=section.slug,
            title=article.title,
            heading=section.heading,
            text=text,
            questions=section.questions if number == 1 else (),
        )


def _packed(parts: Sequence[str]) -> Iterator[str]:
    """Sentences joined up to the longest passage; each passage begins with the end of the one before."""
    passage: list[str] = []
    for part in parts:
        if passage and sum(map(tokens, passage)) + tokens(part) > LONGEST_PASSAGE:
            yield " ".join(passage)
            passage = _end_of(passage)
        passage.append(part)
    if passage:
        yield " ".join(passage)


def _end_of(passage: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for part in reversed(passage[1:]):
        if sum(map(tokens, kept)) + tokens(part) > OVERLAP:
            break
        kept.insert(0, part)
    return kept
