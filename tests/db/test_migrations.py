"""RELIABILITY row O6: migrations only add, so that the release before one works on the schema after it.

`tests/data/release_0002` holds what the release with schema 0002 sent to its database, and some of the rows it stored.
Whoever adds a migration adds such a folder for the release before: `python -m tests.releases 0002`.
"""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, Engine, text

from tests.releases import recorded, rows_of, statements_of, store_rows
from vaultra.db import engine as database
from vaultra.db import migrate
from vaultra.db.models import Base
from vaultra_local.postgres import EmbeddedPostgres

VERSIONS = sorted((migrate.MIGRATIONS / "versions").glob("[0-9]*.py"))
# They came before anybody had a database that could not be made anew.
BEFORE_THE_RULE = ("0001", "0002")
releases = pytest.mark.parametrize("release", recorded())


# --- what a migration may do ------------------------------------------------------------------


def offences(source: str) -> list[str]:
    """What a migration does that the release before it may not survive; nothing for one marked `CONTRACT = True`."""
    tree = ast.parse(source)
    if any(isinstance(node, ast.Assign) and ast.unparse(node) == "CONTRACT = True" for node in tree.body):
        return []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("op.")]
    made = {_name(call) for call in calls if _verb(call).startswith("create_")}
    return [f"line {call.lineno}: {found}" for call in calls if (found := _offence(call, made))]


def _offence(call: ast.Call, made: set[str]) -> str | None:
    verb, given = _verb(call), {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    if verb.startswith("drop_") and _name(call) not in made:
        return f"{verb} {_name(call)}"
    if verb.startswith("rename_") or "new_column_name" in given:
        return f"{verb} renames"
    if verb == "alter_column" and ("type_" in given or given.get("nullable") == "False"):
        return "alter_column narrows"
    if verb == "add_column" and _is_bare(call.args[1]):
        return "add_column is not null and has no default"
    if verb == "execute" and re.search(r"\b(drop|rename|set not null)\b", ast.unparse(call), re.IGNORECASE):
        return "execute drops, renames or narrows"
    return None


def _verb(call: ast.Call) -> str:
    return ast.unparse(call.func).removeprefix("op.")


def _name(call: ast.Call) -> str:
    first = call.args[0] if call.args else None
    while isinstance(first, ast.Call):  # op.f("name")
        first = first.args[0]
    return str(first.value) if isinstance(first, ast.Constant) else ""


def _is_bare(column: ast.expr) -> bool:
    assert isinstance(column, ast.Call)
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in column.keywords}
    return given.get("nullable") == "False" and "server_default" not in given


@pytest.mark.parametrize("file", VERSIONS, ids=lambda path: path.stem)
def test_a_migration_only_adds_unless_it_says_otherwise(file: Path) -> None:
    if file.stem.startswith(BEFORE_THE_RULE):
        assert offences(file.read_text()) or file.stem.startswith("0001")
        return
    assert offences(file.read_text()) == []


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        ('op.add_column("users", sa.Column("a", sa.Text(), nullable=True))', True),
        ('op.add_column("users", sa.Column("a", sa.Text(), server_default="x", nullable=False))', True),
        ('op.add_column("users", sa.Column("a", sa.Text(), nullable=False))', False),
        ('op.drop_column("users", "a")', False),
        ('op.drop_table("users")', False),
        ('op.drop_index("ix_users_a", table_name="users")', False),
        ('op.alter_column("users", "a", new_column_name="b")', False),
        ('op.alter_column("users", "a", nullable=False)', False),
        ('op.alter_column("users", "a", nullable=True)', True),
        ('op.alter_column("users", "a", type_=sa.Integer())', False),
        ('op.rename_table("users", "people")', False),
        ('op.execute("alter table users drop column a")', False),
        ('op.execute("alter table users alter a set not null")', False),
        ('op.execute("update users set a = 1")', True),
        ('op.drop_constraint("ck", "users"); op.create_check_constraint("ck", "users", "a > 0")', True),
        ('op.drop_constraint(op.f("ck"), "users")', False),
    ],
)
def test_what_counts_as_taking_away(line: str, allowed: bool) -> None:
    assert (offences(line) == []) is allowed
    assert offences(f"CONTRACT = True\n{line}") == []


# --- the release before, on the schema after --------------------------------------------------


@pytest.fixture
def empty_database(postgres: EmbeddedPostgres) -> Iterator[Callable[[str], Engine]]:
    """Makes a database migrated as far as a revision."""
    admin = database.create(postgres.url(), pool_size=1, isolation_level="AUTOCOMMIT")
    made: list[tuple[str, Engine]] = []

    def make(revision: str) -> Engine:
        name = f"migrated_{len(made)}"
        with admin.connect() as connection:
            connection.execute(text(f"create database {name}"))
        made.append((name, database.create(postgres.url(name), pool_size=1)))
        with made[-1][1].begin() as connection:
            command.upgrade(migrate.alembic_config(connection), revision)
        return made[-1][1]

    yield make
    for name, engine in made:
        engine.dispose()
        with admin.connect() as connection:
            connection.execute(text(f"drop database {name} with (force)"))
    admin.dispose()


def counts(connection: Connection, tables: list[str]) -> dict[str, int]:
    return {name: connection.execute(text(f'select count(*) from "{name}"')).scalar_one() for name in tables}


@releases
def test_a_filled_database_is_migrated_with_every_row(release: str, empty_database: Callable[[str], Engine]) -> None:
    """One migration after the other, so that each of them meets rows."""
    engine = empty_database(release)
    store_rows(engine, release)
    tables = sorted(set(re.findall(r"^INSERT INTO public\.(\w+)", rows_of(release), re.MULTILINE)))
    with engine.connect() as connection:
        before = counts(connection, tables)
    later = [file.name[:4] for file in VERSIONS if file.name[:4] > release]
    for revision in later:
        with engine.begin() as connection:
            command.upgrade(migrate.alembic_config(connection), revision)
            assert counts(connection, tables) == before, revision
    print(f"O6 {release}: {sum(before.values())} rows in {len(tables)} tables, all there after {len(later)} migrations")


@releases
def test_the_release_writes_its_rows_into_the_new_schema(release: str, empty_database: Callable[[str], Engine]) -> None:
    store_rows(empty_database("head"), release)


@releases
def test_the_new_schema_understands_every_statement_of_the_release(release: str, db: Connection) -> None:
    """Each is planned, which needs every table, column, type and conflict target it names."""
    statements = statements_of(release)
    for statement in statements:
        db.exec_driver_sql(f"explain (generic_plan) {statement}")
    print(f"O6 {release}: {len(statements)} statements planned on the newest schema")


def test_the_releases_name_every_column_that_must_be_given(db: Connection) -> None:
    required = "select column_name from information_schema.columns where table_name = :table " \
               "and table_schema = 'public' and is_nullable = 'NO' and column_default is null"  # fmt: skip
    inserts = re.compile(r"insert into (\w+)(?: as \w+)?\s*\(([^)]*)\)", re.IGNORECASE)
    checked = 0
    for statement in (one for release in recorded() for one in statements_of(release)):
        for table, columns in inserts.findall(statement):
            if table in Base.metadata.tables:
                given = {column.strip().strip('"') for column in columns.split(",")}
                assert set(db.scalars(text(required), {"table": table})) <= given, statement
                checked += 1
    assert checked > 20
