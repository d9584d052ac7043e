"""An owner's question as it was meant: slang spelled out, the words of our field repaired, repetition dropped."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST = 400
_SLANG = {
    "u": "you", "ur": "your", "r": "are", "pls": "please", "plz": "please", "thx": "thanks", "ty": "thanks",
    "wat": "what", "wats": "what is", "whats": "what is", "what's": "what is", "hows": "how is", "how's": "how is",
    "im": "i am", "i'm": "i am", "ive": "i have", "i've": "i have", "dont": "don't", "rn": "right now",
    "wot": "what", "gonna": "going to", "wanna": "want to", "whens": "when is", "when's": "when is", "y": "why",
    "cuz": "because", "bc": "because", "b4": "before", "ppl": "people", "biz": "business", "cust": "customer",
    "custs": "customers", "rev": "revenue", "subs": "subscriptions", "txns": "transactions", "avg": "average",
    "chargbacks": "chargebacks", "cb": "chargeback", "cbs": "chargebacks", "perc": "percent", "pct": "percent",
    "whys": "why is", "why's": "why is", "wheres": "where is", "recs": "recommendations", "reco": "recommendation",
}  # fmt: skip
# Only words of our field are repaired: against a wide list, `present` becomes `prevent`.
_FIELD_WORDS = (
    "score readiness refund refunds refunded chargeback chargebacks dispute disputes revenue payout payouts "
    "volatility subscription subscriptions subscriber subscribers customer customers lender lenders "
    "recommendation recommendations transaction transactions recurring retention average growth declining qualify "
    "eligible concentration business stripe compared connected improve"
)
_FIELD = frozenset(_FIELD_WORDS.split())
_COMMON_WORDS = (
    "refuse return returns disputed subscribe customs custom lend lended store scope scored average stride strip "
    "stripes country percent present prevent revenge reduce rescore spore core busy lenders grow improved "
    "improves comparing compare compares transact charge charges recur stable consider connect connects growing "
    "qualified"
)
_COMMON = frozenset(_COMMON_WORDS.split())
_WORD = re.compile(r"\d+(?:[.,]\d+)+|[a-z0-9']+|[^a-z0-9'\s]+|\s+")
_FOR_ME = re.compile(r"\b4 (?=me\b|us\b|my\b)")
_LEAST_LETTERS = 5


def tidied(question: str) -> str:
    """The question in lower case and as it was probably meant; at most 400 characters of it."""
    text = unicodedata.normalize("NFKC", question).lower().replace("’", "'")[: 4 * LONGEST]
    parts: list[str] = []
    for part in _WORD.findall(_FOR_ME.sub("for ", text)):
        if part.isspace():
            if parts[-1:] != [" "]:
                parts.append(" ")
        elif part[0].isalnum():
            spelled = _SLANG.get(part) or _repaired(part)
            if parts[-2:] != [spelled, " "]:
                parts.append(spelled)
        else:
            parts.append(re.sub(r"(.)\1+", r"\1", part))
    return re.sub(r"\s+", " ", "".join(parts)).strip()[:LONGEST]


@lru_cache(maxsize=4096)
def _repaired(word: str) -> str:
    """The word of our field that one slip of the fingers makes this word from; the word itself when none does."""
    if len(word) < _LEAST_LETTERS or word in _FIELD or word in _COMMON or not word.isalpha():
        return word
    near = [known for known in sorted(_FIELD) if abs(len(known) - len(word)) <= 1 and _one_slip(word, known)]
    return near[0] if near else word


def _one_slip(written: str, meant: str) -> bool:
    """Whether one letter is missing, too many, wrong, or has changed places with the next."""
    at = next((n for n, (one, other) in enumerate(zip(written, meant, strict=False)) if one != other), None)
    if at is None:
        return abs(len(written) - len(meant)) == 1
    if at == 0:
        return False
    rest, right = written[at:], meant[at:]
    swapped = len(rest) > 1 and rest[1] + rest[0] + rest[2:] == right
    return swapped or rest[1:] == right or rest == right[1:] or rest[1:] == right[1:]
