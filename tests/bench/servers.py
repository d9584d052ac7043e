"""The servers that are compared, each as its own documentation says to run it in production."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench import data
from vaultra.services import utc_now
from vaultra_local import catalogue
from vaultra_local.catalogue import ROOT
from vaultra_local.keeper import keeper
from vaultra_local.ports import answers, free_port
from vaultra_local.postgres import EmbeddedPostgres, erase

SECRET = "a secret that only the benchmarks use"
START_SECONDS = 60.0
STOP_SECONDS = 20.0
WORKERS = 1  # what functions-framework starts unless WORKERS says otherwise; the baseline gets as many


@dataclass(frozen=True)
class Server:
    """A running server: where it answers, and its first process."""

    address: str
    pid: int

    def get(self, path: str, token: str) -> bytes:
        """The body of a successful answer; raises `urllib.error.HTTPError` for any other."""
        request = urllib.request.Request(self.address + path, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            body: bytes = answer.read()
        return body


@contextlib.contextmanager
def filled_database() -> Iterator[tuple[EmbeddedPostgres, list[str]]]:
    """A durable Postgres with the benchmarks' rows in it, gone afterwards; and tokens to ask with."""
    with tempfile.TemporaryDirectory(prefix="vaultra-bench-") as folder:
        Path(folder).chmod(0o755)  # as root, the server runs as another user, who must get in
        state = Path(folder) / "postgres"
        try:
            with EmbeddedPostgres(state) as postgres:
                yield postgres, data.fill(postgres.url(), secret=SECRET, now=utc_now())
        finally:
            erase(state)


def settings(name: str, database_url: str, **more: str) -> dict[str, str]:
    """What the environment tells a function: the platform's part, the catalogue's, and `more`."""
    entry = next(function for function in catalogue.load() if function.name == name)
    return {
        "FUNCTION_TARGET": name,
        "K_SERVICE": entry.hyphenated,
        "CLOUD_RUN_TIMEOUT_SECONDS": str(entry.timeout_seconds),
        "WORKERS": str(WORKERS),
        "POOL_SIZE": str(entry.concurrency),
        "DATABASE_URL": database_url,
        "JWT_SECRET": SECRET,
        **more,
    }


@contextlib.contextmanager
def function(name: str, database_url: str, **more: str) -> Iterator[Server]:
    """One of our functions, started by functions-framework as Google's buildpack does: gunicorn, a uvicorn worker."""
    command = [str(Path(sys.executable).with_name("functions-framework")), "--host", "127.0.0.1"]
    folder = catalogue.FUNCTIONS / name
    with serve(command, settings(name, database_url, **more), folder, port_option=None) as server:
        yield server


@contextlib.contextmanager
def baseline(database_url: str, pool_size: int) -> Iterator[Server]:
    """The FastAPI application under uvicorn."""
    command = [sys.executable, "-m", "uvicorn", "tests.bench.baseline.app:app", "--workers", str(WORKERS)]
    command += ["--log-level", "warning", "--no-access-log"]
    environment = {"DATABASE_URL": database_url, "JWT_SECRET": SECRET, "POOL_SIZE": str(pool_size)}
    command += ["--host", "127.0.0.1"]
    with serve(command, environment, ROOT, port_option="--port") as server:
        yield server


@contextlib.contextmanager
def serve(command: list[str], environment: dict[str, str], folder: Path, port_option: str | None) -> Iterator[Server]:
    """Any command that serves on 127.0.0.1, told its port by that option or, when None, by PORT alone."""
    port = free_port()
    process = subprocess.Popen(
        [*command, *([port_option, str(port)] if port_option else [])],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PORT": str(port), **environment},
        stdin=subprocess.DEVNULL,
        # Our functions write a line of log per request; it is written, and nobody's time is spent on reading it.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    keeper().watch(process.pid)
    try:
        _wait_for(process, port, command)
        yield Server(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        keeper().release(process.pid)


def _wait_for(process: subprocess.Popen[bytes], port: int, command: list[str]) -> None:
    end = time.monotonic() + START_SECONDS
    while not answers(port):
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"It did not start; run it yourself to see why: {' '.join(command)}")
        time.sleep(0.05)
