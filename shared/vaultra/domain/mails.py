"""What our mails say: one function per kind, from facts to words."""

import datetime as dt
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any
from uuid import UUID

from vaultra.domain.accounts import Role

Facts = Mapping[str, Any]
"""What one mail tells. Links in it are whole addresses."""

LONGEST_NAME = 80
"""Characters of a person's or a business's name: enough for any real one, too few for somebody else's letter."""
# Invisible, and no line may break there; a mail program does not make a link of what it interrupts.
WORD_JOINER = "\u2060"

MAY = {
    Role.VIEWER: "read its numbers and ask the assistant",
    Role.ADMIN: "do everything but manage its members and delete it",
    Role.OWNER: "do everything",
}


@dataclass(frozen=True)
class WaitingMail:
    """A mail that was asked for and not sent yet; an id is None when the mail is not about such a thing."""

    id: UUID
    kind: str
    recipient: str
    user_id: UUID | None
    business_id: UUID | None
    invitation_id: UUID | None
    facts: Facts


@dataclass(frozen=True)
class Letter:
    """The words of a mail: a subject of one line, and the same content as text and as a whole HTML page."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class _Words:
    """A mail before it is laid out; `action` is what its button says and where it leads."""

    subject: str
    heading: str
    paragraphs: tuple[str, ...]
    action: tuple[str, str]
    note: str


def password_reset(facts: Facts) -> Letter:
    """The link to choose a new password.

    Args:
        facts: `link`, and `minutes`: how long it is good for.
    """
    return _lay_out(
        _Words(
            subject="Choose a new password for Vaultra",
            heading="Choose a new password",
            paragraphs=(
                "Somebody asked for a new password for the Vaultra account with this address. "
                f"If it was you, go on here. The link works once, within {facts['minutes']} minutes.",
            ),
            action=("Choose a new password", facts["link"]),
            note="If it was not you, ignore this mail. Your password stays as it is.",
        )
    )


def password_changed(facts: Facts) -> Letter:
    """The notice after a password was reset.

    Args:
        facts: `changed_at`, and `link`: where to ask for a new one.
    """
    return _lay_out(
        _Words(
            subject="Your Vaultra password was changed",
            heading="Your password was changed",
            paragraphs=(
                f"The password of your Vaultra account was changed on {_moment(facts['changed_at'])}. "
                "Everybody who was signed in has been signed out, and your personal access tokens were deleted.",
                "If it was not you, somebody else can read your mail. "
                "Change your mailbox's password first, then choose a new one for Vaultra.",
            ),
            action=("Choose a new password", facts["link"]),
            note="If it was you, there is nothing to do.",
        )
    )


def invitation(facts: Facts) -> Letter:
    """The link to join a business.

    Args:
        facts: `link`, `email` (who is invited), `business_name`, `role`, `expires_at`, and `inviter_name`:
            None when that account is gone.
    """
    business, inviter = _name(facts["business_name"]), facts["inviter_name"]
    invites = f"{_unlinked(_name(inviter))} invites you" if inviter is not None else "You are invited"
    role = Role(facts["role"])
    return _lay_out(
        _Words(
            subject=f"Invitation to {business} on Vaultra",
            heading=f"Join “{_unlinked(business)}” on Vaultra",
            paragraphs=(
                f"{invites} to join “{_unlinked(business)}” as {_with_article(role.value)}: you may {MAY[role]}.",
                f"The invitation is for {facts['email']}, and good until {_moment(facts['expires_at'])}.",
            ),
            action=("Accept the invitation", facts["link"]),
            note="If you do not know this business, ignore this mail. Nothing happens without you.",
        )
    )


MAILS: dict[str, Callable[[Facts], Letter]] = {
    "password_reset": password_reset,
    "password_changed": password_changed,
    "invitation": invitation,
}


# --- words ---------------------------------------------------------------------------------


def _name(name: str) -> str:
    """A name somebody chose, on one line and not longer than a name."""
    visible = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in name)
    line = " ".join(visible.split())
    return line if len(line) <= LONGEST_NAME else line[: LONGEST_NAME - 1].rstrip() + "…"


def _unlinked(name: str) -> str:
    """The same name; a mail program finds no address in it to make a link of."""
    return "".join(sign + WORD_JOINER if sign in ".:/@" else sign for sign in name)


def _moment(at: dt.datetime) -> str:
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def _with_article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


# --- layout --------------------------------------------------------------------------------

_FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_STYLE = (
    ":root{color-scheme:light dark;supported-color-schemes:light dark}"
    "@media(prefers-color-scheme:dark){.page{background:#12141c!important}"
    ".card{background:#1b1f2b!important;border-color:#343a4d!important}"
    ".ink{color:#eceef6!important}.soft{color:#a3aac0!important}"
    ".button{background:#a6a2ff!important;color:#14122e!important}}"
)


def _lay_out(words: _Words) -> Letter:
    return Letter(words.subject, _as_text(words), _as_html(words))


def _as_text(words: _Words) -> str:
    label, link = words.action
    parts = [words.heading, *words.paragraphs, f"{label}:\n{link}", words.note, "-- \nVaultra"]
    return "\n\n".join(parts) + "\n"


def _as_html(words: _Words) -> str:
    """The one layout of all mails: a card, one button, nothing that is fetched from anywhere."""
    label, link = (escape(part) for part in words.action)
    paragraphs = "".join(_paragraph(text, "ink", "#1b2033", 16) for text in words.paragraphs)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
        f"<title>{escape(words.subject)}</title><style>{_STYLE}</style></head>"
        '<body class="page" style="margin:0;padding:0;background:#f4f5f8">'
        '<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" border="0" '
        'style="background:#f4f5f8"><tr><td align="center" style="padding:32px 16px">'
        '<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" border="0" '
        'style="max-width:560px;background:#ffffff;border:1px solid #dfe2ea;border-radius:14px">'
        f'<tr><td align="left" style="padding:32px 28px;{_FONT}">'
        '<p class="soft" style="margin:0 0 20px;font-size:14px;font-weight:600;color:#5b6378">Vaultra</p>'
        '<h1 class="ink" style="margin:0 0 16px;font-size:22px;line-height:1.3;color:#1b2033">'
        f"{escape(words.heading)}</h1>{paragraphs}"
        '<p style="margin:24px 0"><a class="button" target="_blank" '
        'style="display:inline-block;padding:12px 20px;border-radius:10px;background:#4b46c8;color:#ffffff;'
        f'font-size:16px;font-weight:600;text-decoration:none" href="{link}">{label}</a></p>'
        f"{_paragraph('If the button does not work, copy this address into your browser:', 'soft', '#5b6378', 14)}"
        f'<p class="soft" style="margin:0 0 16px;font-size:14px;line-height:1.5;color:#5b6378;word-break:break-all">'
        f"{link}</p>{_paragraph(words.note, 'soft', '#5b6378', 14)}"
        "</td></tr></table></td></tr></table></body></html>\n"
    )


def _paragraph(text: str, name: str, colour: str, pixels: int) -> str:
    style = f"margin:0 0 16px;font-size:{pixels}px;line-height:1.5;color:{colour}"
    return f'<p class="{name}" style="{style}">{escape(text)}</p>'
