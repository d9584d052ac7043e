"""Tools about the score: what makes it, what changed it, what would change it, and what lenders ask for."""

from pydantic import Field

from vaultra.agent.toolbox import NoArguments, ToolContext, ToolSpec
from vaultra.agent.toolbox_metrics import MetricName
from vaultra.domain.readiness import TierKey
from vaultra.schemas import Body
from vaultra.schemas_changes import ChangesReply, Moment
from vaultra.schemas_paths import PathReply
from vaultra.schemas_readiness import CriteriaReply, ReadinessReply, SimulateBody, SimulationReply
from vaultra.usecases import criteria, paths, readiness, score_changes, what_if


class ChangeArguments(Body):
    """Since when: a date stands for its first moment, UTC."""

    since: Moment | None = Field(
        default=None, description="A date (2026-11-01) or a time; 30 days ago when it is not named."
    )


class PathArguments(Body):
    """Where the path is to lead."""

    target: TierKey | None = Field(default=None, description="The next tier when it is not named.")


class SimulateArguments(Body):
    """New values by metric."""

    changes: dict[MetricName, int | float | str] = Field(
        min_length=1,
        max_length=40,
        description=(
            'New values by the metric\'s key, for instance {"refund_ratio": 0.03}: ratios as fractions, amounts in '
            "major units of the business's currency."
        ),
    )


def _breakdown(context: ToolContext, _: NoArguments) -> ReadinessReply:
    with context.open() as conn:
        return ReadinessReply.of(readiness.current(conn, context.business.id))


def _explain(context: ToolContext, arguments: ChangeArguments) -> ChangesReply:
    with context.open() as conn:
        explained = score_changes.explain(conn, context.business.id, arguments.since, context.now)
    return ChangesReply.of(explained)


def _path(context: ToolContext, arguments: PathArguments) -> PathReply:
    with context.open() as conn:
        found = paths.prospects(conn, context.business.id, arguments.target, context.now)
    return PathReply.of(context.business.id, found)


def _simulate(context: ToolContext, arguments: SimulateArguments) -> SimulationReply:
    changes = SimulateBody(changes=arguments.changes).exact_changes
    with context.open() as conn:
        return SimulationReply.of(what_if.what_if(conn, context.business.id, changes))


def _criteria(context: ToolContext, _: NoArguments) -> CriteriaReply:
    with context.open() as conn:
        return CriteriaReply.of(criteria.against_published(conn, context.business.id))


READINESS_BREAKDOWN = ToolSpec(
    name="get_readiness_breakdown",
    title="Reading your score",
    description=(
        "The business's readiness score from 0 to 100 as it stands, its tier, its trend over 30 days, and every rule "
        "with its points, value and a sentence that explains it. Ask it for anything about the score, its strongest "
        "or weakest parts, or whether the business is ready for funding."
    ),
    arguments=NoArguments,
    result=ReadinessReply,
    run=_breakdown,
)
EXPLAIN_CHANGE = ToolSpec(
    name="explain_change",
    title="Comparing your scores",
    description=(
        "Why the score changed since a day: each rule's difference in points, adding up exactly, and the payments, "
        "refunds, disputes or payouts behind it."
    ),
    arguments=ChangeArguments,
    result=ChangesReply,
    run=_explain,
)
PATH_TO_NEXT_TIER = ToolSpec(
    name="path_to_next_tier",
    title="Looking for the path to the next tier",
    description=(
        "The smallest set of steps to the next or a named tier with the earliest day it can be reached, and what the "
        "coming 90 days bring by themselves: the days on which the score changes because old events stop counting."
    ),
    arguments=PathArguments,
    result=PathReply,
    run=_path,
)
SIMULATE = ToolSpec(
    name="simulate",
    title="Working out what would change",
    description="The score the business would have with some metrics at other values. Nothing is stored or changed.",
    arguments=SimulateArguments,
    result=SimulationReply,
    run=_simulate,
)
CRITERIA_MONITOR = ToolSpec(
    name="criteria_monitor",
    title="Reading what lenders publish",
    description=(
        "Minimums that lenders have published, each with its source and date, beside the business's own numbers: met, "
        "not met, or not measured. Information, not offers; it does not say whether anybody would lend."
    ),
    arguments=NoArguments,
    result=CriteriaReply,
    run=_criteria,
)
SCORE_TOOLS = (READINESS_BREAKDOWN, EXPLAIN_CHANGE, PATH_TO_NEXT_TIER, SIMULATE, CRITERIA_MONITOR)
