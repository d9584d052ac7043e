"""The provider itself: its people, its codes, its key, and the tokens it makes, good ones and others."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from vaultra_local.stripe_sim.clock import wall_seconds

CLIENT_ID = "vaultra-local"
CLIENT_SECRET = "google-simulator"  # noqa: S105 - good for the stand-in only
TOKEN_SECONDS = 3600
SIGNATURES = ("properly", "none", "hs256", "another_key", "another_kid")

Json = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in. `email_verified` is the claim as it is sent; None leaves it out."""

    subject: str
    email: str
    name: str
    about: str = ""
    email_verified: Any = True
    picture: str | None = None


PEOPLE = (
    Person("ana", "ana.lima@example.com", "Ana Lima", "Runs a flower shop"),
    Person("ben", "ben.okafor@example.com", "Ben Okafor", "Sells software by subscription"),
    Person("mia", "mia.hansen@example.com", "Mia Hansen", "Email not verified: Vaultra refuses it", False),
)


class BadRequest(ValueError):
    """What was sent makes no sense here; the message says why."""


@dataclass(frozen=True)
class _Grant:
    """What a code stands for."""

    subject: str
    redirect_uri: str
    nonce: str | None
    challenge: str


@dataclass(frozen=True)
class _Token:
    """How one identity token is made."""

    claims: Json = field(default_factory=dict)
    signed: str = "properly"


class OpenidSim:
    """The provider: its people, its codes, its key. `url` is its issuer."""

    def __init__(self, url: str, client_id: str, client_secret: str, now: Callable[[], int] = wall_seconds) -> None:
        self.url = url
        self.client_id = client_id
        self.client_secret = client_secret
        self.answering = True
        self.people = {person.subject: person for person in PEOPLE}
        self._now = now
        self._codes: dict[str, _Grant] = {}
        self._next_tokens: list[_Token] = []
        self.change_key()

    def add(self, person: Person) -> None:
        """One more to choose from; somebody of the same subject is replaced."""
        self.people[person.subject] = person

    def next_token(self, *, claims: Json | None = None, signed: str = "properly") -> None:
        """Make the next identity token another way; `SIGNATURES` has the ways to sign. None removes a claim."""
        if signed not in SIGNATURES:
            raise BadRequest(f"signed is one of {', '.join(SIGNATURES)}")
        self._next_tokens.append(_Token(claims or {}, signed))

    def change_key(self) -> None:
        """Sign with a new key, whose id was never used."""
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._key_id = secrets.token_hex(8)

    def jwks(self) -> Json:
        """The public key, as a JSON Web Key Set."""
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self._key_id}
        return {"keys": [{**key, "n": _number(numbers.n), "e": _number(numbers.e)}]}

    def new_code(self, asked: Json, subject: str) -> str:
        """A code for this person; good once."""
        if subject not in self.people:
            raise BadRequest(f"There is no '{subject}' here.")
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Grant(subject, asked["redirect_uri"], asked.get("nonce"), asked["code_challenge"])
        return code

    def redeem(self, code: str, redirect_uri: str, verifier: str) -> Json | None:
        """The token endpoint's answer; None for a code that was used, or that somebody else asked for."""
        grant = self._codes.pop(code, None)
        if grant is None or grant.redirect_uri != redirect_uri:
            return None
        if not hmac.compare_digest(_encoded(hashlib.sha256(verifier.encode()).digest()), grant.challenge):
            return None
        token = self._identity_token(self.people[grant.subject], grant.nonce)
        access = {"access_token": secrets.token_urlsafe(24), "token_type": "Bearer", "expires_in": TOKEN_SECONDS}
        return {**access, "scope": "openid email profile", "id_token": token}

    def _identity_token(self, person: Person, nonce: str | None) -> str:
        how = self._next_tokens.pop(0) if self._next_tokens else _Token()
        now = self._now()
        claims: Json = {
            "iss": self.url,
            "azp": self.client_id,
            "aud": self.client_id,
            "sub": person.subject,
            "email": person.email,
            "email_verified": person.email_verified,
            "nonce": nonce,
            "name": person.name,
            "picture": person.picture,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            **how.claims,
        }
        return self._signed({name: value for name, value in claims.items() if value is not None}, how.signed)

    def _signed(self, claims: Json, signed: str) -> str:
        algorithm = {"none": "none", "hs256": "HS256"}.get(signed, "RS256")
        key_id = secrets.token_hex(8) if signed == "another_kid" else self._key_id
        header = {"alg": algorithm, "kid": key_id, "typ": "JWT"}
        content = f"{_encoded(json.dumps(header).encode())}.{_encoded(json.dumps(claims).encode())}"
        if signed == "none":
            return f"{content}."
        if signed == "hs256":
            public = self._key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            return f"{content}.{_encoded(hmac.digest(public, content.encode(), 'sha256'))}"
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048) if signed == "another_key" else self._key
        return f"{content}.{_encoded(key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _encoded(value.to_bytes((value.bit_length() + 7) // 8))
