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
from vaultra_local import cli, operate
from vaultra_local.catalogue import ROOT
from vaultra_local.commands import parser_of

PAGE = ROOT / "docs" / "OPERATIONS.md"
WITH_ALARMS = [
    file for file in (ROOT / "terraform").glob("*.tf") if "google_monitoring_alert_policy" in file.read_text()
]
TEXT = PAGE.read_text()
BLOCKS = re.findall(r"^```console\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
Console = Callable[[list[str]], str]


@pytest.fixture
def console(
    fresh_engine: Engine,
    fresh_database_url: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Console]:
    """Runs commands one after the other over the filled database; gives what a terminal shows."""
    with fresh_engine.begin() as conn:
        estate.fill(conn)
    services = Services(clock=lambda: NOON, engine=fresh_engine, publisher=FakePublisher(), stripe=FakeStripe())
    wiring.use(services)
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEYS", ",".join(estate.ENCRYPTION_KEYS))
    monkeypatch.setenv("SCHEDULE_RECORD", str(tmp_path / "scheduler.json"))

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


# --- the seventeen runbooks ------------------------------------------------------------------

RUNBOOKS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TEXT.partition("## The seventeen runbooks")[2].partition("\n## ")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| runbook")
]
DEPLOYED = {path.name for path in (ROOT / "deploy").glob("*.sh")}


def test_there_are_seventeen_each_with_a_row_that_shows_it() -> None:
    assert len(RUNBOOKS) == 17
    assert len({name for name, *_ in RUNBOOKS}) == 17
    assert all(re.match(r"[A-Z]\d+", shown_by) for *_, shown_by in RUNBOOKS)


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=[name for name, *_ in RUNBOOKS])
def test_a_runbook_is_one_command_that_exists_in_the_chapter_that_it_names(runbook: list[str]) -> None:
    _, command, _, chapter, _ = runbook
    program, *words = shlex.split(command.strip("`"))
    if program == "vaultra":
        options = parser_of(cli.COMMANDS, operate.GROUPS, "").parse_args(words)
        changes = {"dry_run"} <= vars(options).keys()
        assert not changes or parser_of(operate.COMMANDS, operate.GROUPS, "").parse_args([*words, "--dry-run"]).dry_run
    elif program.startswith("deploy/"):
        assert program.removeprefix("deploy/") in DEPLOYED
    else:
        assert program == "gcloud", "tfcheck's own parser reads these"
    [number] = re.findall(r"^\[(\d+)\]\(#\1-", chapter)
    text = TEXT.partition(f"\n## {number}. ")[2].partition("\n## ")[0]
    assert command.strip("`").split(" --")[0] in text.replace("\\\n", ""), "the chapter runs another command"
    assert "**Good:**" in text or number == "9"


def test_every_alarm_that_a_runbook_names_is_terraforms_and_every_line_is_written() -> None:
    terraform = "".join(file.read_text() for file in WITH_ALARMS)
    code = "".join(path.read_text() for path in (ROOT / "shared" / "vaultra").rglob("*.py"))
    for _, _, told, _, _ in RUNBOOKS:
        for alarm in re.findall(r'"([^"]+)"', told):
            assert f'"{alarm}' in terraform, alarm
        for line in re.findall(r"`([a-z_]+\.[a-z_]+)`", told):
            assert f'"{line}"' in code, line


def test_every_alarm_names_a_chapter_with_a_runbook() -> None:
    chapters = {re.findall(r"\(#([^)]+)\)", chapter)[0] for _, _, _, chapter, _ in RUNBOOKS}
    for file in WITH_ALARMS:
        source = file.read_text()
        policies = len(re.findall(r'resource "google_monitoring_alert_policy"', source))
        named = re.findall(r"OPERATIONS\.md#(\$\{each\.value\.chapter\}|[a-z0-9-]+)", source)
        assert len(named) == policies, "an alert policy names no chapter"
        listed = re.findall(r'chapter += "([^"]*)"', source)
        assert {*listed, *(one for one in named if not one.startswith("$"))} <= chapters
