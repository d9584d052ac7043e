"""A forgotten password on one machine: asked for at the API, found in the mailbox, its link followed in a browser."""

from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.e2e.product import PASSWORD, running_product, wait_until
from tests.e2e.test_first_visit import ARGUMENTS, CHROMIUM, needs_browser

EMAIL = "ana@example.com"


@needs_browser
def test_a_mailed_link_opens_in_the_browser_and_sets_a_new_password(tmp_path: Path) -> None:
    with running_product(tmp_path, "http://127.0.0.1:9") as product, product.client() as api:
        account = {"email": EMAIL, "password": PASSWORD, "name": "Ana"}
        assert api.post("/auth/signup", json=account).status_code == 201
        assert api.post("/auth/password/forgot", json={"email": EMAIL}).status_code == 202
        mails = product.state / "dev" / "mails"
        seconds = wait_until(lambda: any(mails.glob("*.eml")), 20, "the mail arrives")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            page = browser.new_page()
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
            browser.close()
        assert site == f"{product.url}/auth/reset/"
        answer = api.post("/auth/password/reset", json={"token": token, "password": "another password"})
        assert answer.status_code == 204, answer.text
        assert api.post("/auth/login", json={"email": EMAIL, "password": "another password"}).status_code == 200
        wait_until(lambda: len(list(mails.glob("*.eml"))) == 2, 20, "the notice arrives")
        print(f"\nthe reset mail was in the mailbox after {seconds:.2f} s; its link led to {site}")
