"""RELIABILITY rows A1 to A4: what is no token of ours opens nothing, and no guessable secret is ever used."""

import base64
import datetime as dt
import hmac
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.reliability.calls import routes
from tests.reliability.house import NOW, House, Person
from vaultra.config import AuthSettings
from vaultra.routes import Access
from vaultra_local.catalogue import FUNCTIONS
from vaultra_local.openapi import load_routes

ME = "/api/v1/auth/me"
OURS, OLD = "a-secret-of-the-tests-with-32-bytes", "the-secret-before-it-with-32-bytes"
PUBLIC_KEY = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
ISSUED = int(NOW.timestamp())
Parts = tuple[dict[str, Any], dict[str, Any]]


def encode(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(part: str) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return decoded


def sign(header: Any, claims: Any, secret: str = OURS, digest: str = "sha256") -> str:
    signed = f"{encode(header)}.{encode(claims)}"
    return f"{signed}.{encode(hmac.new(secret.encode(), signed.encode(), digest).digest())}"


def parts(person: Person) -> Parts:
    """Header and claims of a person's own, good token."""
    header, claims, _ = person.token.split(".")
    return decode(header), decode(claims)


def unsigned(alg: Any, tail: str = "") -> Callable[[Parts], str]:
    return lambda own: f"{encode({**own[0], 'alg': alg})}.{encode(own[1])}.{tail}"


def header(secret: str = OURS, digest: str = "sha256", **changes: Any) -> Callable[[Parts], str]:
    return lambda own: sign({**own[0], **changes}, own[1], secret, digest)


def no_header(name: str) -> Callable[[Parts], str]:
    return lambda own: sign({key: value for key, value in own[0].items() if key != name}, own[1])


def claims(**changes: Any) -> Callable[[Parts], str]:
    return lambda own: sign(own[0], {**own[1], **changes})


def no_claim(name: str) -> Callable[[Parts], str]:
    return lambda own: sign(own[0], {key: value for key, value in own[1].items() if key != name})


def raw_claims(change: Callable[[str], str]) -> Callable[[Parts], str]:
    return lambda own: sign(own[0], change(json.dumps(own[1])).encode())


FORGED_HEADERS: dict[str, Callable[[Parts], str]] = {
    **{f"alg {alg or 'empty'} without a signature": unsigned(alg) for alg in ("none", "None", "nOnE", "NONE", "")},
    **{f"alg {alg or 'empty'} with one": unsigned(alg, "eA") for alg in ("none", "None", "nOnE", "NONE", "")},
    "alg null": header(alg=None),
    "alg a list": header(alg=["HS256"]),
    "alg a number": header(alg=256),
    "alg in lower case": header(alg="hs256"),
    "alg with a space": header(alg="HS256 "),
    "no alg": no_header("alg"),
    "HS384": header(alg="HS384", digest="sha384"),
    "HS512": header(alg="HS512", digest="sha512"),
    "HS1": header(alg="HS1", digest="sha1"),
    "RS256 over our bytes": header(alg="RS256"),
    "ES256 over our bytes": header(alg="ES256"),
    "EdDSA over our bytes": header(alg="EdDSA"),
    "a public key as the secret": header(secret=PUBLIC_KEY),
    "a public key as the secret of RS256": header(secret=PUBLIC_KEY, alg="RS256"),
    "an empty secret": header(secret=""),
    "another secret": header(secret=OLD),
    "no kid": no_header("kid"),
    "kid null": header(kid=None),
    "kid a number": header(kid=0),
    "kid a list": header(kid=["x"]),
    "kid a path, empty secret": header(secret="", kid="/dev/null"),
    "kid a path upwards": header(secret="", kid="../../../../dev/null"),
    "kid SQL": header(secret="x", kid="' union select 'x' --"),
    "kid unknown": header(kid="00000000"),
    "kid in upper case": lambda own: sign({**own[0], "kid": own[0]["kid"].upper() + " "}, own[1]),
    "jku": header(secret=OLD, jku="https://evil.example/keys.json"),
    "jwk": header(secret=OLD, jwk={"kty": "oct", "k": encode(OLD.encode())}),
    "x5u": header(secret=OLD, x5u="https://evil.example/cert.pem"),
    "crit exp": header(crit=["exp"]),
    "crit unknown": header(crit=["evil"], evil=True),
    "crit empty": header(crit=[]),
    "b64 false": header(b64=False, crit=["b64"]),
    "header a list": lambda own: sign([own[0]], own[1]),
    "header text": lambda own: sign("HS256", own[1]),
    "header deep": lambda own: sign(b'{"alg":"HS256","x":' + b"[" * 5_000, own[1]),
    "header with a huge number": lambda own: sign(b'{"alg":"HS256","x":' + b"9" * 5_000 + b"}", own[1]),
    "header and claims not ours, joined to our signature": lambda own: ".".join(
        [encode({**own[0], "x": 1}), encode(own[1]), sign(*own).split(".")[2]]
    ),
    "claims exchanged": lambda own: ".".join(
        [encode(own[0]), encode({**own[1], "email": "eve@example.com"}), sign(*own).split(".")[2]]
    ),
    "signature cut": lambda own: sign(*own)[:-2],
    "signature missing": lambda own: sign(*own).rpartition(".")[0] + ".",
    "signature with padding and more": lambda own: sign(*own) + "====x",
    "four parts": lambda own: sign(*own) + ".x",
    "five parts": lambda _own: "a.b.c.d.e",
    "dots": lambda _own: "..",
    "not ASCII": lambda _own: "\xe9.\xe9.\xe9",
    "JSON": lambda own: json.dumps({"payload": encode(own[1]), "signatures": []}).replace(" ", ""),
}

FORGED_CLAIMS: dict[str, Callable[[Parts], str]] = {
    **{f"no {name}": no_claim(name) for name in ("iss", "aud", "user_id", "email", "exp", "iat", "jti")},
    **{f"{name} null": claims(**{name: None}) for name in ("iss", "aud", "user_id", "email", "exp", "iat", "jti")},
    **{f"{name} a number": claims(**{name: 5}) for name in ("iss", "aud", "user_id", "email", "jti", "exp")},
    **{f"{name} a list": claims(**{name: ["x"]}) for name in ("iss", "aud", "user_id", "email", "exp", "iat", "jti")},
    "expired now": claims(exp=ISSUED),
    "expired long ago": claims(exp=1),
    "exp negative": claims(exp=-1),
    "exp text": claims(exp=str(ISSUED + 60)),
    "exp with a fraction": claims(exp=ISSUED + 60.5),
    "exp true": claims(exp=True),
    "exp infinite": raw_claims(lambda text: text.replace('"exp": ', '"exp": Infinity, "x": ')),
    "exp not a number": raw_claims(lambda text: text.replace('"exp": ', '"exp": NaN, "x": ')),
    "iat in the future": claims(iat=ISSUED + 61),
    "iat true": claims(iat=True),
    "iat text": claims(iat=str(ISSUED)),
    "nbf in the future": claims(nbf=ISSUED + 61),
    "nbf text": claims(nbf="1"),
    "aud of the assistants": claims(aud="vaultra-mcp"),
    "aud ours among others, as text": claims(aud="vaultra-api,other"),
    "iss somebody": claims(iss="https://accounts.google.com"),
    "iss in upper case": claims(iss="VAULTRA"),
    "user_id no UUID": claims(user_id="1 or 1=1"),
    "user_id somebody's": claims(user_id=str(uuid.UUID(int=7))),
    "jti no UUID": claims(jti="one"),
    "jti unknown": claims(jti=str(uuid.UUID(int=7))),
    "sub in place of user_id": lambda own: sign(
        own[0], {("sub" if key == "user_id" else key): value for key, value in own[1].items()}
    ),
    "claims a list": lambda own: sign(own[0], [own[1]]),
    "claims text": lambda own: sign(own[0], "user_id"),
    "claims deep": lambda own: sign(own[0], b"[" * 5_000),
    "claims not UTF-8": lambda own: sign(own[0], b'{"user_id":"\xff"}'),
}


def status(house: House, token: str) -> int:
    authorization = {"Authorization": f"Bearer {token}".encode("latin-1")}
    return house.send("GET", ME, headers=authorization).status_code


def assert_all_refused(house: House, corpus: dict[str, Callable[[Parts], str]]) -> int:
    own = parts(house.person())
    assert status(house, sign(*own)) == 200, "the forger below would succeed with honest parts"
    accepted = {name: found for name, forge in corpus.items() if (found := status(house, forge(own))) != 401}
    assert accepted == {}
    return len(corpus)


def test_a1_a_token_with_another_algorithm_key_or_signature_is_refused(house: House) -> None:
    """A1: alg none, confusion of algorithms and keys, crit, kid and its like, over HTTP with good claims."""
    refused = assert_all_refused(house, FORGED_HEADERS)
    assert refused >= 40
    print(f"A1: {refused}/{refused} answered 401")


def test_a2_a_token_with_a_claim_missing_or_wrong_is_refused(house: House) -> None:
    """A2: each claim missing, of the wrong type or wrong, signed with our own secret."""
    refused = assert_all_refused(house, FORGED_CLAIMS)
    print(f"A2: {refused}/{refused} answered 401")


def test_a2_anothers_session_serves_nobody_else(house: House) -> None:
    """A2: a session belongs to its user, even when both parts are honest."""
    (first, mine), (_, theirs) = parts(house.person()), parts(house.person())
    assert status(house, sign(first, {**mine, "jti": theirs["jti"]})) == 401
    assert status(house, sign(first, {**mine, "user_id": theirs["user_id"]})) == 401
    print("A2: 2/2 mixtures answered 401")


def test_a1_every_route_refuses_a_forged_token(house: House) -> None:
    """A1: no route forgets to verify."""
    own = parts(house.person())
    tokens = [unsigned("none")(own), header(secret=OLD)(own), claims(exp=ISSUED)(own)]
    closed = [route for route in routes().values() if route.access is not Access.PUBLIC]
    for route in closed:
        for token in tokens:
            # Whatever the rest of the request looks like: an id that is none, no body.
            path = route.path.replace("{", "").replace("}", "")
            answer = house.send(route.method, path, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code in (400, 401, 415), f"{route.method} {path}: {answer.status_code}"
    print(f"A1: {len(closed)} routes, {len(tokens)} forged tokens each: 0 let in")


def test_a3_a_secret_is_good_until_it_is_taken_away(house: House) -> None:
    """A3: the first secret signs; each token is good with the secret its kid names, and only with that."""

    def use(*secrets: str) -> None:
        house.services.auth = AuthSettings(jwt_secret=",".join(secrets))

    use(OLD)
    old = house.person()
    use(OURS, OLD)
    new = house.person()
    assert parts(old)[0]["kid"] != parts(new)[0]["kid"]
    assert [status(house, person.token) for person in (old, new)] == [200, 200]
    crossed = sign({**parts(old)[0], "kid": parts(new)[0]["kid"]}, parts(old)[1], OLD)
    assert status(house, crossed) == 401
    use(OURS)
    assert [status(house, person.token) for person in (old, new)] == [401, 200]
    use(OLD)
    assert [status(house, person.token) for person in (old, new)] == [200, 401]
    print("A3: both accepted during the rotation, each afterwards with its own secret only")


def test_a3_a_token_ends_on_its_second(house: House) -> None:
    """A3: seven days, and not a second more."""
    person = house.person()
    house.now = NOW + dt.timedelta(days=7, seconds=-1)
    assert status(house, person.token) == 200
    house.now = NOW + dt.timedelta(days=7)
    assert status(house, person.token) == 401
    print("A3: 200 a second before seven days, 401 then")


WEAK = {
    "short": "change-me",
    "known from examples": "your-256-bit-secret",
    "one character": "x" * 64,
    "two characters": "ab" * 32,
    "spaces": "   ",
    "commas": ",,,",
    "a good one and a short one": f"{OURS},short",
}
CLOSED_ROOMS = sorted(
    name for name, table in load_routes(FUNCTIONS).items() if any(route.access is not Access.PUBLIC for route in table)
)


def start(room: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Load a function's file as its server does, in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if name not in ("JWT_SECRET", "K_SERVICE")}
    return subprocess.run(
        [sys.executable, "-c", "import main"],
        cwd=FUNCTIONS / room,
        env={**environment, **variables},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("name", WEAK)
def test_a4_a_weak_secret_stops_the_start(name: str) -> None:
    """A4: weak, repeated, empty and default secrets; the message names the setting and never the secret."""
    room = CLOSED_ROOMS[list(WEAK).index(name) % len(CLOSED_ROOMS)]
    done = start(room, JWT_SECRET=WEAK[name])
    assert done.returncode != 0
    assert "JWT_SECRET" in done.stderr
    assert "Traceback" not in done.stderr
    assert WEAK[name].strip(" ,") == "" or WEAK[name] not in done.stderr
    print(f"A4: {room}, {name}: exit {done.returncode}")


@pytest.mark.parametrize("variables", [{}, {"JWT_SECRET": ""}], ids=["unset", "empty"])
def test_a4_in_the_cloud_there_has_to_be_a_secret(variables: dict[str, str]) -> None:
    """A4: on Cloud Run a room that verifies tokens does not start without a secret."""
    done = start("users_api", K_SERVICE="users-api", **variables)
    assert done.returncode != 0
    assert "JWT_SECRET" in done.stderr
    assert start("users_api", K_SERVICE="users-api", JWT_SECRET=OURS).returncode == 0
    print(f"A4: exit {done.returncode} without a secret, 0 with a good one")


def test_a4_the_server_itself_ends(tmp_path: Path) -> None:
    """A4: the framework's own command, as it is deployed, ends with an error."""
    command = Path(sys.executable).with_name("functions-framework")
    done = subprocess.run(
        [str(command), "--target", "auth_api", "--port", "0", "--host", "127.0.0.1"],
        cwd=FUNCTIONS / "auth_api",
        env={**os.environ, "JWT_SECRET": "x" * 64, "K_SERVICE": "auth-api"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert "JWT_SECRET" in done.stderr
    print(f"A4: functions-framework exits {done.returncode}")
