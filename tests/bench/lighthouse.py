"""Lighthouse on the built site, as the CDN would serve it, with an owner signed in. Run it alone.

`python -m tests.bench.lighthouse` measures every kind of page three times, as on a phone; `--write` puts the medians
into docs/PERFORMANCE.md. It needs Chromium on the PATH, and fetches Lighthouse itself from the registry.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.bench.api import DOCUMENT, write
from tests.e2e.browsers import ARGUMENTS
from tests.e2e.built_site import pages
from tests.e2e.lived_in import LivedIn, lived_in
from vaultra_local.ports import free_port

BEGIN = "<!-- made by tests.bench.lighthouse -->"
LIGHTHOUSE = "lighthouse@13.5.0"
RUNS = 3
SCORES = ("performance", "accessibility", "best-practices", "seo")
TIMES = {"first-contentful-paint": "s", "largest-contentful-paint": "s", "total-blocking-time": "ms"}
ONE_ARTICLE = "/help/readiness-score-explained/"


@dataclass(frozen=True)
class Audit:
    """One run: scores from 0 to 100, times in milliseconds, and how far things moved."""

    scores: Mapping[str, float]
    times: Mapping[str, float]
    moved: float
    failed: tuple[str, ...]


def paths() -> list[str]:
    """One page of each kind that a signed-in owner sees."""
    found = [page.path for page in pages()]
    shown = [path for path in found if path.startswith(("/dashboard/", "/onboarding/"))]
    return ["/", "/help/", ONE_ARTICLE, *shown]


def audit(url: str, port: int) -> Audit:
    """Run Lighthouse once, in the browser that listens on this port; raises CalledProcessError when it can't."""
    command = ["npx", "--yes", LIGHTHOUSE, url, f"--port={port}", "--disable-storage-reset", "--output=json", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    audits, categories = report["audits"], report["categories"]
    listed = {each["id"] for name in SCORES for each in categories[name]["auditRefs"] if each["weight"]}
    failed = sorted(name for name in listed if (audits[name]["score"] or 0) < 0.9 and audits[name]["score"] is not None)
    return Audit(
        scores={name: round(categories[name]["score"] * 100) for name in SCORES},
        times={name: audits[name]["numericValue"] for name in TIMES},
        moved=audits["cumulative-layout-shift"]["numericValue"],
        failed=tuple(failed),
    )


def measure(house: LivedIn, profile: Path, wanted: list[str]) -> dict[str, list[Audit]]:
    """The runs of each page, in a browser in which the owner has signed in."""
    port = free_port()
    with sync_playwright() as playwright:
        arguments = [*ARGUMENTS, f"--remote-debugging-port={port}"]
        chromium = shutil.which("chromium")
        context = playwright.chromium.launch_persistent_context(profile, executable_path=chromium, args=arguments)
        page = context.new_page()
        page.goto(f"{house.url}/favicon.svg")
        for entry in house.storage()["origins"][0]["localStorage"]:
            page.evaluate("({name, value}) => localStorage.setItem(name, value)", entry)
        page.close()
        measured = {path: [audit(house.url + path, port) for _ in range(RUNS)] for path in wanted}
        context.close()
    return measured


def table(measured: Mapping[str, list[Audit]]) -> str:
    """The medians, and what lowers a score."""
    lines = [
        "| page | performance | accessibility | best practices | SEO | first paint | largest paint | blocked | moved |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for path, runs in measured.items():
        scores = [f"{statistics.median(run.scores[name] for run in runs):.0f}" for name in SCORES]
        first, largest, blocked = (statistics.median(run.times[name] for run in runs) for name in TIMES)
        moved = statistics.median(run.moved for run in runs)
        cells = [*scores, f"{first / 1000:.1f} s", f"{largest / 1000:.1f} s", f"{blocked:.0f} ms", f"{moved:.3f}"]
        lines.append(f"| {path} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the table into docs/PERFORMANCE.md")
    parser.add_argument("--only", metavar="PATH", action="append", help="this page; may be repeated")
    options = parser.parse_args()
    if shutil.which("chromium") is None:
        raise SystemExit("Lighthouse needs Chromium on the PATH.")
    os.environ["CHROME_PATH"] = str(shutil.which("chromium"))
    with tempfile.TemporaryDirectory() as folder, lived_in(Path(folder, "product")) as house:
        measured = measure(house, Path(folder, "browser"), options.only or paths())
    made = table(measured)
    print(made)
    for path, runs in measured.items():
        failed = sorted({name for run in runs for name in run.failed})
        if failed:
            print(f"{path}: {', '.join(failed)}")
    if options.write:
        write(DOCUMENT, made, BEGIN)


if __name__ == "__main__":
    main()
