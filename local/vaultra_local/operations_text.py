"""Rows and facts as an operator reads them on a terminal."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import orjson


def table_text(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """A heading with the number of rows, and the rows in columns as wide as they need."""
    if not rows:
        return f"No {name}."
    lines = [list(rows[0]), *([_shown(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    spaced = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join([f"{name[0].upper()}{name[1:]}: {len(rows)}", *(f"  {line}".rstrip() for line in spaced)])


def facts_text(facts: Mapping[str, Any]) -> str:
    """A line for every fact."""
    width = max(map(len, facts))
    return "\n".join(f"  {name.ljust(width)}  {_shown(value)}".rstrip() for name, value in facts.items())


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return str(value)
