"""Google sign-in, or another OpenID provider's, behind the `IdentityProvider` port: Authlib asks, PyJWT checks.

Authlib, requests and PyJWT are imported by what needs them: together they take a tenth of a second of a cold start.
"""

import datetime as dt
import hmac
import io
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vaultra.config import GoogleSettings
from vaultra.errors import Unauthorized, Unavailable
from vaultra.ports import Clock, Json, Profile, SignInRequest

if TYPE_CHECKING:
    from jwt import PyJWK
    from requests import Response

GOOGLE = "https://accounts.google.com"
GMAIL = ("gmail.com", "googlemail.com")
SCOPE = "openid email profile"
ALGORITHMS = ["RS256", "ES256"]
CLAIMS = ["iss", "aud", "sub", "exp", "iat"]
LEEWAY_SECONDS = 60
KEPT_FOR = dt.timedelta(hours=1)
TIMEOUT_SECONDS = 10.0
LARGEST_ANSWER_BYTES = 256 * 1024
# OpenID Connect Core §2: at most 255 ASCII characters.
_SUBJECT = re.compile(r"[!-~]{1,255}")
# What a token endpoint calls a mistake of ours rather than of the code.
OUR_MISTAKES = {"invalid_client", "unauthorized_client"}


@dataclass(frozen=True)
class _Directory:
    """Where the provider does what."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    read_at: dt.datetime


@dataclass(frozen=True)
class _Keys:
    """What the provider signs with, by key id."""

    by_id: dict[str, "PyJWK"]
    read_at: dt.datetime


class GoogleSignIn:
    """Signs people in with an OpenID provider. Safe to share between threads."""

    def __init__(self, settings: GoogleSettings, clock: Clock, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._settings = settings
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._known_directory: _Directory | None = None
        self._known_keys: _Keys | None = None

    def authorize_url(self, request: SignInRequest) -> str:
        with self._session(request) as session:
            url: str
            url, _ = session.create_authorization_url(
                self._directory(session).authorization_endpoint,
                state=request.state,
                nonce=request.nonce,
                code_verifier=request.code_verifier,
                prompt="select_account",
            )
        return url

    def identify(self, request: SignInRequest, code: str) -> Profile:
        with self._session(request) as session:
            token = self._exchange(session, request, code)
            claims = self._checked_claims(session, token, request.nonce)
        return _profile(claims, self._settings.google_issuer_url)

    # --- asking ----------------------------------------------------------------------------

    @contextmanager
    def _session(self, request: SignInRequest) -> Iterator[Any]:
        """An Authlib session of this call's own; what goes wrong on the wire is `Unavailable`."""
        import requests
        from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]

        session = OAuth2Session(
            self._settings.google_client_id,
            self._settings.google_client_secret.get_secret_value(),
            scope=SCOPE,
            redirect_uri=request.redirect_uri,
            code_challenge_method="S256",
            default_timeout=self._timeout_seconds,
        )
        session.trust_env = False  # no proxy and no .netrc of the machine takes part
        session.register_compliance_hook("access_token_response", self._whole)
        try:
            with session:
                yield session
        except requests.RequestException as error:
            raise Unavailable("Google does not answer. Try again in a moment.") from error

    def _exchange(self, session: Any, request: SignInRequest, code: str) -> str:
        """The identity token the code stands for."""
        from authlib.integrations.requests_client import OAuthError

        try:
            answer = session.fetch_token(
                self._directory(session).token_endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=request.code_verifier,
                allow_redirects=False,
                stream=True,
            )
        except OAuthError as error:
            if error.error in OUR_MISTAKES:
                raise Unavailable(
                    "Google does not accept our client: check GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET"
                ) from None
            # From None, because the description may quote the code.
            raise Unauthorized("Google does not accept this sign-in. Start again.") from None
        except ValueError:
            raise Unavailable("Google's answer can't be read. Try again in a moment.") from None
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise _not_good()
        return token

    def _directory(self, session: Any) -> _Directory:
        now, known = self._clock(), self._known_directory
        if known is None or now - known.read_at >= KEPT_FOR:
            issuer = self._settings.google_issuer_url
            document = self._read_json(session, f"{issuer}/.well-known/openid-configuration")
            if document.get("issuer") != issuer:
                raise Unavailable("The OpenID provider names another issuer: check GOOGLE_ISSUER_URL")
            known = _Directory(
                authorization_endpoint=endpoint(document, "authorization_endpoint", issuer),
                token_endpoint=endpoint(document, "token_endpoint", issuer),
                jwks_uri=endpoint(document, "jwks_uri", issuer),
                read_at=now,
            )
            self._known_directory = known
        return known

    def _key(self, session: Any, key_id: str) -> "PyJWK":
        """The key of this id. An unknown one may be new, so the keys are then read again."""
        now, known = self._clock(), self._known_keys
        if known is None or now - known.read_at >= KEPT_FOR or key_id not in known.by_id:
            known = _Keys(_keys(self._read_json(session, self._directory(session).jwks_uri)), now)
            self._known_keys = known
        if key_id not in known.by_id:
            raise _not_good()
        return known.by_id[key_id]

    def _read_json(self, session: Any, url: str) -> Json:
        response = self._whole(session.get(url, withhold_token=True, allow_redirects=False, stream=True))
        body = response.json() if response.status_code == 200 else None
        if not isinstance(body, dict):
            raise Unavailable("Google's answer can't be read. Try again in a moment.")
        return body

    def _whole(self, response: "Response") -> "Response":
        """The response, read to its end; refused when it is too large, or comes drop by drop."""
        deadline, body = time.monotonic() + self._timeout_seconds, bytearray()
        for part in response.iter_content(LARGEST_ANSWER_BYTES // 4):
            body += part
            if len(body) > LARGEST_ANSWER_BYTES or time.monotonic() > deadline:
                raise Unavailable("Google's answer is too long. Try again in a moment.")
        whole = type(response)()
        whole.status_code, whole.url, whole.raw = response.status_code, response.url, io.BytesIO(body)
        return whole

    # --- checking --------------------------------------------------------------------------

    def _checked_claims(self, session: Any, token: str, nonce: str) -> Json:
        """What the token says, once signature, issuer, audience, times and nonce are as they must be."""
        import jwt

        client_id = self._settings.google_client_id
        try:
            key = self._key(session, str(jwt.get_unverified_header(token).get("kid")))
            claims: Json = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=client_id,
                issuer=issuer_names(self._settings.google_issuer_url),
                # The times are checked below, against our clock instead of PyJWT's own.
                options={
                    "require": CLAIMS,
                    "strict_aud": True,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.PyJWTError:
            raise _not_good() from None
        told = claims.get("nonce")
        if not isinstance(told, str) or not hmac.compare_digest(told.encode("utf-8"), nonce.encode("utf-8")):
            raise _not_good()
        if not _is_current(claims, self._clock().timestamp()) or claims.get("azp", client_id) != client_id:
            raise _not_good()
        return claims


def issuer_names(issuer: str) -> list[str]:
    """How this issuer may write its name in a token: as configured; Google's documents let it leave the scheme out."""
    return [GOOGLE, GOOGLE.removeprefix("https://")] if issuer == GOOGLE else [issuer]


def endpoint(document: Json, name: str, issuer: str) -> str:
    """An address out of a discovery document; raise `Unavailable` when it is none we would send secrets to."""
    url = document.get(name)
    # Only a provider that is itself reached without https, on this machine, may do without it.
    allowed = ("https://", "http://") if issuer.startswith("http://") else ("https://",)
    if not isinstance(url, str) or not url.startswith(allowed):
        raise Unavailable(f"The OpenID provider names no usable {name}")
    return url


def _keys(document: Json) -> "dict[str, PyJWK]":
    import jwt

    try:
        keys = jwt.PyJWKSet.from_dict(document).keys
    except (jwt.PyJWTError, AttributeError, TypeError, ValueError):
        raise Unavailable("Google's keys can't be read. Try again in a moment.") from None
    return {key.key_id: key for key in keys if key.key_id is not None}


def _is_current(claims: Json, now: float) -> bool:
    times = [claims[name] for name in ("exp", "iat", "nbf") if name in claims]
    if any(type(value) is not int for value in times):  # a bool is an int to isinstance
        return False
    begins = max(claims["iat"], claims.get("nbf", 0))
    return bool(claims["exp"] + LEEWAY_SECONDS > now and begins - LEEWAY_SECONDS <= now)


def _profile(claims: Json, issuer: str) -> Profile:
    if _SUBJECT.fullmatch(claims["sub"]) is None:
        raise _not_good()
    picture = claims.get("picture")
    return Profile(
        issuer=issuer,  # as configured, because Google writes its own in two ways
        subject=claims["sub"],
        email=_text(claims, "email"),
        email_verified=claims.get("email_verified") is True,
        email_authoritative=is_authoritative(claims, issuer),
        name=_text(claims, "name"),
        picture=picture if isinstance(picture, str) else None,
    )


def is_authoritative(claims: Json, issuer: str) -> bool:
    """Whether the provider runs the mailbox it verified.

    Google does for Gmail, and for the domains of its Workspace customers, which it names in `hd`; another provider
    was configured by our operator for people it vouches for.

    Source: https://developers.google.com/identity/gsi/web/guides/verify-google-id-token
    """
    if claims.get("email_verified") is not True:
        return False
    domain, workspace = _text(claims, "email").rpartition("@")[2].lower(), _text(claims, "hd").lower()
    return issuer != GOOGLE or domain in GMAIL or (workspace != "" and domain == workspace)


def _text(claims: Json, name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _not_good() -> Unauthorized:
    return Unauthorized("Google's answer is not good. Start again.")
