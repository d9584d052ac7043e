"""A forgotten password, through the deployed functions: asked for, mailed, chosen anew."""

import datetime as dt
import json
import re
import statistics
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import Engine, event, select, text
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from tests.fakes import FakeMailer, FakePublisher
from tests.functions.conftest import PASSWORD, SignedIn
from tests.functions.envelopes import envelope
from vaultra.db.models import Mail, PasswordReset, User
from vaultra.services import Services

FORGOT, RESET = "/api/v1/auth/password/forgot", "/api/v1/auth/password/reset"
LOGIN, ME = "/api/v1/auth/login", "/api/v1/auth/me"
NEW_PASSWORD = "a new and better password"
SignUp = Callable[[], SignedIn]


@pytest.fixture
def client(room: Callable[[str], TestClient]) -> TestClient:
    return room("auth_api")


@pytest.fixture
def post(room: Callable[[str], TestClient], publisher: FakePublisher, mailer: FakeMailer) -> Callable[[], FakeMailer]:
    """Deliver every mail announced so far, through the function that sends them."""
    send_mail = room("send_mail")

    def deliver() -> FakeMailer:
        while publisher.messages:
            message = publisher.messages.pop(0)
            assert message.topic == "mail-due"
            assert send_mail.post("/", json=envelope(message.data)).status_code == 204
        return mailer

    return deliver


@pytest.fixture
def link_of(client: TestClient, post: Callable[[], FakeMailer]) -> Callable[[SignedIn], str]:
    """Ask for a new password and take the token out of the mail."""

    def ask(user: SignedIn) -> str:
        assert client.post(FORGOT, json={"email": user.email}).status_code == 202
        return token_in(post().sent[-1].text)

    return ask


def token_in(words: str) -> str:
    found = re.search(r"https://site\.test/auth/reset/#token=([\w-]{43})\s", words)
    assert found is not None, words
    return found[1]


def reset(client: TestClient, token: str, password: str = NEW_PASSWORD) -> Response:
    return client.post(RESET, json={"token": token, "password": password})


def log_in(client: TestClient, user: SignedIn, password: str) -> int:
    return client.post(LOGIN, json={"email": user.email, "password": password}).status_code


def a_stranger() -> str:
    return f"{uuid.uuid4().hex}@example.com"


# --- asking --------------------------------------------------------------------------------


def test_the_answer_never_tells_whether_there_is_an_account(
    client: TestClient, sign_up: SignUp, post: Callable[[], FakeMailer]
) -> None:
    user = sign_up()
    known, unknown = (client.post(FORGOT, json={"email": email}) for email in (user.email, a_stranger()))
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content) == (202, b"")
    headers = [{k: v for k, v in answer.headers.items() if k != "x-request-id"} for answer in (known, unknown)]
    assert headers[0] == headers[1]
    assert [mail.recipient for mail in post().sent] == [user.email]


def test_the_request_does_the_same_for_both(client: TestClient, engine: Engine, sign_up: SignUp) -> None:
    known, unknown = [sign_up().email for _ in range(10)], [a_stranger() for _ in range(10)]
    client.post(FORGOT, json={"email": a_stranger()})
    statements: dict[str, list[str]] = {}
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for email in [mail for pair in zip(known, unknown, strict=True) for mail in pair]:
        asked = statements.setdefault(email, [])

        def note(_c: Any, _x: Any, statement: str, *_: Any, into: list[str] = asked) -> None:
            into.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        began = time.perf_counter()
        client.post(FORGOT, json={"email": email})
        seconds[email in known].append(time.perf_counter() - began)
        event.remove(engine, "before_cursor_execute", note)
    assert len({tuple(asked) for asked in statements.values()}) == 1
    assert not any("from users" in statement.lower() for asked in statements.values() for statement in asked)
    medians = {name: 1000 * statistics.median(seconds[name]) for name in (True, False)}
    print(f"\nA15 forgot: median {medians[True]:.1f} ms known, {medians[False]:.1f} ms unknown; the same statements")


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_too_often_is_told_known_and_unknown_alike(
    client: TestClient, sign_up: SignUp, post: Callable[[], FakeMailer], known: bool
) -> None:
    email = sign_up().email if known else a_stranger()
    answers = [client.post(FORGOT, json={"email": each}) for each in [email] * 3 + [email.upper()] * 3]
    assert [answer.status_code for answer in answers] == [202] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert answers[-1].json()["error"]["code"] == "RATE_LIMITED"
    assert len(post().sent) == (5 if known else 0)


