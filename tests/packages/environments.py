"""Clean virtual environments."""

import subprocess
import sys
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
