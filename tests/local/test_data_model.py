"""docs/DATA_MODEL.md is what the models say now, and holds every table."""

import re
from pathlib import Path

import pytest

from vaultra.db.models import Base
from vaultra_local import data_model

PAGE = data_model.PAGE.read_text()


def test_the_page_is_what_the_models_say() -> None:
    assert data_model.page() == PAGE, "run: make data-model"


def test_every_table_and_column_is_on_the_page_once() -> None:
    assert sorted(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)) == sorted(Base.metadata.tables)
    for name, table in Base.metadata.tables.items():
        chapter = PAGE.partition(f"### {name}\n")[2].partition("\n### ")[0]
        told = re.findall(r"^\| \**([a-z_0-9]+)\** \|", chapter, re.MULTILINE)
        assert [column for column in told if column != "column"] == [column.name for column in table.columns], name


def test_every_table_says_what_it_is() -> None:
    for name in Base.metadata.tables:
        about = PAGE.partition(f"### {name}\n\n")[2].partition("\n")[0]
        assert about, name
        assert not about.startswith("|"), name


def test_writing_it_again_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "DATA_MODEL.md"
    for said in (f"{path.name} is new\n", ""):
        assert data_model.main(path) == 0
        assert capsys.readouterr().out == said
