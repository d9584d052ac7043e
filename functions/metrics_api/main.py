"""Latest metrics and their history; the score, its explanation and what would change it."""

from vaultra.domain.metric_export import to_csv, to_json
from vaultra.domain.stored_metrics import Snapshot
from vaultra.entrypoints import Access, Call, Download, Routes, http_function
from vaultra.schemas_changes import ChangesParams, ChangesReply
from vaultra.schemas_metrics import (
    BusinessScope,
    DefinitionsReply,
    ExportParams,
    HistoryParams,
    MetricsHistoryReply,
    MetricsReply,
)
from vaultra.schemas_paths import PathParams, PathReply
from vaultra.schemas_readiness import (
    CriteriaReply,
    DayScoreReply,
    ReadinessReply,
    ScoreHistoryParams,
    ScoreHistoryReply,
    SimulateBody,
    SimulationReply,
)
from vaultra.usecases import criteria, metric_history, metrics, paths, readiness, score_changes, what_if

routes = Routes()
MEDIA_TYPES = {"csv": "text/csv", "json": "application/json"}


@routes.get("/api/v1/metrics", access=Access.VIEWER, errors=(404,))
def get_metrics(call: Call, params: BusinessScope) -> MetricsReply:  # noqa: ARG001 - the edge reads it
    """The latest metrics of a business."""
    snapshot = metrics.latest(call.db, call.business.id)
    return MetricsReply.of(snapshot, stale=metrics.is_stale(snapshot, call.now))


@routes.get("/api/v1/metrics/history", access=Access.VIEWER, errors=(422,))
def get_metrics_history(call: Call, params: HistoryParams) -> MetricsHistoryReply:
    """The metrics a business had, by day, week or month."""
    return MetricsHistoryReply.of(_history(call, params))


@routes.get("/api/v1/metrics/export", access=Access.VIEWER, errors=(422,), downloads=tuple(MEDIA_TYPES.values()))
def export_metrics(call: Call, params: ExportParams) -> Download:
    """The same history as a file: a line for each, all metrics, amounts in major units."""
    found = _history(call, params)
    content = to_csv(found) if params.format == "csv" else to_json(found)
    return Download(f"metrics.{params.format}", MEDIA_TYPES[params.format], content)


@routes.get("/api/v1/metrics/definitions", access=Access.PUBLIC)
def get_definitions(call: Call) -> DefinitionsReply:  # noqa: ARG001
    """What each metric means, its unit, formula and source."""
    return DefinitionsReply.of_all()


@routes.get("/api/v1/readiness", access=Access.VIEWER, errors=(404,))
def get_readiness(call: Call, params: BusinessScope) -> ReadinessReply:  # noqa: ARG001
    """The readiness score of a business, and what makes it."""
    return ReadinessReply.of(readiness.current(call.db, call.business.id))


@routes.get("/api/v1/readiness/history", access=Access.VIEWER)
def get_readiness_history(call: Call, params: ScoreHistoryParams) -> ScoreHistoryReply:
    """The score each of the latest days ended with."""
    scores = score_changes.history(call.db, call.business.id, params.limit)
    return ScoreHistoryReply(scores=[DayScoreReply(**vars(one)) for one in scores])


@routes.get("/api/v1/readiness/changes", access=Access.VIEWER, errors=(404, 422))
def get_readiness_changes(call: Call, params: ChangesParams) -> ChangesReply:
    """What changed since a time: to the point, and down to the objects."""
    return ChangesReply.of(score_changes.explain(call.db, call.business.id, params.since, call.now))


@routes.get("/api/v1/readiness/path", access=Access.VIEWER, errors=(404,))
def get_readiness_path(call: Call, params: PathParams) -> PathReply:
    """The path to the next tier, and when the past stops counting."""
    return PathReply.of(call.business.id, paths.prospects(call.db, call.business.id, params.target, call.now))


@routes.post("/api/v1/readiness/simulate", access=Access.VIEWER, errors=(404, 422))
def simulate_readiness(call: Call, body: SimulateBody) -> SimulationReply:
    """The score that other metrics would give; nothing is stored."""
    return SimulationReply.of(what_if.what_if(call.db, call.business.id, body.exact_changes))


@routes.get("/api/v1/readiness/criteria", access=Access.VIEWER, errors=(404,))
def get_criteria(call: Call, params: BusinessScope) -> CriteriaReply:  # noqa: ARG001
    """Minimums that lenders publish, beside the business's own numbers: information, not offers."""
    return CriteriaReply.of(criteria.against_published(call.db, call.business.id))


def _history(call: Call, params: HistoryParams) -> list[Snapshot]:
    return metric_history.history(
        call.db, call.business.id, params.start_date, params.end_date, params.granularity, call.now
    )


metrics_api = http_function("metrics_api", routes)
