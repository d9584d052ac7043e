"""Whether what is deployed was really audited (row O15): `python -m vaultra_local.audit list|judge …`.

pip-audit ends well although it could look nothing up. So its report has to name every pinned version that is deployed,
each looked up, none with a known hole.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from vaultra_local import catalogue, package


@dataclass(frozen=True, order=True)
class Pin:
    """A distribution in the version that is deployed."""

    name: str
    version: str


def pins(texts: Iterable[str]) -> set[Pin]:
    """What these requirements files pin on this platform."""
    lines = (line for text in texts for line in text.splitlines() if line and not line.startswith("#"))
    requirements = [Requirement(line) for line in lines]
    return {
        Pin(canonicalize_name(one.name), next(iter(one.specifier)).version)
        for one in requirements
        if one.marker is None or one.marker.evaluate()
    }


def deployed() -> set[Pin]:
    """Everything that any function or job installs."""
    files = [function.source.with_name("requirements.txt").read_text() for function in catalogue.load()]
    return pins([*files, package.migration_requirements(), package.operate_requirements()])


def judge(wanted: set[Pin], report: Mapping[str, Any]) -> list[str]:
    """What is wrong with pip-audit's report: what it did not look up, and the holes it found; a line each."""
    audited = {
        Pin(canonicalize_name(entry["name"]), entry["version"]): entry.get("vulns", [])
        for entry in report["dependencies"]
        if "skip_reason" not in entry
    }
    missing = [f"{pin.name} {pin.version} was not audited" for pin in sorted(wanted - set(audited))]
    holes = [
        f"{pin.name} {pin.version}: {hole['id']}"
        for pin, found in sorted(audited.items())
        if pin in wanted
        for hole in found
    ]
    return missing + holes


def main(argv: Sequence[str] | None = None) -> int:
    """The command; gives the exit status."""
    parser = argparse.ArgumentParser(description="Audit what is deployed.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="print what is deployed, as requirements for pip-audit")
    commands.add_parser("judge", help="judge pip-audit's report").add_argument("report", type=Path)
    options = parser.parse_args(argv)
    wanted = deployed()
    if options.command == "list":
        print("\n".join(f"{pin.name}=={pin.version}" for pin in sorted(wanted)))
        return 0
    wrong = judge(wanted, json.loads(options.report.read_text()))
    missing = sum(line.endswith("was not audited") for line in wrong)
    print("\n".join([*wrong, f"{len(wanted) - missing} audited of {len(wanted)} deployed"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
