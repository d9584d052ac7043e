"""docs/OPERATIONS.md: every command in it runs, and prints what the page says."""

import re
import runpy
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.fakes import FakePublisher, FakeStripe
from tests.local import estate
from tests.stripe_payloads import NOON
from vaultra import services as wiring
from vaultra.config import RuntimeSettings
from vaultra.services import Services
from vaultra.telemetry import configure
from vaultra_local import cli
from vaultra_local.catalogue import ROOT

PAGE = ROOT / "docs" / "OPERATIONS.md"
TEXT = PAGE.read_text()
BLOCKS = re.findall(r"^```console\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
Console = Callable[[list[str]], str]


@pytest.fixture
def console(
    fresh_engine: Engine,
    fresh_database_url: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Console]:
    """Runs commands one after the other over the filled database; gives what a terminal shows."""
    with fresh_engine.begin() as conn:
        estate.fill(conn)
    services = Services(clock=lambda: NOON, engine=fresh_engine, publisher=FakePublisher(), stripe=FakeStripe())
    wiring.use(services)
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEYS", ",".join(estate.ENCRYPTION_KEYS))

    def run(commands: list[str]) -> str:
        shown = ""
        for command in commands:
            program, *words = shlex.split(command)
            capsys.readouterr()
            if program == "vaultra":
                assert cli.main(words) == 0, capsys.readouterr().err
            else:
                assert (program, words[0]) == ("python", "-m"), f"nobody tries {command}"
                monkeypatch.delitem(sys.modules, words[1], raising=False)
                runpy.run_module(words[1], run_name="__main__")
            shown += f"$ {command}\n{capsys.readouterr().out}"
        return shown

    yield run
    wiring.use(None)
    configure(RuntimeSettings(log_level="CRITICAL"))


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_prints_what_the_page_says(number: int, console: Console) -> None:
    block = BLOCKS[number]
    assert console([line[2:] for line in block.splitlines() if line.startswith("$ ")]) == block


def test_every_command_is_on_the_page() -> None:
    told = {command.name for command in cli.COMMANDS if f"vaultra {command.name}" in TEXT}
    assert told == {command.name for command in cli.COMMANDS} - {"demo", "dev", "package"}


def test_what_changes_something_is_tried_without_effect_first() -> None:
    """Each chapter's dry run comes before the command itself; the restore's lines are for an empty house."""
    for block in BLOCKS:
        commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
        dry = [command.removesuffix(" --dry-run") for command in commands if command.endswith(" --dry-run")]
        assert all(commands.index(f"{command} --dry-run") < commands.index(command) for command in dry)


def test_what_the_page_refers_to_exists() -> None:
    for name in re.findall(r"`(tests/[a-z_/]+\.py)`", TEXT):
        assert Path(ROOT / name).exists(), name
    headings = {re.sub(r"[^a-z0-9 -]", "", line[3:].lower()).replace(" ", "-") for line in TEXT.splitlines()
                if line.startswith("## ")}  # fmt: skip
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings
