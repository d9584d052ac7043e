"""Wiring: one lazy property per outside system, so that a cold start pays only for what it uses."""

import datetime as dt
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from vaultra import config
from vaultra.errors import Unavailable
from vaultra.ports import Clock, IdentityProvider, Mailer, Publisher, StripeGateway

if TYPE_CHECKING:
    from sqlalchemy import Engine


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
        mailer: Mailer | None = None,
        google: IdentityProvider | None = None,
    ) -> None:
        self.clock = clock
        given = {"engine": engine, "publisher": publisher, "stripe": stripe, "mailer": mailer, "google": google}
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
        from vaultra.auth import check_secrets

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

        return StripeApi(_read(config.StripeSettings), self.clock)

    @cached_property
    def mailer(self) -> Mailer:
        from vaultra.adapters.smtp import SmtpMailer

        return SmtpMailer(_read(config.MailSettings))

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
