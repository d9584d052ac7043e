"""The tool about the metrics: all of them beside what they were, or one with its meaning and its past."""

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from sqlalchemy import Connection

from vaultra.agent.toolbox import ToolContext, ToolSpec
from vaultra.db.metric_history import Granularity
from vaultra.domain.metrics import METRICS, Metric, Unit
from vaultra.domain.money import to_number
from vaultra.domain.period import ONE_DAY, WINDOW_DAYS
from vaultra.domain.stored_metrics import Snapshot, as_read
from vaultra.schemas import Body, Reply
from vaultra.schemas_metrics import BucketReply, Day, DefinitionReply
from vaultra.usecases import metric_history, metrics

Number = float | int | str | None

# Full 30-day periods that are told: as many as volatility and trend are computed from.
PERIODS = 6
# Of these metrics, the sum over several periods is the metric of them together.
ADDED_UP = frozenset({"revenue_total", "net_volume", "transaction_count", "chargeback_count", "fraud_warnings"})
# Days without a computation there may be before the day that is compared with.
WITHIN_DAYS = 7
_BY_KEY = {metric.key: metric for metric in METRICS}


def _known(key: str) -> str:
    if key not in _BY_KEY:
        raise PydanticCustomError("metric", "this is not one of the metrics' keys")
    return key


MetricName = Annotated[str, AfterValidator(_known), Field(max_length=60, json_schema_extra={"enum": [*_BY_KEY]})]


class MetricArguments(Body):
    """Which metric, and which part of its past; without a metric, all of them as they are."""

    metric: MetricName | None = Field(default=None, description="All metrics when it is not named.")
    start_date: Day | None = Field(default=None, description="Where a named metric's history begins.")
    end_date: Day | None = Field(default=None, description="Where it ends; today when it is not named.")
    granularity: Granularity = Field(default="week", description="The history's last value of each such span.")


class MetricLineReply(Reply):
    """One metric. Amounts in the major unit of the currency, ratios as fractions, null where not measured.

    `earlier` is the value on `earlier_on`; `change` the value less that, `change_ratio` the change as a share of it.
    """

    key: str
    label: str
    unit: Unit
    value: Number
    sample: int | None
    low_sample: bool
    not_measured: str | None
    earlier: Number
    change: float | None
    change_ratio: float | None


class MetricPointReply(Reply):
    """A metric's value as it was on a day."""

    on: dt.date
    value: Number


class SpanReply(Reply):
    """A named metric over so many of the latest full 30-day periods together."""

    metric: str
    unit: Unit
    currency: str | None
    periods: int
    period_start: dt.date
    period_end: dt.date
    total: float


class MetricSummaryReply(Reply):
    """The latest metrics beside those of 30 days before; a named one with what it means and its history.

    `period_start` and `period_end` are the 30 days that most metrics look at; `periods` the latest full 30-day
    periods, oldest first; `spans` the sums over several of them, where a named metric can be added up. `earlier_on` is
    null when nothing was computed then. `stale` says that the hourly computation has failed to come by.
    """

    period_start: dt.date
    period_end: dt.date
    currency: str | None
    computed_at: dt.datetime
    stale: bool
    history_complete: bool
    earlier_on: dt.date | None
    metrics: list[MetricLineReply]
    definition: DefinitionReply | None
    history: list[MetricPointReply]
    periods: list[BucketReply]
    spans: list[SpanReply]


def _summary(context: ToolContext, arguments: MetricArguments) -> MetricSummaryReply:
    asked = None if arguments.metric is None else _BY_KEY[arguments.metric]
    with context.open() as conn:
        latest = metrics.latest(conn, context.business.id)
        earlier = _earlier(conn, context, latest)
        history = [] if asked is None else _history(conn, context, arguments)
    now = as_read(latest)
    before = None if earlier is None else as_read(earlier)
    return MetricSummaryReply(
        period_start=latest.period_start,
        period_end=latest.period_end,
        currency=latest.currency,
        computed_at=latest.computed_at,
        stale=metrics.is_stale(latest, context.now),
        history_complete=now["history_complete"],
        earlier_on=None if earlier is None else earlier.period_end,
        metrics=[
            MetricLineReply(
                key=metric.key,
                label=metric.label,
                unit=metric.unit,
                value=now[metric.key],
                sample=now["samples"].get(metric.key),
                low_sample=metric.key in now["low_sample"],
                not_measured=now["not_measured"].get(metric.key),
                earlier=None if before is None else before[metric.key],
                **_difference(metric, latest, earlier),
            )
            for metric in ([asked] if asked else METRICS)
        ],
        definition=asked and DefinitionReply(**{name: getattr(asked, name) for name in DefinitionReply.model_fields}),
        history=[MetricPointReply(on=one.period_end, value=as_read(one)[asked.key]) for one in history if asked],
        periods=(periods := [BucketReply.model_validate(bucket) for bucket in now["buckets"][-PERIODS:]]),
        spans=[] if asked is None or asked.key not in ADDED_UP else list(_spans(asked, latest.currency, periods)),
    )


def _earlier(conn: Connection, context: ToolContext, latest: Snapshot) -> Snapshot | None:
    """The metrics of the 30 days before; None when there are none, or in another currency."""
    last = latest.period_end - ONE_DAY * WINDOW_DAYS
    found = metric_history.history(
        conn, context.business.id, last - ONE_DAY * (WITHIN_DAYS - 1), last, "day", context.now
    )
    return found[-1] if found and found[-1].currency == latest.currency else None


def _spans(metric: Metric, currency: str | None, periods: Sequence[BucketReply]) -> Iterator[SpanReply]:
    """The sums over two periods and more; none across one in which the metric was not measured."""
    for count in range(2, len(periods) + 1):
        latest = periods[-count:]
        values = [getattr(period, metric.key) for period in latest]
        if None not in values:
            yield SpanReply(
                metric=metric.key,
                unit=metric.unit,
                currency=currency if metric.unit == "money" else None,
                periods=count,
                period_start=latest[0].period_start,
                period_end=latest[-1].period_end,
                total=float(sum(Decimal(repr(value)) for value in values)),
            )


def _history(conn: Connection, context: ToolContext, arguments: MetricArguments) -> Sequence[Snapshot]:
    return metric_history.history(
        conn,
        context.business.id,
        arguments.start_date,
        arguments.end_date,
        arguments.granularity,
        context.now,
    )


def _difference(metric: Metric, latest: Snapshot, earlier: Snapshot | None) -> dict[str, float | None]:
    """How far the metric moved, computed from the exact values."""
    unknown: dict[str, float | None] = {"change": None, "change_ratio": None}
    if earlier is None:
        return unknown
    value, before = (snapshot.metrics[metric.key].value for snapshot in (latest, earlier))
    if value is None or before is None or isinstance(value, str) or isinstance(before, str):
        return unknown
    change = Fraction(value) - Fraction(before)
    ratio = float(change / Fraction(before)) if before else None
    if metric.unit != "money":
        return {"change": float(change), "change_ratio": ratio}
    shown = None if latest.currency is None else to_number(change, latest.currency)
    return {"change": shown, "change_ratio": ratio}


METRIC_SUMMARY = ToolSpec(
    name="get_metric_summary",
    title="Reading your numbers",
    description=(
        "The business's metrics over the last 30 days (revenue, charges, refunds, chargebacks, payouts, recurring "
        "revenue and more), each beside its value of 30 days before; with a metric named, also what it means, how it "
        "is computed, and its history."
    ),
    arguments=MetricArguments,
    result=MetricSummaryReply,
    run=_summary,
)
