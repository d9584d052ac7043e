"""One owner per state folder."""

import fcntl
import os
from pathlib import Path


class AlreadyRunning(RuntimeError):
    """A live process holds the folder; the message says which, and how to end it."""


def hold(folder: Path) -> int:
    """Take the folder until the returned handle is closed or this process ends, however it ends.

    Raises:
        AlreadyRunning: Somebody else has it.
    """
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(handle, 32).decode() or "of another user"
        os.close(handle)
        raise AlreadyRunning(
            f"Vaultra is already running over {folder} (process {holder}). Stop it first, with Ctrl-C in its terminal"
            f" or `kill {holder}`."
        ) from None
    os.ftruncate(handle, 0)
    os.write(handle, str(os.getpid()).encode())
    return handle
