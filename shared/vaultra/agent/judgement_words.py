"""The words by which a sentence judges: which way something went, whether it is good, much, or not there at all."""

from __future__ import annotations

import re
from collections.abc import Mapping

from vaultra.agent.standings import Effect, Way


def _any(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# --- Which way it went --------------------------------------------------------------------------

WAYS: Mapping[Way, re.Pattern[str]] = {
    "up": _any(
        r"\b(?:ris(?:es|ing|en)|rose|grow(?:s|ing|n)?|grew|increas(?:es|ed|ing)|climb(?:s|ed|ing)?|went up|"
        r"(?:is|are|goes|go|going|gone|moving|moved) up(?! to)|jumped|soar(?:s|ed|ing)|picked up|picking up|"
        r"took off|takes off|expand(?:s|ed|ing)|gain(?:s|ed|ing) (?:ground|momentum)|came up|rise)\b"
    ),
    "down": _any(
        r"\b(?:fell|fall(?:s|ing|en)?(?! (?:short|within|under|into|in|out|off)\b)|declin(?:es|ed|ing)|"
        r"shr(?:ank|ink(?:s|ing)?|unk)|decreas(?:es|ed|ing)|dropp?(?:s|ed|ing)|slipp(?:ed|ing)|slips|went down|sank|"
        r"(?:is|are|goes|go|going|gone|moving|moved) down(?! to)|plunged|slowed down|"
        r"slowing down|came down|coming down|contract(?:s|ed|ing)|lost ground|tumbled|fall)\b"
    ),
    "level": _any(
        r"\b(?:unchanged|stayed (?:the same|where \w+ (?:was|were))|the same as|hardly (?:moved|changed)|"
        r"(?:is|are|stays?|stayed|remain(?:s|ed)?) (?:level|flat))\b"
        r"|(?<=: )level\b|(?<=was )level\b|(?:\bnot|n't) (?:changed?|moved?)\b"
        r"|\bneither (?:rises?|grows?|went up|goes up) nor\b"
    ),
}
"""For each way, the words for it."""
MORE: Mapping[Way, re.Pattern[str]] = {
    "up": _any(r"\b(?:higher|larger|bigger|more(?! (?:reliable|stable|steady|even)\b))\b"),
    "down": _any(r"\b(?:lower|smaller|fewer|less(?! (?:reliable|stable|steady|even)\b))\b"),
}
"""Words that tell a way where they compare with what was before."""
BEFORE = _any(
    r"\b(?:ago|before|earlier|previous(?:ly)?|last (?:month|week|time|year)|it was|they were|used to|"
    r"(?:losing|getting|seeing) (?:more|fewer|less)|"
    r"in (?:january|february|march|april|may|june|july|august|september|october|november|december))\b"
)
WAS = _any(r"\b(?:was|were) $")
"""In front of such a word, it tells of then, and not of now."""
BETTER = _any(
    r"\b(?:improv(?:es|ed|ing)|got better|is better|are better|gets? better|getting better|recovered|strengthened|"
    r"healthier|more (?:reliable|stable|steady|even))\b"
)
WORSE = _any(r"\b(?:worse(?:ns|ned|ning)?|deteriorat\w+|weakened|less (?:reliable|stable|steady|even)|went wrong)\b")
STABLE = _any(r"\b(?:is|are|was|stays?|stayed|remains?|remained) (?:quite |very |fairly )?(?:stable|steady)\b")

# --- Whether it is good ---------------------------------------------------------------------------

HELPS, HURTS = frozenset[Effect]({"helps"}), frozenset[Effect]({"hurts"})
NOT_BAD, NOT_GOOD = frozenset[Effect]({"helps", "neutral"}), frozenset[Effect]({"hurts", "neutral"})
JUDGEMENTS: tuple[tuple[re.Pattern[str], frozenset[Effect]], ...] = (
    (
        _any(
            r"(?<!what is )(?<!less )(?<!more )\b(?:good|great|excellent|healthy|strong|solid|impressive|outstanding|"
            r"superb|reliable|well spread|"
            r"evenly spread|diversified|"
            r"spread (?:\w+ )?(?:over|across|among)|strengths?|in order|adds? points|gaining points|"
            r"as (?:it|they) should|earns? (?:you )?points|helps?|helping|"
            r"push(?:es)? your score up|lifts? your score|without delay|punctual(?:ly)?)\b"
        ),
        HELPS,
    ),
    (
        _any(
            r"\b(?:bad|poor|weak|weakness(?:es)?|unhealthy|worrying|worrisome|concerning|alarming|unreliable|problem|"
            r"problematic|risky|dangerous|erratic|unstable|volatile|hurts?|hurting|drags?|dragging|"
            r"(?:costs?|takes?|loses?) (?:you )?(?:\w+ )?points|pulls? your score down|lowers? your score|"
            r"far above what|well above what|above what is|excessive|a mess|hinges? on|losing points|"
            r"depends? (?:too much|too heavily|heavily|strongly) on|"
            r"too (?:high|low|large|small|many|much|few|little))\b"
        ),
        HURTS,
    ),
    (
        _any(r"\b(?:fine|ok|okay|acceptable|normal|usual|average|moderate|within (?:what|the usual|limits))\b"),
        NOT_BAD,
    ),
    (
        _any(
            r"\b(?:needs? (?:work|attention|improvement)|could be better|room (?:for improvement|to improve)|late|"
            r"delayed)\b"
        ),
        NOT_GOOD,
    ),
)
"""Words, and of what standing they are true. What is said against the usual counts as `too high` or `within limits`."""
MUCH = _any(r"\b(?:high|large|long|heavy|big|many(?! customers)|a lot of|lots of|most of|much)\b")
LITTLE = _any(r"\b(?:low|small|short|little|few(?! events)|tiny)\b")
STEADY = _any(r"\b(?:steady|stable|consistent|even)\b")
NEGATION = _any(r"(?:\b(?:not|no|never|nothing|neither|nor|hardly|far from|without)\b|n't\b)[^,;]{0,24}$")

# --- What takes or gives most ---------------------------------------------------------------------

MOST_HURTING = _any(
    r"\b(?:weakest|(?<!at )worst|biggest (?:problem|weakness|risk|issue)|main (?:problem|weakness))\b"
    r"|\b(?:hurts?|takes?|costs?|drags?|lowers?|loses?)\b[^,;]{0,30}\bmost\b"
    r"|\bthe most from\b"
)
MOST_TO_GAIN = _any(r"\bmost (?:to gain|room)\b")
MOST_HELPING = _any(
    r"\b(?:strongest|best (?:point|part|factor|rule)|biggest strength|main strength)\b"
    r"|\b(?:helps?|adds?|earns?|gives?)\b[^,;]{0,30}\bmost\b"
)

# --- Whether there is any -------------------------------------------------------------------------

NONE_OF = _any(
    r"\b(?:no|zero|0(?![.,]?\d|%)|without(?: any| a single)?|(?:not|never) (?:a single|one|any|a)|none of)\b"
    r"|n't (?:a single|any)\b"
)
OF_SO_MANY = _any(r" of \S*\d| of no\b")
NEVER = _any(r"\b(?:never|not once|not ever)\b")
WITHIN_DAYS = _any(r"\b(?:in|over|within|during|of|for) the (?:last|past)\b|\bthis month\b|\bsince\b")
SOME_OF = _any(r"\b(?:some|several|a few|many|multiple|a lot of|lots of|a number of|numerous|various)\b")
A_FEW = _any(r"\b(?:several|a few|many|multiple|a lot of|lots of|a number of|numerous|various)\b")
THERE_ARE = _any(r"\b(?:there (?:is|are|was|were|have been|has been)|(?:you|we) (?:had|have|got|received|saw|see))\b")
ONE_OF = _any(r"\b(?:an?|one|single)\b")
ALL_OF = _any(r"(?<!not )\b(?:all|every|each)\b")
NOT_EVERY = _any(r"\bnot (?:all|every|each)\b")
NOT_ALL = _any(r"\b(?:some|several|a few|many|one of|an?)\b")
MOSTLY = _any(r"\b(?:most|nearly all|almost all)\b")
ABOVE_ZERO = _any(r"\bbalance\b.{0,30}\b(?:above zero|positive|in the black)\b")
SHARES = (ALL_OF, NOT_EVERY, NOT_ALL, MOSTLY, NONE_OF)
# What payouts do, and what becomes of disputes.
ARRIVES = _any(
    r"\b(?:on time|in time|arriv\w+|came through|come through|comes through|went through|reach\w*|succeed\w*)\b"
)
IN_TIME = _any(r"\b(?:on time|in time)\b")
FAILS = _any(r"\b(?:late|delayed|fail\w*|bounced?|came back|returned|missed|did not arrive)\b")
WON, LOST = _any(r"\b(?:won|win|wins)\b"), _any(r"\b(?:lost|lose|loses)\b")
MOST_OF = _any(r"\b(?:most of|more than half|over half|the majority of|the bulk of)\b")
LESS_THAN_HALF = _any(r"\b(?:less than half|under half|a minority of)\b")

# --- What is no claim about now --------------------------------------------------------------------

SUPPOSED = _any(
    r"\b(?:would|could|should|might|may|will|won't|can|cannot|can't|must|want|wants|need to|needs to|try|aim|aims|"
    r"(?<!is )(?<!are )what (?:hurts|helps|takes|adds|lowers|raises|moves)|"
    r"whether|if|unless|until|once|when|how|why|what if|in order to)\b"
)
ADVISES = _any(
    r"^\W*(?:\d+\. )?(?:to \w+|keep|lower|reduce|improve|raise|increase|cut|watch|look|try|avoid|ask|check|aim|make|"
    r"spread|grow|focus|build|answer|review|consider|start|use|offer|add|find|get|see|read|compare|let)\b"
)
SUPPOSES = _any(r"^\W*(?:with|at|were|given|suppose|from|by)\b")
NOT_MEASURED = _any(r"(?:\bnot|n't)(?: been)?(?: yet)? measured\b|\bunmeasured\b")
STANDS_FOR_IT = _any(r"\b(?:it|its|they|their|them|this|that|these|those|which)\b")
OF_OTHERS = _any(
    r"\b(?:lenders?|banks?|funders?|visa|mastercard|networks?|businesses|shops|merchants|companies|usually|typically|"
    r"generally|in general|often|most lenders|they|stripe capital looks)\b"
)
# What says how things are made or meant, or what the speaker can do, and not how the business fares.
EXPLAINS = _any(
    r"\b(?:comput\w+|calculat\w+|means?|defin\w+|counts?|counting|looks? at|shows?|tells?|compares?|consists?|"
    r"includ\w+|describes?|rests? on|comes? from|came from|matters?|because of|asks? for|measures?|"
    r"I|here (?:is|are)|let me|please|called|"
    r"industry|founded|role|connect\w*|complete|being read|in \w{3}, your)\b|\b(?:first|next|last) step\b"
)
CLAUSES = _any(r"[;:()\n–—]|,(?!\d)|\b(?:and|but|while|whereas|though|although|because|since|as|so|yet|which)\b")
