"""What all mails look like, and what makes a name somebody chose safe to stand in one."""

import datetime as dt
import unicodedata
from dataclasses import dataclass
from html import escape

LONGEST_NAME = 80
"""Characters of a person's or a business's name: enough for any real one, too few for somebody else's letter."""
# Invisible, and no line may break there; a mail program does not make a link of what it interrupts.
WORD_JOINER = "\u2060"
SIGNATURE = "-- \nVaultra"


@dataclass(frozen=True)
class Letter:
    """The words of a mail: a subject of one line, and the same content as text and as a whole HTML page."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Words:
    """A mail before it is laid out; `action` is what its button says and where it leads."""

    subject: str
    heading: str
    paragraphs: tuple[str, ...]
    action: tuple[str, str]
    note: str


def lay_out(words: Words) -> Letter:
    """An ordinary mail: a heading, some paragraphs, one button, a note."""
    return Letter(words.subject, _as_text(words), _as_html(words))


# --- words ---------------------------------------------------------------------------------


def one_line(name: str) -> str:
    """A name somebody chose, on one line and not longer than a name."""
    visible = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in name)
    line = " ".join(visible.split())
    return line if len(line) <= LONGEST_NAME else line[: LONGEST_NAME - 1].rstrip() + "…"


def unlinked(name: str) -> str:
    """The same name; a mail program finds no address in it to make a link of."""
    return "".join(sign + WORD_JOINER if sign in ".:/@" else sign for sign in name)


def moment(at: dt.datetime) -> str:
    """A UTC time as it stands in a sentence: `20 November 2026, 12:00 UTC`."""
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


# --- layout --------------------------------------------------------------------------------

FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
# The site's colours by class: the property, its value on light, its value on dark.
PAINT = {
    "page": ("background", "#f6f6f3", "#0e1112"),
    "card": ("background", "#ffffff", "#161a1c"),
    "line": ("border-color", "#e2e3dd", "#283033"),
    "ink": ("color", "#14181b", "#eceeed"),
    "soft": ("color", "#58606a", "#a1abac"),
    "good": ("color", "#17624f", "#63caac"),
    "warn": ("color", "#835000", "#e5b15a"),
    "bad": ("color", "#a8281f", "#f28d85"),
    "button": ("background", "#17624f", "#63caac"),
    "label": ("color", "#ffffff", "#0d1614"),
}
_DARK = "".join(f".{name}{{{rule}:{dark}!important}}" for name, (rule, _, dark) in PAINT.items())
_STYLE = (
    f":root{{color-scheme:light dark;supported-color-schemes:light dark}}@media(prefers-color-scheme:dark){{{_DARK}}}"
)
_TABLE = 'role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'


def painted(names: str, css: str) -> str:
    """The attributes of a tag in these colours of `PAINT`, light where a mail program knows no dark."""
    colours = [f"{rule}:{light}" for rule, light, _ in (PAINT[name] for name in names.split())]
    return f'class="{names}" style="{";".join([css, *colours] if css else colours)}"'


def page(subject: str, content: str) -> str:
    """A whole page around the content of a mail: a card, and nothing that is fetched from anywhere."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
        f"<title>{escape(subject)}</title><style>{_STYLE}</style></head>"
        f"<body {painted('page', 'margin:0;padding:0')}>"
        f'<table {_TABLE} {painted("page", "width:100%")}><tr><td align="center" style="padding:32px 16px">'
        f"<table {_TABLE} {painted('card line', 'max-width:560px;border:1px solid;border-radius:14px')}>"
        f'<tr><td align="left" style="padding:32px 28px;{FONT}">'
        f"<p {painted('soft', 'margin:0 0 20px;font-size:14px;font-weight:600')}>Vaultra</p>{content}"
        "</td></tr></table></td></tr></table></body></html>\n"
    )


def heading(text: str) -> str:
    """The title of a mail."""
    return f"<h1 {painted('ink', 'margin:0 0 16px;font-size:22px;line-height:1.3')}>{escape(text)}</h1>"


def paragraph(text: str, colour: str = "ink", pixels: int = 16) -> str:
    """A paragraph in one of the colours of `PAINT`."""
    return f"<p {painted(colour, f'margin:0 0 16px;font-size:{pixels}px;line-height:1.5')}>{escape(text)}</p>"


def button(label: str, link: str) -> str:
    """The one thing to do."""
    style = "display:inline-block;padding:12px 20px;border-radius:10px;font-size:16px;font-weight:600"
    attributes = painted("button label", f"{style};text-decoration:none")
    link_to = f'<a target="_blank" {attributes} href="{escape(link)}">{escape(label)}</a>'
    return f'<p style="margin:24px 0">{link_to}</p>'


def quiet_link(label: str, link: str) -> str:
    """A link that nobody has to see, at the foot of a mail."""
    style = painted("soft", "font-size:14px;text-decoration:underline")
    return f'<p style="margin:0"><a target="_blank" {style} href="{escape(link)}">{escape(label)}</a></p>'


def _as_text(words: Words) -> str:
    label, link = words.action
    parts = [words.heading, *words.paragraphs, f"{label}:\n{link}", words.note, SIGNATURE]
    return "\n\n".join(parts) + "\n"


def _as_html(words: Words) -> str:
    label, link = words.action
    address = painted("soft", "margin:0 0 16px;font-size:14px;line-height:1.5;word-break:break-all")
    parts = [
        heading(words.heading),
        *(paragraph(text) for text in words.paragraphs),
        button(label, link),
        paragraph("If the button does not work, copy this address into your browser:", "soft", 14),
        f"<p {address}>{escape(link)}</p>",
        paragraph(words.note, "soft", 14),
    ]
    return page(words.subject, "".join(parts))
