"""RELIABILITY rows A9, A10, A11 and A13, for signing in with Google: the whole product, a local OpenID issuer."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from httpx2 import Response
from sqlalchemy import text
from starlette.testclient import TestClient

from tests import loopback
from tests.domain.test_own_paths import PAYLOADS
from tests.openid import CALLBACK, JSON, PAGE, Browser, agree, new_person, provider, query_of
from tests.reliability.house import NOW, SITE, House, new_address
from vaultra import auth
from vaultra.usecases import passwords, resets
from vaultra_local.openid_sim import CLIENT_ID, OpenidSim, Person, running_openid_sim

AT_NOW = int(NOW.timestamp())
ATTACKERS, VICTIMS = "the attacker's password", "the victim's own password"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(scope="module")
def issuer() -> Iterator[OpenidSim]:
    with running_openid_sim(now=lambda: AT_NOW) as sim:
        yield sim


@pytest.fixture
def google(house: House, issuer: OpenidSim) -> OpenidSim:
    house.services.google = provider(issuer, lambda: house.now)
    return issuer


@pytest.fixture
def visit(house: House, google: OpenidSim) -> Callable[[], Browser]:
    """A new browser at a new address."""

    def open_one() -> Browser:
        client = (new_address(), 50000)
        return Browser(TestClient(house.app, base_url="https://api.test", follow_redirects=False, client=client))

    return open_one


def rows_about(house: House, person: Person) -> tuple[int, int]:
    """How many users have this person's email, and how many identities are theirs."""
    statement = text(
        "select (select count(*) from users where lower(email) = lower(:email)) users,"
        " (select count(*) from identities where subject = :subject) identities"
    )
    with house.engine.connect() as db:
        row = db.execute(statement, {"email": person.email, "subject": person.subject}).one()
    return row.users, row.identities


# --- A9 --------------------------------------------------------------------------------------

FORGED: dict[str, tuple[dict[str, Any], str]] = {
    "email_verified false": ({"email_verified": False}, "properly"),
    "email_verified absent": ({"email_verified": None}, "properly"),
    "email_verified is text": ({"email_verified": "true"}, "properly"),
    "email_verified is one": ({"email_verified": 1}, "properly"),
    "no email": ({"email": None}, "properly"),
    "other aud": ({"aud": "another"}, "properly"),
    "ours among several aud": ({"aud": [CLIENT_ID, "another"]}, "properly"),
    "no aud": ({"aud": None}, "properly"),
    "other azp": ({"azp": "another"}, "properly"),
    "other iss": ({"iss": "https://accounts.google.com"}, "properly"),
    "no iss": ({"iss": None}, "properly"),
    "other nonce": ({"nonce": "another"}, "properly"),
    "no nonce": ({"nonce": None}, "properly"),
    "expired": ({"exp": AT_NOW - 61}, "properly"),
    "no exp": ({"exp": None}, "properly"),
    "from the future": ({"iat": AT_NOW + 61}, "properly"),
    "no iat": ({"iat": None}, "properly"),
    "no sub": ({"sub": None}, "properly"),
    "alg none": ({}, "none"),
    "HS256 with the public key": ({}, "hs256"),
    "another key": ({}, "another_key"),
    "an unknown key's name": ({}, "another_kid"),
}


def test_a9_no_forged_or_unverified_token_signs_in(
    house: House, google: OpenidSim, visit: Callable[[], Browser]
) -> None:
    refused, made = 0, 0
    for claims, signed in FORGED.values():
        known = new_person(google, email=house.person().email)
        for person in (new_person(google), known):
            before = rows_about(house, person)
            google.next_token(claims=claims, signed=signed)
            answer = visit().sign_in(person)
            refused += answer.status_code in (401, 403) and "token" not in answer.json()
            made += rows_about(house, person) != before
    print(f"A9: {refused} of {2 * len(FORGED)} refused, {made} users or identities made")
    assert (refused, made) == (2 * len(FORGED), 0)


# --- A10 -------------------------------------------------------------------------------------


