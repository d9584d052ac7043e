"""The thresholds that the site draws into its charts are those by which the score is decided."""

import json
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.domain.shops import AS_OF, shop
from vaultra.domain.metrics import compute_metrics
from vaultra.domain.readiness import score

SHOWN: dict[str, dict[str, list[float]]] = json.loads(
    (Path(__file__).parents[2] / "frontend/src/lib/score-edges.json").read_text()
)
RULES = {"top_customer_share": "concentration", "refund_volume_ratio": "refunds"}
METRICS = compute_metrics(shop(), AS_OF)
A_LITTLE = Fraction(1, 1_000_000)


def points(metric: str, value: Fraction) -> int:
    """What the metric's rule gives when it has this value, and enough of everything to be judged."""
    changed = METRICS.with_values({metric: value})
    judged = replace(changed, measures={**changed.measures, metric: replace(changed[metric], sample=1000)})
    rule = RULES.get(metric, metric)
    return next(part.points for part in score(judged).components if part.key == rule)


@pytest.mark.parametrize("metric", SHOWN)
def test_each_edge_stands_where_the_points_change(metric: str) -> None:
    shown: dict[str, Any] = SHOWN[metric]
    edges = [Fraction(str(edge)) for edge in shown["edges"]]
    assert len(shown["points"]) == len(edges) + 1
    for edge, (below, above) in zip(edges, pairwise(shown["points"]), strict=True):
        assert (points(metric, edge - A_LITTLE), points(metric, edge + A_LITTLE)) == (below, above)


@pytest.mark.parametrize("metric", SHOWN)
def test_no_edge_is_missing(metric: str) -> None:
    edges = [Fraction(str(edge)) for edge in SHOWN[metric]["edges"]]
    grid = [Fraction(step, 1000) * 2 * edges[-1] for step in range(1001)]
    found = {points(metric, value) for value in grid if all(abs(value - edge) > A_LITTLE for edge in edges)}
    changes = sum(
        points(metric, first) != points(metric, then)
        for first, then in pairwise(value for value in grid if value not in edges)
    )
    assert (found, changes) == (set(SHOWN[metric]["points"]), len(edges))
