"""The settings page in a browser: what it changes is changed at the API, and every state of it says what it is."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests import loopback
from tests.e2e.browsers import needs_browser
from tests.e2e.lived_in import WIDE, LivedIn, Witness, lived_in
from tests.e2e.product import PASSWORD, Owner
from tests.e2e.test_accounts import new_email
from tests.e2e.test_every_page import MODES, barriers
from tests.e2e.visitor import token_of
from tests.mcp.assistants import assistant

pytestmark = [needs_browser, pytest.mark.long]

PATH = "/dashboard/settings/"
TOKEN = re.compile(r"vlt_[0-9a-f]{32}_[A-Za-z0-9_-]{43}")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivedIn]:
    """Its own, since Stripe is disconnected here."""
    with lived_in(tmp_path_factory.mktemp("settings")) as house:
        yield house


@pytest.fixture
def look(house: LivedIn, chromium: Browser) -> Iterator[Callable[[Owner], Page]]:
    """Opens the settings in the browser of an owner; a complaint of the page, or of its policy, fails the test."""
    witnesses: list[Witness] = []

    def opened(owner: Owner) -> Page:
        storage = LivedIn(house.product, owner).storage()
        context = chromium.new_context(viewport=WIDE, storage_state=storage, permissions=["clipboard-write"])
        witnesses.append(Witness.of(context, house.url))
        witnesses[-1].page.goto(house.url + PATH)
        return witnesses[-1].page

    yield opened
    told = [text for witness in witnesses for text in witness.complaints if "Failed to load resource" not in text]
    forbidden = [each for witness in witnesses for each in witness.forbidden()]
    for witness in witnesses:
        witness.page.context.close()
    assert (told, forbidden) == ([], [])


def test_a_name_is_changed_wherever_it_is_shown(house: LivedIn, look: Callable[[Owner], Page]) -> None:
    owner = Owner.sign_up(house.product)
    page = look(owner)
    business = page.get_by_role("region", name="Business", exact=True)
    business.get_by_label("Business name").fill("Lark & Daughters")
    business.get_by_label("Industry").select_option("food_and_beverage")
    business.get_by_label("Yearly revenue").fill("120000.50")
    business.get_by_role("button", name="Save").click()
    expect(business.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_role("heading", name="Lark & Daughters")).to_be_visible()
    profile = page.get_by_role("region", name="Profile")
    profile.get_by_label("Your name").fill("Ana Lark")
    profile.get_by_role("button", name="Save").click()
    expect(profile.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_role("banner").get_by_text("Ana Lark")).to_be_visible()
    kept = owner.client.get(f"/users/businesses/{owner.business_id}").json()
    assert (kept["name"], kept["industry"], kept["revenue_estimate"]) == (
        "Lark & Daughters",
        "food_and_beverage",
        120000.5,
    )
    assert owner.client.get("/auth/me").json()["name"] == "Ana Lark"
    business.get_by_label("Industry").select_option("")
    business.get_by_role("button", name="Save").click()
    expect(business.get_by_text("Saved.")).to_be_visible()
    assert owner.client.get(f"/users/businesses/{owner.business_id}").json()["industry"] is None


def test_what_the_api_refuses_is_said_at_its_field(house: LivedIn, look: Callable[[Owner], Page]) -> None:
    page = look(Owner.sign_up(house.product))
    business = page.get_by_role("region", name="Business", exact=True)
    business.get_by_label("Yearly revenue").fill("9999999999999")
    business.get_by_role("button", name="Save").click()
    field = business.get_by_label("Yearly revenue")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(business.get_by_role("alert").filter(has_text="less than")).to_be_visible()


def test_mails_come_as_one_wishes(house: LivedIn, look: Callable[[Owner], Page]) -> None:
    owner = Owner.sign_up(house.product)
    page = look(owner)
    mails = page.get_by_role("region", name="Mails")
    mails.get_by_label("Digest").select_option("weekly")
    mails.get_by_label("Alerts").select_option("off")
    mails.get_by_label("Time zone").select_option("Europe/Berlin")
    mails.get_by_role("button", name="Save").click()
    expect(mails.get_by_text("Saved.")).to_be_visible()
    wished = {"digest": "weekly", "alerts": False, "time_zone": "Europe/Berlin"}
    assert owner.client.get("/users/me/notifications").json() == wished
    page.reload()
    expect(mails.get_by_label("Time zone")).to_have_value("Europe/Berlin")


def test_members_come_and_go(house: LivedIn, look: Callable[[Owner], Page]) -> None:
    owner, email = Owner.sign_up(house.product), new_email()
    page = look(owner)
    members = page.get_by_role("region", name="Members")
    members.get_by_label("Their email").fill(email)
    members.get_by_label("Role", exact=True).select_option("admin")
    members.get_by_role("button", name="Send invitation").click()
    expect(members.get_by_text(re.compile("Admin, until"))).to_be_visible()
    expect(members.get_by_label("Their email")).to_have_value("")
    members.get_by_role("button", name=f"Take back the invitation of {email}").click()
    expect(members.get_by_text(email)).to_have_count(0)
    members.get_by_role("button", name="Leave").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Leave").click()
    expect(dialog.get_by_text("A business needs an owner.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(members.get_by_role("button", name="Leave")).to_be_focused()


def tools(url: str, header: str) -> list[str]:
    """What an assistant with this set-up may use; raises when it is refused."""

    async def ask() -> list[str]:
        async with assistant(url, header.removeprefix("Bearer ")) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    # Playwright has a loop of its own in this thread.
    with ThreadPoolExecutor() as aside:
        return aside.submit(asyncio.run, ask()).result()


def test_a_token_is_shown_once_and_revoked(house: LivedIn, look: Callable[[Owner], Page]) -> None:
    owner = Owner.sign_up(house.product)
    page = look(owner)
    section = page.get_by_role("region", name="Your own assistant")
    expect(section.locator("pre")).to_contain_text("YOUR_TOKEN")
    section.get_by_label("Name of the token").fill("My laptop")
    section.get_by_role("button", name="Make a token").click()
    expect(section.get_by_role("heading", name="Copy your token now")).to_be_focused()
    shown = TOKEN.findall(section.inner_text())
    assert len(set(shown)) == 1
    told = json.loads(section.locator("pre").inner_text())["mcpServers"]["vaultra"]
    assert told == {"url": f"{house.url}/mcp", "headers": {"Authorization": f"Bearer {shown[0]}"}}
    assert "get_readiness_breakdown" in tools(told["url"], told["headers"]["Authorization"])
    section.get_by_label("Assistant", exact=True).select_option("claude_code")
    expect(section.locator("pre")).to_contain_text(f"claude mcp add --transport http vaultra {house.url}/mcp")
    section.get_by_role("button", name="Copy text").click()
    expect(section.get_by_role("status").filter(has_text="Copied")).to_have_count(1)
    expect(section.get_by_role("button", name="Copied")).to_be_visible()
    section.get_by_role("button", name="I have it").click()
    assert TOKEN.findall(page.content()) == []
    kept = str(page.evaluate("JSON.stringify({...localStorage, ...sessionStorage}) + location.href"))
    assert TOKEN.findall(kept) == []
    assert [token["name"] for token in owner.client.get("/users/me/tokens").json()["tokens"]] == ["My laptop"]
    section.get_by_role("button", name="Revoke My laptop").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(section.get_by_text("There is none yet.")).to_be_visible()
    assert loopback.post(told["url"], headers=told["headers"], json={}).status_code == 401
    assert owner.client.get("/users/me/tokens").json()["tokens"] == []


def test_everything_can_be_taken_along(house: LivedIn, look: Callable[[Owner], Page]) -> None:
    owner = Owner.sign_up(house.product)
    page = look(owner)
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download my data").click()
    assert re.fullmatch(r"vaultra-\d{4}-\d\d-\d\d\.json", downloading.value.suggested_filename)
    taken = json.loads(Path(downloading.value.path()).read_text())
    assert taken["user"]["email"] == owner.client.get("/auth/me").json()["email"]


def test_stripe_is_read_and_disconnected(house: LivedIn, look: Callable[[Owner], Page]) -> None:
    page = look(house.owner)
    section = page.get_by_role("region", name="Stripe")
    expect(section.get_by_text("Connected", exact=True)).to_be_visible()
    section.get_by_role("button", name="Read now").click()
    expect(section.get_by_text("Stripe is being read.")).to_be_visible()
    section.get_by_role("button", name="Read now").click()
    expect(section.get_by_text("Stripe was not asked")).to_be_visible()  # once a minute
    section.get_by_role("button", name="Disconnect").click()
    page.keyboard.press("Escape")
    assert house.owner.status()["connected"] is True
    section.get_by_role("button", name="Disconnect").click()
    page.get_by_role("dialog").get_by_role("button", name="Disconnect").click()
    expect(section.get_by_role("link", name=re.compile("Connect Stripe"))).to_be_visible()
    assert house.owner.status()["connected"] is False
    assert house.owner.has_score()


def test_a_business_and_then_the_account_are_deleted_once_their_names_are_typed(
    house: LivedIn, look: Callable[[Owner], Page]
) -> None:
    owner = Owner.sign_up(house.product)
    email = owner.client.get("/auth/me").json()["email"]
    page = look(owner)
    page.get_by_role("button", name="Delete business").click()
    dialog = page.get_by_role("dialog")
    confirm = dialog.get_by_role("button", name="Delete it for good")
    expect(confirm).to_be_disabled()
    dialog.get_by_label("The name of the business").fill("A Sho")
    expect(confirm).to_be_disabled()
    dialog.get_by_label("The name of the business").fill("A Shop")
    confirm.click()
    page.wait_for_url("**/onboarding/business/")
    assert owner.client.get("/auth/me").json()["businesses"] == []
    page.goto(house.url + PATH)
    expect(page.get_by_text("You have no business yet")).to_be_visible()
    page.get_by_role("button", name="Delete account").click()
    dialog.get_by_label("Your email").fill(email.upper())
    dialog.get_by_role("button", name="Delete my account").click()
    page.wait_for_url(f"{house.url}/")
    assert page.evaluate("localStorage.getItem('vaultra_token')") is None
    assert owner.client.get("/auth/me").status_code == 401


def test_a_viewer_is_offered_only_what_a_viewer_may(house: LivedIn, look: Callable[[Owner], Page]) -> None:
    owner = Owner.sign_up(house.product)
    page = look(owner)

    def as_viewer(route: Route) -> None:
        real = route.fetch()
        body = real.json()
        for business in body["businesses"]:
            business["role"] = "viewer"
        route.fulfill(response=real, json=body)

    page.route("**/api/v1/auth/me", as_viewer)
    page.reload()
    expect(page.get_by_text("You may view this business. Changing it takes an owner or an admin.")).to_be_visible()
    expect(page.get_by_role("region", name="Members").get_by_role("button", name="Leave")).to_be_visible()
    for offered in ("Delete business", "Send invitation", "Disconnect", "Read now"):
        expect(page.get_by_role("button", name=offered)).to_have_count(0)
    expect(page.get_by_role("link", name="Connect Stripe", exact=True)).to_have_count(0)
    expect(page.get_by_role("button", name="Make a token")).to_be_visible()


def test_the_address_names_the_business_and_the_matter(house: LivedIn, look: Callable[[Owner], Page]) -> None:
    owner = Owner.sign_up(house.product)
    second = owner.client.post("/users/businesses", json={"name": "A Second Shop"}).json()["id"]
    page = look(owner)
    page.goto(f"{house.url}{PATH}?business_id={second}#mails")
    expect(page.get_by_role("heading", name="A Second Shop")).to_be_visible()
    expect(page.get_by_role("heading", name="Mails")).to_be_in_viewport()
    page.goto(f"{house.url}{PATH}?business_id={house.owner.business_id}")
    expect(page.get_by_text("This business is not one of yours")).to_be_visible()
    expect(page.get_by_role("button", name="Delete business")).to_have_count(0)
    expect(page.get_by_label("Your name")).to_be_visible()


def test_what_opens_has_no_barrier_either(house: LivedIn, look: Callable[[Owner], Page]) -> None:
    page = look(Owner.sign_up(house.product))
    page.emulate_media(reduced_motion="reduce")
    page.route("**/members", lambda route: route.fulfill(status=400, json={"broken": True}))
    page.reload()
    page.get_by_label("Name of the token").fill("My laptop")
    page.get_by_role("button", name="Make a token").click()
    expect(page.get_by_role("heading", name="Copy your token now")).to_be_visible()
    expect(page.get_by_text("The members could not be loaded")).to_be_visible()
    assert barriers(page, MODES["light"]) == []
    page.get_by_role("button", name="Delete business").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    for colours in ("light", "dark"):
        page.emulate_media(color_scheme=colours)
        assert barriers(page, MODES[colours]) == []


def test_what_fails_to_load_says_so_and_the_rest_stays(house: LivedIn, look: Callable[[Owner], Page]) -> None:
    page = look(Owner.sign_up(house.product))
    address = "**/members"
    members = page.get_by_role("region", name="Members")
    expect(members.get_by_text("An Owner")).to_be_visible()
    page.route(address, lambda route: route.fulfill(status=400, json={"broken": True}))
    page.reload()
    expect(members.get_by_text("The members could not be loaded")).to_be_visible()
    expect(page.get_by_label("Business name")).to_be_visible()
    page.unroute(address)
    members.get_by_role("button", name="Try again").click()
    expect(members.get_by_text("An Owner")).to_be_visible()


def test_an_old_answer_stays_when_a_newer_one_fails(house: LivedIn, look: Callable[[Owner], Page]) -> None:
    page = look(Owner.sign_up(house.product))
    section = page.get_by_role("region", name="Stripe")
    expect(section.get_by_text("No Stripe account is connected")).to_be_visible()
    page.route("**/integrations/stripe/status**", lambda route: route.abort())
    expect(section.get_by_text("This is as of")).to_be_visible(timeout=60_000)
    expect(section.get_by_text("No Stripe account is connected")).to_be_visible()


def test_who_was_signed_out_meanwhile_comes_back_to_the_settings(house: LivedIn, look: Callable[[Owner], Page]) -> None:
    owner = Owner.sign_up(house.product)
    email = owner.client.get("/auth/me").json()["email"]
    page = look(owner)
    expect(page.get_by_label("Business name")).to_be_visible()
    owner.client.post("/auth/logout")
    page.get_by_role("region", name="Profile").get_by_role("button", name="Save").click()
    page.wait_for_url("**/auth/login/**")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"**{PATH}")
    expect(page.get_by_label("Business name")).to_be_visible()
    assert page.evaluate("localStorage.getItem('vaultra_token')") != token_of(owner.client)


def test_an_outline_stands_where_the_page_will_be(house: LivedIn, look: Callable[[Owner], Page]) -> None:
    page = look(Owner.sign_up(house.product))
    page.route("**/api/v1/auth/me", lambda route: None)  # never answered
    page.reload()
    expect(page.locator("[aria-busy=true] .skel").first).to_be_visible()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
