"""Postgres servers of the tests' own, and where their files lie."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from vaultra_local.postgres import EmbeddedPostgres, erase

# A database is a thousand files: in memory it is made and dropped at a tenth of what the system takes on a disk.
MEMORY = Path("/dev/shm")
LEAST_MEMORY_BYTES = 4 << 30
PREFIX = "vaultra-test-"


@contextmanager
def own_postgres(*, durable: bool = True) -> Iterator[EmbeddedPostgres]:
    """A server for as long as one is inside, its files in memory if there is room; nothing is left of it.

    Args:
        durable: False for a server that nobody stops in the middle of its work.
    """
    _forget_the_killed()
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", dir=_folder()) as folder:
        Path(folder).chmod(0o755)  # as root, the server runs as another user, who must get in
        state = Path(folder) / "postgres"
        try:
            with EmbeddedPostgres(state, durable=durable) as server:
                yield server
        finally:
            erase(state)


def _folder() -> Path | None:
    """None means where temporary files usually lie."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= LEAST_MEMORY_BYTES else None


def _forget_the_killed() -> None:
    """Give back the memory of runs that were killed before they could."""
    for left in MEMORY.glob(f"{PREFIX}*-*"):
        if not psutil.pid_exists(int(left.name.split("-")[2])):
            shutil.rmtree(left, ignore_errors=True)  # another worker may be doing the same
