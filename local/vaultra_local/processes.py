"""The child processes of the local product: started, watched, started again, and ended with everything below them."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from vaultra_local.keeper import keeper

STOP_SECONDS = 6.0
LARGEST_LOG_BYTES = 10_000_000
RESTARTS, WITHIN_SECONDS = 5, 60.0


class ProcessFailed(RuntimeError):
    """A process does not stay up; the message names its log."""


class Child:
    """One process, with its output in a file and its own process group.

    Args:
        name: How people call it.
        command: What to run.
        environment: All of its environment.
        log: The file its output is added to.
        is_ready: Asked while starting; the process may be used once it says yes.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        is_ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._environment = dict(environment)
        self._is_ready = is_ready
        self._process: subprocess.Popen[bytes] | None = None
        self._restarts: list[float] = []

    def start(self) -> None:
        """Begin; `wait_until_ready` tells when it can be used."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C reaches only us; we end the children in an order in which nothing is lost.
                start_new_session=True,
            )
        keeper().watch(self._process.pid)

    def wait_until_ready(self, seconds: float, stopped: Callable[[], bool]) -> None:
        """Return once it is ready, or once `stopped` says that nobody wants it any more.

        Raises:
            ProcessFailed: It ended, or is not ready in time.
        """
        end = time.monotonic() + seconds
        while not stopped():
            if self.exit_status is not None:
                raise ProcessFailed(f"{self.name} ended at once ({self.exit_status}).\n{self.last_words()}")
            if self._is_ready():
                return
            if time.monotonic() > end:
                raise ProcessFailed(f"{self.name} is not ready after {seconds:.0f} s.\n{self.last_words()}")
            time.sleep(0.05)

    @property
    def exit_status(self) -> str | None:
        """How it ended; None while it runs."""
        assert self._process is not None
        code = self._process.poll()
        if code is None:
            return None
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"

    def restart(self) -> None:
        """Start it again after it ended by itself.

        Raises:
            ProcessFailed: It did so too often.
        """
        now = time.monotonic()
        self._restarts = [at for at in self._restarts if now - at < WITHIN_SECONDS]
        if len(self._restarts) >= RESTARTS:
            raise ProcessFailed(f"{self.name} ended {RESTARTS + 1} times within a minute.\n{self.last_words()}")
        self._restarts.append(now)
        self._end_group()
        self.start()

    def ask_to_stop(self) -> None:
        """Send SIGTERM to it and everything below it."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)

    def wait_until_stopped(self) -> None:
        """Give it some seconds, then kill what is left."""
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self._end_group()
        self._process = None

    def last_words(self, lines: int = 12) -> str:
        """The end of its log, and where the rest is."""
        try:
            tail = self.log.read_text(errors="replace").splitlines()[-lines:]
        except FileNotFoundError:
            tail = []
        return "\n".join([*(f"    {line}" for line in tail), f"    ({self.log})"])

    def _end_group(self) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        keeper().release(self._process.pid)