def test_one_address_cannot_ask_for_everybody(client: TestClient) -> None:
    answers = [client.post(FORGOT, json={"email": a_stranger()}).status_code for _ in range(31)]
    assert answers == [202] * 30 + [429]


@pytest.mark.parametrize(
    "body", [{}, {"email": "x"}, {"email": "a@b.c\r\nBcc: d@e.f"}, {"email": None}, {"email": "a@b.cd", "x": 1}]
)
def test_what_is_no_address_is_refused(client: TestClient, body: dict[str, Any]) -> None:
    assert client.post(FORGOT, json=body).status_code == 400


def test_row_b16_links_lead_to_the_configured_site_whatever_the_request_says(
    client: TestClient, sign_up: SignUp, post: Callable[[], FakeMailer]
) -> None:
    names = ["Host", "X-Forwarded-Host", "X-Forwarded-Server", "X-Host", "X-Original-URL", "Origin", "Referer"]
    spoofed = [{name: "evil.example"} for name in names]
    spoofed += [{"Forwarded": "host=evil.example;proto=http"}, dict.fromkeys(names, "https://evil.example/")]
    for headers in spoofed:
        user = sign_up()
        assert client.post(FORGOT, json={"email": user.email}, headers=headers).status_code == 202
        sent = post().sent[-1]
        links = re.findall(r"""https?://[^\s"'<]+""", sent.text + sent.html)
        assert len(links) == 3
        assert all(link.startswith("https://site.test/auth/reset/#token=") for link in links)
        assert "evil" not in sent.text + sent.html + sent.subject
    print(f"\nB16: {len(spoofed)} spoofed requests, 0 links elsewhere")


# --- choosing ------------------------------------------------------------------------------


def test_a_new_password_through_the_mailed_link(
    client: TestClient, sign_up: SignUp, link_of: Callable[[SignedIn], str], post: Callable[[], FakeMailer]
) -> None:
    user = sign_up()
    token = link_of(user)
    answer = reset(client, token)
    assert (answer.status_code, answer.content) == (204, b"")
    assert log_in(client, user, NEW_PASSWORD) == 200
    assert log_in(client, user, PASSWORD) == 401
    notice = post().sent[-1]
    assert (notice.recipient, notice.subject) == (user.email, "Your Vaultra password was changed")


def test_everybody_who_was_signed_in_is_out(
    client: TestClient, sign_up: SignUp, link_of: Callable[[SignedIn], str]
) -> None:
    user, other = sign_up(), sign_up()
    token = link_of(user)
    assert client.get(ME, headers=user.headers).status_code == 200
    assert reset(client, token).status_code == 204
    assert client.get(ME, headers=user.headers).status_code == 401
    assert client.get(ME, headers=other.headers).status_code == 200


def test_a_link_used_twice_says_so_in_one_sentence(
    client: TestClient, sign_up: SignUp, link_of: Callable[[SignedIn], str]
) -> None:
    user = sign_up()
    token = link_of(user)
    assert reset(client, token).status_code == 204
    again = reset(client, token, "another password")
    unknown = reset(client, "x" * 43)
    for answer in (again, unknown):
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert error["code"] == "VALIDATION_ERROR"
        assert error["message"] == "This link was used already, or is older than an hour: ask for a new one."
        assert error["details"]["field"] == "token"
    assert log_in(client, user, NEW_PASSWORD) == 200


