"""One call: its transaction, its clock reading, who makes it, and what it will announce."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import BaseModel

from vaultra.errors import VaultraError
from vaultra.failpoints import reach
from vaultra.ports import Delivery, JoiningPublisher, Message, Span
from vaultra.services import Services
from vaultra.telemetry import log
from vaultra.tracing import handed_on

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vaultra.domain.accounts import Caller, Membership, Profile


@dataclass(frozen=True)
class Cookie:
    """A cookie to set for `path`; `seconds` is its life, 0 deletes it."""

    name: str
    value: str
    path: str
    seconds: int


class Call:
    """What a room gets from the edge. Used by one thread at a time."""

    def __init__(
        self,
        *,
        services: Services,
        now: dt.datetime,
        request_id: str,
        headers: Mapping[str, str],
        address: str = "",
        cookies: Mapping[str, str] | None = None,
    ) -> None:
        self.services = services
        self.now = now
        self.request_id = request_id
        self.headers = headers
        self.address = address
        """The caller's network address; an IPv6 address stands for its whole /64, which belongs to one customer."""
        self.new_cookies: list[Cookie] = []
        self._cookies = cookies or {}
        self.route: str | None = None
        self.reads_only = False
        self.commits_each_statement = False
        """Set before the first use of `db` by whoever does all of its work in one statement."""
        self.message: Delivery | None = None
        self.span: Span | None = None
        """How a trace shows this call; None when it is not traced."""
        self._caller: Caller | None = None
        self._profile: Profile | None = None
        self._business: Membership | None = None
        self._connection: Connection | None = None
        self._outbox: list[Message] = []

    @property
    def db(self) -> "Connection":
        """The call's one transaction; opened by the first use, committed by the edge.

        For a call that only reads, or says so, each statement is a transaction of its own, which saves two round trips.
        """
        if self._connection is None:
            self._connection = self.services.engine.connect()
            if self.reads_only or self.commits_each_statement:
                from vaultra.db.engine import commit_each_statement

                commit_each_statement(self._connection)
        return self._connection

    @property
    def broker_joins(self) -> bool:
        """Whether the broker lives in the database of `db`, and takes messages within its transaction."""
        return isinstance(self.services.publisher, JoiningPublisher)

    @property
    def caller(self) -> "Caller":
        """Who is signed in."""
        assert self._caller is not None, "this route's access is PUBLIC"
        return self._caller

    @caller.setter
    def caller(self, caller: "Caller") -> None:
        self._caller = caller

    @property
    def profile(self) -> "Profile":
        """Who is signed in, as stored, and their businesses."""
        assert self._profile is not None, "this route's access is not USER"
        return self._profile

    @profile.setter
    def profile(self, profile: "Profile") -> None:
        self._profile = profile

    @property
    def business(self) -> "Membership":
        """The business this call is about, and the caller's role there."""
        assert self._business is not None, "this route's access is not a business's"
        return self._business

    @business.setter
    def business(self, membership: "Membership") -> None:
        self._business = membership

    @property
    def accepts_json(self) -> bool:
        """Whether the caller asked for JSON by name; a browser that navigates does not."""
        return "application/json" in self.headers.get("accept", "")

    @property
    def navigates(self) -> bool:
        """Whether a browser is going to show the answer to a person: it says that it takes pages."""
        return "text/html" in self.headers.get("accept", "")

    def cookie(self, name: str) -> str | None:
        """The value the browser sent along; None when it has no such cookie."""
        return self._cookies.get(name)

    def set_cookie(self, name: str, value: str, *, path: str, seconds: int) -> None:
        """Give the browser a cookie that scripts can't read and other sites' requests don't carry."""
        self.new_cookies.append(Cookie(name, value, path, seconds))

    def publish(self, topic: str, body: BaseModel | Mapping[str, Any], ordering_key: str = "") -> None:
        """Announce something once the transaction is committed; nothing is sent when it fails."""
        content = body.model_dump(mode="json") if isinstance(body, BaseModel) else dict(body)
        data = orjson.dumps(content, default=str)
        self._outbox.append(Message(topic, data, ordering_key, self.attributes))

    @property
    def attributes(self) -> dict[str, str]:
        """What every message carries that this call announces."""
        given = self.headers.get("traceparent") if self.message is None else self.message.attributes.get("traceparent")
        traceparent = handed_on(self.span, given)
        return {"request_id": self.request_id, **({"traceparent": traceparent} if traceparent else {})}

    def commit(self) -> None:
        """End the transaction and give the connection back.

        A broker in the same database takes what was announced with it; for any other it waits for `announce`.
        """
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with connection:
            joining = self._joining_publisher() if self._outbox else None
            if joining is not None:
                joining.join(connection, self._outbox)
            connection.commit()
        if joining is not None:
            self._outbox.clear()

    def _joining_publisher(self) -> JoiningPublisher | None:
        publisher = self.services.publisher
        return publisher if isinstance(publisher, JoiningPublisher) else None

    def rollback(self) -> None:
        """Undo everything and announce nothing."""
        connection, self._connection = self._connection, None
        self._outbox.clear()
        if connection is None:
            return
        try:
            connection.close()
        except Exception:
            connection.invalidate()  # else the pool would count it as lent for ever
            raise

    @property
    def announces(self) -> bool:
        """Whether the broker still has to be handed something."""
        return bool(self._outbox)

    def announce(self) -> None:
        """Hand what was announced to the broker."""
        outbox, self._outbox = self._outbox, []
        if outbox:
            self.services.publisher.publish(outbox)


def commit_and_announce(call: Call, *, must_announce: bool) -> None:
    """Commit, then publish.

    Args:
        must_announce: True for a message's handler, which is delivered again when publishing fails.
            False for a request: it is answered as committed, and the sweeper announces again.
    """
    call.commit()
    reach("committed")
    announce(call, must_announce=must_announce)


def announce(call: Call, *, must_announce: bool) -> None:
    """Publish what a committed call announced; `must_announce` as for `commit_and_announce`."""
    try:
        call.announce()
        reach("announced")
    except VaultraError as error:
        log.error("announcement.failed", code=error.code, reason=error.message)
        if must_announce:
            raise


def fail(call: Call, error: BaseException) -> BaseException:
    """Roll back, and give the error in our words: an outage of the database is `Unavailable`."""
    try:
        call.rollback()
    except Exception as trouble:
        log.warning("rollback.failed", exc_info=trouble)
    if isinstance(error, VaultraError):
        return error
    if isinstance(error, StopIteration):
        # A future can't hold a StopIteration: whoever waits for it would wait for ever.
        return RuntimeError("nothing left for next()").with_traceback(error.__traceback__)
    from vaultra.db.engine import translate

    return translate(error) or error
