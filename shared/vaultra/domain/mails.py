"""What our mails say: one function per kind, from facts to words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from vaultra.domain.accounts import Role
from vaultra.domain.alert_letters import ALERT_LETTERS
from vaultra.domain.digest_letter import digest
from vaultra.domain.mail_layout import Letter, Words, lay_out, moment, one_line, unlinked

Facts = Mapping[str, Any]
"""What one mail tells. Links in it are whole addresses."""

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


def password_reset(facts: Facts) -> Letter:
    """The link to choose a new password.

    Args:
        facts: `link`, and `minutes`: how long it is good for.
    """
    return lay_out(
        Words(
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
    return lay_out(
        Words(
            subject="Your Vaultra password was changed",
            heading="Your password was changed",
            paragraphs=(
                f"The password of your Vaultra account was changed on {moment(facts['changed_at'])}. "
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
    business, inviter = one_line(facts["business_name"]), facts["inviter_name"]
    invites = f"{unlinked(one_line(inviter))} invites you" if inviter is not None else "You are invited"
    role = Role(facts["role"])
    return lay_out(
        Words(
            subject=f"Invitation to {business} on Vaultra",
            heading=f"Join “{unlinked(business)}” on Vaultra",
            paragraphs=(
                f"{invites} to join “{unlinked(business)}” as {_with_article(role.value)}: you may {MAY[role]}.",
                f"The invitation is for {facts['email']}, and good until {moment(facts['expires_at'])}.",
            ),
            action=("Accept the invitation", facts["link"]),
            note="If you do not know this business, ignore this mail. Nothing happens without you.",
        )
    )


MAILS: dict[str, Callable[[Facts], Letter]] = {
    "password_reset": password_reset,
    "password_changed": password_changed,
    "invitation": invitation,
    "digest": digest,
    **ALERT_LETTERS,
}


def _with_article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
