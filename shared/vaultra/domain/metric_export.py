"""A business's metric history as a file for a spreadsheet or a program."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence

from vaultra.domain.metrics import METRICS
from vaultra.domain.stored_metrics import Snapshot, as_read

Cell = str | int | float | None
# A spreadsheet takes a cell that begins with one of these for a formula, and runs it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
COLUMNS = ("period_start", "period_end", "currency", *(metric.key for metric in METRICS), "computed_at")


def to_csv(history: Iterable[Snapshot]) -> str:
    """A line for each snapshot below a line of names; amounts in major units, empty where not measured."""
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    lines.writerows([_safe(cell) for cell in _cells(snapshot)] for snapshot in history)
    return written.getvalue()


def to_json(history: Iterable[Snapshot]) -> str:
    """A list of objects with the same names and values; null where not measured."""
    rows = [dict(zip(COLUMNS, _cells(snapshot), strict=True)) for snapshot in history]
    return json.dumps({"metrics": rows}, ensure_ascii=False, indent=1)


def _cells(snapshot: Snapshot) -> Sequence[Cell]:
    shown = as_read(snapshot)
    return [
        snapshot.period_start.isoformat(),
        snapshot.period_end.isoformat(),
        snapshot.currency,
        *(shown[metric.key] for metric in METRICS),
        snapshot.computed_at.isoformat().replace("+00:00", "Z"),
    ]


def _safe(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
