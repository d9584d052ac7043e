"""The JSON API under load, side by side with the usual stack answering the same queries.

`python -m tests.bench.api` measures everything (a quarter of an hour), `--quick` a little of it in a minute,
`--profile /metrics` shows where one request's time goes.
"""

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import data, inside, load, servers
from tests.bench.load import Figures
from tests.bench.servers import Server
from vaultra_local import catalogue
from vaultra_local.catalogue import ROOT

DOCUMENT = ROOT / "docs" / "PERFORMANCE.md"
BEGIN, END = "<!-- made by tests.bench.api -->", "<!-- end -->"
PREFIX = "/api/v1"
OWNERS = {
    "/auth/me": "auth_api",
    "/readiness": "metrics_api",
    "/metrics": "metrics_api",
    "/recommendations": "recommendations_api",
}
WARM_UP_SECONDS = 2


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int
    seconds: int
    connections: tuple[int, ...]


WHOLE = Plan(rounds=3, seconds=8, connections=(1, 16, 64))
QUICK = Plan(rounds=1, seconds=3, connections=(16,))
Cell = tuple[str, int]
"""An endpoint and a number of connections."""


@dataclass(frozen=True)
class Pair:
    """A cell's figures: ours and the baseline's."""

    ours: Figures
    baseline: Figures


def compare(paths: list[str], plan: Plan) -> dict[Cell, Pair]:
    """Measure both sides in turns, so that whatever else the machine does meets both.

    Raises:
        SystemExit: the two do not answer the same, or a request failed.
    """
    with _running(paths) as running:
        for path in paths:
            for token in running.tokens[: len(data.SHOPS)]:
                _check_same(path, *(json.loads(server.get(PREFIX + path, token)) for server in running.pairs[path]))
        measured: dict[Cell, tuple[list[Figures], list[Figures]]] = {}
        for number in range(plan.rounds):
            for path in paths:
                for connections in plan.connections:
                    print(f"round {number + 1}: {path}, {connections} connections", file=sys.stderr)
                    sides = measured.setdefault((path, connections), ([], []))
                    for side, server in zip(sides, running.pairs[path], strict=True):
                        side.append(_measure(running, server, path, connections, plan.seconds))
    return {cell: Pair(load.median(ours), load.median(theirs)) for cell, (ours, theirs) in measured.items()}


@dataclass(frozen=True)
class Running:
    """For each path our server and the baseline's; the database's process; tokens, and the file they are in."""

    pairs: Mapping[str, tuple[Server, Server]]
    postgres: int
    tokens: list[str]
    token_file: Path


@contextlib.contextmanager
def _running(paths: list[str]) -> Iterator[Running]:
    pool = {function.name: function.concurrency for function in catalogue.load()}
    with contextlib.ExitStack() as stack:
        postgres, tokens = stack.enter_context(servers.filled_database())
        token_file = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vaultra-bench-"))) / "tokens"
        token_file.write_text("\n".join(tokens))
        url = postgres.url()
        # One baseline serves all paths; it may open as many connections as the function it is compared with.
        sizes = {pool[OWNERS[path]] for path in paths}
        baselines = {size: stack.enter_context(servers.baseline(url, size)) for size in sorted(sizes)}
        names = {OWNERS[path] for path in paths}
        functions = {name: stack.enter_context(servers.function(name, url)) for name in sorted(names)}
        pairs = {path: (functions[OWNERS[path]], baselines[pool[OWNERS[path]]]) for path in paths}
        yield Running(pairs, postgres.pid, tokens, token_file)


def _measure(running: Running, server: Server, path: str, connections: int, seconds: int) -> Figures:
    url, processes = server.address + PREFIX + path, {"app": server.pid, "postgres": running.postgres}
    load.measure(url, running.token_file, connections=connections, seconds=WARM_UP_SECONDS, **processes)
    return load.measure(url, running.token_file, connections=connections, seconds=seconds, **processes)


def _check_same(path: str, ours: Any, theirs: Any) -> None:
    if ours == theirs:
        return
    different = {key: (ours.get(key), theirs.get(key)) for key in ours.keys() | theirs.keys()}
    told = {key: values for key, values in different.items() if values[0] != values[1]}
    raise SystemExit(f"{path} is answered differently, ours first: {told}")


def table(results: Mapping[Cell, Pair]) -> str:
    """The results in Markdown, with ratios."""
    lines = [
        "| endpoint | connections | requests/s: ours | baseline | ratio "
        "| p50, p95, p99 in ms: ours | baseline | p99 ratio | CPU µs app + database: ours | baseline |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (path, connections), pair in results.items():
        ours, theirs = pair.ours, pair.baseline
        lines.append(
            f"| {path} | {connections} | {ours.per_second:.0f} | {theirs.per_second:.0f} "
            f"| **{ours.per_second / theirs.per_second:.2f}** "
            f"| {_latencies(ours)} | {_latencies(theirs)} | **{ours.p99 / theirs.p99:.2f}** "
            f"| {_cpu(ours)} | {_cpu(theirs)} |"
        )
    return "\n".join(lines)


def _latencies(figures: Figures) -> str:
    return f"{figures.p50:.1f}, {figures.p95:.1f}, {figures.p99:.1f}"


def _cpu(figures: Figures) -> str:
    return f"{figures.app_cpu:.0f} + {figures.database_cpu:.0f}"


def write(document: Path, made: str, begin: str = BEGIN) -> None:
    """Put a table between its marks in a document; raises ValueError when they are not there."""
    before, _, rest = document.read_text().partition(begin)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{document.name} has no {begin} … {END}")
    document.write_text(f"{before}{begin}\n{made}\n{END}{after}")


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of 3 s at 16 connections")
    parser.add_argument("--write", action="store_true", help="put the table into docs/PERFORMANCE.md")
    parser.add_argument("--only", choices=OWNERS, action="append", help="this endpoint; may be repeated")
    parser.add_argument("--profile", choices=OWNERS, help="show where the time of one request goes")
    options = parser.parse_args()
    if options.profile:
        inside.profile(PREFIX + options.profile, OWNERS[options.profile])
        return
    load.check_wrk()
    made = table(compare(options.only or list(OWNERS), QUICK if options.quick else WHOLE))
    print(made)
    if options.write:
        write(DOCUMENT, made)


if __name__ == "__main__":
    main()
