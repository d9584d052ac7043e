"""Turns of phrase that tell what an owner wants, whatever else the question says; for tidied questions."""

from __future__ import annotations

import re
from collections.abc import Mapping

from vaultra.agent.exemplars import Intent


def phrase(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


TELLS: Mapping[Intent, re.Pattern[str]] = {
    "greeting": phrase(r"^(?:hi|hello|hey|yo|hiya|good (?:morning|afternoon|evening)|howdy)(?: there| vaultra)?\W*$"),
    "thanks": phrase(r"^(?:ok(?:ay)?|great|cool|perfect|nice|super|got it)?[ ,.!]*(?:thanks?|thank you|cheers|ty|"
                      r"much appreciated)\b.{0,20}$|^(?:ok(?:ay)?|great|cool|perfect|nice|got it|bye|goodbye)\W*$"),
    "help": phrase(r"^help\W*(?:me)?\W*$|\bwhat (?:can|do) you (?:do|know|help)|\bhow (?:can|do) you help|\bwhat can i "
                    r"ask|\bwho are you\b|\bare you (?:a |an )?(?:bot|human|ai|person|robot)|\bwhat are you\b"),
    "score": phrase(r"\b(?:am|are|is) (?:i|we|my business) (?:fundable|ready|underwritable|financeable|bankable|"
                    r"in good shape)|\bhow (?:am|are|is) (?:i|we|my business) doing|\bhow ready\b|"
                    r"\bmy (?:current )?(?:score|tier|rating)(?: now| today| right now)?\W*$"),
    "weakest": phrase(r"\b(?:weak\w*|worst|hurt\w*|drag\w*|pull\w*(?: \w+){0,3} down|los(?:e|ing) points|cost\w* "
                       r"(?:me )?points|biggest (?:problem|issue|risk)|what is wrong|holds? (?:me|us)? ?back|holding "
                       r"(?:me|us|my score) back|bring\w* .{0,12}down|(?:what|which)\b.{0,20}\b(?:lower\w*|"
                       r"reduc\w*|cut\w*|takes?|cost\w*) .{0,20}(?:my|our) (?:score|rating))\b"),
    "strongest": phrase(r"\b(?:strong\w*|doing well|strengths?|best (?:factor|part|thing)|helps? (?:my score )?most|"
                         r"earn\w* points|what is good)\b"),
    "change": phrase(r"\b(?:why|what|how|did|has|have|when)\b.{0,25}\b(?:chang\w*|dropp?\w*|fell|fall|falling|rise|"
                     r"rose|"
                      r"risen|go up|gone up|went|go down|gone down|happened|differen\w*|moved|improved?|worse|jump\w*|"
                      r"decreas\w*|increas\w*)\b|\b(?:score|rating) (?:last|before|a month|in (?:september|october|"
                      r"november))|\bsince (?:last|\d|january|february|march|april|may|june|july|august|september|"
                      r"october|november|december|yesterday|monday)"),
    "path": phrase(r"\b(?:next|higher|better|another) (?:tier|level|band|step up)\b|\b(?:reach|get to|become|be|up to|"
                    r"until|to|into|for) (?:being )?(?:funding.ready|highly attractive|improving tier|\d\d points)|"
                    r"\breach improving\b|"
                    r"\bhow (?:far|many points|long until)\b|\bfastest way\b|\bpath\b|\broad ?map\b|\bget out of not "
                    r"ready\b|\blevel up\b|\bmissing for\b"),
    "roll_off": phrase(r"\b(?:stop|cease|finish)\w* (?:to )?(?:count\w*|hurting|mattering)|\broll\w* off|\bexpir\w*|"
                        r"\b(?:drop|fall|age|come|go)(?:s|ing|es)? (?:off|out|away)\b|\bstill count|\bdisappear|\bno "
                        r"longer (?:count|hurt|matter)|\bhow long (?:do|does|will) .{0,30}\b(?:count|stay|hurt|matter)|"
                        r"\bwhen (?:is|are|does|do|will) .{0,40}\b(?:gone|forgotten|off my)\b|\bby itself\b"),
    "recommend": phrase(r"\b(?:recommend\w*|action plan|tips?|advice|to.?do|should (?:i|we) (?:do|fix|work|start|"
                         r"improve|change|focus)|what (?:next|now|to do)|work on|where do (?:i|we) start|improve my "
                         r"(?:score|rating|readiness)|(?:raise|increase|boost|better|higher) (?:my )?(?:score|rating)|"
                         r"priorit\w+|quick wins?|do first|help(?:s)? (?:me )?most)\b"),
    "overview": phrase(r"\b(?:overview|summar\w+|all (?:of )?my (?:numbers|metrics|figures|data)|key (?:figures|"
                       r"numbers|"
                        r"metrics)|weekly review|how is (?:the )?business|dashboard|my (?:numbers|metrics|kpis))\b"),
    "lenders": phrase(r"\b(?:qualif\w+|eligib\w+|minimums?|criteria|requirements?|accept (?:me|us)|(?:i|we) meet|"
                       r"good enough for)\b"),
    "freshness": phrase(r"\b(?:last (?:updated?|sync\w*|refresh\w*|computed)|up.to.date|how (?:fresh|old|recent|"
                        r"current)|"
                         r"as of when|stale|(?:is|are) .{0,20}(?:current|recent|outdated)|history complete|"
                         r"refreshed)\b"),
    "connection": phrase(r"\b(?:stripe|account|shop|connection|import)\b.{0,25}\b(?:connected|linked|hooked|working|"
                          r"finish\w*|broken|live)\b|\bconnected to stripe|\bconnect(?:ion|ed)? .{0,10}status\b"),
    "currency": phrase(r"\b(?:which|what) currenc|\b(?:dollars? or euros?|in (?:dollars|euros|usd|eur))\b.*\?"),
    "business": phrase(r"\b(?:my|our) (?:business|company|shop|store)(?:'s)? (?:name|called|industry|profile|role)|"
                        r"\b(?:business|company|shop|store) (?:is |am i )?called\b|\bwho am i\b|\bmy role\b|"
                        r"\bwhat do you "
                        r"know about (?:me|us|my)|\b(?:which|what) industry\b|\bfounded\b"),
    "not_in_stripe": phrase(
        r"\b(?:my|our|i|we|have|owe|make|spend|business'?s?)\b.{0,40}\b(?:margins?|profits?|profitab\w+|ebitda|cash in|"
        r"bank (?:account|balance)|credit score|fico|expenses|costs|debts?|owe|inventory|payroll|salar\w+|"
        r"tax(?:es)?|vat|"
        r"conversion rate|visitors|traffic|ad spend|ads|cac|ltv|lifetime value|runway|burn|net worth|balance sheet|"
        r"dscr|cogs|overdraft|google reviews|followers|employees|rent)\b|^(?:profits?|margins?|cash ?flow|"
        r"gross margin)\W*$"),
    "customer_names": phrase(
        r"\bwho (?:is|are|was|were)\b.{0,20}\b(?:customers?|payers?|buyers?|clients?|subscribers?)\b|\bwho (?:disputed|"
        r"refunded|bought|paid|complained|cancelled|canceled|churned)|\b(?:names?|emails?|list|phone|"
        r"address\w*)\b.{0,25}"
        r"\b(?:customers?|payers?|buyers?|clients?|subscribers?)\b|\bwhich (?:customer|client|buyer)\b"),
}  # fmt: skip

ABOUT_ONESELF = re.compile(r"\b(?:my|our|mine|ours)\b|\b(?:am|do|did|have|are|were|can|could|will|would) (?:i|we)\b|"
                            r"\b(?:i|we) (?:am|have|do|did|make|made|sell|sold|lose|lost|get|got|earn|earned|"
                            r"meet)\b")  # fmt: skip
GENERAL = re.compile(
    r"^(?:so |and |ok |please |can you )?(?:what (?:is|are|does|do|counts?|happens?|makes?|did)|why (?:do|does|is|"
    r"are|did)|"
    r"how (?:do|does|is|are|long|much|many|can|should|often|soon)|when (?:do|does|is|are|should)|explain|define|"
    r"meaning|"
    r"tell me about|is (?:it|there|an?|the)|are (?:there|they|the)|does|do (?:lenders|banks|they|you)|can (?:lenders|"
    r"banks|they|a|an|the|you|someone)|difference|which (?:documents|papers|rules)|should (?:i|we))\b"
)
POSSESSIVE = re.compile(r"\b(?:my|our|mine|ours)\b")
# Speaks of oneself, and asks how such things go.
PROCEDURE = re.compile(r"\b(?:how long (?:do|does|until|before|till|will)|do (?:i|we) (?:have|need) to|what happens|"
                        r"should (?:i|we)|can (?:i|we)|how (?:do|can|should) (?:i|we)|when (?:do|will|can) (?:i|we)|"
                        r"what (?:do|should|can) (?:i|we) (?:need|send|show|write|say|bring)|if (?:i|"
                        r"we))\b")  # fmt: skip
HOW_MUCH = re.compile(
    r"\bhow (?:much|many|big|large|high|low|often|are|is|did|do)\b|\bwhat (?:is|are) (?:the|our|my)\b"
)
# Who asks about these asks about the world.
OTHERS = re.compile(
    r"\b(?:lenders?|banks?|funders?|visa|mastercard|networks?|they|typical(?:ly)?|usually|in general|"
    r"average business|businesses|companies|count as|counts? toward|mean by)\b"
)
# How much of something there is, be it the owner's own or not.
QUANTITY = re.compile(
    r"\b(?:how (?:many|much|often|old|\w+ly|long (?:is|was|were|has|have)\b(?! i got)|big|large|bumpy|uneven|wild|"
    r"steady|stable)|(?:what|which) (?:is |was |were |are )?(?:the )?(?:share|part|portion|percentage|proportion|"
    r"fraction|number|total|longest|biggest|largest|average|typical)|number of|share of|total|"
    r"what (?:is|was) left|what (?:do|did) (?:i|we) (?:keep|lose|get|make)|"
    r"what (?:do|does|did) .{3,40}\b(?:bring|pay|earn|cost|make|spend)|in how many|for how long|"
    r"are there (?:any|more|fewer)|(?:is|are|do|does|did|has|have) the (?:shop|business|store|company|money|sales|"
    r"orders|customers|subscribers|payouts))\b"
)
# Who asks so wants to know what is usual or allowed, not what is.
NORMATIVE = re.compile(
    r"\b(?:too (?:many|much|high|low|often|long)|till|until|before|respond|reset|can|is that|"
    r"which number|on average|should|usual(?:ly)?|normal(?:ly)?|typically|allowed|accept\w*|may|must|"
    r"have to|has to|need(?:s|ed)? to|enough|worr\w+|limit|cost|(?:does|do|will|can) (?:stripe|visa|a|an|it|you)\b|"
    r"take|mean|count(?:s|ed)?|cover|required|minimum|maximum|at least|at most|risky|"
    r"red flag|tolerat\w*|safe|dangerous|on my record|good|bad|healthy)\b"
)
IT = re.compile(r"\b(?:it|its|that|this|them|those|these|they|one|ones|there)\b")
GO_ON = re.compile(r"^(?:and|but|so|ok|then|also|what about|how about|why|why not|what else|anything else|more|next|"
                    r"compared|versus|vs|is (?:it|that|this)|are (?:they|those)|how do i|how can i|really|"
                    r"which)\b")  # fmt: skip
MORE = re.compile(r"\b(?:after that|what else|anything else|next (?:one|step)|next\W*$|second|then what|and then|"
                  r"more|another one|the rest|others?)\b")  # fmt: skip
NORMAL = re.compile(r"\b(?:normal|usual|typical|good|bad|ok(?:ay)?|fine|high|low|too (?:high|much|many|low)|"
                    r"average for|"
                     r"benchmark|healthy|acceptable|worr\w+|in line|compared (?:to|with) others)\b")  # fmt: skip
IMPROVE = re.compile(r"\b(?:how|what|ways?|tips?|help|can i|should i)\b.{0,30}\b(?:lower|reduc\w+|cut|improv\w+|"
                     r"increas\w+|"
                      r"rais\w+|fix|get (?:it|them|this|that)? ?(?:down|up)|bring .{0,12}(?:down|up)|avoid|prevent|"
                      r"better|stabili[sz]\w+|steadier|decreas\w+|grow|diversify|spread)\b")  # fmt: skip
COMPARE = re.compile(r"\b(?:compar\w+|before|last month|month ago|previous\w*|earlier|used to|versus|vs|than|"
                     r"change[ds]?|"
                      r"trend|over time|went|go(?:ne)? (?:up|down)|history|up or down|grow\w*|shrink\w*|improv\w+|"
                      r"30 days ago|weeks? ago)\b")  # fmt: skip


def is_small_talk(question: str) -> bool:
    """Whether it is a greeting, thanks, or asks what can be asked: nothing that has to be looked up."""
    return any(TELLS[intent].search(question.strip().lower()) for intent in ("greeting", "thanks", "help"))
