"""A product that somebody uses: an owner with a connected shop and its history, and the browsers that look at it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import BrowserContext, Dialog, Page, StorageState, ViewportSize, expect

from tests.e2e.product import CLIENT_ID, SECRET_KEY, WEBHOOK_SECRET, Owner, Product, running_product, wait_until
from tests.e2e.visitor import token_of
from vaultra.services import utc_now
from vaultra_local.ports import free_port
from vaultra_local.stripe_sim import running_simulator, troubled_shop

WIDE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 780}
REFUSED = "Failed to load resource"
"""What the browser writes on its console of every answer that is an error, also where a test asked for one."""
# Told to the page by the browser for each thing that the policy forbids, whether or not the console shows it.
_LISTEN = """
window.forbidden = [];
document.addEventListener('securitypolicyviolation', (event) => {
  window.forbidden.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
});
"""


@dataclass
class LivedIn:
    """A running product and its owner, whose shop's history has been read."""

    product: Product
    owner: Owner

    @property
    def url(self) -> str:
        return self.product.url

    def storage(self) -> StorageState:
        """What the owner's browser keeps, as Playwright's `storage_state`."""
        entries = {"vaultra_token": token_of(self.owner.client), "vaultra_current_business_id": self.owner.business_id}
        kept: StorageState = {
            "cookies": [],
            "origins": [
                {
                    "origin": self.url,
                    "localStorage": [{"name": name, "value": value} for name, value in entries.items()],
                }
            ],
        }
        return kept


@contextmanager
def lived_in(folder: Path) -> Iterator[LivedIn]:
    """The product with one owner of one shop, once all that there is to see has been computed."""
    port, shop = free_port(), troubled_shop(utc_now().date())
    with (
        running_simulator(
            [shop],
            webhook_url=f"http://127.0.0.1:{port}/api/v1/webhooks/stripe",
            webhook_secret=WEBHOOK_SECRET,
            secret_key=SECRET_KEY,
            client_id=CLIENT_ID,
        ) as simulator,
        running_product(folder, simulator.url, port) as product,
    ):
        owner = Owner.sign_up(product)
        owner.connect(shop.id)
        wait_until(owner.history_is_read, 60, "the history is read")
        wait_until(lambda: bool(owner.recommendations()), 20, "there is something to do next")
        yield LivedIn(product, owner)


@dataclass
class Witness:
    """A page of the browser, with what it complained of, asked for elsewhere, and asked the visitor.

    What is `foreseen` is no complaint.
    """

    page: Page
    url: str
    foreseen: str | None = None
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, context: BrowserContext, url: str, foreseen: str | None = None) -> "Witness":
        context.add_init_script(_LISTEN)
        witness = cls(context.new_page(), url, foreseen)
        witness.page.on("pageerror", lambda error: witness.complaints.append(str(error)))
        witness.page.on("console", lambda told: witness._hear(told.type, told.text))
        witness.page.on("dialog", witness._dismiss)
        context.on("request", lambda request: witness._note(request.url))
        return witness

    def open(self, path: str) -> None:
        """Go to a page, and wait until it shows what it is about."""
        self.page.goto(self.url + path)
        self.settle()

    def settle(self) -> None:
        # Without islands there is nothing to wait for once the page is loaded.
        if self.page.locator("astro-island").count():
            self.page.wait_for_load_state("networkidle")
        expect(self.page.locator(".skel, [aria-busy=true]")).to_have_count(0)

    def forbidden(self) -> list[str]:
        """What the content security policy kept the page from doing since it was opened."""
        return [str(each) for each in self.page.evaluate("window.forbidden")]

    def in_colours(self, scheme: Literal["light", "dark"]) -> None:
        self.page.emulate_media(color_scheme=scheme)

    def _dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error" and not (self.foreseen and self.foreseen in text):
            self.complaints.append(text)

    def _note(self, address: str) -> None:
        if not address.startswith((self.url, "blob:" + self.url)):
            self.elsewhere.append(address)


@contextmanager
def witnessed(context: BrowserContext, url: str, *, foreseen: str | None = None) -> Iterator[Witness]:
    """A witness in a context that ends with it; fails when there is anything it has to tell."""
    witness = Witness.of(context, url, foreseen)
    yield witness
    forbidden = witness.forbidden()
    context.close()
    assert (forbidden, witness.complaints, witness.elsewhere, witness.dialogs) == ([], [], [], [])
