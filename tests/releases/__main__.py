"""`python -m tests.releases 0007`: write tests/data/release_0007 anew, by running that release's own tests.

A release is the last commit whose newest migration is the one that is named. Its tree is unpacked, and its tests are
run there with the recorder beside this file. What earlier folders have already is left out of `statements.json`.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.releases import ROWS, STATEMENTS, folder_of, recorded, statements_of
from vaultra_local.catalogue import ROOT

VERSIONS = "shared/vaultra/db/migrations/versions"
# Their tests reach nearly every statement in minutes; those of other folders say the same again. What is exported is
# first, because there one business has nearly everything.
FOLDERS = ("tests/usecases/test_export.py", "tests/usecases", "tests/db", "tests/contracts")


class NeverReleased(ValueError):
    """No commit has this migration as its newest one."""


def commit_of(revision: str) -> str:
    """The last commit whose newest migration is this one, and which has all that lead there."""
    after: str | None = None
    for commit in _git("log", "--format=%H", "--", VERSIONS).split():
        names = _git("ls-tree", "--name-only", f"{commit}:{VERSIONS}").split()
        numbers = sorted(int(name[:4]) for name in names if name[:4].isdecimal())
        if numbers == list(range(1, int(revision) + 1)):
            return "HEAD" if after is None else f"{after}^"
        after = commit
    raise NeverReleased(f"No commit has {revision} as its newest migration")


def record(revision: str, commit: str) -> Path:
    """Run the tests of the release at a commit, and write what they sent and stored into its folder of tests/data."""
    with tempfile.TemporaryDirectory(prefix="vaultra-release-") as place:
        tree, found = Path(place) / "tree", Path(place) / "found"
        tree.mkdir()
        found.mkdir()
        with tarfile.open(fileobj=io.BytesIO(_git_bytes("archive", commit))) as archive:
            archive.extractall(tree, filter="data")
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (Path(__file__).parent, tree / "shared", tree / "local"))),
            "RELEASE_RECORD": str(found),
        }
        tests = [name for name in FOLDERS if (tree / name).exists()]
        options = ["-q", "--tb=no", "--continue-on-collection-errors", "-k", "not emulator"]
        plugins = ["-p", "recorder", "-p", "no:cacheprovider"]
        subprocess.run(
            [sys.executable, "-m", "pytest", *options, *plugins, *tests], cwd=tree, env=environment, check=False
        )
        sent, rows = json.loads((found / STATEMENTS).read_text()), (found / ROWS).read_text()
    known = {statement for earlier in recorded() if earlier < revision for statement in statements_of(earlier)}
    folder = folder_of(revision)
    folder.mkdir(exist_ok=True)
    fresh = [statement for statement in sent if statement not in known]
    (folder / STATEMENTS).write_text(json.dumps(fresh, indent=0) + "\n")
    (folder / ROWS).write_text(rows)
    return folder


def _git(*arguments: str) -> str:
    return _git_bytes(*arguments).decode()


def _git_bytes(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.releases", description=__doc__)
    parser.add_argument("revision")
    parser.add_argument("--commit", help="another one than the last")
    chosen = parser.parse_args()
    folder = record(chosen.revision, chosen.commit or commit_of(chosen.revision))
    sys.stdout.write(f"{folder.relative_to(ROOT)}\n")
