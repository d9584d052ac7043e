"""A function as its own process, behind the server it is deployed with."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests import loopback
from vaultra_local import catalogue
from vaultra_local.ports import free_port

START_SECONDS = 90
JWT_SECRET = "a-secret-of-the-tests-with-32-bytes"
_FUNCTIONS = {function.name: function for function in catalogue.load()}


@dataclass(frozen=True)
class Server:
    """A running function; `log` is what it wrote to its error output."""

    port: int
    pid: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def peak_bytes(self) -> int:
        """The most memory it and its workers ever held, in bytes (VmHWM)."""
        return max(_peak(pid) for pid in [self.pid, *_children(self.pid)])

    def get(self, path: str) -> httpx.Response:
        return loopback.get(self.url + path, timeout=30)


@contextmanager
def running_server(name: str, database_url: str, log: Path, **variables: str) -> Iterator[Server]:
    """One function by the framework's own command, with as many connections as the catalogue gives it."""
    function, port = _FUNCTIONS[name], free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "JWT_SECRET": JWT_SECRET,
        "STRIPE_WEBHOOK_SECRET": "whsec_of_the_tests",
        "POOL_SIZE": str(function.concurrency),
        **variables,
    }
    command = Path(sys.executable).with_name("functions-framework")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(command), "--target", name, "--port", str(port), "--host", "127.0.0.1"],
            cwd=function.source.parent,
            env=environment,
            stdout=output,
            stderr=output,
        )
    server = Server(port, process.pid, log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(server):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, f"{name} did not start: {log.read_text()}"
            time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait(30)


def _answers(server: Server) -> bool:
    try:
        return server.get("/health/ready").status_code == 200
    except httpx.HTTPError:
        return False


def _children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
