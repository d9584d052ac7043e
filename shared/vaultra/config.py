"""Settings, one small class per outside system, read from the environment. Secrets have no defaults."""

import os
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Field names are the variables' names in lower case."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True)


def is_set(variable: str) -> bool:
    """Whether the environment gives this variable, named in lower case, a value."""
    return bool(os.environ.get(variable.upper()))


class SiteSettings(Settings):
    """Where the owner's browser finds us. Both without a trailing slash."""

    site_url: str = "http://127.0.0.1:8080"
    public_api_url: str = "http://127.0.0.1:8080/api/v1"

    @property
    def secure(self) -> bool:
        """Whether the browser reaches us over TLS, so that cookies may insist on it."""
        return self.public_api_url.startswith("https://")


class DatabaseSettings(Settings):
    """Either a URL, or a Cloud SQL instance reached by IAM; `pool_size` is the function's concurrency."""

    database_url: SecretStr | None = None
    cloud_sql_instance: str | None = None
    database_name: str = "vaultra"
    database_user: str | None = None
    pool_size: int = 4


class AuthSettings(Settings):
    """`jwt_secret` may hold several, comma-separated, while one is being replaced: the first signs."""

    jwt_secret: SecretStr

    @cached_property
    def jwt_secrets(self) -> list[str]:
        return [part.strip() for part in self.jwt_secret.get_secret_value().split(",") if part.strip()]


class GoogleSettings(Settings):
    """Our OAuth client at Google, or at another OpenID provider."""

    google_client_id: str
    google_client_secret: SecretStr
    google_issuer_url: str = "https://accounts.google.com"


class MailSettings(Settings):
    """`smtp_url`: `smtp://user:password@host:587` (STARTTLS), `smtps://…:465`, or `smtp://127.0.0.1:port` in clear.

    `mail_from` is an address, with or without a name: `Vaultra <hello@vaultra.com>`.
    """

    smtp_url: SecretStr
    mail_from: str = "Vaultra <hello@vaultra.com>"


class EdgeSettings(Settings):
    """`trusted_proxies`: how many entries at the end of X-Forwarded-For our own proxies wrote.

    With 0 the caller's address is the socket's; behind Google's load balancer it is 2.
    """

    trusted_proxies: int = 0


class StripeSettings(Settings):
    """The platform's own Stripe key and its Connect client.

    `stripe_connect_scope` is what owners are asked for: `read_only`, which Stripe grants to Extensions only, or
    `read_write`, all that a client registered as a platform may ask for (decision 14).
    `stripe_requests_per_second` is how many requests about one account all instances together may make in a
    second; Stripe's own limit is 25 per endpoint. 0 sets no limit: for benches against the simulator.
    """

    stripe_secret_key: SecretStr
    stripe_connect_client_id: str = ""
    stripe_connect_scope: Literal["read_only", "read_write"] = "read_only"
    stripe_requests_per_second: int = Field(default=20, ge=0)
    stripe_api_base: str = "https://api.stripe.com"
    stripe_connect_base: str = "https://connect.stripe.com"


class TokenSettings(Settings):
    """What owners' restricted keys are sealed with: Fernet keys, comma-separated while one is being replaced.

    The first seals, all of them open; `usecases.owners_keys.reseal` seals again what an older one sealed.
    """

    token_encryption_keys: SecretStr

    @cached_property
    def encryption_keys(self) -> list[str]:
        return [part.strip() for part in self.token_encryption_keys.get_secret_value().split(",") if part.strip()]


class StripeWebhookSettings(Settings):
    """Signing secrets, comma-separated while one is being replaced."""

    stripe_webhook_secret: SecretStr

    @cached_property
    def secrets(self) -> list[str]:
        return [part.strip() for part in self.stripe_webhook_secret.get_secret_value().split(",") if part.strip()]


class OpenAiSettings(Settings):
    """OpenAI, or a server that speaks its protocol. Model names go out of use: these are read, never assumed.

    `openai_protocol` is `chat` for servers that know chat completions only. `openai_reasoning_effort` is asked of
    models that think before they answer; empty asks nothing.
    """

    openai_api_key: SecretStr
    openai_base_url: str | None = None
    openai_embedding_model: str = "text-embedding-3-small"
    openai_model: str = "gpt-5.6-luna"
    openai_protocol: Literal["responses", "chat"] = "responses"
    openai_reasoning_effort: Literal["low", "medium", "high", ""] = "low"


class OllamaSettings(Settings):
    """An Ollama server, used when the environment names one, and how much a question and its answer may take there.

    `ollama_context_tokens` is sent with every question: Ollama cuts off what is longer without a word.
    """

    ollama_base_url: str = "http://127.0.0.1:11434"
    ollama_model: str = "qwen3:8b"
    ollama_context_tokens: int = Field(default=16_384, ge=4096)


class AgentSettings(Settings):
    """Who answers first, and how many tokens of models a business may use on a day of UTC.

    `llm_provider`: `openai`, then Ollama where there is one; `ollama` and nobody outside; `embedded`, no model at all.
    Without it every model that is set up is asked in that order. The embedded answerer is always the last.
    """

    llm_provider: Literal["openai", "ollama", "embedded"] | None = None
    agent_tokens_per_day: int = Field(default=500_000, ge=0)


class PineconeSettings(Settings):
    """A Pinecone index for dense vectors with the metric cosine. `pinecone_index_host` is what its page shows."""

    pinecone_api_key: SecretStr
    pinecone_index_host: str
    pinecone_index: str = "vaultra-knowledge"


class BrokerSettings(Settings):
    """Google Cloud Pub/Sub when a project is named, else the embedded broker in the database."""

    google_cloud_project: str | None = None
    pubsub_emulator_host: str | None = None


class ScheduleSettings(Settings):
    """Where the jobs are: in a project of Google Cloud, else beside the record of the embedded scheduler."""

    google_cloud_project: str | None = None
    google_cloud_region: str = "us-central1"
    schedule_record: Path | None = None


class FailpointSettings(Settings):
    """Where to fail on purpose; heeded only where `vaultra_environment` is `test`."""

    vaultra_failpoints: str = ""
    vaultra_environment: str = ""


class TraceSettings(Settings):
    """Where traces are kept: `gcp` is Cloud Trace; without it there are none, and they cost nothing.

    `otel_traces_share` is the share that is kept of those begun here; of others, whoever began them has decided.
    """

    otel_traces: Literal["gcp"] | None = None
    otel_traces_share: float = Field(default=1.0, ge=0, le=1)


class RuntimeSettings(Settings):
    """What the platform tells a running function. `k_service` is set by Cloud Run."""

    k_service: str | None = None
    k_revision: str | None = None
    google_cloud_project: str | None = None
    log_level: str = "INFO"
