"""Where an answer leads: the questions that owners ask next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vaultra.agent.exemplars import Intent
from vaultra.agent.tools import ToolOutcome
from vaultra.domain.plain_question import tidied

MOST = 3

_NEXT: Mapping[str, tuple[str, ...]] = {
    "score": ("What hurts my score most?", "Why did my score change?", "How do I reach the next tier?"),
    "weakest": (
        "What should I do first?",
        "What would my score be if refunds were 2%?",
        "How do I reach the next tier?",
    ),
    "strongest": ("What hurts my score most?", "How do I reach the next tier?"),
    "change": ("What should I do first?", "When do old disputes stop counting?", "What is my score?"),
    "path": ("When do old disputes stop counting?", "What should I do first?", "Which lenders' minimums do I meet?"),
    "what_if": ("How do I reach the next tier?", "What should I do first?"),
    "roll_off": ("How do I reach the next tier?", "What hurts my score most?"),
    "recommend": ("And after that?", "How do I reach the next tier?", "What hurts my score most?"),
    "metric": ("Is that normal?", "How can I improve it?", "How was it a month ago?"),
    "overview": ("What should I do first?", "Why did my score change?", "Which lenders' minimums do I meet?"),
    "lenders": ("What do lenders look at?", "How do I reach the next tier?", "What should I do first?"),
    "business": ("What is my score?", "When was my data last updated?"),
    "knowledge": ("What is my score?", "What should I do first?", "Which lenders' minimums do I meet?"),
}
_OF_TOOL: Mapping[str, str] = {
    "get_metric_summary": "metric",
    "get_readiness_breakdown": "score",
    "get_top_recommendations": "recommend",
    "explain_change": "change",
    "path_to_next_tier": "path",
    "simulate": "what_if",
    "criteria_monitor": "lenders",
    "get_business_context": "business",
    "search_knowledge": "knowledge",
}
_WITHOUT_DATA = ("How do I connect Stripe?", "What do lenders look at?", "How is the score computed?")
_START = ("What is my score?", "What should I do first?", "Which lenders' minimums do I meet?")


def leads(intent: Intent | None, outcomes: Sequence[ToolOutcome], question: str) -> tuple[str, ...]:
    """Two or three questions that lead on; never the one that was just asked.

    Args:
        intent: What was asked for, where that is known; else what was read tells.
    """
    own = [outcome for outcome in outcomes if outcome.name != "search_knowledge"]
    if own and not any(outcome.ok for outcome in own):
        return _WITHOUT_DATA
    read = next((_OF_TOOL[outcome.name] for outcome in outcomes if outcome.ok and outcome.name in _OF_TOOL), "")
    asked = tidied(question)
    following = [*_NEXT.get(intent or read, ()), *_START]
    return tuple(dict.fromkeys(one for one in following if tidied(one) != asked))[:MOST]
