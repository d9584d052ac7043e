"""What earlier releases sent to their database and stored there; `python -m tests.releases` gets it from the history.

A release is named by its newest migration. Some migrations were committed together, so not every one has a release.
"""

import json
from pathlib import Path

from sqlalchemy import Engine

from vaultra_local.catalogue import ROOT

DATA = ROOT / "tests" / "data"
STATEMENTS, ROWS = "statements.json", "rows.sql"


def folder_of(revision: str) -> Path:
    """Where a release's record lies."""
    return DATA / f"release_{revision}"


def recorded() -> list[str]:
    """The releases that there is a record of, oldest first."""
    return sorted(folder.name.removeprefix("release_") for folder in DATA.glob("release_*"))


def statements_of(revision: str) -> list[str]:
    """What the release sent, apart from what a release before sent, too."""
    found: list[str] = json.loads((folder_of(revision) / STATEMENTS).read_text())
    return found


def rows_of(revision: str) -> str:
    """Inserts of rows that the release stored, of what is referred to first."""
    return (folder_of(revision) / ROWS).read_text()


def store_rows(engine: Engine, revision: str) -> None:
    """Run the release's inserts."""
    with engine.begin() as conn:
        conn.exec_driver_sql(rows_of(revision))
