"""The bases of everything that crosses the HTTP boundary, and the replies that several rooms share."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A request body or a message: exact types, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Params(BaseModel):
    """Path and query parameters together; they arrive as text, so numbers are read from text."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Reply(BaseModel):
    """What leaves. Fields that are None stay in the answer, as null."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)


class ErrorBody(BaseModel):
    """One error, in words a person can act on. `details` names `field` and `reason` when input was wrong."""

    code: str
    message: str
    details: dict[str, object]
    request_id: str


class ErrorReply(BaseModel):
    """The envelope of every error."""

    error: ErrorBody
