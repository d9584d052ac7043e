"""`vaultra package`: each zip holds what its function can reach, all of it and nothing else, in the same bytes."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.metadata import packages_distributions
from io import BytesIO
from pathlib import Path

import pytest

from vaultra_local import catalogue, package
from vaultra_local.catalogue import Function
from vaultra_local.package import Package
from vaultra_local.reach import WIRED, WIRING, UnreadableImport, imported_names, modules_of

FUNCTIONS = {function.name: function for function in catalogue.load()}
EVERY = set(FUNCTIONS)
DISTRIBUTIONS = packages_distributions()
functions = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())


def using(system: str) -> set[str]:
    return {name for name, function in FUNCTIONS.items() if system in function.uses}


def build(shared: Path) -> dict[str, bytes]:
    """Everything that is deployed, by name, built from this copy of the shared package."""
    packages = [package.of_function(function, shared) for function in FUNCTIONS.values()]
    jobs = [package.of_migrations("sqlalchemy==2\n", shared), package.of_operate("pyyaml==6\n", shared)]
    return {one.name: one.content for one in [*packages, *jobs]}


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A copy of the shared package to edit."""
    folder = tmp_path / "shared"
    shutil.copytree(package.SHARED, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Function], Path]:
    """Unpack a function's zip into an empty folder."""

    def unpack(function: Function) -> Path:
        folder = tmp_path_factory.mktemp(function.name)
        zipfile.ZipFile(BytesIO(package.of_function(function).content)).extractall(folder)
        return folder

    return unpack


# Imported late, where the operator's job never comes: only starting a product checks its catalogue.
LEFT_OUT = {"jsonschema"}

# --- the same bytes --------------------------------------------------------------------------


def test_the_same_sources_give_the_same_bytes_wherever_and_whenever(shared: Path) -> None:
    for path in shared.rglob("*"):
        path.chmod(0o700)
        path.touch()
    assert build(shared) == build(package.SHARED)


# A module of each layer, and who is deployed again when it changes.
TOUCHED = {
    "vaultra/entrypoints.py": EVERY,
    "vaultra/adapters/smtp.py": using("smtp"),
    "vaultra/adapters/google.py": using("google"),
    "vaultra/adapters/pubsub.py": using("pubsub") | {"operate"},
    "vaultra/adapters/scheduler.py": {"operate"},
    "vaultra/adapters/otel_traces.py": using("trace"),
    "vaultra/adapters/stripe_keys.py": using("stripe") | {"operate"},
    "vaultra/access.py": using("auth"),
    "vaultra/db/models/people.py": EVERY | {"migrate", "operate"},
    "vaultra/db/migrations/versions/0001_the_first_schema.py": {"migrate"},
    "vaultra/adapters/embedded_broker.py": set[str](),
    "vaultra/db/sql/broker.sql": set[str](),
}


OFTEN_TOUCHED = ("vaultra/entrypoints.py", "vaultra/adapters/smtp.py", "vaultra/db/sql/broker.sql")


@pytest.mark.parametrize(
    "touched", [one if one in OFTEN_TOUCHED else pytest.param(one, marks=pytest.mark.long) for one in TOUCHED]
)
def test_an_edited_module_changes_the_zips_that_import_it_and_no_others(touched: str, shared: Path) -> None:
    before = build(shared)
    path = shared / touched
    path.write_text(path.read_text() + ("\n-- touched\n" if path.suffix == ".sql" else "\n# touched\n"))
    after = build(shared)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == TOUCHED[touched]


@pytest.mark.parametrize("name", ["vaultra/domain/versions.py", "vaultra/db/sql/recompute_rollups.sql"])
def test_what_ingesting_uses_is_with_those_that_ingest_and_not_with_the_others(name: str) -> None:
    holders = {function.name for function in FUNCTIONS.values() if name in package.of_function(function).files}
    assert holders >= {"apply_stripe_event", "stripe_sync"}
    assert not holders & {"auth_api", "agent_api", "record_dead_letter"}


def test_a_module_that_nobody_imports_changes_nothing(shared: Path) -> None:
    before = build(shared)
    (shared / "vaultra" / "domain" / "nobody_asked.py").write_text("ANSWER = 42\n")
    assert build(shared) == before


# --- all of it -------------------------------------------------------------------------------


