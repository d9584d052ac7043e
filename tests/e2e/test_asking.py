"""An owner asks the assistant of the running product about a real history, and looks at what the answer rests on."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.lived_in import WIDE, LivedIn, Witness, browser, lived_in
from tests.e2e.test_first_visit import needs_browser

pytestmark = [needs_browser, pytest.mark.long]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivedIn]:
    with lived_in(tmp_path_factory.mktemp("asking")) as house:
        yield house


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def witness(house: LivedIn, chromium: Browser) -> Iterator[Witness]:
    context = chromium.new_context(viewport=WIDE, storage_state=house.storage())
    witness = Witness.of(context, house.url)
    yield witness
    context.close()
    assert (witness.complaints, witness.elsewhere, witness.dialogs) == ([], [], [])


def test_an_answer_is_given_with_its_data_and_kept(witness: Witness, house: LivedIn) -> None:
    witness.page.goto(f"{house.url}/dashboard/agent/")
    page, score = witness.page, house.owner.readiness()["score"]
    page.get_by_role("textbox", name="Your question").fill("What is my score?")
    page.keyboard.press("Enter")
    answer = page.get_by_role("main").locator(".prose")
    expect(answer).to_contain_text(f"{score}", timeout=20_000)
    expect(page.get_by_text("without a language model")).to_be_visible(timeout=20_000)
    said = answer.inner_text()
    page.get_by_text("Show the data").click()
    expect(page.get_by_role("region", name="Data: Reading your score")).to_contain_text("Not ready")
    page.reload()
    expect(answer).to_have_text(said, use_inner_text=True)
    expect(page.get_by_role("button", name="Rename “What is my score?”")).to_be_visible()


def test_the_chart_draws_what_the_api_says(witness: Witness, house: LivedIn) -> None:
    witness.page.goto(f"{house.url}/dashboard/metrics/?metric=chargeback_ratio")
    page, metrics = witness.page, house.owner.metrics()
    expect(page.locator(".recharts-area-curve")).to_be_visible()
    said = page.get_by_role("slider").get_attribute("aria-valuetext") or ""
    assert f"{metrics['chargeback_ratio']:.2%}" in said
    assert page.locator(".recharts-area-dot").count() == len(metrics["details"]["buckets"][-12:])
