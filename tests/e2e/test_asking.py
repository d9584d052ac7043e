"""An owner asks the assistant of the running product about a real history, and looks at what the answer rests on."""

import pytest
from playwright.sync_api import expect

from tests.e2e.browsers import needs_browser
from tests.e2e.lived_in import LivedIn, Witness

pytestmark = [needs_browser, pytest.mark.long]


def test_an_answer_is_given_with_its_data_and_kept(owners_witness: Witness, house: LivedIn) -> None:
    owners_witness.page.goto(f"{house.url}/dashboard/agent/")
    page, score = owners_witness.page, house.owner.readiness()["score"]
    page.get_by_role("textbox", name="Your question").fill("What is my score?")
    page.keyboard.press("Enter")
    answer = page.get_by_role("main").locator(".prose")
    expect(answer).to_contain_text(f"{score}", timeout=60_000)
    expect(page.get_by_text("without a language model")).to_be_visible(timeout=60_000)
    said = answer.inner_text()
    page.get_by_text("Show the data").click()
    expect(page.get_by_role("region", name="Data: Reading your score")).to_contain_text("Not ready")
    page.reload()
    expect(answer).to_have_text(said, use_inner_text=True)
    expect(page.get_by_role("button", name="Rename “What is my score?”")).to_be_visible()


def test_the_chart_draws_what_the_api_says(owners_witness: Witness, house: LivedIn) -> None:
    owners_witness.page.goto(f"{house.url}/dashboard/metrics/?metric=chargeback_ratio")
    page, metrics = owners_witness.page, house.owner.metrics()
    expect(page.locator(".recharts-area-curve")).to_be_visible()
    said = page.get_by_role("slider").get_attribute("aria-valuetext") or ""
    assert f"{metrics['chargeback_ratio']:.2%}" in said
    assert page.locator(".recharts-area-dot").count() == len(metrics["details"]["buckets"][-12:])
