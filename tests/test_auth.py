"""Passwords and tokens: what is accepted, what is refused, and how long it takes."""

import base64
import datetime as dt
import hmac
import json
import threading
import time
import uuid
from typing import Any

import pytest

from vaultra import auth
from vaultra.domain.accounts import Caller
from vaultra.errors import Unauthorized, Unavailable

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
FIRST, SECOND = "first-secret-of-thirty-two-bytes!", "second-secret-of-thirty-two-bytes"
CALLER = Caller(uuid.UUID(int=7), "ana@example.com", uuid.UUID(int=8))
WEEK = NOW + auth.TOKEN_LIFETIME
HEADER = {"alg": "HS256", "typ": "JWT", "kid": auth._key_id(FIRST)}
CLAIMS: dict[str, Any] = {
    "iss": "vaultra",
    "aud": "vaultra-api",
    "user_id": str(CALLER.user_id),
    "email": CALLER.email,
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 60,
    "jti": str(CALLER.session_id),
}


def encode(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(header: Any, claims: Any, secret: str = FIRST, digest: str = "sha256") -> str:
    signed = f"{encode(header)}.{encode(claims)}"
    return f"{signed}.{encode(hmac.new(secret.encode(), signed.encode(), digest).digest())}"


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in CLAIMS.items() if key != name}


def issue(secrets: list[str]) -> str:
    return auth.issue_token(CALLER, secrets, NOW, WEEK)


def test_a_token_names_its_caller_until_it_expires() -> None:
    token = issue([FIRST])
    assert auth.verify_token(token, [FIRST], NOW) == CALLER
    assert auth.verify_token(token, [FIRST], WEEK - dt.timedelta(seconds=1)) == CALLER
    with pytest.raises(Unauthorized):
        auth.verify_token(token, [FIRST], WEEK)


def test_a_token_holds_the_documented_claims_and_its_sessions_id() -> None:
    payload = json.loads(base64.urlsafe_b64decode(issue([FIRST]).split(".")[1] + "=="))
    assert payload == {**CLAIMS, "exp": int(WEEK.timestamp())}


def test_the_first_secret_signs_and_every_one_verifies_until_it_is_removed() -> None:
    old, new = issue([FIRST]), issue([SECOND, FIRST])
    for token in (old, new):
        assert auth.verify_token(token, [SECOND, FIRST], NOW) == CALLER
    assert auth.verify_token(new, [SECOND], NOW) == CALLER
    with pytest.raises(Unauthorized):
        auth.verify_token(old, [SECOND], NOW)


def test_a_token_names_its_key_without_telling_it() -> None:
    header = json.loads(base64.urlsafe_b64decode(issue([FIRST]).split(".")[0] + "=="))
    assert header["kid"] not in FIRST
    assert len(header["kid"]) == 8


@pytest.mark.parametrize("secrets", [[], ["short"], [FIRST, SECOND[:31]], ["ab" * 32]])
def test_weak_secrets_are_refused(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="JWT_SECRET"):
        auth.check_secrets(secrets)
    with pytest.raises(ValueError, match="JWT_SECRET"):
        issue(secrets)
    with pytest.raises(ValueError, match="JWT_SECRET"):
        auth.verify_token("a.b.c", secrets, NOW)


def test_a_secret_is_measured_in_bytes() -> None:
    auth.check_secrets(["éàèùâêîô" * 2])


def test_the_forger_below_would_succeed_with_honest_claims() -> None:
    assert auth.verify_token(sign(HEADER, CLAIMS), [FIRST], NOW) == CALLER
    assert auth.verify_token(sign(HEADER, {**CLAIMS, "iat": CLAIMS["iat"] + 60}), [FIRST], NOW)
    assert auth.verify_token(sign(HEADER, {**CLAIMS, "nbf": CLAIMS["iat"]}), [FIRST], NOW)


