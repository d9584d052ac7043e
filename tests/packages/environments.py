"""Clean virtual environments, and ending what runs in them."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

UV = Path(sys.executable).with_name("uv")


def install(requirements: Path, venv: Path) -> Path:
    """Make an environment that holds these requirements and nothing else; gives its folder."""
    for command in (
        [str(UV), "venv", "--quiet", "--python", sys.executable, str(venv)],
        [str(UV), "pip", "install", "--quiet", "--python", str(venv / "bin" / "python"), "-r", str(requirements)],
    ):
        subprocess.run(command, check=True)
    return venv


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a process that leads a session of its own: the server, and the workers it left behind."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
