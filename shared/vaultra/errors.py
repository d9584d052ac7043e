"""What can go wrong, in the words of the HTTP contract. Only the edge renders these."""

from collections.abc import Mapping
from typing import Any


class VaultraError(Exception):
    """Base of every error a caller may see.

    `code` and `status` are the envelope's; `retry` says whether the same call may succeed later:
    a message whose handling raises a retryable error is delivered again, any other is recorded
    as a dead letter and acknowledged.
    """

    code = "INTERNAL_ERROR"
    status = 500
    retry = False

    def __init__(self, message: str, *, details: Mapping[str, Any] | None = None, retry_after: int | None = None):
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})
        self.retry_after = retry_after


class InvalidInput(VaultraError):
    """The request can't be parsed, misses a field or has one of the wrong type."""

    code, status = "VALIDATION_ERROR", 400


class BusinessRequired(VaultraError):
    """The caller has several businesses (or none) and named none."""

    code, status = "BUSINESS_REQUIRED", 400


class Unauthorized(VaultraError):
    """Nobody is signed in, or the token is not good; `challenge` is the answer's WWW-Authenticate."""

    code, status, challenge = "UNAUTHORIZED", 401, "Bearer"


class Forbidden(VaultraError):
    """The caller may not do this; also the answer for a business that does not exist."""

    code, status = "FORBIDDEN", 403


class NotFound(VaultraError):
    """There is no such thing."""

    code, status = "NOT_FOUND", 404


class NoData(NotFound):
    """Nothing has been computed for this business yet."""

    code = "NO_DATA"


class MethodNotAllowed(VaultraError):
    """The path exists, the method does not."""

    code, status = "METHOD_NOT_ALLOWED", 405


class Conflict(VaultraError):
    """Somebody else was first, or the state does not allow it."""

    code, status = "CONFLICT", 409


class TooLarge(VaultraError):
    """The body is larger than this endpoint reads."""

    code, status = "TOO_LARGE", 413


class UnsupportedMediaType(VaultraError):
    """The body is not JSON."""

    code, status = "UNSUPPORTED_MEDIA_TYPE", 415


class Unprocessable(VaultraError):
    """Well-formed, and meaningless."""

    code, status = "UNPROCESSABLE", 422


class RateLimited(VaultraError):
    """Too many calls; `retry_after` says when to come back."""

    code, status, retry = "RATE_LIMITED", 429, True


class Unavailable(VaultraError):
    """Something we depend on does not answer now."""

    code, status, retry = "UNAVAILABLE", 503, True


class ConnectionLost(Unavailable):
    """The database went away during the call; whatever was not committed is undone."""


class AccessRevoked(VaultraError):
    """The outside account no longer lets us in; its owner has to connect it again."""

    code, status = "ACCESS_REVOKED", 409
