"""A forgotten password on one machine: asked for at the API, found in the mailbox, its link followed in a browser."""

from email import message_from_bytes
from email.policy import default

from playwright.sync_api import Browser, expect

from tests.e2e.browsers import needs_browser
from tests.e2e.lived_in import LivedIn
from tests.e2e.product import PASSWORD, wait_until

EMAIL = "ana@example.com"


@needs_browser
def test_a_mailed_link_opens_in_the_browser_and_sets_a_new_password(house: LivedIn, chromium: Browser) -> None:
    product = house.product
    folder = product.state / "dev" / "mails"

    def mails() -> int:
        """How many there are to Ana."""
        read = [message_from_bytes(mail.read_bytes(), policy=default) for mail in folder.glob("*.eml")]
        return sum(mail["To"] == EMAIL for mail in read)

    with product.client() as api:
        account = {"email": EMAIL, "password": PASSWORD, "name": "Ana"}
        assert api.post("/auth/signup", json=account).status_code == 201
        assert api.post("/auth/password/forgot", json={"email": EMAIL}).status_code == 202
        seconds = wait_until(lambda: mails() > 0, 20, "the mail arrives")
        page = chromium.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"{product.url}/mailbox/")
        page.get_by_role("link", name="Choose a new password for Vaultra").click()
        mail = page.frame_locator("iframe")
        expect(mail.get_by_role("heading", name="Choose a new password")).to_be_visible()
        button = mail.get_by_role("link", name="Choose a new password")
        site, _, token = (button.get_attribute("href") or "").partition("#token=")
        with page.expect_popup() as opened:
            button.click()
        opened.value.wait_for_url(f"{site}**")  # the page there takes the token out of the address
        assert complaints == []
        page.context.close()
        assert site == f"{product.url}/auth/reset/"
        answer = api.post("/auth/password/reset", json={"token": token, "password": "another password"})
        assert answer.status_code == 204, answer.text
        assert api.post("/auth/login", json={"email": EMAIL, "password": "another password"}).status_code == 200
        wait_until(lambda: mails() == 2, 20, "the notice arrives")
        print(f"\nthe reset mail was in the mailbox after {seconds:.2f} s; its link led to {site}")
