"""Every page in a browser: no barrier in any mode, no complaint, nothing its policy forbids, no dead link, no frame."""

import http.server
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize

from tests.e2e.browsers import needs_browser
from tests.e2e.built_site import pages
from tests.e2e.lived_in import PHONE, WIDE, LivedIn, Witness
from vaultra_local.ports import free_port

pytestmark = [needs_browser, pytest.mark.long]

ALL = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
OF_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
AXE = Axe()
# What the browser itself says of these pages' own status.
EXPECTED = {"/404.html": "the server responded with a status of 404"}


@dataclass(frozen=True)
class Mode:
    """How somebody looks at the site, and the rules that it makes a difference to."""

    size: ViewportSize
    colours: Literal["light", "dark"]
    rules: Mapping[str, object]


MODES = {"light": Mode(WIDE, "light", ALL), "dark": Mode(WIDE, "dark", OF_COLOURS), "phone": Mode(PHONE, "light", ALL)}


def is_signed_in(path: str) -> bool:
    return path.startswith(("/dashboard/", "/onboarding/"))


def addresses() -> list[str]:
    """Every page; what is missing shows the page for it."""
    return [page.path for page in pages()]


def visit(chromium: Browser, house: LivedIn, signed_in: bool) -> Witness:
    storage = house.storage() if signed_in else None
    # A colour that is just fading into another is neither.
    context = chromium.new_context(viewport=WIDE, storage_state=storage, reduced_motion="reduce")
    return Witness.of(context, house.url)


@pytest.mark.parametrize(
    "modes", [("phone",), pytest.param(tuple(MODES), marks=pytest.mark.long)], ids=["phone", "every mode"]
)
def test_no_page_has_a_barrier_or_a_complaint(house: LivedIn, chromium: Browser, modes: tuple[str, ...]) -> None:
    """RELIABILITY B12 in use, and Show 2 of the site."""
    found: dict[str, list[str]] = defaultdict(list)
    checks = 0
    for signed_in in (False, True):
        witness = visit(chromium, house, signed_in)
        for path in filter(lambda path: is_signed_in(path) == signed_in, addresses()):
            witness.open(path)
            use(witness.page)
            for name, mode in ((name, MODES[name]) for name in modes):
                witness.page.set_viewport_size(mode.size)
                witness.in_colours(mode.colours)
                found[f"{path} {name}"] += barriers(witness.page, mode)
                checks += 1
            found[path] += witness.forbidden()
            found[path] += [text for text in witness.complaints if EXPECTED.get(path, "\n") not in text]
            found[path] += witness.elsewhere
            witness.complaints.clear()
            witness.elsewhere.clear()
            witness.page.set_viewport_size(WIDE)
        witness.page.context.close()
    told = "\n".join(f"{where}: {each}" for where, what in found.items() for each in what)
    assert told == "", told
    print(f"\n{len(addresses())} pages, {checks} checks by axe: 0 barriers, 0 complaints, 0 violations of the policy")


def use(page: Page) -> None:
    """Open what can be opened, and go through the first stops of the keyboard."""
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    for menu in page.locator("[popovertarget]:visible").all():
        menu.click()
        page.keyboard.press("Escape")
    for _ in range(8):
        page.keyboard.press("Tab")


def barriers(page: Page, mode: Mode) -> list[str]:
    """What keeps somebody from using the page; also that it is wider than the window."""
    found = AXE.run(page, options={"runOnly": mode.rules, "resultTypes": ["violations"]}).response["violations"]
    told = [f"{each['id']}: {node['target']} {node['html'][:160]}" for each in found for node in each["nodes"]]
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return told + ([f"{wide} px wider than the window"] if wide > 0 else [])


def test_every_link_a_page_shows_leads_somewhere(house: LivedIn, chromium: Browser) -> None:
    witness = visit(chromium, house, True)
    links: dict[str, str] = {}
    for path in filter(is_signed_in, addresses()):
        witness.open(path)
        shown = witness.page.eval_on_selector_all("a[href]", "all => all.map((each) => each.getAttribute('href'))")
        links |= {urljoin(house.url + path, str(link)): path for link in shown}
    witness.page.context.close()
    inside = {link: path for link, path in links.items() if link.startswith(house.url + "/")}
    dead = []
    ids = {page.path: page.ids for page in pages()}
    with httpx.Client(trust_env=False) as client:
        for link, path in inside.items():
            address, anchor = urldefrag(link)
            status = client.get(address).status_code
            lost = anchor and not is_signed_in(urlsplit(link).path) and anchor not in ids[urlsplit(link).path]
            if lost or status != 200:
                dead.append(f"{path}: {link} {status}")
    assert dead == []
    assert len(inside) > 10
    print(f"\n{len(inside)} different links on the signed-in pages, none dead")


def test_no_page_can_be_framed(house: LivedIn, chromium: Browser) -> None:
    """RELIABILITY B12: frame-ancestors."""
    frames = "".join(f'<iframe src="{house.url}{path}"></iframe>' for path in addresses())
    with somewhere_else(f"<!doctype html>{frames}<iframe src='/inner'></iframe>") as url:
        page = chromium.new_page()
        page.goto(url)
        inner, *framed = reversed(page.frames[1:])
        assert inner.locator("p").inner_text() == "a frame that may be"
        assert {frame.url for frame in framed} == {"chrome-error://chromewebdata/"}
        page.close()
    print(f"\n{len(framed)} pages framed, {len(framed)} refused")


@contextmanager
def somewhere_else(text: str) -> Iterator[str]:
    """Another site with one page, and one that its page may frame."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = "<p>a frame that may be</p>" if self.path == "/inner" else text
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
