"""Wiring: one lazy property per outside system, so that a cold start pays only for what it uses."""

import datetime as dt
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from vaultra import config
from vaultra.domain.signing_secrets import check_secrets
from vaultra.errors import Unavailable
from vaultra.ports import (
    Clock,
    Embedder,
    IdentityProvider,
    KeyInspector,
    LLMProvider,
    Mailer,
    Publisher,
    StripeGateway,
    Traces,
    VectorStore,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from vaultra.adapters.stripe_pacing import Pace
    from vaultra.sealing import Sealing


def utc_now() -> dt.datetime:
    """The system's clock; the one place that reads it."""
    return dt.datetime.now(dt.UTC)  # noqa: TID251


S = TypeVar("S", bound=config.Settings)


def _read(settings: type[S]) -> S:
    """The settings of an outside system; `Unavailable` names what the environment lacks."""
    try:
        return settings()
    except ValidationError as error:
        missing = ", ".join(str(part).upper() for item in error.errors() for part in item["loc"])
        raise Unavailable(f"This is not set up here: {missing}") from None


class Services:
    """What a call may use. Tests pass their own clock, engine or stand-ins; the rest comes from the environment."""

    def __init__(
        self,
        *,
        clock: Clock = utc_now,
        engine: "Engine | None" = None,
        publisher: Publisher | None = None,
        stripe: StripeGateway | None = None,
        key_inspector: KeyInspector | None = None,
        mailer: Mailer | None = None,
        google: IdentityProvider | None = None,
        embedder: Embedder | None = None,
        vectors: VectorStore | None = None,
        llm_providers: tuple[LLMProvider, ...] | None = None,
        traces: Traces | None = None,
    ) -> None:
        self.clock = clock
        given = {
            "engine": engine,
            "key_engine": engine,
            "publisher": publisher,
            "stripe": stripe,
            "key_inspector": key_inspector,
            "mailer": mailer,
            "google": google,
            "embedder": embedder,
            "vectors": vectors,
            "llm_providers": llm_providers,
            "traces": traces,
        }
        # A value given here shadows the cached property of the same name.
        self.__dict__.update({name: value for name, value in given.items() if value is not None})

    @cached_property
    def site(self) -> config.SiteSettings:
        return _read(config.SiteSettings)

    @cached_property
    def edge(self) -> config.EdgeSettings:
        return _read(config.EdgeSettings)

    @cached_property
    def auth(self) -> config.AuthSettings:
        settings = _read(config.AuthSettings)
        check_secrets(settings.jwt_secrets)
        return settings

    @cached_property
    def webhook(self) -> config.StripeWebhookSettings:
        return _read(config.StripeWebhookSettings)

    @cached_property
    def engine(self) -> "Engine":
        from vaultra.db.engine import connect_from

        return connect_from(_read(config.DatabaseSettings))

    @cached_property
    def publisher(self) -> Publisher:
        settings = _read(config.BrokerSettings)
        if settings.google_cloud_project is not None:
            from vaultra.adapters.pubsub import PubsubPublisher

            return PubsubPublisher(settings.google_cloud_project)
        from vaultra.adapters.embedded_broker import EmbeddedPublisher

        return EmbeddedPublisher(self.engine)

    @cached_property
    def stripe(self) -> StripeGateway:
        from vaultra.adapters.stripe import StripeApi

        settings = _read(config.StripeSettings)
        return StripeApi(settings, self.clock, self._key_of, self._pace(settings))

    def _pace(self, settings: config.StripeSettings) -> "Pace | None":
        from vaultra.adapters.stripe_pacing import SharedPace

        per_second = settings.stripe_requests_per_second
        return SharedPace(lambda: self.key_engine, per_second) if per_second else None

    @cached_property
    def key_inspector(self) -> KeyInspector:
        from vaultra.adapters.stripe_keys import StripeKeyInspector

        return StripeKeyInspector(_read(config.StripeSettings))

    @cached_property
    def sealing(self) -> "Sealing":
        from vaultra.sealing import Sealing

        try:
            return Sealing(_read(config.TokenSettings).encryption_keys)
        except ValueError:
            raise Unavailable("This is not set up here: TOKEN_ENCRYPTION_KEYS needs Fernet keys") from None

    @cached_property
    def key_engine(self) -> "Engine":
        """A connection apart for keys and turns: whoever asks Stripe holds one of the pool's already."""
        from vaultra.db.engine import connect_from

        return connect_from(_read(config.DatabaseSettings).model_copy(update={"pool_size": 1}))

    def _key_of(self, account_id: str) -> str | None:
        from vaultra.db.engine import commit_each_statement
        from vaultra.usecases.owners_keys import key_of

        with self.key_engine.connect() as conn:
            commit_each_statement(conn)
            return key_of(conn, lambda: self.sealing, account_id)

    @cached_property
    def mailer(self) -> Mailer:
        from vaultra.adapters.smtp import SmtpMailer

        return SmtpMailer(_read(config.MailSettings))

    @cached_property
    def embedder(self) -> Embedder:
        """OpenAI's when there is a key for it, else the model that runs here."""
        if config.is_set("openai_api_key"):
            from vaultra.adapters.openai_embedder import OpenAiEmbedder

            return OpenAiEmbedder(_read(config.OpenAiSettings))
        from vaultra.adapters.minilm import MiniLm

        return MiniLm()

    @cached_property
    def vectors(self) -> VectorStore:
        """Pinecone when there is a key for it, else our own database."""
        if config.is_set("pinecone_api_key"):
            from vaultra.adapters.pinecone_vectors import PineconeVectors

            return PineconeVectors(_read(config.PineconeSettings))
        from vaultra.adapters.postgres_vectors import PostgresVectors

        return PostgresVectors(self.engine)

    @cached_property
    def agent(self) -> config.AgentSettings:
        return _read(config.AgentSettings)

    @cached_property
    def llm_providers(self) -> tuple[LLMProvider, ...]:
        """The models to ask, in this order; none where none is set up, and the embedded answerer answers alone."""
        chosen = self.agent.llm_provider
        openai = chosen == "openai" or (chosen is None and config.is_set("openai_api_key"))
        ollama = chosen == "ollama" or (chosen != "embedded" and config.is_set("ollama_base_url"))
        return (*((self._openai_llm(),) if openai else ()), *((self._ollama_llm(),) if ollama else ()))

    def _openai_llm(self) -> LLMProvider:
        from vaultra.adapters.openai_llm import OpenAiLlm
        from vaultra.adapters.steady_llm import SteadyLlm

        return SteadyLlm(OpenAiLlm(_read(config.OpenAiSettings)))

    def _ollama_llm(self) -> LLMProvider:
        from vaultra.adapters.ollama_llm import OllamaLlm
        from vaultra.adapters.steady_llm import SteadyLlm

        return SteadyLlm(OllamaLlm(_read(config.OllamaSettings)))

    @cached_property
    def traces(self) -> Traces | None:
        """Where spans are kept; None unless the environment asks for traces."""
        if not config.is_set("otel_traces"):
            return None
        from vaultra.adapters.otel_traces import cloud_traces

        return cloud_traces(_read(config.TraceSettings), _read(config.RuntimeSettings))

    @cached_property
    def google(self) -> IdentityProvider:
        from vaultra.adapters.google import GoogleSignIn

        return GoogleSignIn(_read(config.GoogleSettings), self.clock)


_current: Services | None = None


def current() -> Services:
    """The process's services; made on first use, after the worker was forked."""
    global _current
    if _current is None:
        _current = Services()
    return _current


def use(services: Services | None) -> None:
    """Make these the process's services: the composition root of tests and of the local runner."""
    global _current
    _current = services
