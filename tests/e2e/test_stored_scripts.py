"""Texts that would be scripts, as names of businesses, as whatever the API tells, and as what the assistant says.

RELIABILITY B11: nothing of them runs, nothing is asked for elsewhere, nothing opens a dialog.
"""

import itertools
import json
from typing import Any

import pytest
from playwright.sync_api import Route

from tests.e2e.browsers import needs_browser
from tests.e2e.built_site import pages
from tests.e2e.lived_in import REFUSED, LivedIn, Witness
from tests.e2e.script_payloads import CANARY, PAYLOADS

pytestmark = [needs_browser, pytest.mark.long]

IN_ONE_TEXT = 10
# What a person, Stripe or a model may have written in one word; texts with a space are taken for prose anyway.
WRITTEN = {"name", "title", "label", "error", "reason", "text", "response", "legal_entity"}
# Elements and attributes that no page of ours has: there are some as soon as one text is taken for HTML.
INJECTED = (
    "iframe, object, embed, base, marquee, video, audio, math, img, image, [onerror], [onload], [onfocus], "
    f"[src*='{CANARY}'], [href*='{CANARY}'], [action*='{CANARY}']"
)


@pytest.fixture
def witness(owners_witness: Witness) -> Witness:
    """The owner's browser, which also writes on its console that a business has no score yet."""
    owners_witness.foreseen = REFUSED
    return owners_witness


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
