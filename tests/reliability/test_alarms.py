"""RELIABILITY row O12: every alarm on a line of the log waits for a line, with its fields, that the code writes.

`tests/terraform/test_agrees_with_the_code.py` sends such lines through our logging and Cloud Logging's filters.
"""

import ast
import re
from pathlib import Path

import pytest

from vaultra_local.catalogue import ROOT

LOG_ALERTS = (ROOT / "terraform" / "log_alerts.tf").read_text()
ALARM = re.compile(r'title += "([^"]+)"\n +severity = "\w+"\n +filter += "(jsonPayload.*)"\n')
FILTERS = {title: told.replace('\\"', '"') for title, told in ALARM.findall(LOG_ALERTS)}
LEVELS = {"info", "warning", "error"}


def written() -> dict[str, list[set[str]]]:
    """Every line that the shared package writes: its message, and the fields of each place that writes it."""
    found: dict[str, list[set[str]]] = {}
    for path in sorted(Path(ROOT, "shared", "vaultra").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in LEVELS
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "log"
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                fields = {keyword.arg for keyword in node.keywords if keyword.arg is not None}
                found.setdefault(str(node.args[0].value), []).append(fields)
    return found


WRITTEN = written()


def test_o12_there_are_alarms_on_lines() -> None:
    print(f"\nO12: {len(FILTERS)} alarms on lines of the log, of {len(WRITTEN)} different lines that the code writes")
    assert len(FILTERS) == len(re.findall(r"jsonPayload\.message=", LOG_ALERTS)) > 0


@pytest.mark.parametrize("title", FILTERS)
def test_o12_an_alarm_waits_for_a_line_with_the_fields_that_the_code_gives_it(title: str) -> None:
    [message] = re.findall(r'jsonPayload\.message="([^"]+)"', FILTERS[title])
    wanted = set(re.findall(r"jsonPayload\.(?!message)(\w+)", FILTERS[title]))
    assert message in WRITTEN, f"nobody writes {message}"
    assert all(wanted <= fields for fields in WRITTEN[message]), f"{message} is written without {wanted}"


def test_o12_every_error_that_nobody_foresaw_has_an_alarm() -> None:
    crashed = {message for message in WRITTEN if message.endswith(".crashed")}
    told = {message for message in crashed if f'="{message}"' in " ".join(FILTERS.values())}
    # A run that crashed has failed, and is told as that in the same moment.
    assert crashed - told == {"sync.crashed"}