class Story:
    """An attacker who registers a victim's email with a password of their own, and what both try afterwards."""

    def __init__(self, house: House, google: OpenidSim, visit: Callable[[], Browser]) -> None:
        self._house, self._google, self._visit = house, google, visit
        self.email = f"{uuid.uuid4().hex}@example.com"
        self.sessions: list[str] = []

    def attacker_registers(self, email: str | None = None) -> int:
        """The status; the attacker keeps the session's token."""
        body = {"email": email or self.email, "password": ATTACKERS, "name": "Ana"}
        answer = self._house.send("POST", "/api/v1/auth/signup", json=body)
        if answer.status_code == 201:
            self.sessions.append(answer.json()["token"])
        return answer.status_code

    def victim_comes_by_google(self, email: str | None = None, **changes: Any) -> Response:
        return self._visit().sign_in(new_person(self._google, email=email or self.email, **changes))

    def victim_resets(self) -> None:
        """Through the link in the mail, which only the victim can read."""
        password_hash = auth.hash_password(VICTIMS)
        with self._house.engine.begin() as db:
            letter = resets.write(db, self.email, self._house.now)
            assert letter is not None
            passwords.reset(
                db, token=letter.token, password_hash=password_hash, address="192.0.2.9", now=self._house.now
            )

    def logs_in(self, password: str) -> bool:
        body = {"email": self.email, "password": password}
        return self._house.send("POST", "/api/v1/auth/login", json=body).status_code == 200

    def attacker_gets_in(self, victim: str | None) -> int:
        """How many ways lead the attacker into the account the victim signed in to."""
        ways = [self._house.send("GET", "/api/v1/auth/me", headers=_bearer(token)) for token in self.sessions]
        inside = sum(answer.status_code == 200 and answer.json()["id"] == victim for answer in ways)
        return inside + (victim is not None and self.logs_in(ATTACKERS))


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _user_id(answer: Response) -> str | None:
    """Who was signed in; None when nobody was."""
    return answer.json()["user"]["id"] if answer.status_code == 200 else None


def registered_first(story: Story) -> str | None:
    assert story.attacker_registers() == 201
    answer = story.victim_comes_by_google()
    assert answer.status_code == 409
    return _user_id(answer)


def registered_afterwards(story: Story) -> str | None:
    victim = _user_id(story.victim_comes_by_google())
    assert victim is not None
    assert story.attacker_registers() == 409
    return victim


def reset_in_between(story: Story) -> str | None:
    assert story.attacker_registers() == 201
    assert story.victim_comes_by_google().status_code == 409
    story.victim_resets()
    victim = _user_id(story.victim_comes_by_google())
    assert victim is not None
    assert story.logs_in(VICTIMS)
    return victim


def in_another_case(story: Story) -> str | None:
    assert story.attacker_registers(story.email.upper()) == 201
    answers = [story.victim_comes_by_google(story.email.swapcase()), story.victim_comes_by_google()]
    assert [answer.status_code for answer in answers] == [409, 409]
    return None


def with_a_google_account_of_their_own(story: Story) -> str | None:
    """The attacker's Google account says the same email: another subject, whom the email alone opens nothing."""
    victim = _user_id(story.victim_comes_by_google())
    attackers = story.victim_comes_by_google()
    assert attackers.status_code == 409
    assert story.attacker_registers() == 409
    assert _user_id(attackers) != victim
    return victim


def with_an_unverified_google_email(story: Story) -> str | None:
    """The attacker's Google account claims the victim's email, before and after the victim has an account."""
    assert story.victim_comes_by_google(email_verified=False).status_code == 403
    victim = _user_id(story.victim_comes_by_google())
    assert victim is not None
    assert story.victim_comes_by_google(email_verified=False).status_code == 403
    assert story.victim_comes_by_google(email_verified="true").status_code == 403
    return victim


SCENARIOS = (
    registered_first,
    registered_afterwards,
    reset_in_between,
    in_another_case,
    with_a_google_account_of_their_own,
    with_an_unverified_google_email,
)


def test_a10_nobody_waits_in_the_account_of_who_signs_in_with_google(
    house: House, google: OpenidSim, visit: Callable[[], Browser]
) -> None:
    logins = {}
    for scenario in SCENARIOS:
        story = Story(house, google, visit)
        victim = scenario(story)
        logins[scenario.__name__] = story.attacker_gets_in(victim)
    print(f"A10: {len(SCENARIOS)} scenarios, attacker logins {sum(logins.values())}")
    assert logins == {scenario.__name__: 0 for scenario in SCENARIOS}


# --- A11 -------------------------------------------------------------------------------------


