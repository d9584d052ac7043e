"""The pages that stand in for others: the site's colours, and nothing of a caller's that becomes markup."""

import re
from html.parser import HTMLParser

from vaultra.domain import mail_layout
from vaultra_local import pages
from vaultra_local.catalogue import ROOT
from vaultra_local.pages import Choice, choice_form, page, send_back

HOSTILE = "\"><script>alert(1)</script>&amp;'"
COLOUR = re.compile(r"#[0-9a-f]{6}\b|#[0-9a-f]{3}\b")


def colours(text: str) -> set[str]:
    """Every colour that is named, in six digits."""
    return {c if len(c) == 7 else "#" + "".join(2 * digit for digit in c[1:]) for c in COLOUR.findall(text)}


class Inputs(HTMLParser):
    """The tags of a page, and the values of its inputs."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.values: dict[str, list[str]] = {}
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        if tag == "input":
            self.values.setdefault(given["name"] or "", []).append(given["value"] or "")

    def handle_data(self, data: str) -> None:
        self.words += data


def test_what_is_carried_and_chosen_stays_text() -> None:
    form = choice_form(
        "/there",
        {"state": HOSTILE},
        name="who",
        legend=HOSTILE,
        choices=[Choice(HOSTILE, HOSTILE, HOSTILE, HOSTILE), Choice("second", "Second", "", "")],
        decisions={"yes": "Yes", "no": "No"},
    )
    shown = Inputs(bytes(page(HOSTILE, form, note="Not real.").body).decode())
    assert "script" not in shown.tags
    assert shown.values == {"state": [HOSTILE], "who": [HOSTILE, "second"]}
    assert shown.words.count(HOSTILE) == 5
    assert form.count(" checked") == 1


def test_the_way_back_keeps_what_the_address_says_already() -> None:
    assert send_back("https://site.test/", {"code": "a b"}).headers["location"] == "https://site.test/?code=a+b"
    assert send_back("https://site.test/?x=1", {"code": "c"}).headers["location"] == "https://site.test/?x=1&code=c"


def test_pages_and_mails_wear_the_sites_colours() -> None:
    sites = colours((ROOT / "frontend" / "src" / "styles" / "global.css").read_text())
    mails = {colour for _, light, dark in mail_layout.PAINT.values() for colour in (light, dark)}
    assert colours(pages.STYLE + pages.ASKING_STYLE) - sites == set()
    assert mails - sites == set()
