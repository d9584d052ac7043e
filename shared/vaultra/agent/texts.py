"""Texts that others wrote, made safe to stand beside a model's instructions: data on one line, or left out."""

import re
import unicodedata
from functools import lru_cache

LONGEST = 200
LEFT_OUT = "(left out: it reads like an instruction, not like a name or a reason)"

# Letters that take no room, and marks that turn the writing direction round: they hide words from a reader.
_UNSEEN = re.compile(r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
                     r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]")  # fmt: skip
_SPACE = re.compile(r"[\s\u0000-\u001f\u007f-\u009f]+")
# What addresses a model, in whatever text it stands.
_ADDRESSES_A_MODEL = [
    re.compile(pattern)
    for pattern in (
        # Orders to forget or to set aside what was said before.
        r"\b(ignore|disregard|forget|override|bypass|discard|neglect)\b.{0,40}"
        r"\b(instruction|prompt|guideline|restriction|guardrail|above|previous|prior|everything|disclaimer|system)",
        r"\b(new|updated|actual|following|hidden|secret|my|these)\b.{0,20}\b(instructions?|directives?)\b",
        # Another role, or another speaker.
        r"\b(you are now|from now on you|you will now|pretend|role-?play|developer mode|jailbreak|do anything now)\b",
        r"(^|[\s\"'(\[{])(system|assistant|user|developer|human|ai)\s*(message|prompt|note)?\s*[:>\]]",
        r"<\|?/?\s*(im_start|im_end|system|assistant|user|inst|sys|tool|function|script|img|a|iframe|svg)\b",
        r"\[/?inst\]|<<sys>>|```|\bbegin (system|prompt)|\bend of (prompt|data|context|input)",
        # What it is asked to give away.
        r"\b(reveal|print|repeat|output|leak|display|dump|show)\b.{0,40}\b(system prompt|"
        r"your (prompt|instructions|rules))",
        # Pictures and links that a page would fetch.
        r"!?\[[^\]]*\]\s*\(|\bjavascript:|\bdata:\w+/",
    )
]
# What a name or a reason does not say, though an article may.
_ORDERS = [
    re.compile(pattern)
    for pattern in (
        r"\b(ignore|disregard|override|bypass|skip)\b.{0,40}\b(rules?|polic\w+|safety|earlier)\b",
        r"\b(you must|act as|dan mode|orders?:)",
        r"\b(reveal|print|repeat|output|show|leak|display|dump|send|expose|list|give|export|forward|email|post)\b.{0,40}"
        r"\b(prompts?|instructions|secrets?|api[ _-]?keys?|tokens?|passwords?|credentials|business(es)?[ _]?ids?|"
        r"other (business|customer|merchant|tenant|owner|shop|compan|user|account)\w*|database|environment)\b",
        r"\b(call|use|invoke|run|execute|trigger)\b.{0,30}\b(tools?|functions?|simulate|search_knowledge|"
        r"get_\w+|explain_change|path_to_next_tier|criteria_monitor)\b",
        r"\b(say|tell|answer|respond|reply|report|claim|state|write|assure|inform|promise|announce|set|change|raise)\b"
        r".{0,60}\b(score|tier|approved?|pre-?approved|guaranteed?|eligible|qualif\w+|loan|refunds?|rate|owner|user|"
        r"customer|100|underwritable)\b",
        r"\bhttps?://",
    )
]


@lru_cache(maxsize=1000)  # articles have a few hundred passages, and every search looks at some of them
def addresses_a_model(text: str) -> bool:
    """Whether a text, be it an article's, talks to a model rather than to a person."""
    seen = one_line(text).casefold()
    return any(pattern.search(seen) for pattern in _ADDRESSES_A_MODEL)


def reads_like_instructions(text: str) -> bool:
    """Whether a name or a reason talks to whoever reads it rather than naming something."""
    seen = one_line(text).casefold()
    return any(pattern.search(seen) for pattern in (*_ADDRESSES_A_MODEL, *_ORDERS))


def one_line(text: str) -> str:
    """The text in one spelling (NFKC), on one line, without characters that nobody sees."""
    return _SPACE.sub(" ", _UNSEEN.sub("", unicodedata.normalize("NFKC", text))).strip()


def as_data(text: str, longest: int = LONGEST) -> str:
    """What a tool shows of a text that a merchant wrote: one line of at most so many characters.

    `LEFT_OUT` where it reads like instructions. The whole text is judged, and only then cut.
    """
    if reads_like_instructions(text):
        return LEFT_OUT
    line = one_line(text)
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def as_data_or_none(text: str | None, longest: int = LONGEST) -> str | None:
    """As `as_data`; None for no text."""
    return None if text is None else as_data(text, longest)