def test_a11_a_state_is_good_once_in_time_and_in_its_browser(
    house: House, google: OpenidSim, visit: Callable[[], Browser]
) -> None:
    person = new_person(google)
    refused = {}

    browser = visit()
    good = agree(browser.begin(), person.subject)
    refused["missing"] = browser.come_back({"code": good["code"]})
    browser = visit()
    good = agree(browser.begin(), person.subject)
    refused["guessed"] = browser.come_back({**good, "state": "x" * 43})

    started, other = visit(), visit()
    good = agree(started.begin(), person.subject)
    refused["in no browser"] = visit().come_back(good)
    other.begin()
    refused["in another browser"] = other.come_back(good)
    cookie = dict(started.client.cookies)
    assert started.come_back(good).status_code == 200
    started.client.cookies.update(cookie)
    refused["replayed"] = started.come_back({**agree(visit().begin(), person.subject), "state": good["state"]})

    late = visit()
    good = agree(late.begin(), person.subject)
    house.now = NOW + 10 * MINUTE
    refused["expired"] = late.come_back(good)
    house.now = NOW

    statuses = {name: answer.status_code for name, answer in refused.items()}
    print(f"A11: refused {sorted(statuses)}")
    assert statuses == dict.fromkeys(refused, 400)


def test_a11_a_code_without_its_verifier_is_worth_nothing(
    house: House, google: OpenidSim, visit: Callable[[], Browser]
) -> None:
    """PKCE: the issuer gives no code without a challenge, and whoever has only the code gets no token."""
    person, browser = new_person(google), visit()
    url = browser.begin()
    asked = {name: value for name, value in query_of(url).items() if not name.startswith("code_challenge")}
    bare = loopback.get(f"{google.url}/authorize?{urlencode(asked)}&sim_person={person.subject}")
    stolen = agree(url, person.subject)
    mine = visit()
    injected = mine.come_back({"code": stolen["code"], "state": query_of(mine.begin())["state"]})
    assert (bare.status_code, injected.status_code) == (400, 401)


def test_a11_of_twenty_callbacks_at_once_one_signs_in(
    house: House, google: OpenidSim, visit: Callable[[], Browser]
) -> None:
    person, browser = new_person(google), visit()
    url = browser.begin()
    cookie = {"Cookie": f"vaultra_google={browser.client.cookies['vaultra_google']}"}
    queries = [agree(url, person.subject) for _ in range(20)]
    requests = [("GET", CALLBACK, {"params": query, "headers": {**JSON, **cookie}}) for query in queries]
    statuses = sorted(answer.status_code for answer in house.send_together(requests))
    print(f"A11: 20 callbacks with one state at once, {statuses.count(200)} signed in")
    assert statuses == [200] + [400] * 19
    assert rows_about(house, person) == (1, 1)


def test_a11_of_twenty_sign_ins_of_one_new_person_at_once_all_are_one_user(
    house: House, google: OpenidSim, visit: Callable[[], Browser]
) -> None:
    person = new_person(google)
    requests = []
    for _ in range(20):
        browser = visit()
        query = agree(browser.begin(), person.subject)
        cookie = {"Cookie": f"vaultra_google={browser.client.cookies['vaultra_google']}"}
        requests.append(("GET", CALLBACK, {"params": query, "headers": {**JSON, **cookie}}))
    answers = house.send_together(requests)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["user"]["id"] for answer in answers}) == 1
    assert rows_about(house, person) == (1, 1)


# --- A13 -------------------------------------------------------------------------------------


def test_a13_no_next_page_leads_off_the_site(house: House, google: OpenidSim, visit: Callable[[], Browser]) -> None:
    """Where the site's page would go on to, after the whole way: every eighth of what the domain's test tries."""
    person, off_site, signed_in = new_person(google), 0, 0

    def land(payload: str) -> str:
        answer = visit().sign_in(person, PAGE, next=payload)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    payloads = [payload for payload in PAYLOADS[::8] if payload.isprintable()]
    for location in map(land, payloads):
        target = urlsplit(location)
        signed_in += f"{target.scheme}://{target.netloc}{target.path}" == f"{SITE}/auth/callback/google/"
        going_on = urlsplit(urljoin(SITE, query_of(location).get("next", "/")))
        off_site += going_on.netloc != urlsplit(SITE).netloc
    print(f"A13: {len(payloads)} payloads through the whole sign-in, {off_site} off-site")
    assert (signed_in, off_site) == (len(payloads), 0)
