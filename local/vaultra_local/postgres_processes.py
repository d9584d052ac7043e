"""The Postgres server processes over a data folder, found by where they live rather than by remembered numbers."""

import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]


def end_servers(data: Path) -> None:
    """End every server process over `data`; holding the folder's lock, we know that nobody owns them.

    `postmaster.pid` alone can't be believed: after a crash its number may belong to anybody.
    """
    for process in server_processes(data):
        with suppress(psutil.Error):
            if not "".join(process.cmdline()[:1]).startswith("postgres:"):  # one that is ending has no command line
                process.send_signal(signal.SIGINT)  # the postmaster: fast shutdown; its children follow
    if not _gone(data, seconds=10):
        for process in server_processes(data):
            with suppress(psutil.Error):
                process.kill()
        _gone(data, seconds=5)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _gone(data: Path, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while server_processes(data):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def server_processes(data: Path) -> list[psutil.Process]:
    """Every living one, the postmaster and its children."""
    found = []
    target = data.resolve()
    for process in psutil.process_iter(["name", "status"]):
        if process.info["name"] != "postgres" or process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        with suppress(psutil.Error, OSError):
            if Path(process.cwd()) == target:  # a server process lives in its data folder
                found.append(process)
    return found
