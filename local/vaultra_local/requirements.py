"""functions/<name>/requirements.txt: what a function uses, exported from the lock."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from vaultra_local.catalogue import ROOT, Function, load

# What an outside system of the catalogue needs on Google Cloud.
EXTRAS: dict[str, tuple[str, ...]] = {
    "db": ("db", "cloudsql"),
    "auth": ("auth",),
    "google": ("google",),
    "stripe": ("stripe",),
    "pubsub": ("pubsub",),
    "smtp": (),  # the standard library speaks it
    "openai": ("openai",),
    "ollama": ("ollama",),
    "pinecone": ("pinecone",),
    "minilm": ("minilm",),
    "mcp": ("mcp",),
    "trace": ("trace",),
}
HEADER = "# Exported from uv.lock for what functions.yaml says this function uses. Change: make requirements\n"


def export(function: Function, uv: Path) -> str:
    """The text of a function's requirements.txt."""
    extras = [f"--extra={extra}" for system in function.uses for extra in EXTRAS[system]]
    command = [
        str(uv),
        "export",
        "--frozen",
        "--quiet",
        "--no-default-groups",
        "--no-emit-workspace",
        "--no-header",
        "--no-hashes",
        "--no-annotate",
    ]
    done = subprocess.run([*command, *extras], cwd=ROOT, check=True, capture_output=True, text=True)
    return HEADER + done.stdout


def write(functions: Iterable[Function], uv: Path) -> list[Path]:
    """Write every function's file; gives those that changed."""
    changed = []
    for function in functions:
        path = function.source.with_name("requirements.txt")
        text = export(function, uv)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            changed.append(path)
    return changed


if __name__ == "__main__":
    for path in write(load(), Path(sys.executable).with_name("uv")):
        sys.stdout.write(f"{path.relative_to(ROOT)} is new\n")
