"""What the browser tests share: one Chromium and one lived-in product for a worker's tests, and who looks at them.

None of it lives as long as the session: while Playwright runs, no other test of the worker could use asyncio.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserType, expect, sync_playwright

from tests.e2e.browsers import ARGUMENTS, CHROMIUM
from tests.e2e.lived_in import REFUSED, WIDE, LivedIn, Witness, lived_in, witnessed
from tests.e2e.owners_pages import NewPage, owners_pages
from tests.e2e.scripted_api import ScriptedApi, scripted_api

# How busy the machine is, is not what is looked at; five seconds are the default.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="package")
def browsers() -> Iterator[BrowserType]:
    """For a browser with a profile of its own; the others share `chromium`."""
    with sync_playwright() as playwright:
        yield playwright.chromium


@pytest.fixture(scope="package")
def chromium(browsers: BrowserType) -> Iterator[Browser]:
    """A Chromium without anybody's profile; each test opens contexts of its own in it."""
    opened = browsers.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    yield opened
    opened.close()


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivedIn]:
    """A product with an owner whose shop's history is read. A test leaves it as it was, or takes its own owner."""
    with lived_in(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture
def new_page(house: LivedIn, chromium: Browser) -> Iterator[NewPage]:
    """Opens pages in the owner's browser."""
    with owners_pages(house, chromium) as new:
        yield new


@pytest.fixture
def owners_witness(house: LivedIn, chromium: Browser) -> Iterator[Witness]:
    """The owner's browser; afterwards nothing of what must not happen has happened in it."""
    context = chromium.new_context(viewport=WIDE, storage_state=house.storage())
    with witnessed(context, house.url) as witness:
        yield witness


@pytest.fixture(scope="package")
def server() -> Iterator[ScriptedApi]:
    """The site in front of an API that a file's own `api` gives its answers."""
    with scripted_api() as api:
        yield api


@pytest.fixture
def api(server: ScriptedApi) -> ScriptedApi:
    """An owner of one business, and nothing that the API would tell of it yet."""
    server.begin()
    return server


@pytest.fixture
def witness(chromium: Browser, api: ScriptedApi) -> Iterator[Witness]:
    """The browser of whom the scripted API knows; afterwards nothing of what must not happen has happened in it."""
    with witnessed(api.visitor(chromium), api.url, foreseen=REFUSED) as witness:
        yield witness
