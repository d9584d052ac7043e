"""What holds the house together: the catalogue, the rooms, the lock and the schema say the same."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from vaultra.db.models import Base
from vaultra.routes import Access
from vaultra_local import catalogue, openapi, requirements
from vaultra_local.catalogue import FUNCTIONS, ROOT, Function

CATALOGUE = {function.name: function for function in catalogue.load()}
# What belongs to an outside system: importing a function must not bring it unless the catalogue says so.
MODULES = {
    "db": ("sqlalchemy", "pg8000"),
    "auth": ("jwt", "bcrypt"),
    "stripe": ("stripe", "requests"),
    "smtp": ("smtplib",),
}
NEVER_AT_IMPORT = (
    "google.cloud.pubsub_v1",
    "google.cloud.sql",
    "alembic",
    "pg8000",
    "authlib",
    "vaultra_local",
    "openai",
    "mcp",
)

functions = pytest.mark.parametrize("function", CATALOGUE.values(), ids=CATALOGUE.keys())


def test_the_catalogue_follows_its_schema() -> None:
    catalogue.check()


def test_every_folder_is_an_entry_and_every_entry_a_folder() -> None:
    folders = {path.parent.name for path in FUNCTIONS.glob("*/main.py")}
    assert folders == set(CATALOGUE)


@functions
def test_a_room_is_one_file_and_its_requirements(function: Function) -> None:
    files = {path.name for path in function.source.parent.iterdir() if path.name != "__pycache__"}
    assert files == {"main.py", "requirements.txt"}


def imported_modules(function: Function) -> set[str]:
    code = "import json, sys; sys.path.insert(0, '.'); import main; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=function.source.parent, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


@functions
def test_importing_a_function_brings_only_what_it_uses(function: Function) -> None:
    modules = imported_modules(function)
    foreign = [name for system, names in MODULES.items() if system not in function.uses for name in names]
    assert sorted(modules & {*foreign, *NEVER_AT_IMPORT}) == []


@functions
def test_a_function_publishes_only_what_the_catalogue_says(function: Function) -> None:
    topics = {entry.topic for entry in CATALOGUE.values() if entry.topic}
    assert set(function.publishes) <= topics, "a topic without a consumer"
    assert ("pubsub" in function.uses) == bool(function.publishes)
    source = ast.parse(function.source.read_text())
    literal = {
        node.args[0].value
        for node in ast.walk(source)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "publish"
        and isinstance(node.args[0], ast.Constant)
    }
    assert literal <= set(function.publishes)


def test_requirements_are_what_the_lock_says() -> None:
    uv = Path(sys.executable).with_name("uv")
    stale = [
        function.name
        for function in CATALOGUE.values()
        if function.source.with_name("requirements.txt").read_text() != requirements.export(function, uv)
    ]
    assert stale == [], "run: make requirements"


def test_every_route_is_below_its_functions_paths_and_needs_what_the_catalogue_says() -> None:
    for name, routes in openapi.load_routes(FUNCTIONS).items():
        function = CATALOGUE[name]
        for route in routes:
            assert route.path.startswith(function.paths), f"{name} is not reached at {route.path}"
            if function.access == "user":
                assert route.access is not Access.PUBLIC, f"{route.path} is public in a function for users"


def test_every_route_is_documented() -> None:
    for name, routes in openapi.load_routes(FUNCTIONS).items():
        for route in routes:
            assert (route.handler.__doc__ or "").strip(), f"{name}: {route.handler.__name__} has no docstring"


def test_the_published_openapi_document_is_the_codes() -> None:
    published = json.loads((ROOT / "frontend/public/api/v1/openapi.json").read_text())
    assert published == openapi.document(openapi.load_routes(FUNCTIONS)), "run: make openapi"


def test_the_migrations_give_the_models_schema(db: Connection) -> None:
    assert compare_metadata(MigrationContext.configure(db), Base.metadata) == []


def test_every_table_about_a_business_goes_with_it() -> None:
    for table in Base.metadata.tables.values():
        for name in ("business_id", "user_id"):
            if name in table.columns:
                (key,) = table.columns[name].foreign_keys
                assert key.ondelete == "CASCADE", f"{table.name}.{name}"


def test_the_catalogue_is_plain_yaml() -> None:
    assert list(yaml.safe_load(catalogue.CATALOGUE.read_text())) == list(CATALOGUE)
