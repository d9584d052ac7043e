"""What is taken out of a text before it leaves for a language model: addresses, card numbers, keys and tokens."""

import re

EMAIL, CARD, SECRET, ACCOUNT = "[email]", "[card number]", "[secret]", "[account number]"

_EMAIL = re.compile(r"[\w.+%-]+\s?@\s?[\w-]+(?:\.[\w-]+)+")
# Stripe's and OpenAI's keys, ours, web tokens, and what stands behind `Bearer`.
_SECRET = re.compile(
    r"\b(?:sk|rk|pk|whsec|xox[abp]|ghp|pat|vlt|vaultra)[_-](?:[A-Za-z0-9]+_)*[A-Za-z0-9_-]{8,}"
    r"|\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?"
    r"|(?<=[Bb]earer )[\w.~+/-]{12,}=*"
)
# In one piece or in the groups that are printed on cards; other digits with spaces are dates and amounts.
_DIGITS = re.compile(r"(?<![\w.-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{5})(?![\w-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")


def masked(text: str) -> str:
    """The text with a word in brackets in place of whatever tells who somebody is, or opens something."""
    text = _EMAIL.sub(EMAIL, _SECRET.sub(SECRET, text))
    return _DIGITS.sub(_without_card, _IBAN.sub(ACCOUNT, text))


def _without_card(match: re.Match[str]) -> str:
    digits = [int(letter) for letter in match[0] if letter.isdigit()]
    return CARD if _checks(digits) else match[0]


def _checks(digits: list[int]) -> bool:
    """Whether the last digit is the one that the others ask for (Luhn), as on every card."""
    doubled = [digit * 2 - (9 if digit * 2 > 9 else 0) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0
