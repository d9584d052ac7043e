"""Load from wrk, and what it cost the servers."""

import json
import os
import shutil
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped,unused-ignore]

SCRIPT = Path(__file__).with_name("load.lua")
MISSING = "wrk makes the load and is not here. Get it with `apt-get install wrk` or `brew install wrk`."


@dataclass(frozen=True)
class Figures:
    """One measurement. Latencies in milliseconds; CPU, user and system, in microseconds per request."""

    per_second: float
    p50: float
    p95: float
    p99: float
    app_cpu: float
    database_cpu: float


def check_wrk() -> None:
    """Raise SystemExit, with a word on where to get it, when wrk is not installed."""
    if shutil.which("wrk") is None:
        raise SystemExit(MISSING)


def measure(url: str, tokens: Path, *, connections: int, seconds: int, app: int, postgres: int) -> Figures:
    """Ask for the URL over so many connections at once, each sending its next request when it got its answer.

    Args:
        tokens: A file with a bearer token on each line; they take turns.
        app: The process id of the server, whose children count with it.
        postgres: The database's.

    Raises:
        SystemExit: an answer was an error, or none came; such a measurement says nothing.
    """
    app_before, database_before = cpu_seconds(app), cpu_seconds(postgres)
    done = run_wrk(url, SCRIPT, {"TOKENS": str(tokens)}, connections=connections, seconds=seconds)
    app_seconds, database_seconds = cpu_seconds(app) - app_before, cpu_seconds(postgres) - database_before
    if done["failed"] or not done["requests"]:
        raise SystemExit(f"{url}, {connections} connections: {done['failed']} of {done['requests']} requests failed")
    return Figures(
        per_second=done["requests"] / done["duration"] * 1e6,
        p50=done["p50"] / 1e3,
        p95=done["p95"] / 1e3,
        p99=done["p99"] / 1e3,
        app_cpu=app_seconds / done["requests"] * 1e6,
        database_cpu=database_seconds / done["requests"] * 1e6,
    )


def median(rounds: Sequence[Figures]) -> Figures:
    """Each figure's median."""
    return Figures(*(statistics.median(values) for values in zip(*map(astuple, rounds), strict=True)))


def run_wrk(
    url: str, script: Path, environment: Mapping[str, str], *, connections: int, seconds: int
) -> dict[str, int]:
    """What a script's `done` printed: its last line is JSON.

    Raises:
        SystemExit: wrk ended with an error.
    """
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
    command += ["--timeout", "10s", "--script", str(script), url]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"wrk: {done.stderr.strip()}")
    figures: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return figures


def cpu_seconds(pid: int) -> float:
    """User and system time: what a process, its living children and those it has buried have used."""
    root = psutil.Process(pid)
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        try:
            used = process.cpu_times()
        except psutil.NoSuchProcess:
            continue  # a background worker of the database that has just ended
        total += used.user + used.system + used.children_user + used.children_system
    return total