def test_a_link_is_good_for_an_hour_from_when_it_was_written(
    client: TestClient, services: Services, sign_up: SignUp, link_of: Callable[[SignedIn], str]
) -> None:
    users = [sign_up(), sign_up()]
    noon = services.clock()
    services.clock = lambda: noon
    tokens = [link_of(user) for user in users]
    services.clock = lambda: noon + dt.timedelta(minutes=59, seconds=59)
    assert reset(client, tokens[0]).status_code == 204
    services.clock = lambda: noon + dt.timedelta(minutes=60)
    assert reset(client, tokens[1]).status_code == 400


@pytest.mark.parametrize("password", ["short", "", "a\u0000bcdefghi", "x" * 129, 12345678, None])
def test_a_password_that_signing_up_would_refuse_leaves_the_link_good(
    client: TestClient, sign_up: SignUp, link_of: Callable[[SignedIn], str], password: Any
) -> None:
    token = link_of(sign_up())
    refused = reset(client, token, password)
    assert refused.status_code == 400
    assert refused.json()["error"]["details"]["field"] == "password"
    assert reset(client, token).status_code == 204


def test_of_ten_uses_at_once_one_succeeds(
    client: TestClient, engine: Engine, sign_up: SignUp, link_of: Callable[[SignedIn], str]
) -> None:
    user = sign_up()
    token = link_of(user)
    passwords = [f"password number {n}" for n in range(10)]
    with ThreadPoolExecutor(10) as threads:
        statuses = list(threads.map(lambda password: reset(client, token, password).status_code, passwords))
    assert sorted(statuses) == [204] + [400] * 9
    assert log_in(client, user, passwords[statuses.index(204)]) == 200
    assert log_in(client, user, passwords[statuses.index(400)]) == 401
    with engine.connect() as conn:
        notices = conn.execute(select(Mail.id).where(Mail.user_id == uuid.UUID(user.id))).all()
    assert len(notices) == 1
    print("\n10 resets at once with one link: 1 winner, 1 notice")


def test_guessing_is_limited_and_costs_no_hash(client: TestClient) -> None:
    began = time.perf_counter()
    statuses = [reset(client, f"{n:043}").status_code for n in range(31)]
    assert statuses == [400] * 30 + [429]
    print(f"\n31 guesses in {time.perf_counter() - began:.2f} s")  # hashing each would take a quarter of a second


def test_a_google_user_gets_a_password_and_a_proved_mailbox(
    client: TestClient, engine: Engine, sign_up: SignUp, link_of: Callable[[SignedIn], str]
) -> None:
    user = sign_up()
    with engine.begin() as conn:
        conn.execute(text("update users set password_hash = null where id = :id"), {"id": user.id})
    assert log_in(client, user, PASSWORD) == 401
    assert reset(client, link_of(user)).status_code == 204
    assert log_in(client, user, NEW_PASSWORD) == 200
    with engine.connect() as conn:
        verified = conn.execute(select(User.email_verified_at).where(User.id == uuid.UUID(user.id))).scalar_one()
    assert verified is not None


def test_nothing_secret_is_stored_published_or_logged(
    client: TestClient,
    engine: Engine,
    sign_up: SignUp,
    publisher: FakePublisher,
    post: Callable[[], FakeMailer],
) -> None:
    user = sign_up()
    with capture_logs() as logs:
        client.post(FORGOT, json={"email": user.email})
        [message] = publisher.messages
        token = token_in(post().sent[-1].text)
        reset(client, token)
        reset(client, token)
    assert json.loads(message.data).keys() == {"mail_id"}
    with engine.connect() as conn:
        rows = [
            *conn.scalars(text("select cast(mails as text) from mails")),
            *conn.scalars(select(PasswordReset.token_hash)),
        ]
    assert len(logs) >= 4
    for secret in (token, NEW_PASSWORD):
        assert not any(secret in row for row in rows)
    for secret in (token, NEW_PASSWORD, user.email):
        assert secret not in str(logs)
