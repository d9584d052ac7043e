"""Webhooks under load, side by side with the two public engines that put Stripe's events into Postgres.

`python -m tests.bench.webhooks` measures everything (a quarter of an hour), `--quick` a little of it in a minute.
"""

import argparse
import contextlib
import ctypes.util
import itertools
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from tests.bench import load, webhooks_events, webhooks_limits, webhooks_sides
from tests.bench.api import DOCUMENT, QUICK, WHOLE, Plan, write
from tests.bench.webhooks_sides import House, Ours, Side

SCRIPT = Path(__file__).with_name("webhooks.lua")
BEGIN = "<!-- made by tests.bench.webhooks -->"
WARM_UP_SECONDS = 2
CHAIN_CONNECTIONS = 16
_runs = itertools.count(1)


@dataclass(frozen=True)
class Figures:
    """One measurement. Latencies in milliseconds, CPU in microseconds per event; `sender_cpu` is the load's own."""

    per_second: float
    p50: float
    p99: float
    app_cpu: float
    database_cpu: float
    sender_cpu: float


def median(rounds: Sequence[Figures]) -> Figures:
    """Each figure's median."""
    return Figures(*(statistics.median(values) for values in zip(*map(astuple, rounds), strict=True)))


def measure(side: Side, house: House, *, connections: int, seconds: int) -> Figures:
    """Send events over so many connections for so long; for a side with the chain, until all are drained.

    Raises:
        SystemExit: an answer was not 200, or an event that was answered with 200 is not stored.
    """
    side.clear()
    _send(side, house, connections=connections, seconds=WARM_UP_SECONDS)
    if side.processes[1:] and isinstance(side, Ours):
        side.wait_until_drained()
    side.clear()
    pids = [*side.processes, house.postgres.pid]
    before = [load.cpu_seconds(pid) for pid in pids]
    sender = _children_seconds()
    began = time.monotonic()
    done = _send(side, house, connections=connections, seconds=seconds)
    sender = _children_seconds() - sender
    events, duration = done["requests"], done["duration"] / 1e6
    if side.processes[1:] and isinstance(side, Ours):
        events, duration = side.wait_until_drained(), time.monotonic() - began
    used = [load.cpu_seconds(pid) - old for pid, old in zip(pids, before, strict=True)]
    return Figures(
        per_second=events / duration,
        p50=done["p50"] / 1e3,
        p99=done["p99"] / 1e3,
        app_cpu=sum(used[:-1]) / events * 1e6,
        database_cpu=used[-1] / events * 1e6,
        sender_cpu=sender / events * 1e6,
    )


def _send(side: Side, house: House, *, connections: int, seconds: int) -> dict[str, int]:
    run = f"Run{next(_runs):05d}"
    environment = {
        "SECRET": webhooks_events.SECRET,
        "EVENTS": str(webhooks_events.write_templates(house.folder)),
        "RUN": run,
        "LIBCRYPTO": ctypes.util.find_library("crypto") or "crypto",
    }
    done = load.run_wrk(side.url, SCRIPT, environment, connections=connections, seconds=seconds)
    if done["failed"] or not done["requests"]:
        raise SystemExit(f"{side.name}, {connections}: {done['failed']} of {done['requests']} requests failed")
    lost = side.lost(run, done["sent"], done["requests"])
    if lost:
        raise SystemExit(f"{side.name}, {connections}: {lost} of {done['requests']} answered 200 and are not stored")
    return done


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


Cell = tuple[str, int]
"""A side's name and a number of connections."""


def compare(plan: Plan, only: Sequence[str]) -> str:
    """Measure the sides in turns, so that whatever else the machine does meets all of them; gives the tables."""
    with contextlib.ExitStack() as stack:
        house = stack.enter_context(webhooks_sides.house())
        sides = [(_enter(stack, house, name), _connections(plan, name)) for name in [*only, "null"]]
        limits = webhooks_limits.limits(house, plan.seconds)
        measured: dict[Cell, list[Figures]] = {}
        for number in range(plan.rounds):
            for connections in plan.connections:
                for side, wanted in sides:
                    if connections not in wanted:
                        continue
                    figures = measure(side, house, connections=connections, seconds=plan.seconds)
                    measured.setdefault((side.name, connections), []).append(figures)
                    print(f"round {number + 1}: {_row(side.name, connections, figures)}", file=sys.stderr)
    return table({cell: median(rounds) for cell, rounds in measured.items()}, limits)


def _enter(stack: contextlib.ExitStack, house: House, name: str) -> Side:
    if name == "null":
        return stack.enter_context(webhooks_sides.null())
    if name in webhooks_sides.PACKAGES:
        return stack.enter_context(webhooks_sides.peer(house, name))
    return stack.enter_context(webhooks_sides.ours(house, chain=name == "chain"))


def _connections(plan: Plan, name: str) -> tuple[int, ...]:
    return (CHAIN_CONNECTIONS,) if name in ("chain", "null") else plan.connections


def table(results: dict[Cell, Figures], limits: Sequence[str]) -> str:
    """The results in Markdown; the ratios are to the faster engine over as many connections."""
    best: dict[int, Figures] = {}
    for (name, connections), figures in results.items():
        if name in webhooks_sides.PACKAGES.values() and (
            connections not in best or best[connections].per_second < figures.per_second
        ):
            best[connections] = figures
    lines = [
        "| side | connections | events/s | of the faster engine | p50, p99 ms | CPU µs per event: app + database "
        "| events per CPU second, of the faster engine | sender |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (name, connections), figures in sorted(results.items(), key=lambda item: (item[0][1], item[0][0])):
        lines.append(_row(name, connections, figures, best.get(connections)))
    lines += ["", "| limit of this machine | per second | CPU µs |", "|---|---|---|", *limits]
    return "\n".join(lines)


def _row(name: str, connections: int, figures: Figures, engine: Figures | None = None) -> str:
    events = _ratio(figures.per_second, engine.per_second if engine else None)
    work = _ratio(1 / _cpu(figures), 1 / _cpu(engine) if engine else None)
    return (
        f"| {name} | {connections} | {figures.per_second:.0f} | {events} | {figures.p50:.1f}, {figures.p99:.1f} "
        f"| {figures.app_cpu:.0f} + {figures.database_cpu:.0f} | {work} | {figures.sender_cpu:.0f} |"
    )


def _cpu(figures: Figures) -> float:
    return figures.app_cpu + figures.database_cpu


def _ratio(ours: float, theirs: float | None) -> str:
    return "–" if theirs is None else f"**{ours / theirs:.2f}**"


def main() -> None:
    """Do what the command line asks for."""
    every = ["ours", *webhooks_sides.PACKAGES, "chain"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of 3 s at 16 connections")
    parser.add_argument("--only", choices=every, action="append", help="this side; may be repeated")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/PERFORMANCE.md")
    options = parser.parse_args()
    load.check_wrk()
    made = compare(QUICK if options.quick else WHOLE, options.only or every)
    print(made)
    if options.write:
        write(DOCUMENT, made, BEGIN)


if __name__ == "__main__":
    main()
