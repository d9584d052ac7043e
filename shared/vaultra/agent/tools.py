"""Every tool the agent has, and the one way to use them: in the chat, by a model, and over MCP."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from vaultra.agent.sizes import fit
from vaultra.agent.toolbox import ToolContext, ToolSpec
from vaultra.agent.toolbox_business import BUSINESS_CONTEXT, TOP_RECOMMENDATIONS
from vaultra.agent.toolbox_knowledge import SEARCH_KNOWLEDGE
from vaultra.agent.toolbox_metrics import METRIC_SUMMARY
from vaultra.agent.toolbox_score import (
    CRITERIA_MONITOR,
    EXPLAIN_CHANGE,
    PATH_TO_NEXT_TIER,
    READINESS_BREAKDOWN,
    SIMULATE,
)
from vaultra.db.engine import translate
from vaultra.errors import InvalidInput, VaultraError
from vaultra.ports import Json
from vaultra.schemas import Body
from vaultra.telemetry import log

__all__ = ["TOOLS", "ToolContext", "ToolOutcome", "ToolSpec", "use_tool"]

LONGEST_RESULT = 12_000
"""Characters of JSON that a result has at most."""
LONGEST_ARGUMENTS = 4_000
_SPECS: tuple[ToolSpec[Any, Any], ...] = (
    READINESS_BREAKDOWN,
    TOP_RECOMMENDATIONS,
    METRIC_SUMMARY,
    BUSINESS_CONTEXT,
    SEARCH_KNOWLEDGE,
    EXPLAIN_CHANGE,
    PATH_TO_NEXT_TIER,
    SIMULATE,
    CRITERIA_MONITOR,
)
TOOLS: Mapping[str, ToolSpec[Any, Any]] = {spec.name: spec for spec in _SPECS}


@dataclass(frozen=True)
class ToolOutcome:
    """What became of one use of a tool.

    Attributes:
        id: Tells this use apart from others of the same answer; given by whoever used the tool.
        arguments: As they were understood; empty when they were not.
        result: What the tool's model says, with `left_out` where lists had to be cut; None when not `ok`.
        error: Why not, in words for a model and an owner; None when `ok`.
    """

    id: str
    name: str
    title: str
    arguments: Json
    ok: bool
    result: Json | None
    error: str | None
    milliseconds: int


def use_tool(context: ToolContext, name: str, arguments: Mapping[str, Any] | str, *, id: str) -> ToolOutcome:  # noqa: A002
    """Use a tool by its name; whatever is wrong with name, arguments or data is told in the outcome.

    Args:
        arguments: As a mapping, or as the JSON a model wrote.
    """
    began = time.perf_counter()
    spec = TOOLS.get(name)
    understood: Json = {}
    result: Json | None = None
    error: str | None = None
    try:
        if spec is None:
            raise InvalidInput(f"There is no such tool. There are: {', '.join(TOOLS)}.")
        given = _understand(spec, arguments)
        understood = given.model_dump(mode="json")
        result = fit(spec.run(context, given).model_dump(mode="json"), LONGEST_RESULT)
    except Exception as trouble:
        error = _in_words(trouble)
    milliseconds = round((time.perf_counter() - began) * 1000)
    known = "unknown" if spec is None else spec.name
    log.info("tool.used", tool=known, ok=error is None, ms=milliseconds)
    return ToolOutcome(
        id=id,
        name=known,
        title="Trying something I can't do" if spec is None else spec.title,
        arguments=understood,
        ok=error is None,
        result=result,
        error=error,
        milliseconds=milliseconds,
    )


def _understand(spec: ToolSpec[Any, Any], arguments: Mapping[str, Any] | str) -> Body:
    """The arguments as the tool's model has them; raise `InvalidInput` that says what to change."""
    try:
        written = arguments if isinstance(arguments, str) else orjson.dumps(dict(arguments)).decode()
    except TypeError:
        raise InvalidInput("The arguments are not JSON.") from None
    if len(written) > LONGEST_ARGUMENTS:
        raise InvalidInput(f"The arguments may have at most {LONGEST_ARGUMENTS} characters.")
    try:
        understood: Body = spec.arguments.model_validate_json(written)
    except ValidationError as error:
        raise InvalidInput(_what_is_wrong(spec, error)) from None
    return understood


def _what_is_wrong(spec: ToolSpec[Any, Any], error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    known = ", ".join(spec.arguments.model_fields) or "no arguments"
    if first["type"] == "extra_forbidden":
        # Its name is not repeated: it is whatever somebody made a model write.
        return f"An argument is not known. {spec.name} takes: {known}."
    if first["type"] == "json_invalid":
        return "The arguments are not JSON."
    field = str(first["loc"][0]) if first["loc"] and first["loc"][0] in spec.arguments.model_fields else "the arguments"
    return f"{field}: {first['msg']}."


def _in_words(trouble: Exception) -> str:
    error = trouble if isinstance(trouble, VaultraError) else translate(trouble)
    if error is None:
        log.error("tool.crashed", exc_info=trouble)
        return "Something went wrong on our side."
    if error.status >= 500:
        log.warning("tool.unavailable", reason=error.message)
        return "This can't be read just now. Try again in a moment."
    return error.message
