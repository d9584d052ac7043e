"""The route table of an API room: one declaration gives matching, access, validation and the OpenAPI document."""

import enum
import inspect
import re
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

Handler = TypeVar("Handler", bound=Callable[..., Any])


class Access(enum.Enum):
    """Who may call a route. The last three are roles in the business the call is about."""

    PUBLIC = "public"
    USER = "user"
    VIEWER = "viewer"
    ADMIN = "admin"
    OWNER = "owner"

    @property
    def of_business(self) -> bool:
        """Whether a business has to be named, or inferred, and the caller be its member."""
        return self in (Access.VIEWER, Access.ADMIN, Access.OWNER)


@dataclass(frozen=True)
class Route:
    """One method and path. The handler's annotations are the contract: `params`, `body` and the return type.

    A `raw` route is async and gets the bytes as they came (`RawCall`). `redirects` says that the answer may
    be a redirect; `downloads` are the media types of the file it gives instead of a reply; `streams` says that the
    reply may come in pieces, as server-sent events. `errors` are the statuses it may answer beside those of all routes.
    """

    method: str
    path: str
    handler: Callable[..., Any]
    access: Access
    status: int
    raw: bool
    redirects: bool
    errors: tuple[int, ...]
    downloads: tuple[str, ...]
    streams: bool
    params: type[BaseModel] | None
    body: type[BaseModel] | None
    reply: type[BaseModel] | None
    pattern: re.Pattern[str]

    @property
    def reads_only(self) -> bool:
        """Whether calling it changes nothing: a GET, unless it is a step of a round trip."""
        return self.method == "GET" and not self.redirects

    @property
    def methods(self) -> set[str]:
        # A redirect may be the end of a round trip that works once: a preview's HEAD must not use it up.
        return {"GET", "HEAD"} if self.reads_only else {self.method}


class Routes:
    """The routes of one room, in the order in which they were declared."""

    def __init__(self) -> None:
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def get(self, path: str, *, access: Access, **options: Any) -> Callable[[Handler], Handler]:
        return self._add("GET", path, access, **options)

    def post(self, path: str, *, access: Access, **options: Any) -> Callable[[Handler], Handler]:
        return self._add("POST", path, access, **options)

    def patch(self, path: str, *, access: Access, **options: Any) -> Callable[[Handler], Handler]:
        return self._add("PATCH", path, access, **options)

    def delete(self, path: str, *, access: Access, **options: Any) -> Callable[[Handler], Handler]:
        return self._add("DELETE", path, access, **options)

    def _add(
        self,
        method: str,
        path: str,
        access: Access,
        *,
        status: int = 200,
        raw: bool = False,
        redirects: bool = False,
        errors: tuple[int, ...] = (),
        downloads: tuple[str, ...] = (),
        streams: bool = False,
    ) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            hints = typing.get_type_hints(handler)
            self._routes.append(
                Route(
                    method=method,
                    path=path,
                    handler=handler,
                    access=access,
                    status=status,
                    raw=raw,
                    redirects=redirects,
                    errors=errors,
                    downloads=downloads,
                    streams=streams,
                    params=_model(hints.get("params")),
                    body=_model(hints.get("body")),
                    reply=_model(hints.get("return")),
                    pattern=_pattern(path),
                )
            )
            return handler

        return register


def _model(hint: Any) -> type[BaseModel] | None:
    for candidate in typing.get_args(hint) or (hint,):
        if inspect.isclass(candidate) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _pattern(path: str) -> re.Pattern[str]:
    named = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))
    return re.compile(f"^{named}/?$")
