"""Every door to the outside, as Protocols on one page. Adapters implement them; tests pass stand-ins."""

import datetime as dt
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from vaultra.domain.conversations import Speaker, TokenCount

if TYPE_CHECKING:
    from sqlalchemy import Connection

Clock = Callable[[], dt.datetime]
"""Tells the time as an aware UTC datetime. The edge reads it once per call."""

Json = dict[str, Any]
"""A decoded JSON object."""


@dataclass(frozen=True)
class Message:
    """What is published on a topic: JSON bytes, small, and free of personal data.

    Messages of one `ordering_key` arrive in the order in which they were published.
    """

    topic: str
    data: bytes
    ordering_key: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivery:
    """A message as a subscription receives it. `attempt` counts from 1; 0 when the broker does not count deliveries."""

    message_id: str
    subscription: str
    data: bytes
    attributes: Mapping[str, str]
    ordering_key: str
    attempt: int


class Publisher(Protocol):
    """Hands messages to the broker."""

    def publish(self, messages: Sequence[Message]) -> None:
        """Return once the broker has all of them; raise `Unavailable` when it has not."""


@runtime_checkable
class JoiningPublisher(Publisher, Protocol):
    """A broker in our own database: it takes messages with the transaction that has something to announce."""

    def join(self, connection: "Connection", messages: Sequence[Message]) -> None:
        """Hand the messages over within the open transaction: both come to be, or neither."""


class Span(Protocol):
    """The handling of one request or message, as a trace shows it.

    Attributes:
        traceparent: What messages carry, in the form of W3C's header, so that their handling stands beneath it.
        kept: Whether the trace is among those that are kept.
    """

    traceparent: str
    kept: bool

    def link(self, traceparents: Iterable[str]) -> None:
        """Say which other requests this serves, too: those whose work it took along."""

    def end(self, attributes: Mapping[str, str | int], *, failed: bool) -> None:
        """Keep what it was and whether it failed; never payloads, ids of people, or tokens."""


class Traces(Protocol):
    """Keeps spans. `idle` says that none is under way."""

    @property
    def idle(self) -> bool: ...

    def begin(self, name: str, parent: str | None) -> Span:
        """A span beneath this `traceparent`, or the first one of a trace."""

    def flush(self) -> None:
        """Return once spans that ended are where they are kept, or could not be."""


@dataclass(frozen=True)
class OauthGrant:
    """What Stripe grants when an owner agrees: the account's id and its mode.

    `granted_at` is when, by Stripe's clock; None when Stripe did not tell.
    """

    account_id: str
    livemode: bool
    granted_at: dt.datetime | None = None


@dataclass(frozen=True)
class KeyRights:
    """What an owner's restricted key is good for.

    Attributes:
        account_id: Whose it is; None when the key may not say.
        livemode: Its mode.
        missing: What we read and it may not, each as Stripe's own pages and errors call it.
        writable: What it may change.
    """

    account_id: str | None
    livemode: bool
    missing: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()


@dataclass(frozen=True)
class StripeRead:
    """One answer of Stripe's API. `as_of` is Stripe's clock when the answer was made (its Date header)."""

    body: Json
    as_of: dt.datetime


class StripeGateway(Protocol):
    """What Vaultra asks of Stripe. Reads are raw API objects, so that one parser serves reads and webhooks.

    Raises `RateLimited` or `Unavailable` when a later call may succeed, `AccessRevoked` when the account
    no longer lets us in, and `NotFound` for an object or a resource that does not exist.
    """

    def authorize_url(self, state: str, redirect_uri: str) -> str:
        """Where to send the owner's browser."""

    def exchange_code(self, code: str) -> OauthGrant:
        """Trade the callback's code; raise `InvalidInput` for a code Stripe does not know."""

    def deauthorize(self, account_id: str) -> None:
        """Give the access back; nothing happens when it is gone already."""

    def list_page(self, account_id: str, resource: str, params: Mapping[str, str]) -> StripeRead:
        """One page of `/v1/{resource}`: a Stripe list object."""

    def retrieve(self, account_id: str, resource: str, object_id: str | None = None) -> StripeRead:
        """`/v1/{resource}/{object_id}`, or a singleton such as `balance` when no id is given."""


class KeyInspector(Protocol):
    """Finds out what an owner's restricted key is good for, changing nothing."""

    def inspect(self, key: str) -> KeyRights:
        """Ask Stripe.

        Raises:
            AccessRevoked: Stripe does not accept the key.
            InvalidInput: It is a test key, and ours is a live one.
            RateLimited, Unavailable: a later call may succeed.
        """


