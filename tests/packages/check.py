"""Every zip alone: unpacked into an empty folder, its requirements in a clean environment, started as in production.

`python -m tests.packages.check [function…]` prints a table and fails when a function does not answer, when anything
that its zip imports is missing there, or when it does not end within ten seconds of being asked to.
"""

import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]

from tests import loopback
from tests.packages.environments import end, install
from vaultra_local import catalogue, package
from vaultra_local.catalogue import Function
from vaultra_local.ports import free_port
from vaultra_local.reach import WIRED, imported_names

START_SECONDS = 90.0
# What Cloud Run leaves a function after SIGTERM.
STOP_SECONDS = 10.0
# As terraform/functions.tf sets them; the database is never reached, because nothing here asks for it.
SETTINGS = {
    "CLOUD_SQL_INSTANCE": "nobodys-project:us-central1:vaultra-prod",
    "DATABASE_NAME": "vaultra",
    "DATABASE_USER": "fn-nobody@nobodys-project.iam",
    "GOOGLE_CLOUD_PROJECT": "nobodys-project",
    "K_REVISION": "nobody-00001-abc",
    "K_SERVICE": "nobody",
    "LOG_LEVEL": "INFO",
    "PUBLIC_API_URL": "https://vaultra.example/api/v1",
    "SITE_URL": "https://vaultra.example",
    "TRUSTED_PROXIES": "2",
    "VAULTRA_ENVIRONMENT": "prod",
}
# Of the right shape, and good for nothing.
SECRETS = {
    "JWT_SECRET": "kQ7xV2mZ9rT4wL8pN3sD6fG1hJ5bC0yE-of-no-account",
    "SMTP_URL": "smtps://nobody:nothing@mail.example:465",
    "STRIPE_SECRET_KEY": "rk_live_of_no_account",
    "TOKEN_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}
# Everything that any module of the zip imports, at once or late: as `import a.b` or as `from a import b`.
IMPORT_ALL = """
import importlib, sys
sys.path.insert(0, ".")
for name in sys.stdin.read().split():
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        parent, _, member = name.rpartition(".")
        if not parent or not hasattr(importlib.import_module(parent), member):
            raise error
"""


@dataclass(frozen=True)
class Figures:
    """What one function costs: sizes in bytes, `cold_seconds` by the clock, `cpu_seconds` of all its processes."""

    zip_size: int
    install_size: int
    modules: int
    cold_seconds: float
    cpu_seconds: float
    memory: int
    stop_seconds: float


class Broken(Exception):
    """A function does not do what it must; the message says what it said."""


def check(function: Function, environments: dict[str, Path], folder: Path) -> Figures:
    """Try one function.

    Args:
        environments: Clean virtual environments by their requirements; grows.
        folder: Where to unpack and install.
    """
    zipped = package.of_function(function).content
    home = folder / function.name
    zipfile.ZipFile(BytesIO(zipped)).extractall(home)
    requirements = (home / "requirements.txt").read_text()
    if requirements not in environments:
        environments[requirements] = install(home / "requirements.txt", folder / f"environment-{len(environments)}")
    venv = environments[requirements]
    modules = list(home.rglob("*.py"))
    names = {name for path in modules for name in imported_names(path) if not _left_out(name, function)}
    variables = _variables(function, venv)
    imported = subprocess.run(
        [str(venv / "bin" / "python"), "-c", IMPORT_ALL],
        cwd=home,
        env=variables,
        input="\n".join(sorted(names)),
        capture_output=True,
        text=True,
        check=False,
    )
    if imported.returncode:
        raise Broken(f"{function.name}: {imported.stderr.strip().splitlines()[-1]}")
    with _running(function, home, venv, variables):
        pass  # writes the bytecode, which an image has from its build
    with _running(function, home, venv, variables) as (cold, cpu, memory, process):
        began = time.monotonic()
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise Broken(f"{function.name} does not end within {STOP_SECONDS:g} s") from None
        stopped = time.monotonic() - began
    return Figures(len(zipped), _size(venv), len(modules), cold, cpu, memory, stopped)


def _left_out(name: str, function: Function) -> bool:
    """Whether it is wiring of a system that the function does not use."""
    return any(
        (name == wired or name.startswith(f"{wired}.")) and system not in function.uses
        for wired, system in WIRED.items()
    )


def _variables(function: Function, venv: Path) -> dict[str, str]:
    """Nothing of the caller's environment: it might help."""
    secrets = {name: SECRETS.get(name, "of-no-account") for name in function.secrets}
    return {
        "PATH": f"{venv / 'bin'}:/usr/bin:/bin",
        "HOME": "/nonexistent",
        "POOL_SIZE": str(min(3, function.concurrency)),
        **SETTINGS,
        **secrets,
    }


@contextmanager
def _running(
    function: Function, home: Path, venv: Path, variables: Mapping[str, str]
) -> Iterator[tuple[float, float, int, subprocess.Popen[bytes]]]:
    """The function's server once it answers: (seconds by the clock, seconds of CPU, bytes of memory, process)."""
    port = free_port()
    log = home.with_suffix(".log")
    command = [str(venv / "bin" / "functions-framework"), "--target", function.name, "--host", "127.0.0.1"]
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=home,
            env=dict(variables),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        answer = _first_answer(f"http://127.0.0.1:{port}/health", process, log)
        cold = time.monotonic() - began
        if answer.json().get("function") != function.name:
            raise Broken(f"{function.name}: /health says {answer.text}")
        _refuses_nonsense(function, f"http://127.0.0.1:{port}")
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        times = [member.cpu_times() for member in family]
        memory = sum(member.memory_full_info().pss for member in family)
        yield cold, sum(one.user + one.system for one in times), memory, process
    finally:
        end(process)


def _first_answer(url: str, process: subprocess.Popen[bytes], log: Path) -> httpx.Response:
    deadline = time.monotonic() + START_SECONDS
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            raise Broken(f"{url}: " + log.read_text()[-2000:])
        try:
            return loopback.get(url, timeout=5).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.02)