# One of each kind; `make chaos` starts every one, and `make packages` with requirements of its own.
EVERYDAY = ("apply_stripe_event", "metrics_api", "stripe_webhook")


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(function, id=function.name, marks=() if function.name in EVERYDAY else pytest.mark.long)
        for function in FUNCTIONS.values()
    ],
)
def test_a_zip_is_enough_to_start_its_function(function: Function, unpacked: Callable[[Function], Path]) -> None:
    folder = unpacked(function)
    code = (
        "import json, sys; sys.path.insert(0, '.'); import main, vaultra;"
        " print(json.dumps([vaultra.__file__, callable(getattr(main, sys.argv[1]))]))"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, function.name], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    origin, found = json.loads(done.stdout)
    assert (folder / origin).resolve() == (folder / "vaultra" / "__init__.py").resolve()
    assert found


@functions
def test_what_a_zip_imports_late_is_in_it_too(function: Function) -> None:
    files = package.of_function(function).files
    shipped = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in files}
    there = {module_name(path) for path in package.SHARED.rglob("*.py")}
    for name in files:
        path = package.SHARED / name if name.startswith("vaultra/") else function.source.parent / name
        # The wiring is what leaves out the systems that the function does not use.
        if path.suffix == ".py" and name not in ("vaultra/services.py", "vaultra/entrypoints.py"):
            assert imported_names(path) & there <= shipped, name


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(package.SHARED).with_suffix("").parts).removesuffix(".__init__")


@functions
def test_what_a_zip_imports_from_others_is_in_its_requirements(function: Function) -> None:
    files = package.of_function(function).files
    lines = files["requirements.txt"].decode().splitlines()
    pinned = {line.partition("==")[0] for line in lines if "==" in line}
    for name in files:
        if not name.endswith(".py"):
            continue
        path = package.SHARED / name if name.startswith("vaultra/") else function.source.parent / name
        tops = {one.partition(".")[0] for one in imported_names(path)} - sys.stdlib_module_names - {"vaultra"}
        for top in tops - {"google"}:  # a namespace that many distributions share
            assert {one.lower().replace("_", "-") for one in DISTRIBUTIONS[top]} & pinned, f"{name} imports {top}"


def test_every_requirement_is_pinned() -> None:
    for function in FUNCTIONS.values():
        lines = package.of_function(function).files["requirements.txt"].decode().splitlines()
        loose = [line for line in lines if line and not line.startswith("#") and "==" not in line]
        assert loose == [], function.name


def test_the_migrations_zip_holds_every_migration_and_no_function() -> None:
    files = set(package.of_migrations("").files)
    versions = {path.name for path in (package.SHARED / package.MIGRATIONS / "versions").glob("*.py")}
    assert {Path(name).name for name in files if "/versions/" in name} == versions
    assert {"Dockerfile", "requirements.txt", "vaultra/db/migrate_online.py", "vaultra/db/grants.py"} <= files
    assert not {"main.py", "vaultra/entrypoints.py"} & files


def test_the_migrations_requirements_have_alembic_and_the_connector() -> None:
    pinned = {line.partition("==")[0] for line in package.migration_requirements().splitlines()}
    assert {"alembic", "cloud-sql-python-connector", "pg8000", "sqlalchemy"} <= pinned
    assert "stripe" not in pinned


def test_the_operators_zip_holds_the_commands_what_they_reach_and_every_article() -> None:
    files = set(package.of_operate("").files)
    assert {path.name for path in package.ARTICLES.glob("*.md")} == {
        Path(name).name for name in files if name.startswith("knowledge/")
    }
    assert {
        "Dockerfile",
        "vaultra_local/operate.py",
        "vaultra_local/jobs.py",
        "vaultra/usecases/operations.py",
    } <= files
    assert {"vaultra/adapters/scheduler.py", "vaultra/adapters/pinecone_vectors.py"} <= files
    # Neither a function, nor the machinery of one machine.
    assert not {"main.py", "vaultra/adapters/minilm.py", "vaultra_local/cli.py", "vaultra_local/runner.py"} & files
    assert not [name for name in files if "postgres.py" in name or "stripe_sim" in name or "migrations" in name]


def test_the_operators_requirements_have_what_its_commands_import() -> None:
    lines = package.operate_requirements().splitlines()
    pinned = {line.partition("==")[0] for line in lines}
    assert all("==" in line for line in lines)
    files = package.of_operate("").files
    tops = {
        name.partition(".")[0]
        for file in files
        if file.endswith(".py")
        for name in imported_names((package.LOCAL if file.startswith("vaultra_local") else package.SHARED) / file)
    }
    for top in tops - sys.stdlib_module_names - {"vaultra", "vaultra_local", "google", *LEFT_OUT}:
        assert {one.lower().replace("_", "-") for one in DISTRIBUTIONS[top]} & pinned, top
    assert {"google-cloud-scheduler", "google-cloud-pubsub", "cloud-sql-python-connector", "stripe"} <= pinned


