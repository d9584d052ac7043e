"""The protocol's own conformance suite, which npm brings, against the room as it is deployed."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine

from tests.fakes import FakeEmbedder
from tests.mcp.assistants import a_token, mcp_served
from tests.mcp.suite_fixtures import suite_server
from tests.reliability.house import House
from tests.rows import a_business
from vaultra import mcp_server
from vaultra import services as wiring
from vaultra.adapters.postgres_vectors import PostgresVectors
from vaultra.db import engine as database
from vaultra.services import utc_now
from vaultra.usecases import knowledge
from vaultra_local import articles

SUITE = "@modelcontextprotocol/conformance@0.2.0-alpha.12"
REVISIONS = ["2026-07-28", "2025-11-25"]
LONGEST_SECONDS = 400
NO_NETWORK = re.compile("ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH")


@pytest.fixture
def address(make_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The room on a socket, for a client that has no place for a token."""
    engine: Engine = database.create(make_database("conformance"), pool_size=8)
    with House(engine, tmp_path_factory.getbasetemp()) as house:
        house.services.clock = utc_now
        house.services.embedder, house.services.vectors = FakeEmbedder(), PostgresVectors(engine)
        wiring.use(house.services)
        owner = house.person()
        with engine.begin() as db:
            knowledge.publish(
                db, FakeEmbedder(), PostgresVectors(engine), articles.read_all(), utc_now(), pause=lambda _: None
            )
            business = a_business(db, owner=UUID(owner.id))
        with mcp_served(house.services, a_token(engine, owner.id, business, utc_now())) as url:
            yield url
    wiring.use(None)
    engine.dispose()


@pytest.mark.long
@pytest.mark.parametrize("revision", REVISIONS)
def test_nothing_but_what_we_do_not_offer_is_missing(address: str, revision: str, tmp_path: Path) -> None:
    """What is expected to fail asks for the suite's own tools, articles and prompts; the baseline names each."""
    run_suite(address, revision, "conformance-baseline", tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("revision", REVISIONS)
def test_our_hosting_keeps_the_protocol(
    address: str, revision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same edge and transport with the tools, prompts and resources that the suite wants to see."""
    monkeypatch.setattr(mcp_server, "_server", suite_server)
    run_suite(address, revision, "conformance-baseline-of-hosting", tmp_path)


def run_suite(address: str, revision: str, baseline: str, folder: Path) -> None:
    """Run what a revision requires; fail for whatever fails and is not in the baseline, or is in it and does not."""
    file = f"{baseline}.yml" if revision == REVISIONS[0] else f"{baseline}-{revision}.yml"
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "CI": "1"}
    command = ["npx", "--yes", SUITE, "server", "--url", address, "--requirements", revision]
    done = subprocess.run(
        [*command, "--expected-failures", str(Path(__file__).with_name(file))],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    if done.returncode and NO_NETWORK.search(done.stderr):
        pytest.skip("npm's registry can't be reached from here")
    print("\n".join(re.findall("^(?:[✓✗] .*|Total: .*)$", done.stdout, re.MULTILINE)))
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
