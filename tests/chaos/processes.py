"""Functions as their own processes, started as they are deployed: gunicorn, and uvicorn workers below it."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped,unused-ignore]

from tests import loopback
from tests.chaos.sender import SECRET
from vaultra_local import catalogue
from vaultra_local.keeper import keeper
from vaultra_local.ports import free_port

START_SECONDS, STOP_SECONDS = 60.0, 20.0
_FUNCTIONS = {function.name: function for function in catalogue.load()}


class FunctionProcess:
    """One function. `variables` are added to what the platform tells it; `log` gets its output."""

    def __init__(
        self, name: str, database_url: str, log: Path, variables: Mapping[str, str] | None = None, *, workers: int = 1
    ) -> None:
        function = _FUNCTIONS[name]
        self.port = free_port()
        self.log = log
        given = {name: value for name, value in os.environ.items() if not name.startswith(("PUBSUB_", "GOOGLE_"))}
        environment = {
            **given,
            "LOG_LEVEL": "ERROR",
            "WORKERS": str(workers),
            "DATABASE_URL": database_url,
            "POOL_SIZE": str(min(function.concurrency, 8)),
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "STRIPE_SECRET_KEY": "sk_test_chaos",
            "STRIPE_REQUESTS_PER_SECOND": "100",
            "VAULTRA_ENVIRONMENT": "test",
            **(variables or {}),
        }
        command = [str(Path(sys.executable).with_name("functions-framework")), "--target", name]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*command, "--port", str(self.port), "--host", "127.0.0.1"],
                cwd=function.source.parent,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        keeper().watch(self._process.pid)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ready(self) -> bool:
        """Whether it answers."""
        assert self._process.poll() is None, self.log.read_text()[-3000:]
        with contextlib.suppress(httpx.HTTPError):
            return loopback.get(f"{self.url}/health", timeout=5).status_code == 200
        return False

    def wait_until_ready(self) -> None:
        """Return once it answers."""
        end = time.monotonic() + START_SECONDS
        while not self.ready:
            assert time.monotonic() < end, self.log.read_text()[-3000:]
            time.sleep(0.05)

    def kill_worker(self, chance: random.Random) -> bool:
        """`kill -9` one of its workers, which gunicorn replaces; False when none is there just now."""
        workers = sorted(self.workers)
        if workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(workers), signal.SIGKILL)
                return True
        return False

    @property
    def workers(self) -> set[int]:
        """The process numbers of its workers just now."""
        return {worker.pid for worker in psutil.Process(self._process.pid).children()}

    @property
    def peak_bytes(self) -> int:
        """The most memory that one of its workers ever held (VmHWM)."""
        return max(_peak(worker) for worker in self.workers)

    def ask_to_stop(self) -> None:
        """SIGTERM, as the platform sends it."""
        self._process.send_signal(signal.SIGTERM)

    def wait_until_stopped(self) -> None:
        """Return once it has ended.

        Raises:
            subprocess.TimeoutExpired: It does not end.
        """
        self._process.wait(STOP_SECONDS)

    def end(self) -> None:
        """Nothing of it is left."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        keeper().release(self._process.pid)


@contextmanager
def running(*processes: FunctionProcess) -> Iterator[None]:
    """Wait until all are ready, and end them after use."""
    try:
        for process in processes:
            process.wait_until_ready()
        yield
    finally:
        for process in processes:
            process.end()


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