def test_the_table_says_of_every_adapter_that_is_wired_whom_it_is_for() -> None:
    wiring = [package.SHARED.joinpath(*name.split(".")).with_suffix(".py") for name in WIRING]
    adapters = {f"vaultra.adapters.{path.stem}" for path in package.SHARED.glob("vaultra/adapters/[a-z]*.py")}
    wired = {name for path in wiring for name in imported_names(path)} & adapters
    assert wired - set(WIRED) == set(), "say in reach.WIRED which system of the catalogue it is for"
    schema = json.loads(catalogue.SCHEMA.read_text())
    systems = schema["$defs"]["function"]["properties"]["uses"]["items"]["enum"]
    assert {system for system in WIRED.values() if system is not None} <= set(systems)


# --- nothing else ----------------------------------------------------------------------------


@functions
def test_a_zip_brings_no_system_that_its_function_does_not_use(function: Function) -> None:
    names = set(package.of_function(function).files)
    for system, name in [
        ("google", "google"),
        ("pubsub", "pubsub"),
        ("smtp", "smtp"),
        ("stripe", "stripe"),
        ("trace", "otel_traces"),
    ]:
        assert (f"vaultra/adapters/{name}.py" in names) == (system in function.uses)
    assert not [name for name in names if "migrations" in name or "embedded_broker" in name or "pycache" in name]


def tree(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / "vaultra" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def reached(folder: Path) -> set[str]:
    return {path.stem for path in modules_of([folder / "vaultra" / "start.py"], folder, uses=())}


def test_imports_inside_functions_are_followed(tmp_path: Path) -> None:
    start = "def f():\n    if True:\n        from vaultra import late\n"
    assert reached(tree(tmp_path, start=start, late="import vaultra.later", later="")) == {"start", "late", "later"}


def test_imports_for_the_type_checker_are_not(tmp_path: Path) -> None:
    start = "if TYPE_CHECKING:\n    from vaultra import types\nelse:\n    from vaultra import real\n"
    assert reached(tree(tmp_path, start=start, types="", real="")) == {"start", "real"}


def test_modules_that_import_each_other_are_followed_once(tmp_path: Path) -> None:
    assert reached(tree(tmp_path, start="import vaultra.a", a="import vaultra.start")) == {"start", "a"}


def test_a_relative_import_is_refused_by_name_and_line(tmp_path: Path) -> None:
    tree(tmp_path, start="\nfrom . import a\n", a="")
    with pytest.raises(UnreadableImport, match=r"start\.py: line 2: write the whole name"):
        reached(tmp_path)


# --- writing ---------------------------------------------------------------------------------


def test_zips_are_written_once_and_those_of_what_is_no_more_are_removed(tmp_path: Path) -> None:
    one, two = Package("one", {"main.py": b"1"}), Package("two", {"main.py": b"2"})
    first = package.write([one, two], tmp_path)
    assert [(built.path.name, built.files, built.changed) for built in first] == [
        ("one.zip", 1, True),
        ("two.zip", 1, True),
    ]
    before = (tmp_path / "one.zip").stat().st_mtime_ns

    [again] = package.write([one], tmp_path)
    assert (again.sha256, again.changed) == (first[0].sha256, False)
    assert (tmp_path / "one.zip").stat().st_mtime_ns == before
    assert [path.name for path in tmp_path.iterdir()] == ["one.zip"]


def test_the_command_builds_everything_and_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert package.run(str(tmp_path)) == 0
    assert {path.stem for path in tmp_path.glob("*.zip")} == EVERY | {"migrate", "operate"}
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [*FUNCTIONS, "migrate", "operate"]
    assert all(line.endswith("new") for line in lines)


def test_a_function_without_requirements_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    function = next(iter(FUNCTIONS.values()))
    monkeypatch.setattr(catalogue, "FUNCTIONS", tmp_path / "functions")
    monkeypatch.setattr(package, "ROOT", tmp_path)
    with pytest.raises(package.NotReady, match=rf"functions/{function.name}/requirements.txt is missing"):
        package.of_function(function)
