"""Row O15: an audit that looked nothing up is no audit."""

import json
from pathlib import Path

import pytest

from vaultra_local import audit
from vaultra_local.audit import Pin

WANTED = {Pin("flask", "3.1.3"), Pin("structlog", "26.1.0")}
FLASK = {"name": "Flask", "version": "3.1.3", "vulns": []}
STRUCTLOG = {"name": "structlog", "version": "26.1.0", "vulns": []}


def report(*entries: object) -> dict[str, object]:
    """As `pip-audit --format json` writes it."""
    return {"dependencies": list(entries), "fixes": []}


def test_everything_looked_up_and_nothing_found_is_well() -> None:
    assert audit.judge(WANTED, report(FLASK, STRUCTLOG)) == []


def test_a_skipped_dependency_was_not_audited() -> None:
    skipped = {"name": "structlog", "skip_reason": "Dependency not found on PyPI and could not be audited"}
    assert audit.judge(WANTED, report(FLASK, skipped)) == ["structlog 26.1.0 was not audited"]


def test_another_version_than_the_deployed_one_does_not_count() -> None:
    other = {**STRUCTLOG, "version": "25.1.0"}
    assert audit.judge(WANTED, report(FLASK, other)) == ["structlog 26.1.0 was not audited"]


def test_an_empty_report_is_no_green_light() -> None:
    assert len(audit.judge(WANTED, report())) == len(WANTED)


def test_a_known_hole_is_named() -> None:
    hole = {**FLASK, "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["3.1.4"]}]}
    assert audit.judge(WANTED, report(hole, STRUCTLOG)) == ["flask 3.1.3: PYSEC-2026-1"]


def test_pins_are_read_with_their_markers() -> None:
    text = "# Exported\nFlask==3.1.3\ncffi==2.1.1 ; python_version >= '3.11'\ncolorama==0.4 ; sys_platform == 'win32'\n"
    assert audit.pins([text, "flask==3.1.3\n"]) == {Pin("flask", "3.1.3"), Pin("cffi", "2.1.1")}


def test_every_function_and_the_migrations_are_audited() -> None:
    names = {pin.name for pin in audit.deployed()}
    assert {"functions-framework", "sqlalchemy", "stripe", "bcrypt", "alembic", "cloud-sql-python-connector"} <= names


def test_the_command_counts_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    everything = sorted(audit.deployed())
    entries = [{"name": pin.name, "version": pin.version, "vulns": []} for pin in everything]
    path = tmp_path / "audit.json"

    path.write_text(json.dumps(report(*entries)))
    assert audit.main(["judge", str(path)]) == 0
    assert capsys.readouterr().out == f"{len(everything)} audited of {len(everything)} deployed\n"

    path.write_text(json.dumps(report(*entries[1:])))
    assert audit.main(["judge", str(path)]) == 1
    assert f"{len(everything) - 1} audited of {len(everything)} deployed" in capsys.readouterr().out


def test_the_list_is_what_pip_audit_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main(["list"]) == 0
    assert audit.pins([capsys.readouterr().out]) == audit.deployed()
