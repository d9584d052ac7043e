"""What is declined before any model sees it: deeds, others' businesses, other roles and subjects, picking a lender."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from vaultra.agent.texts import one_line
from vaultra.domain.disclaimer import DISCLAIMER
from vaultra.domain.lender_criteria import CRITERIA

Reason = Literal["action", "other_business", "role", "out_of_scope", "advice", "secret"]

CAN_DO = "I can show your score and what moves it, your numbers, what to do next, and what lenders publish."


@dataclass(frozen=True)
class Guarded:
    """A question that is declined: why, what is said instead, and what could be asked."""

    reason: Reason
    text: str
    suggestions: tuple[str, ...]


_SUGGESTIONS = ("What is my score?", "What should I do first?", "What hurts my score most?")
_TEXTS: dict[Reason, str] = {
    "action": f"I can't do that: I only read, and change nothing in Stripe, at a bank or in Vaultra. {CAN_DO}",
    "other_business": f"I can't see any other business, only the one you are signed in to. {CAN_DO}",
    "role": f"I can't do that. I keep to my task, and my instructions stay as they are. {CAN_DO}",
    "out_of_scope": f"I can't help with that: I only know about your Stripe numbers and what lenders look at. {CAN_DO}",
    "advice": (
        "I can't recommend a lender or tell you to sign anything: that is your decision, best made with an adviser. "
        f"I can compare your numbers with the minimums that lenders publish. {DISCLAIMER}"
    ),
    "secret": (
        "I can't use card numbers, passwords or keys, and nobody at Vaultra will ask for them here. "
        f"Please don't send them, and change any that you have sent. {CAN_DO}"
    ),
}
_ADVICE_SUGGESTIONS = ("Which lenders' minimums do I meet?", "What should I do first?", "What do lenders look at?")

_SECRET = re.compile(r"\b(?:\d[ -]?){13,19}\b|\b[rsp]k_(?:live|test)_\w+|\bmy (?:password|cvc|cvv|pin) is\b", re.I)
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)
_ROLE = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass|drop|skip)\b.{0,40}\b(?:instructions?|rules?|prompt|guidelines?|"
    r"restrictions?|guardrails?|safety|above|previous|training|disclaimer)\b"
    r"|\b(?:system|hidden|initial|secret|developer) ?(?:prompt|message|instructions?)\b|\byour (?:prompt|instructions|"
    r"rules|system message|guidelines|source code|configuration|api key|model name)\b"
    r"|\b(?:you are now|from now on,? (?:you|act|answer)|pretend (?:to be|you|that|my)|act as|role-?play|"
    r"developer mode|"
    r"jailbreak|do anything now|\bdan\b.{0,20}\bmode|as dan\b|are dan\b|unrestricted|no restrictions|without (?:any )?"
    r"(?:rules|filters|restrictions))\b"
    r"|\b(?:print|repeat|reveal|output|show|dump|leak)\b.{0,30}\b(?:everything above|words above|text above|env\b|"
    r"environment|secrets?|api keys?|tools? (?:schema|definitions?)|database)\b"
    r"|<\|?\w*(?:im_start|system)|\[/?inst\]|^\s*(?:system|assistant) ?:|\bdrop table\b|\bselect \* from\b"
    r"|\b(?:say|tell me|claim|write|report|answer|pretend|state|confirm)\b.{0,20}\b(?:my|the|that my|that the) "
    r"(?:score|tier|revenue|refund rate|dispute rate)\b.{0,20}\b(?:is|as|to be|=)\b.{0,12}\d",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"\b(?:all|other|another|every|different|someone else'?s?|somebody else'?s?|my competitors?'?s?|competing|"
    r"neighbou?r'?s?|rival'?s?|friend'?s)\s+(?:\w+ )?(?:business(?:es)?|shops?|stores?|compan(?:y|ies)|merchants?|"
    r"tenants?|accounts?|users?|owners?|customers? of vaultra|clients of vaultra|scores?|numbers|revenue|"
    r"data)\b(?! loans?| debts?)"
    r".{0,50}(?:\b(?:scores?|numbers|data|revenue|list|show|names?|refunds?|disputes?|doing|have|has)\b|\?|$)"
    r"|\b(?:show|list|give|tell|export|dump|read|compare|switch|access|open|get)\b.{0,40}\b(?:all|other|another|every|"
    r"different|someone else'?s?|competitors?'?s?|neighbou?r'?s?|friend'?s)\b.{0,25}\b(?:business(?:es)?|shops?|"
    r"stores?|"
    r"compan(?:y|ies)|merchants?|tenants?|accounts?|users|owners|scores?|numbers|revenue|clients)\b"
    r"|\bcompetitors?\b|\bnext door\b|\b(?:biz|business|tenant|org|account)[_ -]?id\b|\b(?:biz|acct)_\w+|"
    r"\bbusiness_id\b"
    r"|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\bvaultra (?:admin|employee|staff|support)\b"
    r"|\bi(?:'m| am) (?:an?|the) (?:admin|administrator|developer|engineer|auditor)\b|\bwho else (?:uses|is using)\b",
    re.IGNORECASE,
)
_ACTION = re.compile(
    r"^(?:please |pls |plz |can you |could you |would you |will you |i want you to |go ahead and |now |just |hey |ok )*"
    r"(?:refund|cancel|delete|remove|pay|send|transfer|wire|charge|invoice|issue|submit|file|fight|accept|dismiss|"
    r"change|update|edit|rename|set|connect|disconnect|apply|sign|email|mail|call|text|contact|message|"
    r"book|schedule|buy|order|create|close|block|ban|export|download|switch|turn|enable|disable|remind)\b"
    r"(?!.{0,30}\b(?:data|everything|account|information)\b)(?=.{3,})",
    re.IGNORECASE,
)
_ACTION_FOR_ME = re.compile(
    r"\b(?:can|could|will|would) you\b.{0,20}\b(?:refund|cancel|delete|pay|send|transfer|wire|submit|file|fight|change|"
    r"update|raise|increase|connect|disconnect|apply|sign|email|call|contact|block|book|respond|reply|dispute)\b"
    r"|\b(?:refund|cancel|pay|apply|submit|file|contact|do) (?:it|this|that|them|him|her)? ?(?:for me|on my behalf)\b"
    r"|\bon my behalf\b",
    re.IGNORECASE,
)
_ASKS_HOW = re.compile(r"^(?:\W*)(?:how|why|when|what|where|which|who|should|is|are|do|does|did|if|will)\b", re.I)
_ADVICE = re.compile(
    r"\b(?:which|what|who)\b.{0,20}\b(?:lender|loan|bank|funder|company|provider|offer|one)\b.{0,40}\b(?:should|"
    r"best|pick|"
    r"choose|sign|go with|take|recommend|better|cheapest|suits?)\b"
    r"|\b(?:best|cheapest|top) (?:lender|loan|funder|bank|offer|rate)\b"
    r"|(?<!can i )(?<!do i )\b(?:recommend|pick|choose|suggest|name)\b.{0,25}\b(?:a |one |me a |some )?(?:lender|"
    r"loan|funder|bank|fund provider)"
    r"|\bshould (?:i|we)\b.{0,15}\b(?:take|sign|accept|get|borrow|apply|go for|go with|refinance|use|choose)\b.{0,40}"
    r"\b(?:loan|offer|advance|mca|capital|credit|lender|financing|funding|money|contract|clearco|wayflyer|fundbox|"
    r"bluevine)\b"
    r"|\b(?:will|would|can) (?:i|we) (?:be|get) (?:approved|accepted|funded)\b|\bguarantee\b.{0,40}\b(?:loan|approv|"
    r"fund)"
    r"|\bhow much (?:can|could|should) (?:i|we) borrow\b|\bam i (?:pre-?)?approved\b",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"\b(?:poem|joke|song|lyrics|story|haiku|recipe|weather|forecast (?:for )?(?:today|tomorrow|the weekend)|horoscope|"
    r"football|soccer|nba|movie|film|netflix|president|election|politic\w*|capital of (?!my)|homework|essay|"
    r"translate|python (?:code|script|function)|javascript|write (?:me )?(?:a |some )?(?:code|script|program|email|"
    r"ad\b|"
    r"advert|blog|caption|post)|sql query|stocks|stock (?:tips?|market|prices?)|tesla|nvidia|bitcoin|crypto\w*|"
    r"ethereum|forex|gold price|lottery|casino|gambl\w*|girlfriend|boyfriend|dating|marry|divorce|medical|doctor|"
    r"symptoms?|headache|diet|workout|holiday destination|flight|hotel|restaurant near|pizza|meaning of life|who won|"
    r"world cup|visa application for travel|immigration|sue\b|lawsuit|the fed\b|inflation rate|"
    r"interest rates? (?:today|now|next)|lawyer|(?:file|do|prepare) (?:my |our )?tax\w*|vat return|"
    r"write off|deduct\w*|personal (?:mortgage|car loan)|mortgage|my house|mutual fund|retirement|401k|etf|"
    r"invest in)\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"\b(?:[Hh]ow(?:'s| is| are| did)|[Ss]cores? (?:of|for)|[Rr]evenues? (?:of|for)|[Rr]efunds? (?:of|for)|[Nn]umbers "
    r"(?:of|for)|[Dd]ata (?:of|for)|[Dd]isputes (?:of|at)|[Aa]bout|[Ss]witch to|[Ww]hat is|[Ww]hat's|[Ww]hat are|"
    r"[Ss]how(?: me)?)\s+((?:[A-Z][\w&-]*)(?:\s+[A-Z][\w&-]*)*)(?:'s?)?\s*"
    r"(?:doing|performing|going|score|revenue|refunds?|numbers|sales|disputes|mrr|chargebacks|data|\?|$)"
)
_KNOWN_NAMES = {
    "stripe", "visa", "mastercard", "vaultra", "vamp", "ecm", "mrr", "arr", "nrr", "cv", "efw", "radar", "i", "my",
    "ce", "dscr", "sba", "fico", "mca", "paydex", "capital", "paypal", "amex", "american", "express", "ach", "sepa",
    "bacs",
    "gdpr", "ai", "highly", "attractive", "funding-ready", "improving", "not", "ready", "fcra", "tc40", "safe", "hecm",
    "efm", "aov", "arpu", "churn", "google", "us", "uk", "eu", "rdr", "3ds", "cvc", "avs", "the", "tier",
} | {word for criterion in CRITERIA for word in criterion.lender.lower().split()}  # fmt: skip


def guard(question: str, own_name: str = "") -> Guarded | None:
    """The answer to what is declined, whoever would answer; None for every other question.

    Args:
        own_name: The business's own name, of which an owner may well speak.
    """
    seen = one_line(question).replace("’", "'")
    reason = _reason(seen, own_name)
    if reason is None:
        return None
    return Guarded(reason, _TEXTS[reason], _ADVICE_SUGGESTIONS if reason == "advice" else _SUGGESTIONS)


def _reason(seen: str, own_name: str) -> Reason | None:
    if _SECRET.search(_UUID.sub("", seen)):
        return "secret"
    if _ROLE.search(seen):
        return "role"
    if _OTHER.search(seen) or _names_another(seen, own_name):
        return "other_business"
    if _ADVICE.search(seen):
        return "advice"
    if (_ACTION.search(seen) and not _ASKS_HOW.search(seen)) or _ACTION_FOR_ME.search(seen):
        return "action"
    return "out_of_scope" if _ELSEWHERE.search(seen) else None


def _names_another(seen: str, own_name: str) -> bool:
    own = set(own_name.lower().split())
    return any(
        not set(match[1].lower().split()) & (_KNOWN_NAMES | own) for match in _NAME.finditer(seen) if len(match[1]) > 1
    )