@dataclass(frozen=True)
class Mail:
    """A mail as it leaves. `id` stays the same when it is sent again, so that a provider can tell.

    `unsubscribe_url` is where one click ends such mails; None for mails somebody asked for.
    """

    id: str
    recipient: str
    subject: str
    text: str
    html: str
    unsubscribe_url: str | None = None


class Mailer(Protocol):
    """Hands mails to a mail server."""

    def send(self, mail: Mail) -> None:
        """Return once the server has taken the mail.

        Raises:
            Unavailable: it can't be taken now.
            InvalidInput: it never will: the server refuses the recipient or the content for good.
        """


@dataclass(frozen=True)
class SignInRequest:
    """What a round trip to an OpenID provider is bound to. All but `redirect_uri` are unguessable."""

    state: str
    nonce: str
    code_verifier: str
    redirect_uri: str


@dataclass(frozen=True)
class Profile:
    """Who an OpenID provider says somebody is; `issuer` and `subject` together never change.

    `email_verified` is True only when the provider said so in as many words. `email_authoritative` is True
    when it also runs the mailbox, so that whoever signs in there reads it today; a verification alone may be
    years old, and the address somebody else's by now.
    """

    issuer: str
    subject: str
    email: str
    email_verified: bool
    email_authoritative: bool
    name: str
    picture: str | None


class IdentityProvider(Protocol):
    """An OpenID provider, such as Google."""

    def authorize_url(self, request: SignInRequest) -> str:
        """Where to send the browser; raise `Unavailable` when the provider does not answer."""

    def identify(self, request: SignInRequest, code: str) -> Profile:
        """Trade the callback's code for a checked identity.

        Raises:
            Unauthorized: the code or the identity token is not good.
            Unavailable: the provider does not answer.
        """


class Embedder(Protocol):
    """Turns texts into vectors whose angles tell how near they are in meaning. `name` tells the model apart."""

    @property
    def name(self) -> str: ...

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector of length 1 per text, in their order; raise `Unavailable` when the model does not answer."""


class VectorStore(Protocol):
    """Keeps vectors by name, apart in namespaces; asked for the nearest ones. Raises `Unavailable`.

    What was written may take seconds to be found; `count` tells when it is there.
    """

    def upsert(self, namespace: str, vectors: Mapping[str, Sequence[float]]) -> None:
        """Keep these; what had the same name is replaced."""

    def query(self, namespace: str, vector: Sequence[float], limit: int) -> dict[str, float]:
        """The nearest at most, with the cosine of each, -1 to 1."""

    def count(self, namespace: str) -> int:
        """How many vectors it has; 0 for a namespace that does not exist."""

    def delete(self, namespace: str) -> None:
        """Forget a namespace; nothing happens when there is none."""


@dataclass(frozen=True)
class ToolOffer:
    """A tool that a model may ask for; `parameters` is the JSON schema of its arguments."""

    name: str
    description: str
    parameters: Json


@dataclass(frozen=True)
class Said:
    """Text in the dialogue with a model."""

    role: Speaker
    text: str


@dataclass(frozen=True)
class Wrote:
    """What a model wrote in an earlier step of the same answer, as its own provider wants to have it back."""

    items: tuple[Json, ...]


@dataclass(frozen=True)
class ToolReturned:
    """What a tool gave, for the request with this id."""

    id: str
    name: str
    output: str


DialogueItem = Said | Wrote | ToolReturned


@dataclass(frozen=True)
class ToolRequest:
    """A model asks for a tool. `arguments` is the text it wrote: JSON, one hopes."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class StepEnded:
    """A model has said what it had to say, or waits for the tools it asked for.

    Attributes:
        items: What to hand back as `Wrote` in the next step.
        tokens: What the step cost; None when the provider did not tell.
        cut_off: Whether it had to stop in the middle, because the answer became too long.
    """

    items: tuple[Json, ...]
    tokens: TokenCount | None
    cut_off: bool = False


ModelPiece = str | ToolRequest | StepEnded


class LLMProvider(Protocol):
    """A language model. `name` tells who answered: `openai`, `ollama`."""

    @property
    def name(self) -> str: ...

    def stream(
        self,
        instructions: str,
        dialogue: Sequence[DialogueItem],
        tools: Sequence[ToolOffer],
        *,
        most_tokens: int,
        seconds: float,
    ) -> Generator[ModelPiece]:
        """One step: pieces of text and requests for tools as they come, then one `StepEnded`.

        Closing it ends the request.

        Args:
            most_tokens: How long the step's output may become.
            seconds: When the whole step has to be done; silence ends it sooner.

        Raises:
            Unavailable: the model does not answer, or breaks off.
        """
