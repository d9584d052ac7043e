"""Stand-ins that several tests share: small, in memory, without patching."""

import datetime as dt
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from vaultra.errors import InvalidInput, NotFound
from vaultra.ports import Json, Message, OauthGrant, StripeRead


class FakeStripe:
    """A `StripeGateway` whose owners agreed to what `grants` says, by code, and whose objects are `objects`.

    A code works once, as Stripe's do. `failure` makes every call raise it. `deauthorized` lists whose
    access was given back.
    """

    def __init__(self, grants: Mapping[str, OauthGrant] | None = None) -> None:
        self.grants = dict(grants or {})
        self.objects: dict[tuple[str, str], list[Json]] = {}
        self.deauthorized: list[str] = []
        self.failure: Exception | None = None
        self.as_of = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)

    def authorize_url(self, state: str, redirect_uri: str) -> str:
        return "https://connect.stripe.test/oauth/authorize?" + urlencode(
            {"state": state, "redirect_uri": redirect_uri}
        )

    def exchange_code(self, code: str) -> OauthGrant:
        self._fail()
        if code not in self.grants:
            raise InvalidInput("Stripe does not know this code")
        return self.grants.pop(code)

    def deauthorize(self, account_id: str) -> None:
        self._fail()
        self.deauthorized.append(account_id)

    def list_page(self, account_id: str, resource: str, params: Mapping[str, str]) -> StripeRead:
        self._fail()
        objects = self.objects.get((account_id, resource), [])
        return StripeRead({"object": "list", "data": objects, "has_more": False}, self.as_of)

    def retrieve(self, account_id: str, resource: str, object_id: str | None = None) -> StripeRead:
        self._fail()
        for found in self.objects.get((account_id, resource), []):
            if object_id is None or found["id"] == object_id:
                return StripeRead(found, self.as_of)
        raise NotFound(f"No such object in {resource}")

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


class FakePublisher:
    """A `Publisher` that keeps what it was given."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def publish(self, messages: Sequence[Message]) -> None:
        self.messages.extend(messages)
