"""RELIABILITY rows A15 and A16: who has an account can't be told, and what a password may be."""

import statistics
import time
import unicodedata
import uuid
from collections.abc import Callable

import bcrypt
import httpx
import pytest

from tests.reliability.house import PASSWORD, House
from vaultra import auth

LOGIN, SIGNUP, FORGOT = "/api/v1/auth/login", "/api/v1/auth/signup", "/api/v1/auth/password/forgot"


def attempt(house: House, path: str, email: str) -> httpx.Response:
    bodies = {
        LOGIN: {"email": email, "password": "not the password"},
        SIGNUP: {"email": email, "password": PASSWORD, "name": "An Owner"},
        FORGOT: {"email": email},
    }
    return house.send("POST", path, json=bodies[path])


def nobodys_email() -> str:
    return f"{uuid.uuid4().hex}@example.com"


def signed_up(house: House) -> str:
    """The email of an account made as anybody makes theirs: with a password hashed at its usual cost."""
    email = nobodys_email()
    assert attempt(house, SIGNUP, email).status_code == 201
    return email


def shown(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """An answer without its request's id."""
    request_id = answer.headers["x-request-id"]
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return answer.status_code, answer.content.replace(request_id.encode(), b""), headers


def measure(
    house: House, path: str, known: str, pairs: int, clock: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """What as many attempts take for an email that has an account and for one that has none, in turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(pairs):
        for kept, email in zip(times, (known, nobodys_email()), strict=True):
            began = clock()
            attempt(house, path, email)
            kept.append(clock() - began)
            with house.engine.begin() as db:
                db.exec_driver_sql("delete from rate_limits")
    return times


def area_under_curve(first: list[float], second: list[float]) -> float:
    """How often one of the first takes longer than one of the second: 0.5 tells nothing, 1 and 0 everything."""
    wins = sum((a > b) + 0.5 * (a == b) for a in first for b in second)
    return wins / (len(first) * len(second))


@pytest.mark.parametrize("path", [LOGIN, FORGOT])
def test_a15_a_known_and_an_unknown_email_are_answered_alike(house: House, cheap_hashes: None, path: str) -> None:
    """A15: the same status, body and headers, also when the limit is used up."""
    known = house.person()
    answers = [
        (shown(attempt(house, path, known.email)), shown(attempt(house, path, nobodys_email()))) for _ in range(3)
    ]
    assert all(first == second for first, second in answers)
    unknown = nobodys_email()
    tries = [(attempt(house, path, known.email), attempt(house, path, unknown)) for _ in range(11)]
    statuses = [(first.status_code, second.status_code) for first, second in tries]
    assert statuses[-1] == (429, 429)
    first, second = tries[-1]
    assert first.json()["error"]["message"] == second.json()["error"]["message"]
    print(f"A15: {path}: {len(answers)} pairs of identical answers; both limited with 429")


@pytest.mark.parametrize(
    ("path", "pairs"),
    [pytest.param(LOGIN, 8, marks=pytest.mark.long), pytest.param(SIGNUP, 8, marks=pytest.mark.long), (FORGOT, 30)],
)
def test_a15_a_known_and_an_unknown_email_cost_the_same(house: House, path: str, pairs: int) -> None:
    """A15: processor time, which other tests beside this one don't change; the long test looks at the clock."""
    known, unknown = measure(house, path, signed_up(house), pairs, time.process_time)
    ratio = statistics.median(known) / statistics.median(unknown)
    assert 2 / 3 < ratio < 3 / 2
    print(f"A15: {path}: {pairs} pairs, median processor time known/unknown {ratio:.3f}")


@pytest.mark.long
@pytest.mark.parametrize("path", [LOGIN, SIGNUP, FORGOT])
def test_a15_nobody_can_tell_by_the_clock(house: House, path: str) -> None:
    """A15: 200 attempts each, in turns: medians within 10 %, and an area under the curve that tells nothing."""
    known, unknown = measure(house, path, signed_up(house), 200, time.perf_counter)
    ratio = statistics.median(known) / statistics.median(unknown)
    area = area_under_curve(known, unknown)
    print(f"A15: {path}: 200 each: medians known/unknown {ratio:.3f}, AUC {area:.3f}")
    assert 0.9 < ratio < 1.1
    assert 0.4 <= area <= 0.6


LENGTHS = [(7, 400), (8, 201), (72, 201), (73, 201), (128, 201), (129, 400), (1_000_000, 400), (2_000_000, 413)]


@pytest.mark.parametrize(("length", "status"), LENGTHS)
def test_a16_a_password_has_8_to_128_characters(house: House, length: int, status: int) -> None:
    """A16: exactly, counted in characters; one of 128 is known by its last, although bcrypt reads 72 bytes."""
    email, password = nobodys_email(), ("é" if length < 200 else "x") * (length - 1) + "x"
    began = time.thread_time()
    answer = house.send("POST", SIGNUP, json={"email": email, "password": password, "name": "A"})
    assert answer.status_code == status, answer.text[:200]
    if status == 201:
        for other, expected in ((password, 200), (password[:-1] + "y", 401)):
            body = {"email": email, "password": other}
            assert house.send("POST", LOGIN, json=body).status_code == expected
    print(f"A16: {length:,} characters: {status}, {(time.thread_time() - began) * 1000:.0f} ms of this thread")


class CountingBcrypt:
    """bcrypt, and how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def hashpw(self, password: bytes, salt: bytes) -> bytes:
        self.calls += 1
        return bcrypt.hashpw(password, salt)

    def checkpw(self, password: bytes, hashed: bytes) -> bool:
        self.calls += 1
        return bcrypt.checkpw(password, hashed)

    gensalt = staticmethod(bcrypt.gensalt)


def test_a16_what_is_no_password_is_refused_before_hashing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A16: too short, too long, a megabyte, NUL: by every route that takes a password, without one hash."""
    counted = CountingBcrypt()
    monkeypatch.setattr(auth, "bcrypt", counted)
    tries = 0
    for password in ("", "x" * 129, "x" * 1_000_000, "NUL \0 in it", 12345678, None, ["12345678"]):
        for path, more in (
            (SIGNUP, {"email": nobodys_email(), "name": "A"}),
            (LOGIN, {"email": nobodys_email()}),
            ("/api/v1/auth/password/reset", {"token": "x" * 43}),
        ):
            assert house.send("POST", path, json={**more, "password": password}).status_code == 400
            tries += 1
    assert counted.calls == 0
    attempt(house, LOGIN, nobodys_email())
    assert counted.calls == 1, "the count above would see one"
    print(f"A16: {tries} requests, 0 hashes")


def test_a16_a_password_is_the_same_however_it_is_typed(house: House) -> None:
    """A16: composed and decomposed letters, full-width digits and ligatures are one password; others are not."""
    email, password = nobodys_email(), "Zoë's ﬁne pass 123"
    assert house.send("POST", SIGNUP, json={"email": email, "password": password, "name": "A"}).status_code == 201
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        body = {"email": email, "password": unicodedata.normalize(form, password)}
        assert house.send("POST", LOGIN, json=body).status_code == 200
    for other in ("zoë's ﬁne pass 123", "Zoe's fine pass 123", password + " "):
        assert house.send("POST", LOGIN, json={"email": email, "password": other}).status_code == 401
    print("A16: 4 forms let in, 3 others refused")
