"""Accounts in a real browser, with the mails that belong to them: passwords, invitations, Google, signing out."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import BrowserType, Response

from tests.e2e.browsers import ARGUMENTS, CHROMIUM, needs_browser
from tests.e2e.product import PASSWORD, Owner, Product, running_product, wait_until
from tests.e2e.visitor import Letters, Visitor, token_of
from vaultra_local.openid_sim import CLIENT_ID, CLIENT_SECRET, OpenidSim, Person, running_openid_sim
from vaultra_local.ports import free_port

NO_STRIPE = "http://127.0.0.1:9"
NEW_PASSWORD = "another password of the tests"

pytestmark = needs_browser


@dataclass
class House:
    """The running product, the mails it sends, and who signs in with Google."""

    product: Product
    letters: Letters
    google: OpenidSim

    def new_account(self) -> tuple[str, httpx.Client]:
        """Somebody who signed up: their email, and a client with their session."""
        client, email = self.product.client(), new_email()
        account = {"email": email, "password": PASSWORD, "name": "A Person"}
        client.headers["Authorization"] = f"Bearer {client.post('/auth/signup', json=account).json()['token']}"
        return email, client

    def invite(self, email: str, role: str = "viewer") -> tuple[str, str]:
        """Invite an address to a new business; the link in the mail, and its token."""
        owner = Owner.sign_up(self.product)
        invited = owner.client.post(
            f"/users/businesses/{owner.business_id}/members", json={"email": email, "role": role}
        )
        assert invited.status_code == 201, invited.text
        return self.letters.link(email, "Invitation")

    def status_of(self, token: str) -> int:
        """What the API says to a bearer of this token."""
        with self.product.client() as client:
            return client.get("/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code


def new_email() -> str:
    return f"{secrets.token_hex(8)}@example.com"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    letters = Letters()
    post = Controller(letters, hostname="127.0.0.1", port=free_port())
    post.start()
    try:
        with running_openid_sim() as google, pytest.MonkeyPatch.context() as environment:
            environment.setenv("SMTP_URL", f"smtp://127.0.0.1:{post.port}")
            environment.setenv("GOOGLE_CLIENT_ID", CLIENT_ID)
            environment.setenv("GOOGLE_CLIENT_SECRET", CLIENT_SECRET)
            environment.setenv("GOOGLE_ISSUER_URL", google.url)
            with running_product(Path(tmp_path_factory.mktemp("accounts")), NO_STRIPE) as product:
                yield House(product, letters, google)
    finally:
        post.stop()


@pytest.fixture
def visit(house: House, browsers: BrowserType, tmp_path: Path) -> Iterator[Callable[[], Visitor]]:
    """Opens a browser that nobody has used.

    An error on a page's console fails the test, and so does a session's token in what the browser remembers.
    """
    visitors: list[Visitor] = []

    def new() -> Visitor:
        profile = tmp_path / f"browser-{len(visitors)}"
        context = browsers.launch_persistent_context(profile, executable_path=CHROMIUM, args=ARGUMENTS)
        visitors.append(Visitor(context, profile, house.product.url))
        return visitors[-1]

    yield new
    remembered = [token for visitor in visitors for token in visitor.leave()]
    assert remembered == []
    assert [text for visitor in visitors for text in visitor.complaints] == []


def test_who_forgot_the_password_chooses_a_new_one_by_mail(house: House, visit: Callable[[], Visitor]) -> None:
    email, elsewhere = house.new_account()
    visitor = visit()
    visitor.open("/auth/login/")
    visitor.follow("Forgot your password?")
    visitor.fill(email=email)
    visitor.press("Mail me a link")
    visitor.sees("If somebody has an account with this address, a link is on its way. It is good for an hour.")
    link, token = house.letters.link(email, "Choose a new password")
    _, bystander = house.new_account()
    visitor.stay_signed_in(bystander)
    visitor.open(link)
    visitor.fill(password=NEW_PASSWORD)
    visitor.press("Change the password")
    visitor.sees("Your password is changed. Sign in with the new one.")
    assert [client.get("/auth/me").status_code for client in (elsewhere, bystander)] == [401, 401]
    visitor.fill(email=email, password=PASSWORD)
    visitor.press("Sign in")
    visitor.sees("This email and password do not belong together.")
    visitor.fill(password=NEW_PASSWORD)
    visitor.press("Sign in")
    visitor.page.wait_for_url("**/onboarding/business/")
    visitor.open(link)
    visitor.fill(password=PASSWORD)
    visitor.press("Change the password")
    visitor.sees("This link was used already or is older than an hour.")
    house.letters.wait_for(email, "password was changed")
    assert visitor.traces_of(token) == []
    assert visitor.traces_of(visitor.token()) == []


def test_an_address_without_an_account_is_told_the_same(house: House, visit: Callable[[], Visitor]) -> None:
    visitor, email = visit(), new_email()
    visitor.open("/auth/forgot/")
    visitor.fill(email=email)
    visitor.press("Mail me a link")
    visitor.sees("If somebody has an account with this address, a link is on its way. It is good for an hour.")
    known, _ = house.new_account()
    visitor.open("/auth/forgot/")
    visitor.fill(email=known)
    visitor.press("Mail me a link")
    house.letters.wait_for(known, "Choose a new password")
    assert [mail for mail in house.letters.arrived if mail["To"] == email] == []


def test_an_invited_person_signs_up_and_sees_the_business(house: House, visit: Callable[[], Visitor]) -> None:
    visitor, email = visit(), new_email()
    link, token = house.invite(email)
    visitor.open(link)
    visitor.sees("You are invited to a business")
    visitor.follow("Create an account")
    visitor.sees("Use the email address that the invitation was sent to.")
    visitor.fill(name="A Person", email=email, password=PASSWORD)
    visitor.press("Create account")
    visitor.sees("You joined A Shop as a viewer")
    visitor.follow("Open the overview")
    visitor.sees("A Shop has no score yet")
    assert visitor.traces_of(token) == []
    assert visitor.traces_of(visitor.token()) == []
    visitor.open(link)
    visitor.sees("This invitation is not good any more")


def test_an_invitation_waits_for_the_address_it_is_for(house: House, visit: Callable[[], Visitor]) -> None:
    visitor = visit()
    (email, _), (another, _) = house.new_account(), house.new_account()
    link, token = house.invite(email, "admin")
    visitor.open(f"/auth/login/?next=/auth/invitation/%23token={token}")
    visitor.fill(email=another, password=PASSWORD)
    visitor.press("Sign in")
    visitor.sees("Open the link of your invitation")
    visitor.open(link)
    visitor.sees("This invitation is for another address")
    visitor.sees(another)
    left = visitor.token()
    visitor.press("Sign in with another account")
    visitor.fill(email=email, password=PASSWORD)
    visitor.press("Sign in")
    visitor.sees("You joined A Shop as an admin")
    assert house.status_of(left) == 401


def sign_in_with_google(visitor: Visitor, person: Person) -> None:
    visitor.follow("Continue with Google")
    visitor.page.get_by_label(person.email).check()
    visitor.press("Continue")


def landing_of(answer: Response) -> list[str]:
    """Where the API sends a browser that comes back from Google."""
    return [answer.headers["location"]] if "/api/v1/auth/callback/google" in answer.url else []


def new_person(house: House, **changes: Any) -> Person:
    """Somebody more whom Google knows."""
    email = new_email()
    person = Person(**{"subject": email, "email": email, "name": "Ana Lima", **changes})
    house.google.add(person)
    return person


def test_a_new_person_comes_in_with_google(house: House, visit: Callable[[], Visitor]) -> None:
    visitor, person = visit(), new_person(house)
    visitor.open("/auth/signup/?next=/onboarding/stripe-connect/")
    visitor.follow("Sign in")
    landings: list[str] = []
    visitor.page.on("response", lambda answer: landings.extend(landing_of(answer)))
    sign_in_with_google(visitor, person)
    visitor.page.wait_for_url("**/onboarding/business/")  # without a business there is nothing to connect yet
    token = visitor.token()
    assert house.status_of(token) == 200
    assert visitor.traces_of(token) == []
    landed = parse_qs(urlsplit(landings[0]).fragment)["token"][0]
    assert landed != token
    wait_until(lambda: house.status_of(landed) == 401, 30, "the token that stood in the address is dead")


def test_google_leads_back_to_the_page_that_was_asked_for(house: House, visit: Callable[[], Visitor]) -> None:
    visitor, person = visit(), new_person(house)
    visitor.open("/auth/login/?next=/onboarding/business/%3Fasked")
    visitor.page.get_by_role("link", name="Continue with Google").hover()
    visitor.page.wait_for_timeout(400)  # other links would be fetched ahead by now
    assert visitor.traces_of("/auth/google") == []
    sign_in_with_google(visitor, person)
    visitor.page.wait_for_url("**/onboarding/business/?asked")


def test_an_unverified_person_is_told_why_google_does_not_do(house: House, visit: Callable[[], Visitor]) -> None:
    visitor, person = visit(), new_person(house, email_verified=False)
    visitor.open("/auth/login/")
    sign_in_with_google(visitor, person)
    visitor.sees("Google has not verified your email address.")
    assert visitor.token() == ""


def test_an_account_with_a_password_is_not_opened_by_google_before_its_mailbox_is_proved(
    house: House, visit: Callable[[], Visitor]
) -> None:
    visitor = visit()
    email, _ = house.new_account()
    person = new_person(house, email=email)
    visitor.open("/auth/login/")
    sign_in_with_google(visitor, person)
    visitor.sees("There is an account with this email that has a password.")
    assert visitor.token() == ""


def test_an_invitation_is_accepted_by_way_of_google(house: House, visit: Callable[[], Visitor]) -> None:
    visitor, person = visit(), new_person(house)
    link, token = house.invite(person.email, "owner")
    visitor.open(link)
    sign_in_with_google(visitor, person)
    visitor.sees("You joined A Shop as an owner")
    assert visitor.traces_of(token) == []
    assert visitor.traces_of(visitor.token()) == []


def test_a_link_of_a_stranger_signs_nobody_in(house: House, visit: Callable[[], Visitor]) -> None:
    visitor = visit()
    _, stranger = house.new_account()
    token = token_of(stranger)
    visitor.open(f"/auth/callback/google/#token={token}")
    visitor.sees("begun in another browser")
    assert visitor.token() == ""
    assert visitor.traces_of(token) == []


def test_signing_out_ends_the_session_at_the_server(house: House, visit: Callable[[], Visitor]) -> None:
    visitor = visit()
    owner, email = Owner.sign_up(house.product), new_email()
    owner.client.post("/auth/signup", json={"email": email, "password": PASSWORD, "name": "A Person"})
    visitor.open("/auth/login/?next=/onboarding/business/")
    visitor.fill(email=email, password=PASSWORD)
    visitor.press("Sign in")
    visitor.fill(name="A Shop")
    visitor.press("Continue")
    visitor.page.wait_for_url("**/onboarding/stripe-connect/**")
    visitor.open("/dashboard/")
    token = visitor.token()
    assert house.status_of(token) == 200
    visitor.press("Sign out")
    visitor.page.wait_for_url(f"{visitor.url}/")
    assert visitor.token() == ""
    assert house.status_of(token) == 401
    assert visitor.traces_of(token) == []
