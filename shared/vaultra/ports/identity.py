"""Signing in with an OpenID provider."""

from dataclasses import dataclass
from typing import Protocol


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
