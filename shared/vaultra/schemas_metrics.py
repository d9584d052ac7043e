"""Requests and replies about metrics: the latest, their history, their definitions."""

import datetime as dt
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from vaultra.domain.metrics import METRICS, SEED_METRICS, Unit
from vaultra.domain.series import Direction
from vaultra.domain.stored_metrics import Snapshot, as_read
from vaultra.schemas import Params, Reply

DETAILS = tuple(metric.key for metric in METRICS if metric.key not in SEED_METRICS)

_DAY = r"^\d{4}-\d{2}-\d{2}$"


def _read_day(text: object) -> dt.date:
    try:
        if not isinstance(text, str) or not text.isascii() or not re.fullmatch(_DAY, text):
            raise ValueError
        return dt.date.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("day", "must be a date, as 2026-11-20") from None


if TYPE_CHECKING:
    Day = dt.date
else:
    Day = Annotated[dt.date, BeforeValidator(_read_day), WithJsonSchema({"type": "string", "pattern": _DAY})]


class BusinessScope(Params):
    business_id: UUID | None = None


class HistoryParams(Params):
    """Which days; both ends are included. Without a start, as far back as is usual for the granularity."""

    business_id: UUID | None = None
    start_date: Day | None = None
    end_date: Day | None = Field(default=None, description="Today when it is not named.")
    granularity: Literal["day", "week", "month"] = Field(
        default="day", description="The last metrics of each UTC day, ISO week or calendar month."
    )


class ExportParams(HistoryParams):
    """The same history, as a file."""

    format: Literal["csv", "json"] = "csv"


class UnconvertedReply(Reply):
    """An amount in no sum, because it could not be converted; in minor units of its own currency."""

    id: str
    amount_minor: int
    currency: str


class CurrencyReply(Reply):
    """The window's charges made in one currency: `revenue` in it, `settled` in the settlement currency."""

    transaction_count: int
    revenue: float
    settled: float | None
    unconverted_count: int


class BucketReply(Reply):
    """Thirty complete days, both ends included; amounts in the settlement currency."""

    period_start: dt.date
    period_end: dt.date
    revenue_total: float | None
    net_volume: float | None
    transaction_count: int
    chargeback_count: int
    fraud_warnings: int


class DetailsReply(Reply):
    """Every further metric by its key (see /metrics/definitions), and what the numbers rest on."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, float | int | str | None]

    samples: dict[str, int]
    low_sample: list[str]
    not_measured: dict[str, str]
    unconverted: list[UnconvertedReply]
    by_currency: dict[str, CurrencyReply]
    buckets: list[BucketReply]
    history_complete: bool


class SeedMetricsReply(Reply):
    """The metrics of one period; amounts in the major unit of `currency`, null where not measured."""

    period_start: dt.date
    period_end: dt.date
    currency: str | None
    revenue_total: float | None
    revenue_volatility: float | None
    revenue_trend: Direction | None
    chargeback_count: int | None
    chargeback_ratio: float | None
    refund_count: int | None
    refund_ratio: float | None
    payout_reliability: float | None
    transaction_count: int | None
    average_transaction_size: float | None
    mrr: float | None


class MetricsReply(SeedMetricsReply):
    """The latest metrics; amounts in the major unit of `currency`, null where not measured."""

    business_id: UUID
    details: DetailsReply
    computed_at: dt.datetime
    stale: bool

    @classmethod
    def of(cls, snapshot: Snapshot, *, stale: bool) -> Self:
        # Validated as one: a model for each of its parts costs five times as much.
        return cls.model_validate(
            {**_fields(snapshot), "business_id": snapshot.business_id, "stale": stale},
        )


class PastMetricsReply(SeedMetricsReply):
    """The metrics as they were; `details` holds every further metric by its key."""

    details: dict[str, float | int | str | None]
    computed_at: dt.datetime

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        fields = _fields(snapshot)
        details = {key: fields["details"][key] for key in DETAILS}
        return cls.model_validate({**fields, "details": details})


class MetricsHistoryReply(Reply):
    """Oldest first; at most 366, of more the latest. Days on which nothing was computed are not in it."""

    metrics: list[PastMetricsReply]

    @classmethod
    def of(cls, history: Iterable[Snapshot]) -> Self:
        return cls(metrics=[PastMetricsReply.of(snapshot) for snapshot in history])


class DefinitionReply(Reply):
    """What a metric means and how it is computed; `low_sample_below` marks samples that are small."""

    key: str
    label: str
    unit: Unit
    meaning: str
    formula: str
    source: str
    low_sample_below: int | None


class DefinitionsReply(Reply):
    metrics: list[DefinitionReply]

    @classmethod
    def of_all(cls) -> Self:
        fields = DefinitionReply.model_fields
        return cls(metrics=[DefinitionReply(**{name: getattr(metric, name) for name in fields}) for metric in METRICS])


def _fields(snapshot: Snapshot) -> dict[str, Any]:
    read = as_read(snapshot)
    return {
        "period_start": snapshot.period_start,
        "period_end": snapshot.period_end,
        "currency": snapshot.currency,
        **{key: read.pop(key) for key in SEED_METRICS},
        "details": read,
        "computed_at": snapshot.computed_at,
    }
