"""functions/functions.yaml, read and typed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ROOT / "functions"
CATALOGUE = FUNCTIONS / "functions.yaml"
SCHEMA = FUNCTIONS / "functions.schema.json"


class CatalogueError(ValueError):
    """functions.yaml does not follow its schema; the message names the entry."""


@dataclass(frozen=True)
class Job:
    """A Cloud Scheduler entry: put `name` on the function's topic when `cron` (UTC) says so."""

    name: str
    cron: str


@dataclass(frozen=True)
class Function:
    """One entry. Exactly one of `paths`, `topic` and `takes_dead_letters` is set."""

    name: str
    about: str
    access: str
    uses: tuple[str, ...]
    concurrency: int
    timeout_seconds: int
    paths: tuple[str, ...] = ()
    topic: str | None = None
    takes_dead_letters: bool = False
    publishes: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    schedule: tuple[Job, ...] = ()

    @property
    def source(self) -> Path:
        """The file that holds it."""
        return FUNCTIONS / self.name / "main.py"

    @property
    def is_http(self) -> bool:
        """Whether people and other systems call it; else the broker does."""
        return bool(self.paths)

    @property
    def hyphenated(self) -> str:
        """Its name on Cloud Run."""
        return self.name.replace("_", "-")


def load(path: Path = CATALOGUE) -> tuple[Function, ...]:
    """Every function, in the catalogue's order."""
    document = yaml.safe_load(path.read_text())
    return tuple(_function(name, entry) for name, entry in document.items())


def check(path: Path = CATALOGUE, schema: Path = SCHEMA) -> None:
    """Raise `CatalogueError` when the catalogue breaks its schema or serves a path twice."""
    import jsonschema  # here, because only starting and testing check; the servers only read

    document = yaml.safe_load(path.read_text())
    try:
        jsonschema.validate(document, json.loads(schema.read_text()))
    except jsonschema.ValidationError as error:
        place = "/".join(str(part) for part in error.absolute_path) or "the document"
        raise CatalogueError(f"{path.name}: {place}: {error.message}") from None
    owners: dict[str, str] = {}
    for function in load(path):
        for prefix in function.paths:
            if prefix in owners:
                raise CatalogueError(f"{path.name}: {prefix} belongs to {owners[prefix]} and to {function.name}")
            owners[prefix] = function.name


def _function(name: str, entry: dict[str, Any]) -> Function:
    trigger = entry["trigger"]
    return Function(
        name=name,
        about=entry["about"],
        access=entry["access"],
        uses=tuple(entry["uses"]),
        concurrency=entry["concurrency"],
        timeout_seconds=entry["size"]["timeout_seconds"],
        paths=tuple(trigger.get("http", ())),
        topic=trigger.get("topic"),
        takes_dead_letters="dead_letters" in trigger,
        publishes=tuple(entry.get("publishes", ())),
        secrets=tuple(entry.get("secrets", ())),
        schedule=tuple(Job(item["job"], item["cron"]) for item in entry.get("schedule", ())),
    )