UNSIGNED = [
    f"{encode({**HEADER, 'alg': alg})}.{encode(CLAIMS)}.{tail}"
    for alg in ("none", "None", "nOnE", "NONE", "")
    for tail in ("", encode(b"x"))
]
FORGED = {
    **{f"unsigned {number}": token for number, token in enumerate(UNSIGNED)},
    "no alg": sign({"kid": HEADER["kid"]}, CLAIMS),
    "alg null": sign({**HEADER, "alg": None}, CLAIMS),
    "alg list": sign({**HEADER, "alg": ["HS256"]}, CLAIMS),
    "HS384": sign({**HEADER, "alg": "HS384"}, CLAIMS, digest="sha384"),
    "HS512": sign({**HEADER, "alg": "HS512"}, CLAIMS, digest="sha512"),
    "RS256": sign({**HEADER, "alg": "RS256"}, CLAIMS),
    "hs256 in lower case": sign({**HEADER, "alg": "hs256"}, CLAIMS),
    "no kid": sign({"alg": "HS256"}, CLAIMS),
    "kid of another key": sign({**HEADER, "kid": auth._key_id(SECOND)}, CLAIMS),
    "kid null": sign({**HEADER, "kid": None}, CLAIMS),
    "another's secret": sign(HEADER, CLAIMS, SECOND),
    "secret of kid": sign({**HEADER, "kid": "/dev/null"}, CLAIMS, ""),
    "jku": sign({**HEADER, "jku": "https://evil.example/keys"}, CLAIMS, SECOND),
    "jwk": sign({**HEADER, "jwk": {"kty": "oct", "k": encode(SECOND.encode())}}, CLAIMS, SECOND),
    "crit": sign({**HEADER, "crit": ["exp"]}, CLAIMS),
    "detached": sign({**HEADER, "b64": False, "crit": ["b64"]}, CLAIMS),
    **{f"without {name}": sign(HEADER, without(name)) for name in CLAIMS},
    **{f"null {name}": sign(HEADER, {**CLAIMS, name: None}) for name in CLAIMS},
    **{f"number as {name}": sign(HEADER, {**CLAIMS, name: 5}) for name in ("user_id", "email", "jti", "exp")},
    "expired now": sign(HEADER, {**CLAIMS, "exp": CLAIMS["iat"]}),
    "exp as text": sign(HEADER, {**CLAIMS, "exp": str(CLAIMS["exp"])}),
    "exp as float": sign(HEADER, {**CLAIMS, "exp": float(CLAIMS["exp"])}),
    "exp true": sign(HEADER, {**CLAIMS, "exp": True}),
    "exp infinite": sign(HEADER, json.dumps(CLAIMS).replace(str(CLAIMS["exp"]), "Infinity").encode()),
    "iat true": sign(HEADER, {**CLAIMS, "iat": True}),
    "iat ahead": sign(HEADER, {**CLAIMS, "iat": CLAIMS["iat"] + 61, "exp": CLAIMS["iat"] + 900}),
    "nbf ahead": sign(HEADER, {**CLAIMS, "nbf": CLAIMS["iat"] + 61}),
    "somebody's audience": sign(HEADER, {**CLAIMS, "aud": "mcp"}),
    "somebody's issuer": sign(HEADER, {**CLAIMS, "iss": "https://accounts.google.com"}),
    "jti is no UUID": sign(HEADER, {**CLAIMS, "jti": "one"}),
    "user_id is no UUID": sign(HEADER, {**CLAIMS, "user_id": "1 or 1=1"}),
    "claims are a list": sign(HEADER, [CLAIMS]),
    "claims are deep": sign(HEADER, b"[" * 50_000),
    "header is deep": sign(b'{"alg":"HS256","x":' + b"[" * 50_000, CLAIMS),
    "header has a huge number": sign(b'{"alg":"HS256","x":' + b"9" * 5000 + b"}", CLAIMS),
    "signature cut": sign(HEADER, CLAIMS)[:-2],
    "payload swapped": sign(HEADER, CLAIMS).replace(encode(CLAIMS), encode({**CLAIMS, "email": "eve@example.com"})),
    "empty": "",
    "dots": "..",
    "five parts": "a.b.c.d.e",
    "not ASCII": "é.é.é",
    "lone surrogate": "\ud800.a.b",
    "NUL": "\x00",
    "padded in front": " " + sign(HEADER, CLAIMS),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_unauthorized(name: str) -> None:
    with pytest.raises(Unauthorized):
        auth.verify_token(FORGED[name], [FIRST], NOW)


def test_a_password_is_known_by_all_of_its_characters() -> None:
    # bcrypt alone reads 72 bytes and stops at NUL; here the last of 128 characters still matters.
    long = "p" * 127
    stored = auth.hash_password(long + "a")
    assert stored.startswith("$2b$12$")
    assert auth.check_password(long + "a", stored)
    assert not auth.check_password(long + "b", stored)


def test_a_password_is_the_same_on_every_keyboard() -> None:
    assert auth.check_password("cafe\u0301 \u2460 au lait", auth.hash_password("caf\u00e9 1 au lait"))


def test_without_a_stored_hash_no_password_is_right() -> None:
    assert not auth.check_password("", None)


def test_an_unknown_email_takes_as_long_as_a_wrong_password() -> None:
    stored = auth.hash_password("correct horse")

    def cpu_seconds(password_hash: str | None) -> float:
        began = time.thread_time()
        auth.check_password("battery staple", password_hash)
        return time.thread_time() - began

    pairs = [(cpu_seconds(stored), cpu_seconds(None)) for _ in range(3)]
    known, unknown = (min(pair[side] for pair in pairs) for side in (0, 1))
    assert known / 2 < unknown < known * 2  # a skipped hash is a thousandth


def test_no_more_than_four_passwords_are_hashed_at_once() -> None:
    held = [auth._places.acquire(blocking=False) for _ in range(auth.MAX_HASHES_AT_ONCE)]
    try:
        assert all(held)
        with pytest.raises(Unavailable) as caught:
            auth.hash_password("one too many", wait_seconds=0.05)
        assert caught.value.retry_after is not None
    finally:
        for _ in held:
            auth._places.release()


def test_a_waiting_password_is_hashed_when_its_turn_comes() -> None:
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda: results.append(auth.hash_password("same")))
        for _ in range(auth.MAX_HASHES_AT_ONCE + 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(results)) == len(threads)  # every one with a salt of its own


def test_nobodys_hash_is_a_hash_of_the_same_cost() -> None:
    assert auth.NOBODYS_HASH.startswith(f"$2b${auth.BCRYPT_COST}$")
