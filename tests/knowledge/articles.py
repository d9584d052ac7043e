"""The articles as their files have them, for the tests beside this one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "knowledge"


@dataclass(frozen=True)
class Page:
    """One file: its front matter, and its sections by the slug of their heading, in order."""

    name: str
    front: dict[str, Any]
    body: str
    headings: tuple[str, ...]
    sections: dict[str, str]

    def text(self, slug: str) -> str:
        """A section on one line, so that a phrase is found wherever the file breaks it."""
        return " ".join(self.sections[slug].split())


def github_slug(heading: str) -> str:
    """The anchor GitHub gives a heading: lower case, punctuation dropped, each space a hyphen."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def read(path: Path) -> Page:
    """An article's file taken apart."""
    opening, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
    assert opening == "", f"{path.name} does not begin with its front matter"
    before, *parts = re.split(r"^## (.+)\n", body, flags=re.MULTILINE)
    assert before.strip() == "", f"{path.name} has text before its first heading"
    headings = tuple(parts[::2])
    sections = {github_slug(heading): text.strip() for heading, text in zip(parts[::2], parts[1::2], strict=True)}
    return Page(path.stem, yaml.safe_load(front), body, headings, sections)


PAGES = {path.stem: read(path) for path in sorted(FOLDER.glob("*.md"))}
