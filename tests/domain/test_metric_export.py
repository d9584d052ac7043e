"""The history as a file: every metric, exact amounts, and nothing that a spreadsheet would run."""

import csv
import datetime as dt
import io
import json
import uuid
from dataclasses import replace

import pytest

from tests.domain.shops import AS_OF, shop
from vaultra.domain.metric_export import COLUMNS, to_csv, to_json
from vaultra.domain.metrics import compute_metrics
from vaultra.domain.stored_metrics import Snapshot
from vaultra.domain.stored_metrics import to_json as stored_json

METRICS = compute_metrics(shop(), AS_OF)
SNAPSHOT = Snapshot(
    id=uuid.UUID(int=1),
    business_id=uuid.UUID(int=2),
    period_start=METRICS.period_start,
    period_end=METRICS.period_end,
    currency="usd",
    stored=stored_json(METRICS),
    computed_at=AS_OF,
)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_line_for_each_snapshot() -> None:
    earlier = replace(SNAPSHOT, period_end=METRICS.period_end - dt.timedelta(days=1))
    found = rows(to_csv([earlier, SNAPSHOT]))
    assert [row["period_end"] for row in found] == ["2026-11-19", "2026-11-20"]
    assert tuple(found[0]) == COLUMNS
    assert (found[1]["revenue_total"], found[1]["chargeback_ratio"], found[1]["mrr"]) == ("12000.0", "0.002", "")
    assert to_csv([]).splitlines() == [",".join(COLUMNS)]


def test_the_same_in_json() -> None:
    (found,) = json.loads(to_json([SNAPSHOT]))["metrics"]
    assert tuple(found) == COLUMNS
    assert (found["revenue_total"], found["mrr"], found["revenue_trend"]) == (12000.0, None, "stable")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"], ids=ascii)
def test_text_never_becomes_a_formula(text: str) -> None:
    (found,) = rows(to_csv([replace(SNAPSHOT, stored={**SNAPSHOT.stored, "account_standing": text})]))
    assert found["account_standing"] == f"'{text}"


def test_a_negative_number_stays_a_number() -> None:
    (found,) = rows(to_csv([replace(SNAPSHOT, stored={**SNAPSHOT.stored, "net_volume_minor": -1250})]))
    assert found["net_volume"] == "-12.5"


def test_yen_have_no_hundredths() -> None:
    (found,) = rows(to_csv([replace(SNAPSHOT, currency="jpy")]))
    assert (found["revenue_total"], found["currency"]) == ("1200000.0", "jpy")
