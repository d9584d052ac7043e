"""Texts that would be scripts, as names of businesses, as whatever the API tells, and as what the assistant says.

RELIABILITY B11: nothing of them runs, nothing is asked for elsewhere, nothing opens a dialog.
"""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Route

from tests.e2e.built_site import pages
from tests.e2e.lived_in import WIDE, LivedIn, Witness, browser, lived_in
from tests.e2e.script_payloads import CANARY, PAYLOADS
from tests.e2e.test_first_visit import needs_browser

pytestmark = [needs_browser, pytest.mark.long]

IN_ONE_TEXT = 10
# What a person, Stripe or a model may have written in one word; texts with a space are taken for prose anyway.
WRITTEN = {"name", "title", "label", "error", "reason", "text", "response", "legal_entity"}
# Elements and attributes that no page of ours has: there are some as soon as one text is taken for HTML.
INJECTED = (
    "iframe, object, embed, base, marquee, video, audio, math, img, image, [onerror], [onload], [onfocus], "
    f"[src*='{CANARY}'], [href*='{CANARY}'], [action*='{CANARY}']"
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivedIn]:
    with lived_in(tmp_path_factory.mktemp("scripts")) as house:
        yield house


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def witness(house: LivedIn, chromium: Browser) -> Iterator[Witness]:
    """The owner's browser; afterwards nothing of what must not happen has happened in it."""
    context = chromium.new_context(viewport=WIDE, storage_state=house.storage())
    witness = Witness.of(context, house.url)
    yield witness
    context.close()
    # The browser also writes there that a business has no score yet.
    complaints = [text for text in witness.complaints if "Failed to load resource" not in text]
    assert (witness.elsewhere, witness.dialogs, complaints) == ([], [], [])


def dashboard() -> list[str]:
    return [page.path for page in pages() if page.path.startswith(("/dashboard/", "/onboarding/stripe-connect/"))]


def assert_only_text(witness: Witness) -> None:
    """Nothing became an element, and the policy had nothing to forbid."""
    assert witness.page.locator(INJECTED).count() == 0
    assert witness.forbidden() == []


def shown(witness: Witness) -> list[str]:
    """The texts that the page shows, as they were written."""
    text = witness.page.evaluate("document.body.textContent")
    return [payload for payload in PAYLOADS if payload in str(text)]


def test_the_texts_are_two_hundred_different_names() -> None:
    assert len(set(PAYLOADS)) == len(PAYLOADS) == 200
    assert max(map(len, PAYLOADS)) <= 200


def test_as_names_of_businesses(house: LivedIn, witness: Witness) -> None:
    for payload in PAYLOADS:
        made = house.owner.client.post("/users/businesses", json={"name": payload})
        assert made.status_code == 201, made.text
    try:
        for path in dashboard():
            witness.open(path)
            assert len(shown(witness)) == len(PAYLOADS), path
            assert_only_text(witness)
        witness.page.evaluate("localStorage.removeItem('vaultra_current_business_id')")
        witness.open("/dashboard/")
        buttons = witness.page.get_by_role("main").get_by_role("button")
        assert buttons.count() == len(PAYLOADS) + 1
        chosen = PAYLOADS[7]
        buttons.filter(has_text=chosen).first.click()
        witness.settle()
        for path in dashboard():
            witness.open(path)
            assert_only_text(witness)
    finally:
        for business in house.owner.client.get("/auth/me").json()["businesses"]:
            if business["name"] in PAYLOADS:
                address = f"/users/businesses/{business['id']}"
                house.owner.client.request("DELETE", address, json={"confirm": business["name"]})
    print(f"\n{len(PAYLOADS)} names on {len(dashboard())} pages: 0 requests elsewhere, 0 dialogs")


def test_as_whatever_the_api_tells(witness: Witness) -> None:
    """Every text of every answer is replaced: evidence, reasons of disputes, errors, names, definitions."""
    groups = [PAYLOADS[at : at + IN_ONE_TEXT] for at in range(0, len(PAYLOADS), IN_ONE_TEXT)]
    rotation = itertools.cycle(groups)

    def rewritten(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: rewritten(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [rewritten(each, key) for each in value]
        if isinstance(value, str) and (" " in value or key in WRITTEN):
            return " ".join(next(rotation))
        return value

    def answer(route: Route) -> None:
        real = route.fetch()
        is_json = "application/json" in real.headers.get("content-type", "")
        body = json.dumps(rewritten(real.json())) if is_json else real.text()
        route.fulfill(response=real, body=body)

    witness.page.route("**/api/v1/**", answer)
    for path in dashboard():
        witness.open(path)
        found = shown(witness)
        print(f"{path}: {len(found)} of {len(PAYLOADS)} texts shown")
        assert len(found) >= IN_ONE_TEXT, path
        assert_only_text(witness)
