"""The overview in a browser: what an owner sees, asks and prints, and each state the page can be in."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.browsers import needs_browser
from tests.e2e.lived_in import PHONE, LivedIn
from tests.e2e.owners_pages import EACH_MODE, MODES, Json, NewPage, answer, assert_open_to_all
from vaultra.services import utc_now

pytestmark = needs_browser

PATH = "/dashboard/"
SECTIONS = [
    "What to do next",
    "What changed",
    "How the score adds up",
    "Key figures",
    "What if",
    "What lenders publish",
]


def changed(house: LivedIn, path: str, **changes: Any) -> Json:
    """What the API answers to the owner, with some fields changed."""
    found: Json = house.owner.client.get(path).json()
    return {**found, **changes}


def test_an_owner_sees_the_answer_and_everything_behind_it(house: LivedIn, new_page: NewPage) -> None:
    page, readiness = new_page(), house.owner.readiness()
    page.goto(f"{PATH}?business_id={house.owner.business_id}")
    expect(page.get_by_role("heading", level=2).first).to_contain_text(
        re.compile(rf"^(First steps|{readiness['tier_label']}, at {readiness['score']} of 100)")
    )
    for name in SECTIONS:
        expect(page.get_by_role("region", name=name, exact=True)).to_be_visible()
    total = page.get_by_role("region", name="How the score adds up")
    shown = total.locator("ol > li > p > span:first-child").all_inner_texts()
    points = [int(text.split()[0].replace("−", "-")) for text in shown]
    assert points[0] + sum(points[1:-1]) == points[-1] == readiness["score"]
    metric = total.get_by_role("link", name="Metric: Payouts")
    expect(metric).to_have_attribute(
        "href", f"/dashboard/metrics/?business_id={house.owner.business_id}&metric=payout_reliability"
    )
    total.get_by_role("link", name="Improve payout timing").click()
    expect(page.get_by_role("article", name="Improve payout timing")).to_be_focused()


def test_what_if_is_the_servers_answer_and_a_link_brings_it_back(house: LivedIn, new_page: NewPage) -> None:
    page = new_page()
    page.goto(PATH)
    page.get_by_role("slider", name="Chargeback ratio").press("Home")
    region = page.get_by_role("region", name="What if")
    asked = {"business_id": house.owner.business_id, "changes": {"chargeback_ratio": 0}}
    then = house.owner.client.post("/readiness/simulate", json=asked).json()
    assert then["difference"] > 0
    expect(region.get_by_text(f"+{then['difference']} points")).to_be_visible()
    expect(page).to_have_url(re.compile(r"what_if=chargeback_ratio%3A0"))
    again = new_page()
    again.goto(page.url)
    expect(again.get_by_role("region", name="What if")).to_contain_text(f"+{then['difference']} points")
    again.get_by_role("button", name="Reset").click()
    expect(again.get_by_role("region", name="What if")).to_contain_text("Move a slider")
    expect(again).not_to_have_url(re.compile("what_if"))


def test_stripe_is_read_on_demand(new_page: NewPage) -> None:
    page = new_page(foreseen="429")
    page.goto(PATH)
    page.get_by_role("button", name="Read now").click()
    told = page.get_by_text(re.compile("^(Stripe has been read|Read less than a minute ago)"))
    expect(told).to_be_visible(timeout=60_000)


def test_a_print_is_one_page_with_the_score_and_the_figures(house: LivedIn, new_page: NewPage) -> None:
    page, score = new_page(color_scheme="dark"), house.owner.readiness()["score"]
    page.goto(PATH)
    expect(page.get_by_role("region", name="What lenders publish")).to_be_visible()
    sheets = page.pdf(format="A4", print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", sheets)) == 1
    expect(page.get_by_role("region", name="What if")).to_be_visible()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    summary = page.get_by_role("article", name="Summary for print")
    expect(summary.get_by_role("row", name=f"Score {score}")).to_be_visible()
    expect(summary).to_contain_text("A Shop")
    expect(page.get_by_role("region", name="What if")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.querySelector('main')).color") == "rgb(20, 24, 27)"


@pytest.mark.parametrize("mode", EACH_MODE)
def test_no_state_has_a_barrier(new_page: NewPage, mode: str) -> None:
    page = new_page(**MODES[mode])
    page.goto(PATH)
    page.get_by_role("slider", name="Largest customer").press("End")
    expect(page.get_by_role("region", name="What if")).to_contain_text("points")
    assert_open_to_all(page)


def test_a_phone_has_the_pages_at_the_thumb(new_page: NewPage) -> None:
    page = new_page(viewport=PHONE)
    page.goto(PATH)
    bar = page.get_by_role("navigation", name="Pages")
    assert [link.inner_text() for link in bar.get_by_role("link").all()] == [
        "Overview",
        "Advice",
        "Metrics",
        "Ask",
        "Settings",
    ]
    assert all((box := link.bounding_box()) and box["height"] >= 44 for link in bar.get_by_role("link").all())
    bar.get_by_role("link", name="Advice").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recommendations")


def test_the_outline_is_as_large_as_what_follows_and_comes_late(new_page: NewPage) -> None:
    page = new_page()
    held: list[Route] = []
    page.route(re.compile(r"/api/v1/readiness(\?|$)"), lambda route: held.append(route))
    with page.expect_request(re.compile(r"/api/v1/readiness(\?|$)")):
        page.goto(PATH)
    expect(page.locator("main [aria-busy=true]")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('main .skel')).animationDelay") == "0.15s, 0.15s"
    page.evaluate(
        "new PerformanceObserver(list => { window.shifts = (window.shifts ?? 0) + "
        "list.getEntries().reduce((sum, shift) => sum + shift.value, 0) }).observe({ type: 'layout-shift' })"
    )
    while held:
        held.pop().continue_()
    page.unroute_all()
    expect(page.get_by_role("region", name="What lenders publish")).to_be_visible()
    page.wait_for_load_state("networkidle")
    shifts = page.evaluate("window.shifts ?? 0")
    print(f"\nlayout shift from outline to page: {shifts:.3f}")
    assert shifts < 0.05


def test_a_failed_refresh_keeps_the_figures_and_says_of_when_they_are(house: LivedIn, new_page: NewPage) -> None:
    page = new_page(foreseen="status of 400")
    page.clock.install()
    page.goto(PATH)
    expect(page.get_by_role("region", name="How the score adds up")).to_be_visible()
    answer(page, "/readiness", status=400)
    page.clock.run_for(31_000)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Some figures could not be refreshed; they are as of")
    expect(alert).to_contain_text("Out of order.")
    expect(page.get_by_role("region", name="How the score adds up")).to_be_visible()
    page.unroute_all()
    alert.get_by_role("button", name="Try again").click()
    page.clock.run_for(1_000)
    expect(alert).to_have_count(0)


def test_without_a_connection_the_figures_stay_and_come_back_by_themselves(new_page: NewPage) -> None:
    page = new_page(foreseen="ERR_INTERNET_DISCONNECTED")
    page.goto(PATH)
    expect(page.get_by_role("region", name="How the score adds up")).to_be_visible()
    expect(page.get_by_role("region", name="What lenders publish")).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    expect(page.get_by_role("region", name="How the score adds up")).to_be_visible()
    with page.expect_response(re.compile(r"/api/v1/readiness(\?|$)"), timeout=60_000):
        page.context.set_offline(False)
    expect(page.get_by_text("You are offline.")).to_be_hidden()


def test_nothing_at_all_says_so_and_tries_again(new_page: NewPage) -> None:
    page = new_page(foreseen="status of 400")
    answer(page, "/readiness", status=400)
    page.goto(PATH)
    expect(page.get_by_role("alert")).to_contain_text("Your score could not be loaded")
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("region", name="How the score adds up")).to_be_visible()


def test_an_ended_session_leads_to_signing_in_and_back_here(new_page: NewPage) -> None:
    page = new_page(foreseen="status of 401")
    page.goto(PATH)
    expect(page.get_by_role("region", name="How the score adds up")).to_be_visible()
    page.evaluate("localStorage.setItem('vaultra_token', 'another.token.now')")
    page.goto(f"{PATH}?what_if=payout_reliability%3A1")
    page.wait_for_url(re.compile("/auth/login/"))
    expect(page.get_by_text("Your session has ended. Sign in to go on where you were.")).to_be_visible()
    assert "what_if" in page.url


def test_a_lost_connection_to_stripe_is_told_beside_the_last_figures(house: LivedIn, new_page: NewPage) -> None:
    page = new_page()
    lost = {"connected": False, "account_id": "acct_1", "error": "Stripe refused our access. Connect again."}
    answer(page, "/integrations/stripe/status", lost)
    page.goto(PATH)
    expect(page.get_by_text("Stripe refused our access. Connect again.")).to_be_visible()
    expect(page.get_by_role("link", name="Connect Stripe").last).to_have_attribute(
        "href", f"/onboarding/stripe-connect/?business_id={house.owner.business_id}"
    )
    expect(page.get_by_role("button", name="Read now")).to_have_count(0)
    expect(page.get_by_role("region", name="How the score adds up")).to_be_visible()


def test_test_mode_late_figures_and_a_history_on_its_way_are_marked(house: LivedIn, new_page: NewPage) -> None:
    page = new_page()
    sync = {"phase": "history", "percent": 40, "objects": 1240, "started_at": utc_now().isoformat()}
    answer(
        page, "/integrations/stripe/status", changed(house, "/integrations/stripe/status", livemode=False, sync=sync)
    )
    answer(page, "/metrics", changed(house, "/metrics", stale=True))
    answer(page, "/readiness", changed(house, "/readiness", provisional=True))
    page.goto(PATH)
    for told in (
        "Stripe test mode",
        "The next computation is late",
        "Step 2 of 2: reading older history, up to 24 months",
        "1,240 objects read, 40%",
        "Provisional",
    ):
        expect(page.get_by_text(told, exact=True)).to_be_visible()


def test_too_little_to_measure_is_no_verdict(house: LivedIn, new_page: NewPage) -> None:
    page, readiness = new_page(), house.owner.readiness()
    unmeasured = {"points": 0, "effect": "not_measured", "value": None, "reason": "no charges yet"}
    rules = [{**rule, **unmeasured} for rule in readiness["components"]["rules"]]
    empty = {**readiness, "score": 50, "components": {**readiness["components"], "rules": rules}}
    answer(page, "/readiness", empty)
    page.goto(PATH)
    expect(page.get_by_text("Not enough data yet.")).to_be_visible()
    total = page.get_by_role("region", name="How the score adds up")
    total.get_by_text(f"{len(rules)} signals not measured").click()
    expect(total.get_by_text("No charges yet.").first).to_be_visible()


def test_a_foreign_business_is_none_of_theirs(new_page: NewPage) -> None:
    page = new_page()
    page.goto(f"{PATH}?business_id=00000000-0000-4000-8000-000000000000")
    expect(page.get_by_role("heading", name="This business is not one of yours")).to_be_visible()
    page.get_by_role("button", name="A Shop").click()
    expect(page.get_by_role("region", name="How the score adds up")).to_be_visible()


def test_who_has_a_long_name_breaks_nothing(house: LivedIn, new_page: NewPage) -> None:
    page = new_page(viewport=PHONE)
    me = house.owner.client.get("/auth/me").json()
    name = "Quillwater&Daughters<b>" * 8
    me["businesses"] = [{**me["businesses"][0], "name": name}]
    answer(page, "/auth/me", me)
    page.goto(PATH)
    expect(page.locator("main").get_by_text(name)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert json.dumps(name) in json.dumps(page.locator("main").inner_text().split("\n"))
