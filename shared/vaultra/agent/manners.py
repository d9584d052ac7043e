"""What no sentence of an answer may have, whatever the tools told: links, markup, ids, promises, claimed deeds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

Breach = Literal["link", "markup", "id", "promise", "action"]

_TOP_LEVEL = "com|org|net|io|dev|app|co|ai|example|info|biz|xyz|ru|cn|uk|de|me|ly|to|link|click|site|online|shop"
_BREACHES: tuple[tuple[Breach, re.Pattern[str], str], ...] = (
    (
        "link",
        re.compile(
            rf"\b(?:https?|ftp|javascript|data|mailto):|//\w|\bwww\.|\]\(|\b[\w-]+\.(?:{_TOP_LEVEL})\b(?!\w)", re.I
        ),
        "No links: cite a section instead.",
    ),
    (
        "markup",
        re.compile(r"!\[|<\s*/?\s*[a-z!][^>]*>?|&(?:#\d+|#x[0-9a-f]+|lt|gt|amp);|```", re.I),
        "Plain text only.",
    ),
    (
        "id",
        re.compile(
            r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
            r"|\b(?:acct|cus|ch|py|pi|dp|du|re|pyr|po|in|sub|biz|evt|txn|sk|rk|pk|pat|vlt|si|price|prod)_\w+"
            r"|\b[\w.+-]+@[\w-]+\.\w+|\b\d{13,19}\b",
            re.I,
        ),
        "No ids, addresses or card numbers.",
    ),
    (
        "promise",
        re.compile(
            r"\bguaranteed\b|\b(?:we|I|vaultra) guarantees?\b|\bguarantees? (?:that|you|approval|funding|a loan)\b|"
            r"\b(?:you(?:'ll| will| would)|will) (?:be|get) (?:approved|funded|accepted|financed)|"
            r"\b(?:improv|rais|boost|repair|fix|rebuild)\w*\b[^.?!]{0,40}\bcredit (?:score|record|file|history|rating)|"
            r"\b(?:pre-?approved|you(?:'re| are) approved|you(?:'re| are) eligible|you qualify|risk[- ]free|"
            r"instant approval)\b|\bI(?:'d| would)? (?:recommend|advise|suggest) (?:you )?(?:to )?"
            r"(?:take|sign|apply|borrow|accept|choos|go(?:ing)? with)",
            re.I,
        ),
        "Promise nothing, and recommend no lender: what somebody will decide is not known.",
    ),
    (
        "action",
        re.compile(
            r"\bI(?:'ve| have| just)(?: now| just| already)? (?:sent|refunded|updated|changed|deleted|cancel+ed|paid|"
            r"submitted|applied|emailed|connected|disconnected|created|issued|contacted|transferred|raised|set|"
            r"fixed)\b|"
            r"\bI(?:'ll| will) (?:send|refund|update|change|delete|cancel|pay|submit|apply|email|issue|contact|"
            r"transfer)\b",
            re.I,
        ),
        "The tools only read: nothing was done, and nothing will be.",
    ),
)  # fmt: skip
_NEGATED = re.compile(
    r"\b(no|not|never|nobody|can't|cannot|n't|without|isn't|doesn't|whether|neither|nor)\b[^.?!]{0,60}$", re.I
)
_FUNDING = re.compile(
    r"\b(loans?|lenders?|lending|borrow\w*|fund(s|ed|ing)?|financ(e|ed|ing)|credit line|line of credit|capital|clearco|"
    r"wayflyer|fundbox|bluevine|lighter|advance|mca|approved?|approval|eligib\w+|qualify)\b",
    re.IGNORECASE,
)


def breaches(sentence: str) -> Iterator[tuple[Breach, str, str]]:
    """What a sentence must not have: the kind, the text, and what to do instead."""
    for kind, pattern, reason in _BREACHES:
        for match in pattern.finditer(sentence):
            if kind == "promise" and _NEGATED.search(sentence[: match.start()]):
                continue
            yield kind, match[0], reason


def about_funding(text: str) -> bool:
    """Whether a text asks about borrowing: then the answer says what it is not."""
    return _FUNDING.search(text) is not None
