"""What the browser tests of the owner's pages share: pages that may not complain, answers of their own, axe."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.e2e.lived_in import PHONE, WIDE, LivedIn

Json = dict[str, Any]
NewPage = Callable[..., Page]
PATIENCE_MS = 30_000
STILL = {"reduced_motion": "reduce"}
MODES: dict[str, Json] = {
    "light": {**STILL, "color_scheme": "light", "viewport": WIDE},
    "dark": {**STILL, "color_scheme": "dark", "viewport": WIDE},
    "phone": {**STILL, "color_scheme": "light", "viewport": PHONE},
}
"""How somebody looks at a page, as options of a browser's context."""
EACH_MODE = [pytest.param("light", marks=pytest.mark.long), pytest.param("dark", marks=pytest.mark.long), "phone"]


@contextmanager
def owners_pages(house: LivedIn, chromium: Browser) -> Iterator[NewPage]:
    """Makes pages of the owner's browser, not yet opened; an error on a console is one unless it is `foreseen`."""
    contexts, complaints = [], []

    def new(*, foreseen: str = "nothing", **options: Any) -> Page:
        usual = {"viewport": WIDE, "storage_state": house.storage(), "base_url": house.url}
        context = chromium.new_context(**{**usual, **options})
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda told: complaints.append(told.text) if told.type == "error" and foreseen not in told.text else None,
        )
        return page

    yield new
    for context in contexts:
        context.close()
    assert complaints == []


def answer(page: Page, path: str, body: Json | None = None, *, status: int = 200) -> None:
    """From now on, the API's answer to a path; without a body, an error."""
    content = body if body is not None else {"error": {"code": "BROKEN", "message": "Out of order.", "request_id": "r"}}
    page.route(re.compile(rf"/api/v1{path}(\?|$)"), lambda route: route.fulfill(status=status, json=content))


def barriers(page: Page) -> list[str]:
    """What axe finds, a line for each rule."""
    found = Axe().run(page, options={"rules": {"target-size": {"enabled": True}}}).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found]


def assert_open_to_all(page: Page) -> None:
    """With all that can be opened open, axe finds nothing, and nothing is wider than the window."""
    page.evaluate("document.querySelectorAll('details').forEach(closed => { closed.open = true })")
    assert barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