def _refuses_nonsense(function: Function, url: str) -> None:
    """The room itself answers: an unknown address, or a delivery that is none, is refused in our words."""
    if function.is_http:
        answer = loopback.get(f"{url}{function.paths[0]}/no/such/thing", timeout=10)
    else:
        answer = loopback.post(url, json={}, timeout=10)
    if answer.status_code not in (400, 404) or "error" not in answer.json():
        raise Broken(f"{function.name} answers nonsense with {answer.status_code} {answer.text[:200]}")


def _size(folder: Path) -> int:
    return sum(
        (Path(where) / name).lstat().st_size
        for where, _, names in os.walk(folder)
        for name in names
        if not name.endswith(".pyc")
    )


def main(names: list[str]) -> int:
    """Try the named functions, or all; print the table; give the exit status."""
    chosen = [function for function in catalogue.load() if not names or function.name in names]
    broken: list[str] = []
    environments: dict[str, Path] = {}
    print("| function | zip, KiB | modules | installed, MiB | cold start, s | of it CPU, s | memory, MiB | stop, s |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="vaultra-packages-") as folder:
        for function in chosen:
            try:
                found = check(function, environments, Path(folder))
            except (Broken, package.NotReady) as error:
                broken.append(str(error))
                continue
            print(
                f"| {function.name} | {found.zip_size / 1024:.0f} | {found.modules} "
                f"| {found.install_size / 2**20:.0f} | {found.cold_seconds:.1f} | {found.cpu_seconds:.1f} "
                f"| {found.memory / 2**20:.0f} | {found.stop_seconds:.1f} |",
                flush=True,
            )
    print("\n".join(broken) if broken else f"{len(chosen)} functions answer, from {len(environments)} environments")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
