"""What mails say: the facts, in both forms, and nothing that a name could smuggle in."""

import datetime as dt
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from vaultra.domain.accounts import Role
from vaultra.domain.alert_letters import ALERT_LETTERS
from vaultra.domain.mail_layout import LONGEST_NAME, WORD_JOINER, Letter
from vaultra.domain.mails import MAILS, invitation, password_changed, password_reset

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
LINK = "https://site.test/auth/reset/#token=abc_-123"
FACTS: dict[str, dict[str, Any]] = {
    "password_reset": {"link": LINK, "minutes": 60},
    "password_changed": {"link": LINK, "changed_at": NOON},
    "invitation": {
        "link": LINK,
        "email": "bo@example.com",
        "business_name": "Fernhill Studio",
        "role": "viewer",
        "inviter_name": "Ana Ruiz",
        "expires_at": NOON,
    },
}
# Tags, attributes, entities, headers, other writing directions, addresses to make links of, and sheer length.
NAMES = {
    "script": "<script>alert(1)</script>",
    "image": '"><img src=https://evil.example/x onerror=alert(1)>',
    "link": "</h1><a href='https://evil.example'>Sign in</a>",
    "style": "</title></style><style>*{display:none}</style>",
    "comment": "--><!--",
    "entity": "&lt;b&gt; &amp;#x3c;",
    "crlf": "Shop\r\nBcc: evil@example.com\r\n\r\n<h1>Hello</h1>",
    "lf": "Shop\nX-Header: 1",
    "cr": "Shop\rX-Header: 1",
    "separators": "Shop\u2028X-Header: 1\u2029\u0085\u000b\u000c",
    "nul": "Shop\u0000X",
    "right to left": "Shop\u202eexe.gpj\u2066",
    "lone surrogate": "Shop\ud800",
    "address": "your account at https://evil.example/login or www.evil.example, evil@evil.example",
    "long": "An urgent notice about your account. " * 20,
    "template": "{link} %s ${x} {0.__class__}",
    "quoted-printable": "=0D=0ABcc: evil@example.com",
    "encoded word": "=?utf-8?q?=0D=0ABcc=3A_evil=40example=2Ecom?=",
}


class Tags(HTMLParser):
    """The tags of a page, and the text in its body."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.words = "" if tag == "body" else self.words
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words += data


def write(kind: str, **changes: Any) -> Letter:
    return MAILS[kind](FACTS[kind] | changes)


def test_every_kind_is_tried_here_or_in_a_file_of_its_own() -> None:
    assert MAILS.keys() == FACTS.keys() | {"digest"} | ALERT_LETTERS.keys()


def test_a_reset_tells_the_link_and_how_long_it_is_good() -> None:
    letter = password_reset(FACTS["password_reset"])
    assert letter.subject == "Choose a new password for Vaultra"
    assert "within 60 minutes" in letter.text
    assert f"Choose a new password:\n{LINK}\n" in letter.text
    assert "Your password stays as it is." in letter.text


def test_a_changed_password_tells_when_and_what_to_do() -> None:
    letter = password_changed(FACTS["password_changed"])
    assert "changed on 20 November 2026, 12:00 UTC" in letter.text
    assert "If it was not you" in letter.text


@pytest.mark.parametrize(
    ("role", "words"),
    [
        (Role.VIEWER, "a viewer: you may read its numbers and ask the assistant."),
        (Role.ADMIN, "an admin: you may do everything but manage its members and delete it."),
        (Role.OWNER, "an owner: you may do everything."),
    ],
)
def test_an_invitation_tells_who_invites_whom_to_what(role: Role, words: str) -> None:
    letter = invitation(FACTS["invitation"] | {"role": role})
    assert letter.subject == "Invitation to Fernhill Studio on Vaultra"
    assert f"Ana Ruiz invites you to join “Fernhill Studio” as {words}" in letter.text
    assert "for bo@example.com, and good until 20 November 2026, 12:00 UTC" in letter.text


def test_an_invitation_outlives_the_account_of_who_sent_it() -> None:
    assert "You are invited to join “Fernhill Studio”" in write("invitation", inviter_name=None).text


@pytest.mark.parametrize("kind", FACTS)
def test_both_forms_say_the_same(kind: str) -> None:
    letter = write(kind)
    page = Tags(letter.html).words
    lines = [line.rstrip(":") for line in letter.text.splitlines() if line and line != "-- "]
    assert len(lines) > 4
    assert [line for line in lines if line not in page] == []


@pytest.mark.parametrize("kind", FACTS)
def test_a_page_fetches_nothing_and_follows_light_and_dark(kind: str) -> None:
    html = write(kind).html
    page = Tags(html)
    assert not {"img", "script", "link", "iframe", "object", "form", "base"} & set(page.tags)
    assert [value for name, value in page.attributes if name in ("href", "src", "background")] == [LINK]
    assert "url(" not in html
    assert "@import" not in html
    assert "prefers-color-scheme:dark" in html
    assert 'content="light dark"' in html


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("fact", ["business_name", "inviter_name"])
def test_a_name_is_text_on_one_line_wherever_it_stands(fact: str, name: str) -> None:
    plain, letter = write("invitation"), write("invitation", **{fact: name})
    assert Tags(letter.html).tags == Tags(plain.html).tags
    assert len(Tags(letter.html).attributes) == len(Tags(plain.html).attributes)
    assert letter.subject.isprintable()
    assert letter.text.count("\n") == plain.text.count("\n")
    assert len(letter.text) <= len(plain.text) + 4 * LONGEST_NAME
    assert letter.text.encode()
    assert letter.html.encode()
    assert not re.search("[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]", letter.text)


def test_a_mail_program_makes_no_link_of_a_name() -> None:
    letter = write("invitation", business_name=NAMES["address"], inviter_name=NAMES["address"])
    for words in (letter.text, Tags(letter.html).words):
        others = words.replace(LINK, "").replace("bo@example.com", "")
        assert not re.search(r"https?://|www\.\w|\w@\w|evil\.\w", others)
        assert f"evil.{WORD_JOINER}example" in others
