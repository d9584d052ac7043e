"""How owners ask for what: examples for each intent, compared with a question by meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Literal

from vaultra.domain.claims import content
from vaultra.errors import Unavailable
from vaultra.ports import Embedder
from vaultra.telemetry import log

Intent = Literal[
    "score", "weakest", "strongest", "change", "path", "what_if", "roll_off", "recommend", "metric", "overview",
    "lenders", "business", "freshness", "connection", "currency", "not_in_stripe", "customer_names", "greeting",
    "thanks", "help", "knowledge", "elsewhere", "nothing",
]  # fmt: skip

EXEMPLARS: Mapping[Intent, tuple[str, ...]] = {
    "score": (
        "what is my readiness score", "how am i doing", "what is my score", "am i ready for a loan",
        "how fundable is my business", "which tier am i in", "give me my rating", "is my business in good shape",
        "how ready am i", "would a lender like my business", "show me my score", "where do i stand",
        "is my score good or bad", "am i underwritable",
    ),
    "weakest": (
        "what hurts my score the most", "which factor is my weakest", "what is dragging my score down",
        "where am i losing points", "what is my biggest problem", "what is wrong with my business",
        "which rules cost me points", "what are my weak spots",
    ),
    "strongest": (
        "what is my strongest factor", "what helps my score most", "what am i doing well", "where do i earn points",
        "what are my strengths", "what is good about my numbers",
    ),
    "change": (
        "why did my score change", "why did my score drop", "why did my score go up", "what changed since last month",
        "what happened to my score", "how has my score moved", "what was my score before", "did my score improve",
        "is my score going up or down", "what is different from last week",
    ),
    "path": (
        "how do i reach the next tier", "what do i need for the next level", "how many points until funding-ready",
        "how do i get to highly attractive", "what is the fastest way up", "when will i be funding ready",
        "how far am i from the next tier", "how long until my score is better", "will my score go up soon",
    ),
    "what_if": (
        "what would my score be if refunds were 2 percent", "what if i had no more disputes",
        "suppose my revenue doubled", "how would my score change with fewer chargebacks",
    ),
    "roll_off": (
        "when do my old disputes stop counting", "when does that chargeback drop off", "how long do refunds count",
        "when will old problems no longer hurt me", "when does my score change by itself",
        "what falls out of the window soon", "when do bad events expire",
    ),
    "recommend": (
        "what should i do first", "give me an action plan", "what do you recommend", "how can i improve my score",
        "any tips for me", "what next", "what should i work on", "how do i get better",
        "what is the most important fix", "where do i start", "give me a to-do list", "what would help most",
    ),
    "metric": (
        "how is my refund rate", "how much revenue did i make", "how many disputes do i have",
        "what is my average order", "are my payouts on time", "how stable is my income", "how many customers do i have",
        "is my churn normal", "how much do i earn with subscriptions", "my sales compared to last month",
        "is my dispute rate ok", "how many payments failed", "how long have i been selling",
    ),
    "overview": (
        "show me all my numbers", "give me an overview of my metrics", "how is business", "summarize my business",
        "give me a summary of my numbers", "what are my key figures", "weekly review please",
    ),
    "lenders": (
        "which lenders' minimums do i meet", "do i qualify for stripe capital", "does clearco accept me",
        "what do lenders ask for and do i meet it", "am i eligible for wayflyer", "which lender criteria do i miss",
        "compare me with lender requirements", "can i get an advance with these numbers",
    ),
    "business": (
        "what is my business called", "what do you know about my business", "which industry am i in",
        "what is my role here", "who am i signed in as", "when was my company founded",
    ),
    "freshness": (
        "when was my data last updated", "how fresh are these numbers", "are these numbers current",
        "when did you last sync", "is my history complete", "as of when is this",
    ),
    "connection": (
        "is my stripe account connected", "is the connection working", "are you connected to stripe",
        "did my stripe import finish",
    ),
    "currency": ("which currency are my numbers in", "are these dollars or euros"),
    "not_in_stripe": (
        "what is my profit margin", "how much cash is in my bank account", "what is my credit score",
        "what is my gross margin", "how much profit do i make", "what are my expenses", "how much debt do i have",
        "what is my inventory worth", "what is my ebitda", "how much tax do i owe", "what is my conversion rate",
        "how many website visitors do i have", "how much do i spend on ads", "what is my fico",
    ),
    "customer_names": (
        "who is my biggest customer", "what is the name of my best customer", "list my customers",
        "give me the email of the customer who disputed", "which customer complained",
    ),
    "greeting": ("hi", "hello there", "good morning", "hey"),
    "thanks": ("thanks", "thank you very much", "great, thanks a lot", "ok cool"),
    "help": ("what can you do", "help", "how can you help me", "what can i ask you", "who are you", "are you a bot"),
    "elsewhere": (
        "tell me about the weather", "what is the current prime rate", "what is the dollar exchange rate today",
        "who should i vote for", "how do i cook rice", "what is the interest rate of the fed today",
        "how do i hire an employee", "how do i set up a website", "what should i name my dog",
        "how do i rank better on google", "what are today's mortgage rates", "how do i use quickbooks",
    ),
}  # fmt: skip

_SPOKEN = [(intent, text) for intent, texts in EXEMPLARS.items() for text in texts]
_vectors: dict[str, list[list[float]]] = {}
_lock = Lock()


def likeness(embedder: Embedder, question: str) -> dict[Intent, float]:
    """How near a tidied question is to the nearest example of each intent, -1 to 1.

    While the model does not answer, the share of common words stands for it.
    """
    try:
        examples = _known(embedder)
        [asked] = embedder.embed([question])
    except Unavailable as error:
        log.warning("agent.intents_by_words_only", reason=error.message)
        return _best([_common(question, text) for _, text in _SPOKEN])
    return _best([sum(a * b for a, b in zip(asked, example, strict=True)) for example in examples])


def _known(embedder: Embedder) -> list[list[float]]:
    """The examples' vectors, made once per process and embedder."""
    with _lock:
        if embedder.name not in _vectors:
            _vectors[embedder.name] = embedder.embed([text for _, text in _SPOKEN])
        return _vectors[embedder.name]


def _best(similarities: Sequence[float]) -> dict[Intent, float]:
    best: dict[Intent, float] = {}
    for (intent, _), similarity in zip(_SPOKEN, similarities, strict=True):
        best[intent] = max(similarity, best.get(intent, -1.0))
    return best


def _common(question: str, example: str) -> float:
    one, other = content(question), content(example)
    return len(one & other) / len(one | other) if one | other else 0.0
