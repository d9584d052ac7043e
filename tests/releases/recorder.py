"""A plugin of pytest's, run in a release's own tree: notes its statements, and keeps some of the rows it stores.

Into the folder that RELEASE_RECORD names it writes `statements.json`, every statement that the release's code sent to
its database and that can be planned alone, and `rows.sql`, for each table rows that fill each of its columns once,
with the rows they refer to. It knows of the release only its models and how to migrate, which stay what they are.
"""

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pg8000.dbapi import convert_paramstyle
from sqlalchemy import Connection, Engine, ForeignKeyConstraint, Table, event, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from vaultra.db import engine as database
from vaultra.db import migrate
from vaultra.db.models import Base

Row = dict[str, str]
"""The value of each column as a literal of SQL."""

TREE = f"{Path.cwd()}/"
CODE = (f"{TREE}shared/vaultra/", f"{TREE}local/vaultra_local/")
PLANNED = ("select", "insert", "update", "delete", "with")
TABLES = Base.metadata.sorted_tables
NULL = "NULL"
# Of each table, rows looked at after a test, and tests in vain after which a table is looked at no more.
CANDIDATES, PATIENCE = 3, 60
PARAMETERS = re.compile(r"(\$\d+(::[A-Z]+( WITH(OUT)? TIME ZONE)?(\[\])?)?(, )?)+")


class Statements:
    """What was sent, once for each form: of lists of parameters, and of rows, only the shortest."""

    def __init__(self) -> None:
        self._by_form: dict[str, str] = {}

    def note(self, sent: str) -> None:
        """Remember a statement as the driver was given it."""
        numbered: str = convert_paramstyle("format", sent, ())[0]
        bare = " ".join(re.sub(r"--[^\n]*", "", numbered).split())
        if bare.lower().startswith(PLANNED) and "alembic_version" not in bare:
            form = re.sub(r"(\(\$\)(, )?)+", "($)", PARAMETERS.sub("$", bare))
            self._by_form[form] = min(bare, self._by_form.get(form, bare), key=lambda one: (len(one), one))

    def planned_on(self, conn: Connection) -> list[str]:
        """Those that can be planned alone; the others need a table of their own transaction, or a value's type."""
        return [one for one in sorted(self._by_form.values()) if _done(conn, [f"explain (generic_plan) {one}"])]


class Rows:
    """Rows of the tests' transactions, kept in a database of their own, whose rules they keep together."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._empty = {table.name: {column.name for column in table.columns} for table in TABLES}
        self._in_vain: Counter[str] = Counter()

    def offer(self, source: Connection) -> None:
        """Keep what fills a column that no kept row fills yet."""
        source.exec_driver_sql("set local lock_timeout = '1s'")  # a test's own locks may still be held elsewhere
        for table in reversed(TABLES):  # what a row refers to comes with it
            empty = self._empty[table.name]
            if not empty or self._in_vain[table.name] > PATIENCE:
                continue
            wanted = " or ".join(f'"{name}" is not null' for name in sorted(empty))
            rows = _read(source, table, f"where {wanted} limit {CANDIDATES}")
            self._in_vain[table.name] += bool(rows)
            for row in rows:
                fresh = {name for name in empty if row[name] != NULL}
                if fresh and _done(self._conn, _inserts(source, table, row)):
                    empty -= fresh
                    self._in_vain[table.name] = 0

    def script(self) -> str:
        """Inserts of all that is kept, of what is referred to first."""
        return "".join(
            f"{_insert(table, row)};\n" for table in TABLES for row in _read(self._conn, table, "order by 1")
        )


def _read(conn: Connection, table: Table, rest: str) -> list[Row]:
    names = [column.name for column in table.columns]
    values = ", ".join(f'quote_nullable("{name}"::text)' for name in names)
    found = conn.exec_driver_sql(f"select {values} from {table.name} {rest}").all()
    return [dict(zip(names, row, strict=True)) for row in found]


def _inserts(source: Connection, table: Table, row: Row) -> list[str]:
    """What keeps a row, of the rows it refers to first."""
    parents = [
        statement
        for key in table.foreign_key_constraints
        for parent in _read(source, key.referred_table, f"where {_refers(key, row)} limit 1")
        for statement in _inserts(source, key.referred_table, parent)
    ]
    return [*parents, f"{_insert(table, row)} on conflict do nothing"]


def _refers(key: ForeignKeyConstraint, row: Row) -> str:
    return " and ".join(f'"{part.column.name}" = {row[part.parent.name]}' for part in key.elements)


def _insert(table: Table, row: Row) -> str:
    return f"INSERT INTO public.{table.name} ({', '.join(row)}) VALUES ({', '.join(row.values())})"


def _done(conn: Connection, statements: list[str]) -> bool:
    """Run these, all or none; whether they ran, and the last of them did something."""
    try:
        with conn.begin_nested():
            for statement in statements:
                done = conn.exec_driver_sql(statement)
            if not done.returns_rows and done.rowcount != 1:
                raise _Refused
    except (DBAPIError, _Refused):
        return False
    return True


class _Refused(Exception):
    """The row is there already, or another in its place."""


@pytest.fixture(scope="session", autouse=True)
def _recording(postgres: Any) -> Iterator[None]:
    folder = Path(os.environ["RELEASE_RECORD"])
    admin = database.create(postgres.url(), pool_size=1, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.execute(text("create database recorded"))
    migrate.upgrade(postgres.url("recorded"))
    engine = database.create(postgres.url("recorded"), pool_size=1)
    statements = Statements()

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if _caller().startswith(CODE):
            statements.note(statement)

    with engine.connect() as conn:
        # A migration may have stored rows of its own; a release's rows are written over an empty schema.
        _Kept.rows = Rows(conn)
        event.listen(Engine, "before_cursor_execute", note)
        yield
        event.remove(Engine, "before_cursor_execute", note)
        (folder / "rows.sql").write_text(_Kept.rows.script())
        planned = statements.planned_on(conn)
        (folder / "statements.json").write_text(json.dumps(planned, indent=0) + "\n")
    engine.dispose()
    admin.dispose()


class _Kept:
    rows: Rows | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """What a test leaves in its transaction or its database is looked at before it is gone."""
    if _Kept.rows is None:
        return
    for given in getattr(item, "funcargs", {}).values():
        try:
            if isinstance(given, Connection):
                with given.begin_nested():
                    _Kept.rows.offer(given)
            elif isinstance(given, Engine):
                with given.connect() as conn:
                    _Kept.rows.offer(conn)
        except SQLAlchemyError:
            continue  # the test ended in the middle, or its database is another one


def _caller() -> str:
    """The file of the tree that made SQLAlchemy send something."""
    frame = sys._getframe(2)
    while frame is not None and not frame.f_code.co_filename.startswith(TREE):
        frame = frame.f_back  # type: ignore[assignment]
    return "" if frame is None else frame.f_code.co_filename
