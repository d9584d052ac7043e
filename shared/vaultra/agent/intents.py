"""What an owner wants to know: read from their words, their meaning, and what was spoken of before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from vaultra.agent.answers import Turn
from vaultra.agent.asked_spans import without_time
from vaultra.agent.exemplars import Intent, likeness
from vaultra.agent.facts import SEARCH
from vaultra.agent.metric_wordings import AGAINST_A_LOOSE_NAME, AGAINST_A_NAME, LEAST_LIKENESS, described
from vaultra.agent.phrases import (
    ABOUT_ONESELF,
    COMPARE,
    GENERAL,
    GO_ON,
    HOW_MUCH,
    IMPROVE,
    IT,
    MORE,
    NORMAL,
    NORMATIVE,
    OTHERS,
    POSSESSIVE,
    PROCEDURE,
    QUANTITY,
    TELLS,
)
from vaultra.domain.conversations import Speaker
from vaultra.domain.metrics import METRICS
from vaultra.domain.plain_question import tidied
from vaultra.domain.readiness import TIERS, TierKey
from vaultra.domain.subjects import REVENUE, named
from vaultra.domain.what_if_questions import asks_what_if, wishes
from vaultra.ports import Embedder

# `Is my revenue stable` asks about stability.
_GENERIC = frozenset({*REVENUE, "transaction_count", "payer_count"})
_LABELS = {metric.key: metric.label for metric in METRICS}
_METRIC_KEYS = frozenset(metric.key for metric in METRICS)
# How much a telling turn of phrase counts beside the likeness to an example.
TELLING = 0.3
# A question about one's own numbers speaks of oneself; a general one asks what something is.
OWN, WORLD = 0.12, 0.15
# From here on an intent is taken without looking into the articles.
CERTAIN = 0.95


@dataclass(frozen=True)
class Wanted:
    """What a question asks for.

    Attributes:
        question: As it is looked up: tidied, and with what `it` stands for.
        likeness: How sure that is, comparable with the similarity of an article's passage.
        metric: The metric it names, where it names one.
        lender: The lender it names.
        target: The tier it names.
        more: Whether it asks for the next of what was listed before.
        normal: Whether it asks if that is good or usual.
        improve: Whether it asks how to change a metric.
        compare: Whether it asks what a metric was before.
        told: Whether its words tell the intent, not only its likeness to an example.
    """

    intent: Intent
    question: str
    likeness: float
    metric: str | None = None
    lender: str | None = None
    target: TierKey | None = None
    more: bool = False
    normal: bool = False
    improve: bool = False
    compare: bool = False
    told: bool = False

    @property
    def is_certain(self) -> bool:
        return self.likeness >= CERTAIN


_SHORT = 8
# Where money goes to or comes back from, and nobody who judges.
_THEIR_BANK = re.compile(r"\b(?:their|the|my|our) banks?\b")
_TIERS: Mapping[str, TierKey] = {tier.label.lower().replace("-", " "): tier.key for tier in TIERS}


def understand(embedder: Embedder, question: str, history: Sequence[Turn]) -> Wanted:
    """What the question asks for, in the light of the turns before it."""
    text = tidied(question)
    wanted = _alone(embedder, text)
    before = _spoken_of(history)
    if before is None:
        return wanted
    return _in_context(wanted, before, text)


def _alone(embedder: Embedder, text: str) -> Wanted:
    near = dict(likeness(embedder, text))
    for intent, pattern in TELLS.items():
        if pattern.search(text):
            near[intent] += TELLING
    if asks_what_if(text) and wishes(text):
        near["what_if"] += 2 * TELLING
    names = named(text)
    others = OTHERS.search(_THEIR_BANK.sub("", text)) is not None
    # Whoever asks how much of something there is, and not how much is usual, means their own.
    counts = QUANTITY.search(text) is not None and NORMATIVE.search(text) is None and not others
    metric = metric_in(text)
    if counts and len(text.split()) > _SHORT // 2:
        least = AGAINST_A_NAME if metric is not None and metric not in _GENERIC else AGAINST_A_LOOSE_NAME
        metric = described(embedder, without_time(text), LEAST_LIKENESS if metric is None else least) or metric
    about_me, general = ABOUT_ONESELF.search(text) is not None, GENERAL.search(text) is not None
    lender = next((name.subjects[0].removeprefix("lender:") for name in names if "lender:" in name.subjects[0]), None)
    if lender is not None and about_me:
        near["lenders"] += TELLING
    if metric is None:
        near.pop("metric")
    elif not general and (length := len(without_time(text).split())) <= _SHORT // 2:
        # `mrr?` is a question about one's own.
        near["metric"] += 3 * TELLING if length < _SHORT // 2 else 2 * TELLING
    elif HOW_MUCH.search(text) and not others and (about_me or NORMATIVE.search(text) is None):
        near["metric"] += TELLING
    if metric is not None and any("score" in name.subjects for name in names):
        near["metric"] -= OWN
    if metric is not None and counts and near["what_if"] < CERTAIN:
        near["metric"] += 2 * TELLING
    if PROCEDURE.search(text) and not POSSESSIVE.search(text):
        about_me, general = False, True
    if metric is not None and about_me:
        near["metric"] += 2 * OWN if POSSESSIVE.search(text) else OWN
        for intent in ("score", "overview"):
            near[intent] -= 2 * OWN
    if others or (not about_me and general and not (counts and metric is not None)):
        for intent in near:
            near[intent] -= WORLD if intent not in ("help", "greeting", "thanks", "elsewhere") else 0
    intent = max(near, key=lambda one: near[one])
    return Wanted(
        intent=intent,
        question=text,
        likeness=near[intent],
        metric=metric,
        lender=lender,
        target=next((key for label, key in _TIERS.items() if label in text.replace("-", " ")), None),
        normal=NORMAL.search(text) is not None,
        improve=IMPROVE.search(text) is not None,
        compare=COMPARE.search(text) is not None,
        told=(intent in TELLS and TELLS[intent].search(text) is not None)
        or (intent == "metric" and (counts or POSSESSIVE.search(text) is not None) and not others),
    )


def metric_in(text: str) -> str | None:
    """The metric that a tidied text names: the usual meaning of its longest name."""
    found = [
        ((key not in _GENERIC, len(name.phrase)), key)
        for name in named(text)
        if (key := next(iter(_metrics_of(name.subjects)), None))
    ]
    return max(found, key=lambda item: item[0])[1] if found else None


def _metrics_of(subjects: Sequence[str]) -> list[str]:
    return [key for key in subjects if key in _METRIC_KEYS]


@dataclass(frozen=True)
class _Before:
    """What the last answer was about."""

    tool: str
    metric: str | None
    question: str


def _spoken_of(history: Sequence[Turn]) -> _Before | None:
    asked = next((turn.text for turn in reversed(history) if turn.role is Speaker.USER), "")
    for turn in reversed(history):
        if turn.role is not Speaker.ASSISTANT:
            continue
        own = [outcome for outcome in turn.outcomes if outcome.name != SEARCH] or list(turn.outcomes)
        if not own:
            return None
        about = next((outcome for outcome in own if outcome.arguments.get("metric")), own[0])
        text = tidied(asked)
        metric = about.arguments.get("metric") or metric_in(text)
        supposed = any(outcome.name == "simulate" for outcome in own)
        return _Before("simulate" if supposed else about.name, metric, text)
    return None


_OF_TOOL: Mapping[str, Intent] = {
    "get_readiness_breakdown": "weakest",
    "get_top_recommendations": "recommend",
    "get_metric_summary": "metric",
    "explain_change": "change",
    "path_to_next_tier": "path",
    "criteria_monitor": "lenders",
    "simulate": "what_if",
    "get_business_context": "business",
    SEARCH: "knowledge",
}


def _in_context(wanted: Wanted, before: _Before, text: str) -> Wanted:
    """The same question after what was spoken of: what `it` stands for, and what is to go on."""
    short = len(text.split()) <= _SHORT
    refers = IT.search(text) is not None or GO_ON.search(text) is not None
    if not (short and refers) or (wanted.told and wanted.intent in ("greeting", "thanks", "help")):
        return wanted
    goes_on = wanted.intent == "recommend" or not wanted.is_certain
    if before.tool == "get_top_recommendations" and MORE.search(text) and goes_on:
        return replace(wanted, intent="recommend", likeness=1.0, more=True)
    if wanted.metric is not None and before.tool == "get_metric_summary" and wanted.metric != before.metric:
        return replace(wanted, intent="metric", likeness=1.0)
    if before.metric is not None and wanted.metric is None and (wanted.normal or wanted.improve or wanted.compare):
        return replace(wanted, intent="metric", likeness=1.0, metric=before.metric, question=_joined(text, before))
    if before.tool == "simulate":
        again = text if wishes(text) else f"{_LABELS.get(before.metric or '', '').lower()} {text}"
        if wishes(again):
            return replace(wanted, intent="what_if", likeness=1.0, question=again)
    if before.tool == "criteria_monitor" and (wanted.lender or wanted.intent == "lenders"):
        return replace(wanted, intent="lenders", likeness=1.0)
    if before.tool in ("get_readiness_breakdown", "explain_change") and re.match(r"^(?:so |and |but )?why\b", text):
        moved = before.tool == "explain_change" or TELLS["change"].search(text) is not None
        return replace(wanted, intent="change" if moved else "weakest", likeness=1.0)
    if wanted.improve and before.tool in ("get_readiness_breakdown", "explain_change", "path_to_next_tier"):
        return replace(wanted, intent="recommend", likeness=1.0)
    if wanted.compare and before.tool == "get_readiness_breakdown":
        return replace(wanted, intent="change", likeness=1.0)
    if before.tool == SEARCH:
        return replace(wanted, question=_joined(text, before))
    if wanted.is_certain:
        return wanted
    if MORE.search(text):
        return replace(wanted, intent=_OF_TOOL[before.tool], likeness=1.0, metric=before.metric, more=True)
    return replace(wanted, question=_joined(text, before), metric=wanted.metric or before.metric)


def _joined(text: str, before: _Before) -> str:
    return f"{text} ({before.question})"
