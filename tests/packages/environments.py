"""Clean virtual environments, what is tried in them, and ending what runs there."""

import os
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path

from vaultra_local.package import Package
from vaultra_local.postgres import EmbeddedPostgres, erase

UV = Path(sys.executable).with_name("uv")


def install(requirements: Path, venv: Path) -> Path:
    """Make an environment that holds these requirements and nothing else; gives its folder."""
    for command in (
        [str(UV), "venv", "--quiet", "--python", sys.executable, str(venv)],
        [str(UV), "pip", "install", "--quiet", "--python", str(venv / "bin" / "python"), "-r", str(requirements)],
    ):
        subprocess.run(command, check=True)
    return venv


@contextmanager
def job_beside_a_database(built: Package) -> Iterator[tuple[Path, Path, EmbeddedPostgres]]:
    """A job's files, the Python that has its requirements and nothing else, and a server; nothing is left of them."""
    with tempfile.TemporaryDirectory(prefix=f"vaultra-{built.name}-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root, the server runs as another user, who must get in
        job = folder / "job"
        zipfile.ZipFile(BytesIO(built.content)).extractall(job)
        python = install(job / "requirements.txt", folder / "environment") / "bin" / "python"
        with EmbeddedPostgres(folder / "postgres", durable=False) as server:
            yield job, python, server
        erase(folder / "postgres")


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a process that leads a session of its own: the server, and the workers it left behind."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
