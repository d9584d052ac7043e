"""docs/DATA_MODEL.md, written from the models: `python -m vaultra_local.data_model` (`make data-model`)."""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import DefaultClause
from sqlalchemy.sql.elements import TextClause

from vaultra.db.models import Base, connections, conversations, derived, knowledge, messages, people, stripe_objects
from vaultra_local.catalogue import ROOT

PAGE = ROOT / "docs" / "DATA_MODEL.md"
INTRODUCTION = """# The data model

Made by `make data-model` from [`db/models`](../shared/vaultra/db/models), where the same words stand beside the
columns; a test compares. Amounts are whole numbers in a currency's smallest unit (`_minor`), times are in UTC, ids of
Stripe's objects are Stripe's own. How long what is kept: [SECURITY](SECURITY.md#what-is-kept-and-for-how-long).
"""
# In the order of the page. Each begins with its chapter's heading.
CHAPTERS = (people, connections, stripe_objects, derived, conversations, knowledge, messages)
DIALECT = postgresql.dialect()


def page() -> str:
    """The whole page: a chapter for each module of the models, with a table for every table."""
    parts = [INTRODUCTION]
    for chapter in CHAPTERS:
        parts.append(f"## {(inspect.getdoc(chapter) or '').removesuffix('.')}\n")
        parts += [_told(table, about) for table, about in _tables(chapter)]
    return "\n".join(parts)


def _tables(chapter: ModuleType) -> Iterator[tuple[Table, str]]:
    """The tables that a module has, in its order, and what each says of itself."""
    for model in vars(chapter).values():
        if inspect.isclass(model) and model.__module__ == chapter.__name__ and issubclass(model, Base):
            assert isinstance(model.__table__, Table)
            yield model.__table__, inspect.getdoc(model) or ""


def _told(table: Table, about: str) -> str:
    rows = [_row(column) for column in table.columns]
    return "\n".join(
        [
            f"### {table.name}\n",
            f"{about}\n",
            "| column | type | empty | default | refers to |",
            "|---|---|---|---|---|",
            *rows,
            "",
            *_rules(table),
            "",
        ]
    )


def _row(column: Column[object]) -> str:
    name = f"**{column.name}**" if column.primary_key else column.name
    refers = ", ".join(sorted(key.target_fullname for key in column.foreign_keys))
    cells = [name, column.type.compile(DIALECT).lower(), "may be" if column.nullable else "", _default(column), refers]
    return "| " + " | ".join(cells) + " |"


def _default(column: Column[object]) -> str:
    if not isinstance(column.server_default, DefaultClause):
        return ""
    given = column.server_default.arg
    return f"`{given.text}`" if isinstance(given, TextClause) else f"`{given}`"


def _rules(table: Table) -> Iterator[str]:
    """What the database itself insists on, a line each, in a fixed order."""
    found = []
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            found.append(f"- unique: {', '.join(constraint.columns.keys())}")
        elif isinstance(constraint, CheckConstraint):
            found.append(f"- check: `{constraint.sqltext}`")
        elif isinstance(constraint, ForeignKeyConstraint) and len(constraint.columns) > 1:
            found.append(f"- together: {', '.join(constraint.columns.keys())} → {constraint.referred_table.name}")
    found += [_index(index) for index in table.indexes]
    yield from sorted(found)


def _index(index: Index) -> str:
    parts = ", ".join(str(part).removeprefix(f"{index.table.name}.") for part in index.expressions)  # type: ignore[union-attr]
    where = index.dialect_options["postgresql"]["where"]
    return f"- {'unique' if index.unique else 'index'}: {parts}" + ("" if where is None else f" where `{where}`")


def main(path: Path = PAGE) -> int:
    """Write the page; say whether it changed."""
    text = page()
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
        sys.stdout.write(f"{path.name} is new\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
