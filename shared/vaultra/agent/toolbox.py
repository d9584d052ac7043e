"""What a tool of the agent is: a name, an argument and a result model, and what it may use while it runs."""

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import Connection

from vaultra.agent.sizes import LEFT_OUT, LEFT_OUT_SCHEMA
from vaultra.domain.accounts import Membership
from vaultra.ports import Embedder, Json, VectorSearch
from vaultra.schemas import Body

Arguments = TypeVar("Arguments", bound=Body)
Result = TypeVar("Result", bound=BaseModel)


class NoArguments(Body):
    """Nothing is asked beside the tool itself."""


@dataclass(frozen=True)
class ToolContext:
    """What a tool may use: one business, one moment, and doors that are opened only while a tool runs.

    Attributes:
        business: Whose numbers are read. It comes from the caller's token, never from arguments.
        open: A short-lived connection that only reads (`db.short_reads`).
    """

    business: Membership
    now: dt.datetime
    open: Callable[[], AbstractContextManager[Connection]]
    embedder: Embedder
    vectors: VectorSearch


@dataclass(frozen=True)
class ToolSpec(Generic[Arguments, Result]):
    """One tool, for the agent's own loop, for models and for MCP alike. It only reads.

    Attributes:
        title: What an owner reads while it runs.
        description: For a model: what it tells, and when to ask.
        run: Raises `VaultraError` when it can't tell.
    """

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    result: type[Result]
    run: Callable[[ToolContext, Arguments], Result]

    @cached_property
    def parameters(self) -> Json:
        """The JSON schema of its arguments."""
        return _plain(self.arguments.model_json_schema())

    @cached_property
    def output_schema(self) -> Json:
        """The JSON schema of its result, of which the ends of long lists may be left out."""
        schema = _plain(self.result.model_json_schema(mode="serialization"))
        return {**schema, "properties": {**schema["properties"], LEFT_OUT: LEFT_OUT_SCHEMA}}


def _plain(schema: Any) -> Any:
    """The schema without pydantic's titles, which say nothing and cost a model's attention."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: {key: _plain(value) for key, value in item.items()} if name in ("properties", "$defs") else _plain(item)
        for name, item in schema.items()
        if not (name == "title" and isinstance(item, str))
    }
