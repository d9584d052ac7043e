"""The articles of the knowledge base, read from their Markdown files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from vaultra.domain.knowledge import Article, Reference, sections_of
from vaultra.errors import InvalidInput
from vaultra_local.catalogue import ROOT

FOLDER = ROOT / "knowledge"


def read_all(folder: Path = FOLDER) -> list[Article]:
    """Every article of a folder, by name; raise `InvalidInput` for a file that is none."""
    return [read(path) for path in sorted(folder.glob("*.md"))]


def read(path: Path) -> Article:
    """One article: its front matter between two lines of dashes, then its sections.

    Raises:
        InvalidInput: something in it is missing or wrong; the message names the file.
    """
    try:
        _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
        return _article(path.stem, yaml.safe_load(front), body)
    except (ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise InvalidInput(f"{path.name} is not an article: {error}") from error


def _article(name: str, front: Mapping[str, Any], body: str) -> Article:
    if front["doc_id"] != name:
        raise ValueError(f"its doc_id is {front['doc_id']}")
    references = tuple(
        Reference(title=str(item["title"]), url=item.get("url"), date=_text_or_none(item.get("date")))
        for item in front["references"]
    )
    return Article(
        doc_id=name,
        title=str(front["title"]),
        summary=str(front["summary"]),
        category=str(front["category"]),
        source=str(front["source"]),
        updated=str(front["updated"]),
        references=references,
        sections=sections_of(body, front["questions"]),
    )


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)
