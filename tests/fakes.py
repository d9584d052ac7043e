"""Stand-ins that several tests share: small, in memory, without patching."""

import datetime as dt
import math
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from urllib.parse import urlencode

from vaultra.domain.conversations import TokenCount
from vaultra.errors import InvalidInput, NotFound
from vaultra.ports import (
    DialogueItem,
    Json,
    Mail,
    Message,
    ModelPiece,
    OauthGrant,
    StepEnded,
    StripeRead,
    ToolOffer,
    ToolRequest,
)


class FakeStripe:
    """A `StripeGateway` whose owners agreed to what `grants` says, by code, and whose objects are `objects`.

    A code works once, as Stripe's do. `failure` makes every call raise it, `failures` those for one resource or
    object id. `deauthorized` lists whose access was given back, `asked` what was read: resource and id or params.
    """

    def __init__(self, grants: Mapping[str, OauthGrant] | None = None) -> None:
        self.grants = dict(grants or {})
        self.objects: dict[tuple[str, str], list[Json]] = {}
        self.deauthorized: list[str] = []
        self.failure: Exception | None = None
        self.failures: dict[str, Exception] = {}
        self.asked: list[tuple[str, object]] = []
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
        self.asked.append((resource, dict(params)))
        self._fail(resource)
        objects = [found for found in self.objects.get((account_id, resource), []) if _within(found, params)]
        ids = [found.get("id") for found in objects]
        start = ids.index(params["starting_after"]) + 1 if "starting_after" in params else 0
        end = start + int(params.get("limit", 100))
        return StripeRead({"object": "list", "data": objects[start:end], "has_more": end < len(ids)}, self.as_of)

    def retrieve(self, account_id: str, resource: str, object_id: str | None = None) -> StripeRead:
        self.asked.append((resource, object_id))
        self._fail(resource, object_id)
        for found in self.objects.get((account_id, resource), []):
            if object_id is None or found["id"] == object_id:
                return StripeRead(found, self.as_of)
        raise NotFound(f"No such object in {resource}")

    def put(self, account_id: str, resource: str, *objects: Json) -> None:
        """Make these the account's objects, replacing those of the same id."""
        new = {found.get("id"): found for found in objects}
        kept = [found for found in self.objects.get((account_id, resource), []) if found.get("id") not in new]
        self.objects[account_id, resource] = [*objects, *kept]

    def _fail(self, *names: str | None) -> None:
        if self.failure is not None:
            raise self.failure
        for name in names:
            if name in self.failures:
                raise self.failures[name]


def _within(found: Json, params: Mapping[str, str]) -> bool:
    """Whether Stripe would list this object for these `created` and `type` filters."""
    created = found.get("created", 0)
    after, before = int(params.get("created[gte]", created)), int(params.get("created[lt]", created + 1))
    return after <= created < before and params.get("type") in (None, found.get("type"))


class FakePublisher:
    """A `Publisher` that keeps what it was given."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def publish(self, messages: Sequence[Message]) -> None:
        self.messages.extend(messages)


class FakeMailer:
    """A `Mailer` that keeps what it was given; `failure` makes every sending raise it."""

    def __init__(self) -> None:
        self.sent: list[Mail] = []
        self.failure: Exception | None = None

    def send(self, mail: Mail) -> None:
        if self.failure is not None:
            raise self.failure
        self.sent.append(mail)


class FakeEmbedder:
    """An `Embedder` that counts letters: texts of the same letters are near. `failure` is raised instead."""

    def __init__(self, name: str = "letters") -> None:
        self.name = name
        self.failure: Exception | None = None
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if self.failure is not None:
            raise self.failure
        self.embedded += texts
        counts = [[float(text.lower().count(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts]
        return [[value / (math.hypot(*vector) or 1.0) for value in vector] for vector in counts]


class FakeLlm:
    """An `LLMProvider` whose steps `model` gives: from the dialogue so far to text, tools as `(name, arguments)`,
    exceptions to raise, and a `StepEnded` where the usual one won't do.

    `asked` is what it was given, step by step; `closed` counts the steps that somebody stopped listening to.
    """

    def __init__(self, model: Callable[[Sequence[DialogueItem]], Iterable[object]], name: str = "fake") -> None:
        self.name = name
        self.asked: list[tuple[str, list[DialogueItem], list[ToolOffer]]] = []
        self.closed = 0
        self._model = model
        self._steps: list[Generator[ModelPiece]] = []

    def stream(
        self,
        instructions: str,
        dialogue: Sequence[DialogueItem],
        tools: Sequence[ToolOffer],
        *,
        most_tokens: int,
        seconds: float,
    ) -> Generator[ModelPiece]:
        self.asked.append((instructions, list(dialogue), list(tools)))
        # Kept, so that it is not closed just because nobody holds it any more.
        self._steps.append(self._step(dialogue))
        return self._steps[-1]

    def _step(self, dialogue: Sequence[DialogueItem]) -> Generator[ModelPiece]:
        try:
            for number, piece in enumerate(self._model(dialogue)):
                match piece:
                    case Exception():
                        raise piece
                    case (str(name), str(arguments)):
                        yield ToolRequest(f"call_{number}", name, arguments)
                    case str():
                        yield piece
                    case StepEnded():
                        yield piece
                        return
                    case _:
                        raise AssertionError(piece)
        except GeneratorExit:
            self.closed += 1
            raise
        yield StepEnded((), TokenCount(100, 20))


def scripted(*steps: Iterable[object]) -> FakeLlm:
    """A model that says these steps, one after the other."""
    waiting = iter(steps)
    return FakeLlm(lambda _dialogue: next(waiting))
