"""`vaultra package`: a zip per function, and one for each job. The same input gives the same bytes.

A zip holds the room, the shared modules it can reach, and its pinned requirements, so that a change redeploys only
what it touches: Terraform names each object after its hash.
"""

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from vaultra_local import catalogue
from vaultra_local.catalogue import ROOT, Function
from vaultra_local.reach import LOCAL_PACKAGE, modules_of
from vaultra_local.requirements import EXTRAS

DIST = ROOT / "dist"
SHARED = ROOT / "shared"
MIGRATIONS = Path("vaultra", "db", "migrations")
LOCAL = ROOT / "local"
ARTICLES = ROOT / "knowledge"
DEPLOY = ROOT / "deploy"
MIGRATE, OPERATE = "migrate", "operate"
# The systems that an operator's commands reach, in the catalogue's words.
OPERATE_USES = ("db", "stripe", "pubsub", "openai", "pinecone")
# The oldest date a zip can hold; a real one would change with every checkout.
NO_DATE = (1980, 1, 1, 0, 0, 0)
READABLE = 0o644 << 16


class NotReady(ValueError):
    """What a package needs is not there; the message says what to do."""


@dataclass(frozen=True)
class Package:
    """What one zip holds: contents by the name inside it."""

    name: str
    files: Mapping[str, bytes]

    @property
    def content(self) -> bytes:
        """The zip. Nothing is compressed, so that its bytes depend on no library's version."""
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name in sorted(self.files):
                entry = zipfile.ZipInfo(name, NO_DATE)
                entry.external_attr = READABLE
                entry.create_system = 3  # Unix, wherever it was made
                archive.writestr(entry, self.files[name])
        return buffer.getvalue()


def of_function(function: Function, shared: Path = SHARED) -> Package:
    """A function's room and requirements, and what of the shared package it can reach.

    Raises:
        NotReady: Its requirements have not been exported.
    """
    requirements = function.source.with_name("requirements.txt")
    if not requirements.exists():
        raise NotReady(f"{requirements.relative_to(ROOT)} is missing: run make requirements")
    own = {path.name: path.read_bytes() for path in (function.source, requirements)}
    return Package(function.name, own | _shared_files(modules_of([function.source], shared, function.uses), shared))


def of_migrations(requirements: str, shared: Path = SHARED) -> Package:
    """The folder of which the image of the migration job is built."""
    scripts = sorted(shared.joinpath(MIGRATIONS).rglob("*.py"))
    starts = [shared / "vaultra" / "db" / "migrate_online.py", shared / "vaultra" / "db" / "grants.py", *scripts]
    files = _shared_files(modules_of(starts, shared, ["db"]), shared)
    return Package(MIGRATE, _of_job(MIGRATE, requirements) | files)


def of_operate(requirements: str, shared: Path = SHARED, local: Path = LOCAL) -> Package:
    """The folder of which the image of the operator's job is built: the commands, what they reach, and the articles."""
    commands = modules_of([local / LOCAL_PACKAGE / "operate.py"], local, OPERATE_USES, LOCAL_PACKAGE)
    files = {path.relative_to(local).as_posix(): path.read_bytes() for path in commands}
    files |= _shared_files(modules_of(commands, shared, OPERATE_USES), shared)
    articles = {f"knowledge/{path.name}": path.read_bytes() for path in sorted(ARTICLES.glob("*.md"))}
    return Package(OPERATE, _of_job(OPERATE, requirements) | files | articles)


def _of_job(name: str, requirements: str) -> dict[str, bytes]:
    return {
        "Dockerfile": (DEPLOY / f"{name}.Dockerfile").read_bytes(),
        "requirements.txt": requirements.encode(),
    }


def migration_requirements() -> str:
    """What the migration job needs, exported from the lock."""
    return _export(["db", "cloudsql", "migrate"])


def operate_requirements() -> str:
    """What the operator's job needs, exported from the lock."""
    systems = [extra for system in OPERATE_USES for extra in EXTRAS[system]]
    return _export([*systems, "scheduler", "articles"])


def _export(names: Sequence[str]) -> str:
    extras = [f"--extra={extra}" for extra in names]
    flags = ["--frozen", "--quiet", "--no-default-groups", "--no-emit-workspace", "--no-header", "--no-hashes"]
    command = [str(Path(sys.executable).with_name("uv")), "export", *flags, "--no-annotate", *extras]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@dataclass(frozen=True)
class Built:
    """A zip in its place. `sha256` is in hexadecimal; `changed` tells whether the place held something else before."""

    path: Path
    sha256: str
    files: int
    bytes: int
    changed: bool


def write(packages: Iterable[Package], folder: Path = DIST) -> list[Built]:
    """Write each package as `<name>.zip`, and remove the zips of what is no more."""
    folder.mkdir(parents=True, exist_ok=True)
    built = [_write(package, folder) for package in packages]
    for left_over in set(folder.glob("*.zip")) - {one.path for one in built}:
        left_over.unlink()
    return built


def table(built: Sequence[Built]) -> str:
    """A line per zip, for a person."""
    widest = max(len(one.path.stem) for one in built)
    return "\n".join(
        f"{one.path.stem:<{widest}}  {one.sha256[:12]}  {one.files:>3} files  {one.bytes / 1024:>6.1f} KiB"
        + ("  new" if one.changed else "")
        for one in built
    )


def run(into: str | None) -> int:
    """The command: build everything into `into` (`dist` when None), print the table; gives the exit status."""
    try:
        catalogue.check()
        packages = [of_function(function) for function in catalogue.load()]
        packages += [of_migrations(migration_requirements()), of_operate(operate_requirements())]
    except ValueError as error:  # NotReady, CatalogueError, UnreadableImport: each says what is wrong where
        print(error, file=sys.stderr)
        return 1
    print(table(write(packages, DIST if into is None else Path(into))))
    return 0


def _write(package: Package, folder: Path) -> Built:
    path, content = folder / f"{package.name}.zip", package.content
    changed = not path.exists() or path.read_bytes() != content
    if changed:
        path.write_bytes(content)
    return Built(path, hashlib.sha256(content).hexdigest(), len(package.files), len(content), changed)


def _shared_files(paths: Iterable[Path], shared: Path) -> dict[str, bytes]:
    return {path.relative_to(shared).as_posix(): path.read_bytes() for path in paths}
