"""The recommendations in a browser: what an owner finds, decides and takes back, and each state the page can be in."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.e2e.browsers import needs_browser
from tests.e2e.lived_in import LivedIn
from tests.e2e.owners_pages import EACH_MODE, MODES, Json, NewPage, answer, assert_open_to_all, barriers

pytestmark = needs_browser

PATH = "/dashboard/recommendations/"
DECIDED = re.compile("/api/v1/recommendations/[0-9a-f]")
CHARGEBACKS, PAYOUTS, REFUNDS = "Reduce chargebacks", "Improve payout timing", "Refund less"


def listed(house: LivedIn) -> list[Json]:
    """What the API holds, in its order."""
    found: list[Json] = house.owner.client.get("/recommendations").json()["recommendations"]
    return found


@pytest.fixture(autouse=True)
def as_found(house: LivedIn) -> Iterator[None]:
    """Takes back what went into the plan: other tests look at the same owner. A dismissal is for good."""
    yield
    for item in listed(house):
        if item["status"] == "accepted":
            undone = house.owner.client.patch(f"/recommendations/{item['id']}", json={"status": "pending"})
            assert undone.status_code == 200, undone.text


def stored(house: LivedIn, title: str) -> tuple[str, str | None]:
    """What became of a recommendation, and why."""
    item = next(item for item in listed(house) if item["title"] == title)
    return item["status"], item["reason"]


def titles(page: Page) -> list[str]:
    expect(page.get_by_role("article").first).to_be_visible()
    return page.get_by_role("article").get_by_role("heading").all_inner_texts()


def test_an_owner_finds_what_weighs_most_first_and_where_to_begin(house: LivedIn, new_page: NewPage) -> None:
    page = new_page()
    page.goto(PATH)
    impacts = {item["title"]: item["estimated_impact"] for item in listed(house)}
    assert [impacts[title] for title in titles(page)] == sorted(impacts.values(), reverse=True)
    card = page.get_by_role("article", name=CHARGEBACKS)
    for told in ("Worth 15 points", "Medium effort", "First step. Open the disputes of the last 30 days in Stripe"):
        expect(card).to_contain_text(told)
    card.get_by_text("What it rests on").click()
    expect(card.get_by_role("row", name=re.compile("Chargeback ratio 2.71%"))).to_be_visible()
    expect(card.get_by_role("link", name=re.compile("How to go about it"))).to_have_attribute(
        "href", "/help/reducing-chargebacks/"
    )


def test_filter_and_order_stay_in_the_address(new_page: NewPage) -> None:
    page = new_page()
    page.goto(PATH)
    page.get_by_label("Order").select_option("Least effort first")
    page.get_by_role("button", name=re.compile("^All ")).click()
    found = titles(page)
    assert found[0] == PAYOUTS
    again = new_page()
    again.goto(page.url)
    assert titles(again) == found
    expect(again.get_by_role("button", name=re.compile("^All "))).to_have_attribute("aria-pressed", "true")


def test_what_goes_into_the_plan_can_be_taken_back_with_the_keyboard(house: LivedIn, new_page: NewPage) -> None:
    page = new_page()
    page.goto(PATH)
    with page.expect_response(DECIDED):
        page.get_by_role("button", name=f"Add to my plan: {PAYOUTS}").press("Enter")
    expect(page.get_by_role("article", name=PAYOUTS)).to_have_count(0)
    expect(page.get_by_role("status").filter(has_text=f"“{PAYOUTS}” is in your plan.")).to_be_visible()
    assert page.evaluate("document.activeElement !== document.body")
    assert stored(house, PAYOUTS) == ("accepted", None)
    with page.expect_response(DECIDED):
        page.get_by_role("button", name="Undo").press("Enter")
    expect(page.get_by_role("article", name=PAYOUTS)).to_be_visible()
    assert stored(house, PAYOUTS) == ("pending", None)
    page.reload()
    expect(page.get_by_role("article", name=PAYOUTS)).to_be_visible()


def test_a_change_of_mind_never_overtakes_what_it_takes_back(house: LivedIn, new_page: NewPage) -> None:
    page = new_page()
    held: list[Route] = []
    sent: list[str] = []
    page.route(DECIDED, lambda route: route.continue_() if held else held.append(route))

    def note(asked: Request) -> None:
        if asked.method == "PATCH":
            sent.append(json.loads(asked.post_data or "")["status"])

    page.on("request", note)
    page.goto(PATH)
    page.get_by_role("button", name=f"Add to my plan: {PAYOUTS}").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("article", name=PAYOUTS)).to_be_visible()
    assert sent == ["accepted"]
    with page.expect_response(lambda given: given.request.method == "PATCH" and len(sent) == 2):
        held[0].continue_()
    expect(page.get_by_role("article", name=PAYOUTS)).to_be_visible()
    assert stored(house, PAYOUTS) == ("pending", None)


def test_a_dismissal_asks_why_and_keeps_the_answer(house: LivedIn, new_page: NewPage) -> None:
    page = new_page()
    page.goto(PATH)
    page.get_by_role("button", name=f"Dismiss: {REFUNDS}").click()
    dialog = page.get_by_role("dialog", name=f"Dismiss “{REFUNDS}”?")
    expect(dialog).to_contain_text("It stays away for 30 days")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert stored(house, REFUNDS) == ("pending", None)
    page.get_by_role("button", name=f"Dismiss: {REFUNDS}").click()
    dialog.get_by_label("It costs more than it brings").check()
    assert barriers(page) == []
    with page.expect_response(DECIDED):
        dialog.get_by_role("button", name="Dismiss", exact=True).click()
    expect(page.get_by_role("article", name=REFUNDS)).to_have_count(0)
    assert stored(house, REFUNDS) == ("dismissed", "It costs more than it brings")
    page.get_by_role("button", name=re.compile("^Dismissed 1")).click()
    expect(page.get_by_text("Your reason: It costs more than it brings")).to_be_visible()


def test_a_refused_decision_is_undone_on_the_page(house: LivedIn, new_page: NewPage) -> None:
    page = new_page(foreseen="status of 409")
    page.goto(PATH)
    item = next(item for item in listed(house) if item["title"] == CHARGEBACKS)
    answer(page, f"/recommendations/{item['id']}", status=409)
    page.get_by_role("button", name=f"Add to my plan: {CHARGEBACKS}").click()
    expect(page.get_by_text(f"“{CHARGEBACKS}” stays as it was. Out of order.")).to_be_visible()
    expect(page.get_by_role("article", name=CHARGEBACKS)).to_be_visible()
    assert stored(house, CHARGEBACKS) == ("pending", None)


def test_what_is_done_is_proved_by_the_figures(house: LivedIn, new_page: NewPage) -> None:
    page = new_page()
    before = {"score": 13, "currency": "usd", "metrics": {"chargeback_ratio": 0.0271, "monthly_net_volume": 9000.5}}
    after = {"score": 33, "currency": "usd", "metrics": {"chargeback_ratio": 0.004, "monthly_net_volume": None}}
    done = {
        **listed(house)[0],
        "status": "resolved",
        "estimated_impact": 15,
        "proof": {"before": before, "after": after},
    }
    answer(page, "/recommendations", {"recommendations": [done], "next_cursor": None})
    page.goto(f"{PATH}?status=resolved")
    card = page.get_by_role("article")
    expect(card).to_contain_text("Predicted: 15 points. Since then, the score went from 13 to 33 (up 20)")
    for row in ("Chargeback ratio 2.71% 0.4%", "Monthly net volume $9,000.50 —", "Score 13 33"):
        expect(card.get_by_role("row", name=row)).to_be_visible()


@pytest.mark.parametrize("mode", EACH_MODE)
def test_no_state_has_a_barrier(new_page: NewPage, mode: str) -> None:
    page = new_page(**MODES[mode])
    page.goto(f"{PATH}?status=all")
    page.get_by_role("article").first.wait_for()
    assert_open_to_all(page)


def test_an_empty_plan_says_how_to_fill_it(new_page: NewPage) -> None:
    page = new_page()
    page.goto(f"{PATH}?status=accepted")
    expect(page.get_by_role("heading", name="Your plan is empty")).to_be_visible()
    page.get_by_role("button", name="Show all recommendations").click()
    expect(page.get_by_role("article", name=CHARGEBACKS)).to_be_visible()
    expect(page).to_have_url(re.compile("status=all"))


def test_a_failure_says_so_and_tries_again(new_page: NewPage) -> None:
    page = new_page(foreseen="status of 400")
    answer(page, "/recommendations", status=400)
    page.goto(PATH)
    expect(page.get_by_role("alert")).to_contain_text("The recommendations could not be loaded")
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("article", name=CHARGEBACKS)).to_be_visible()


def test_a_failed_refresh_keeps_the_list(new_page: NewPage) -> None:
    page = new_page(foreseen="status of 400")
    page.clock.install()
    page.goto(PATH)
    expect(page.get_by_role("article", name=CHARGEBACKS)).to_be_visible()
    answer(page, "/recommendations", status=400)
    page.clock.run_for(31_000)
    expect(page.get_by_role("alert")).to_contain_text("The recommendations could not be refreshed")
    expect(page.get_by_role("article", name=CHARGEBACKS)).to_be_visible()


def test_without_stripe_the_way_there_is_the_one_thing_to_do(house: LivedIn, new_page: NewPage) -> None:
    page = new_page()
    answer(page, "/integrations/stripe/status", {"connected": False})
    answer(page, "/recommendations", {"recommendations": [], "next_cursor": None})
    page.goto(PATH)
    expect(page.get_by_role("heading", name="Recommendations come with the score")).to_be_visible()
    expect(page.locator("main").get_by_role("link", name="Connect Stripe")).to_have_attribute(
        "href", f"/onboarding/stripe-connect/?business_id={house.owner.business_id}"
    )


def test_viewers_read_and_decide_nothing(house: LivedIn, new_page: NewPage) -> None:
    page = new_page()
    me = house.owner.client.get("/auth/me").json()
    answer(page, "/auth/me", {**me, "businesses": [{**me["businesses"][0], "role": "viewer"}]})
    page.goto(PATH)
    expect(page.get_by_text("Deciding about them takes an owner or an admin.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("my plan|Dismiss:"))).to_have_count(0)
