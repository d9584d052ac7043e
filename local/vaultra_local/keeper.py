"""Ends the processes a parent leaves behind, even when the parent was killed and could not end them itself."""

import contextlib
import functools
import os
import signal
import subprocess
import sys
import time

GRACE_SECONDS = 8.0
"""How long an orphan may take to end before it is killed; Postgres writes its last checkpoint in this time."""


class Keeper:
    """A tiny process that outlives this one by seconds: when our end of its pipe closes, it ends what it watches."""

    def __init__(self) -> None:
        # Isolated and without site-packages: it starts in milliseconds and needs nothing of the installation.
        # Its own session, so that neither Ctrl-C nor a kill of our process group reaches it.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    def watch(self, pid: int, ask: signal.Signals = signal.SIGTERM) -> None:
        """Should this process die, send `ask` to the process group `pid` leads, and SIGKILL after the grace."""
        self._tell(f"watch {pid} {int(ask)}")

    def release(self, pid: int) -> None:
        """Forget `pid`: it has ended."""
        self._tell(f"release {pid}")

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()


@functools.cache
def keeper() -> Keeper:
    """This process's one keeper, started on first use."""
    return Keeper()


def _signal_group(pid: int, number: int) -> bool:
    """Send `number` (0 only asks) to a group; False when nobody is left in it."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS answers so for a group of zombies
        return False
    return True


def _keep() -> None:
    watched: dict[int, int] = {}
    for line in sys.stdin:
        verb, pid, *rest = line.split()
        if verb == "watch":
            watched[int(pid)] = int(rest[0])
        else:
            watched.pop(int(pid), None)
    # Latest first: what was started last depends on what was started before.
    for pid, ask in reversed(watched.items()):
        _signal_group(pid, ask)
    end = time.monotonic() + GRACE_SECONDS
    while any(_signal_group(pid, 0) for pid in watched) and time.monotonic() < end:
        time.sleep(0.05)
    for pid in watched:
        _signal_group(pid, signal.SIGKILL)


if __name__ == "__main__":
    _keep()
