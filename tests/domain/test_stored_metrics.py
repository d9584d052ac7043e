"""A metric set survives being stored, and is read out of what is stored as the exact set would be."""

import datetime as dt
import uuid
from fractions import Fraction

import orjson

from tests.domain import shops
from vaultra.domain.metric_set import MetricSet
from vaultra.domain.metrics import METRICS, compute_metrics
from vaultra.domain.money import to_number
from vaultra.domain.stored_metrics import STORED_KEYS, UNKNOWN, Snapshot, as_read, to_json

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def stored(known: MetricSet) -> Snapshot:
    return Snapshot(
        id=uuid.uuid4(),
        business_id=uuid.uuid4(),
        period_start=known.period_start,
        period_end=known.period_end,
        currency=known.currency,
        stored=orjson.loads(orjson.dumps(to_json(known))),
        computed_at=NOW,
    )


def exactly(known: MetricSet, key: str) -> object:
    """The metric as the exact set says it, amounts in the major unit."""
    metric = next(metric for metric in METRICS if metric.key == key)
    value = known[key].value
    if metric.unit == "money":
        return None if value is None or known.currency is None else to_number(Fraction(value), known.currency)
    return float(value) if isinstance(value, Fraction) else value


def test_a_stored_set_is_read_back_exactly() -> None:
    known = compute_metrics(shops.shop(), shops.AS_OF)
    assert stored(known).metrics == known


def test_what_is_read_out_of_the_stored_set_is_what_the_exact_set_says() -> None:
    for currency in ("usd", "jpy", "kwd", None):
        known = compute_metrics(shops.shop(settlement_currency=currency), shops.AS_OF)
        read = as_read(stored(known))
        assert {metric.key: read[metric.key] for metric in METRICS} == {
            metric.key: exactly(known, metric.key) for metric in METRICS
        }
        assert read["samples"] == {key: m.sample for key, m in known.measures.items() if m.sample is not None}
        assert read["not_measured"] == {key: m.reason for key, m in known.measures.items() if m.value is None}
        assert [bucket["period_start"] for bucket in read["buckets"]] == [b.first.isoformat() for b in known.buckets]


def test_what_an_earlier_release_stored_is_read_as_it_was() -> None:
    """It stored what is a fraction twice: exactly, and as a number."""
    known = compute_metrics(shops.shop(), shops.AS_OF)
    snapshot = stored(known)
    numbers = {STORED_KEYS[key]: float(m.value) for key, m in known.measures.items() if isinstance(m.value, Fraction)}
    assert not snapshot.stored.keys() & numbers.keys()
    earlier = Snapshot(**{**vars(snapshot), "stored": {**snapshot.stored, **numbers}})
    assert earlier.metrics == known
    assert as_read(earlier) == as_read(snapshot)


def test_a_metric_newer_than_the_snapshot_is_not_measured() -> None:
    snapshot = stored(compute_metrics(shops.shop(), shops.AS_OF))
    old = {key: value for key, value in snapshot.stored.items() if key not in ("net_volume_minor", "history_days")}
    read = as_read(Snapshot(**{**vars(snapshot), "stored": old}))
    assert (read["net_volume"], read["not_measured"]["net_volume"]) == (None, UNKNOWN)
    assert (read["history_days"], read["not_measured"]["history_days"]) == (None, UNKNOWN)
