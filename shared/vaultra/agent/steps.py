"""What each kind of question takes: which tools are used, and which lines are made of what they told."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from vaultra.agent import templates as say
from vaultra.agent.answers import Turn
from vaultra.agent.asked_spans import asked_days
from vaultra.agent.exemplars import Intent
from vaultra.agent.facts import passages_of
from vaultra.agent.intents import Wanted
from vaultra.agent.quoting import quoted
from vaultra.agent.span_templates import period_lines, span_lines
from vaultra.agent.talk import Steps, Talk
from vaultra.domain import figures as read
from vaultra.domain.conversations import Speaker
from vaultra.domain.metrics import METRICS
from vaultra.domain.readiness import RULES
from vaultra.domain.subjects import meant_by
from vaultra.domain.what_if_questions import wishes
from vaultra.ports import Json

# Below, a passage is about something else.
LEAST_SIMILARITY = 0.38
# From here on a passage is quoted beside one's own numbers, where it was found anyway.
ALSO_QUOTED = 0.5
# A second passage is quoted, too, when it comes that close to the first.
CLOSE = 0.12
OVERVIEW = ("revenue_total", "mrr", "refund_volume_ratio", "chargeback_ratio", "payout_reliability", "payer_count")
_LABELS = {metric.key: metric.label for metric in METRICS}
_OTHER_SPAN = re.compile(r"\bper month|\beach month|\bmonthly|\bmonth by month|\bover time|\bhistory")


def also(talk: Talk, wanted: Wanted) -> list[str]:
    """What the articles say of it, where they were looked into and come near."""
    near = [one for outcome in talk.outcomes for one in passages_of(outcome) if one.similarity >= ALSO_QUOTED]
    return ["\n", *quoted(near, wanted.question, most=2)] if near else []


def _score(talk: Talk, _: Wanted) -> Steps:
    readiness = yield from talk.result("get_readiness_breakdown")
    if isinstance(readiness, str):
        return [readiness]
    changes = yield from talk.result("explain_change")
    # The first score of all is compared with itself.
    alone = isinstance(changes, str) or changes["before"]["created_at"] == changes["after"]["created_at"]
    moved = [] if isinstance(changes, str) or alone else [changes["summary"]]
    return [say.score_line(readiness), *moved, *say.extremes(readiness)]


def _weakest(talk: Talk, _: Wanted) -> Steps:
    readiness = yield from talk.result("get_readiness_breakdown")
    if isinstance(readiness, str):
        return [readiness]
    worst = say.weakest(readiness)
    taking = [rule for rule in worst if rule["points"] < 0][:3]
    if not taking:
        return ["Nothing takes points from your score.", *_most_to_gain(worst)]
    return [f"- {say.rule_line(rule)}\n" for rule in taking]


def _most_to_gain(rules: Sequence[Json]) -> list[str]:
    """The measured rule that is furthest from its best; nothing when all are at theirs."""
    measured = [rule for rule in rules if rule["effect"] != "not_measured" and rule["points"] < rule["best_points"]]
    most = max(measured, key=lambda rule: rule["best_points"] - rule["points"], default=None)
    return [] if most is None else ["The most is to be gained here.", say.rule_line(most)]


def _strongest(talk: Talk, _: Wanted) -> Steps:
    readiness = yield from talk.result("get_readiness_breakdown")
    if isinstance(readiness, str):
        return [readiness]
    best = say.strongest(readiness)[:3]
    return [f"- {say.rule_line(rule)}\n" for rule in best] or ["No part of your score adds points yet."]


def _change(talk: Talk, wanted: Wanted) -> Steps:
    if wanted.metric is not None and "score" not in wanted.question and "rating" not in wanted.question:
        return (yield from _metric(talk, wanted))
    since = _since(wanted.question, talk.context.now)
    changes = yield from talk.result("explain_change", **({} if since is None else {"since": since}))
    return [changes] if isinstance(changes, str) else say.change_lines(changes)


def _path(talk: Talk, wanted: Wanted) -> Steps:
    path = yield from talk.result("path_to_next_tier", **({} if wanted.target is None else {"target": wanted.target}))
    return [path] if isinstance(path, str) else say.path_lines(path)


def _roll_off(talk: Talk, wanted: Wanted) -> Steps:
    path = yield from talk.result("path_to_next_tier")
    if isinstance(path, str):
        return [path]
    return say.coming_lines(path, _rules_of(wanted.metric))


def _what_if(talk: Talk, wanted: Wanted) -> Steps:
    changes: dict[str, float | str] = {}
    shown: dict[str, str] = {}
    for wish in wishes(wanted.question):
        summary = yield from talk.result("get_metric_summary", metric=wish.metric)
        if isinstance(summary, str):
            return [summary]
        line = summary["metrics"][0]
        value = wish.value
        if value is None:
            if line["value"] is None:
                return say.metric_lines(summary)
            value = Fraction(repr(line["value"])) * (wish.factor or 1)
        plain = value if isinstance(value, str) else _number(value, line["unit"])
        changes[wish.metric] = plain
        shown[wish.metric] = say.shown(plain, line["unit"], summary["currency"])
    if not changes:
        return ["Tell me which number should be different, and how: “What if refunds were 2%?”"]
    simulated = yield from talk.result("simulate", changes=changes)
    return [simulated] if isinstance(simulated, str) else say.simulated_lines(simulated, shown)


def _recommend(talk: Talk, wanted: Wanted) -> Steps:
    found = yield from talk.result("get_top_recommendations", limit=5)
    if isinstance(found, str):
        return [found]
    everything = found["recommendations"]
    if not everything:
        readiness = yield from talk.result("get_readiness_breakdown")
        return [readiness] if isinstance(readiness, str) else ["There is nothing on the list of recommendations now."]
    skipped = _shown_before(talk.history) if wanted.more else 0
    shown = everything[skipped : skipped + 3]
    if not shown:
        return ["That was the last one on the list."]
    lines = [say.recommendation_line(number, one) for number, one in enumerate(shown, start=skipped + 1)]
    first = re.search(r"\b(?:first|most important|one thing|start)\b", wanted.question) is not None
    if first or len(shown) == 1:
        return [lines[0], shown[0]["description"]]
    return lines


def _metric(talk: Talk, wanted: Wanted) -> Steps:
    assert wanted.metric is not None
    key, days = _asked_metric(wanted), asked_days(wanted.question)
    summary = yield from talk.result("get_metric_summary", metric=key)
    # Beside a sum over several periods, what one period was before only confuses.
    with_past = wanted.compare or days is None
    lines = [summary] if isinstance(summary, str) else say.metric_lines(
        summary, with_meaning=not wanted.improve, with_past=with_past and not (wanted.normal or wanted.improve)
    )  # fmt: skip
    if not isinstance(summary, str) and days is not None:
        lines += span_lines(summary, days)
    elif not isinstance(summary, str) and _OTHER_SPAN.search(wanted.question):
        lines += period_lines(summary)
    if wanted.normal and not isinstance(summary, str):
        readiness = yield from talk.result("get_readiness_breakdown")
        rules = _rules_of(key)
        if not isinstance(readiness, str):
            lines += [rule["sentence"] for rule in readiness["components"]["rules"] if rule["key"] in rules][:1]
    if wanted.normal or wanted.improve:
        about = "how to improve" if wanted.improve else "what is normal, typical and high for"
        found = yield from talk.search(f"{about} {_LABELS[key].lower()}: {wanted.question}"[:400])
        near = [one for one in found if one.similarity >= LEAST_SIMILARITY]
        lines += quoted(near, wanted.question, advice=wanted.improve)
    return lines


def _overview(talk: Talk, _: Wanted) -> Steps:
    readiness = yield from talk.result("get_readiness_breakdown")
    if isinstance(readiness, str):
        return [readiness]
    summary = yield from talk.result("get_metric_summary")
    numbers = [summary] if isinstance(summary, str) else say.overview_lines(summary, OVERVIEW)
    return [say.score_line(readiness), *numbers, *say.extremes(readiness)]


def _lenders(talk: Talk, wanted: Wanted) -> Steps:
    criteria = yield from talk.result("criteria_monitor")
    return [criteria] if isinstance(criteria, str) else say.lender_lines(criteria, wanted.lender)


def _of_business(lines: Callable[[Json], list[str]]) -> Callable[[Talk, Wanted], Steps]:
    def steps(talk: Talk, _: Wanted) -> Steps:
        business = yield from talk.result("get_business_context")
        return [business] if isinstance(business, str) else lines(business)

    return steps


def _customer_names(talk: Talk, _: Wanted) -> Steps:
    readiness = yield from talk.result("get_readiness_breakdown")
    if isinstance(readiness, str):
        return [say.NO_NAMES]
    rules = readiness["components"]["rules"]
    return [say.NO_NAMES, *(rule["sentence"] for rule in rules if rule["key"] == "concentration")]


def _knowledge(talk: Talk, wanted: Wanted) -> Steps:
    found = yield from talk.search(wanted.question)
    if not found:
        return [say.NO_ANSWER]
    lines = quoted(found, wanted.question, advice=wanted.improve, most=3)
    first = found[0]
    others = [
        one
        for one in found[1:3]
        if one.citation.key != first.citation.key and one.similarity >= max(LEAST_SIMILARITY, first.similarity - CLOSE)
    ]
    return [*lines, "\n", *quoted(others, wanted.question, most=2)] if others else lines


def _fixed(text: str) -> Callable[[Talk, Wanted], Steps]:
    def steps(_: Talk, __: Wanted) -> Steps:
        yield from ()
        return [text]

    return steps


STEPS: Mapping[Intent, Callable[[Talk, Wanted], Steps]] = {
    "score": _score,
    "weakest": _weakest,
    "strongest": _strongest,
    "change": _change,
    "path": _path,
    "what_if": _what_if,
    "roll_off": _roll_off,
    "recommend": _recommend,
    "metric": _metric,
    "overview": _overview,
    "lenders": _lenders,
    "business": _of_business(say.business_lines),
    "freshness": _of_business(say.freshness_lines),
    "connection": _of_business(say.connection_lines),
    "currency": _of_business(say.currency_lines),
    "not_in_stripe": _fixed(say.NO_FIGURE),
    "customer_names": _customer_names,
    "greeting": _fixed(say.GREETING),
    "thanks": _fixed(say.THANKS),
    "help": _fixed(say.HELP),
    "knowledge": _knowledge,
    "elsewhere": _fixed(say.NO_ANSWER),
    "nothing": _fixed(say.NO_ANSWER),
}


def _asked_metric(wanted: Wanted) -> str:
    """The count where a number of things is asked for, else the metric that is usually meant."""
    counts = {"refund_volume_ratio": "refund_count", "chargeback_ratio": "chargeback_count"}
    key = wanted.metric or ""
    how_many = re.search(r"\bhow many\b|\bnumber of\b|\bcount\b", wanted.question) is not None
    return counts.get(key, key) if how_many else key


def _rules_of(metric: str | None) -> frozenset[str]:
    return frozenset(rule.key for rule in RULES if metric is not None and metric in meant_by(rule.key))


def _number(value: Fraction, unit: str) -> float | int:
    return round(value) if unit in ("count", "days") else round(float(value), 6)


def _shown_before(history: Sequence[Turn]) -> int:
    """How many recommendations the last answers listed."""
    listed = 0
    for turn in reversed(history):
        if turn.role is not Speaker.ASSISTANT:
            continue
        if not any(outcome.name == "get_top_recommendations" for outcome in turn.outcomes):
            break
        listed = max([listed, *(int(number) for number in re.findall(r"^(\d+)\. ", turn.text, re.MULTILINE))])
    return listed


def _since(question: str, now: dt.datetime) -> str | None:
    """The day since which a change is asked about; None where it is not told."""
    spans = {"yesterday": 1, "last week": 7, "a week": 7, "two weeks": 14, "last month": 30, "a month": 30}
    for words, days in spans.items():
        if words in question:
            return (now.date() - dt.timedelta(days=days)).isoformat()
    told = read.days(question)
    if not told:
        month = re.search(r"\bsince (" + "|".join(name.lower() for name in read.MONTHS) + r")\b", question)
        told = read.days(f"1 {month[1]}") if month else []
    for found in told:
        year = found.year or (now.year if found.month <= now.month else now.year - 1)
        return dt.date(year, found.month, found.day or 1).isoformat()
    return None
