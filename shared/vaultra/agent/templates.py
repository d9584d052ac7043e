"""The sentences of the answerer without a model: what tools told, in words, and nothing computed beside it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from vaultra.domain.metrics import METRICS
from vaultra.domain.money import format_money, to_minor
from vaultra.domain.readiness import TIERS
from vaultra.domain.subjects import LENDERS, lender_subject
from vaultra.domain.wording import counted, day_in_words, percent
from vaultra.ports import Json

TREND_WORDS = {"increasing": "rising", "stable": "level", "declining": "falling"}
STATE_WORDS = {"good": "in good standing", "past_due": "something is past due", "disabled": "switched off by Stripe"}
TIER_LABELS = {tier.key: tier.label for tier in TIERS}
_LABELS = {metric.key: metric.label for metric in METRICS}

NO_FIGURE = (
    "I don't have that figure: it is not in the Stripe data you connected, and I won't estimate it. I can show "
    "revenue, refunds, disputes, payouts, customers and subscriptions."
)
NO_ANSWER = (
    "I don't have an answer to that: it is neither in your Stripe data nor in the help articles, and I won't guess. I "
    "can show your score, your numbers, what to do next, and what lenders publish."
)
NO_NAMES = "I can't tell who: customers' names and addresses are not stored here. I can only show how sales are spread."
GREETING = (
    "Hello. I can explain your readiness score, your numbers, what to do next, and what lenders publish. Ask away."
)
HELP = (
    "I am Vaultra's assistant, a program. I read your connected Stripe data and the help articles, and I tell you: "
    "your readiness score and what moves it, your numbers and how they changed, what to do first, what would change "
    "your score, and which published minimums of lenders you meet. I only read, and I give no financial advice."
)
THANKS = "You're welcome. Ask whenever you want to know more about your score or your numbers."
WITHHELD = "I can't answer that in words I can stand behind. Please ask in another way."


def day(text: str) -> str:
    """A date or time of a result as it stands in a sentence."""
    return day_in_words(dt.date.fromisoformat(text[:10]))


def shown(value: float | int | str | None, unit: str, currency: str | None) -> str:
    """A metric's value with its unit."""
    if value is None:
        return "not measured"
    if isinstance(value, str):
        return TREND_WORDS.get(value) or STATE_WORDS.get(value, value)
    if unit == "money" and currency is not None:
        return format_money(to_minor(Decimal(repr(value)), currency), currency)
    if unit == "ratio":
        return percent(Fraction(repr(value)))
    return counted(int(value), "day") if unit == "days" else f"{int(value):,}"


def score_line(readiness: Json) -> str:
    line = (
        f"Your readiness score is {readiness['score']} out of 100, in the tier {readiness['tier_label']}, as of "
        f"{day(readiness['created_at'])}."
    )
    if readiness["provisional"]:
        line += " It is provisional: your history is still being read."
    return line


def extremes(readiness: Json) -> list[str]:
    """The part that adds most, and the one that takes most or has most to gain."""
    rules = readiness["components"]["rules"]
    best = max(rules, key=lambda rule: rule["points"])
    [worst, *_] = weakest(readiness)
    lines = []
    if best["points"] > 0:
        lines.append(f"Strongest: {best['label']}, which adds {counted(best['points'], 'point')}.")
    if worst["points"] < 0:
        lines.append(f"Weakest: {worst['label']}, which takes {counted(-worst['points'], 'point')}.")
    elif worst["best_points"] > worst["points"]:
        lines.append(f"Most to gain: {worst['label']}.")
    return lines


def weakest(readiness: Json) -> list[Json]:
    """The rules, those first that take most, then those with most to gain."""
    rules: list[Json] = readiness["components"]["rules"]
    return sorted(rules, key=lambda rule: (min(rule["points"], 0), rule["points"] - rule["best_points"]))


def strongest(readiness: Json) -> list[Json]:
    """The rules that add points, the most first."""
    rules: list[Json] = readiness["components"]["rules"]
    return sorted((rule for rule in rules if rule["points"] > 0), key=lambda rule: -rule["points"])


def rule_line(rule: Json) -> str:
    sentence: str = rule["sentence"]
    return sentence if sentence.startswith(rule["label"]) else f"{rule['label']}: {sentence}"


def metric_lines(summary: Json, *, with_meaning: bool = True, with_past: bool = True) -> list[str]:
    """A named metric: its value, what it means, and what it was."""
    line, currency = summary["metrics"][0], summary["currency"]
    if line["value"] is None:
        lines = [f"{line['label']} is not measured: {line['not_measured'] or 'there is nothing to measure it by'}."]
    else:
        value = shown(line["value"], line["unit"], currency)
        lines = [f"{line['label']}: {value}, as of {day(summary['computed_at'])}."]
    if with_meaning and summary["definition"] is not None:
        lines.append(f"({summary['definition']['meaning']})")
    if line["low_sample"] and line["sample"] is not None:
        lines.append(f"It rests on few events ({line['sample']:,}), so a single one moves it far.")
    if with_past:
        lines += past_lines(summary)
    if summary["stale"]:
        lines.append("These numbers have not been computed in the last hours.")
    return lines


def past_lines(summary: Json) -> list[str]:
    """What a named metric was 30 days before, and which way it went."""
    line, currency = summary["metrics"][0], summary["currency"]
    if summary["earlier_on"] is None or line["earlier"] is None or line["value"] is None:
        return ["There is no earlier value to compare it with."] if line["value"] is not None else []
    was = shown(line["earlier"], line["unit"], currency)
    if isinstance(line["value"], str) or not line["change"]:
        way = "the same as now" if line["earlier"] == line["value"] else "so it changed"
    else:
        way = "so it went up" if line["change"] > 0 else "so it went down"
    return [f"On {day(summary['earlier_on'])} it was {was}, {way}."]


def overview_lines(summary: Json, keys: Sequence[str]) -> list[str]:
    """Several metrics, one line each, as far as they are measured."""
    lines = {line["key"]: line for line in summary["metrics"]}
    return [
        f"- {line['label']}: {shown(line['value'], line['unit'], summary['currency'])}\n"
        for key in keys
        if (line := lines[key])["value"] is not None
    ]


def recommendation_line(number: int, one: Json) -> str:
    points = one["estimated_impact"]
    gain = f" (about {counted(points, 'point')})" if points else ""
    step = f" {one['first_step']}" if one["first_step"] else ""
    return f"{number}. {one['title']}{gain}.{step}\n"


def change_lines(changes: Json) -> list[str]:
    """What changed a score: the difference, and the rules behind it with what happened there."""
    lines = [changes["summary"]]
    for rule in [rule for rule in changes["rules"] if rule["difference"]][:3]:
        lines.append(rule["sentence"])
        lines += [moved["sentence"] for moved in rule["moved"][:1]]
    if not any(rule["difference"] for rule in changes["rules"]):
        lines.append("No part of the score gives other points than then.")
    return lines


def simulated_lines(simulated: Json, changed: Mapping[str, str]) -> list[str]:
    """What the score would be. `changed` holds the new values in words, by metric."""
    with_what = " and ".join(f"{_LABELS[key]} at {value}" for key, value in changed.items())
    if simulated["difference"] == 0:
        return [f"With {with_what}, your score would stay at {simulated['score']}: no part gives other points."]
    points = counted(abs(simulated["difference"]), "point")
    way = "more" if simulated["difference"] > 0 else "less"
    return [
        f"With {with_what}, your score would be {simulated['score']} instead of {simulated['before']}.",
        f"That would be {points} {way}, and the tier would be {simulated['tier_label']}.",
        "Everything else is taken as it is now.",
    ]


def path_lines(path: Json) -> list[str]:
    """The way to a tier."""
    lines = [path["summary"]]
    lines += [f"- {step['sentence']}\n" for step in path["steps"][:3]]
    if path["target"] is None:
        lines.insert(0, f"Your score is {path['score']}, in the tier {TIER_LABELS[path['tier']]}.")
    return lines


def coming_lines(path: Json, rules: frozenset[str]) -> list[str]:
    """What ceases to count, and when the score changes by itself; of these rules only, if any are named."""
    leaving = [one for one in path["leaving"] if not rules or one["rule"] in rules]
    turns = [turn for turn in path["calendar"] if not rules or rules & {cause["rule"] for cause in turn["causes"]}]
    if not leaving and not turns:
        return ["Nothing stops counting within the coming 90 days."] if not rules else [
            "Nothing of that kind stops counting within the coming 90 days."
        ]  # fmt: skip
    lines = []
    if leaving:
        days = list(dict.fromkeys(day(one["leaves_on"]) for one in leaving))[:4]
        lines.append(f"The next events stop counting on these days: {', '.join(days)}.")
    for turn in turns[:3]:
        causes = ", ".join(f"{cause['label']} {_signed(cause['difference'])}" for cause in turn["causes"][:2])
        lines.append(f"- On {day(turn['on'])} the score would be {turn['score']} ({causes}).\n")
    return [*lines, "This holds if nothing else happens, and sales go on as they do."] if turns else lines


def _signed(points: int) -> str:
    return f"{counted(abs(points), 'point')} {'more' if points > 0 else 'less'}"


def lender_lines(criteria: Json, lender: str | None) -> list[str]:
    """Published minimums beside the owner's numbers."""
    asked = [one for one in criteria["criteria"] if lender in (None, one["lender"])]
    if lender is not None:
        return ["These are published minimums: information, not offers.", *(f"- {one['sentence']}\n" for one in asked)]
    lenders = dict.fromkeys(
        one["lender"] for one in asked if one["grade"] != "unconfirmed" and lender_subject(one["lender"]) in LENDERS
    )
    states = {name: {one["status"] for one in asked if one["lender"] == name} for name in lenders}
    met = [name for name, found in states.items() if found <= {"met", "not_visible"} and "met" in found]
    missed = [name for name, found in states.items() if "not_met" in found]
    lines = ["These are published minimums: information, not offers."]
    if met:
        lines.append(f"Met, as far as Stripe can show: {', '.join(met)}.")
    if missed:
        lines.append(f"Not met in every point: {', '.join(missed)}.")
        lines += [f"- {one['sentence']}\n" for one in asked if one["status"] == "not_met"][:3]
    return lines


def business_lines(business: Json) -> list[str]:
    lines = [f"Your business is called “{business['name']}”."]
    if business["industry"]:
        lines.append(f"Industry: {business['industry'].replace('_', ' ')}.")
    if business["founded_at"]:
        lines.append(f"Founded on {day(business['founded_at'])}.")
    lines.append(f"Your role here is {business['your_role']}.")
    return [*lines, *connection_lines(business)]


def connection_lines(business: Json) -> list[str]:
    stripe = business["stripe"]
    if stripe is None:
        return ["No Stripe account is connected. Connect Stripe, and your score appears within minutes."]
    lines = [f"Your Stripe account has been connected since {day(stripe['connected_at'])}."]
    if not stripe["working"]:
        lines.append("Stripe does not let us in any more: please connect it again.")
    if stripe["reading"] is not None:
        lines.append("Its history is being read at the moment.")
    return lines


def freshness_lines(business: Json) -> list[str]:
    if business["computed_at"] is None:
        return connection_lines(business)
    lines = [f"Your numbers were last computed on {day(business['computed_at'])}."]
    lines.append(f"Most of them look at {day(business['period_start'])} to {day(business['period_end'])}.")
    if business["stale"]:
        lines.append("The hourly computation has not come by lately, so they may be old.")
    lines.append("The history is complete." if business["history_complete"] else "The history is still being read.")
    return lines


def currency_lines(business: Json) -> list[str]:
    if business["currency"] is None:
        return ["There are no measured amounts yet.", *connection_lines(business)]
    return [f"All measured amounts are in {business['currency'].upper()}, your Stripe account's own currency."]


def joined(lines: Iterable[str]) -> str:
    """The lines as one text: sentences with a space between them, list items on lines of their own."""
    text = ""
    for line in lines:
        if line.startswith("- ") or re.match(r"\d+\. ", line):
            text = text.rstrip(" ")
            text += "" if text.endswith("\n") or not text else "\n"
        text += line if line.endswith("\n") else f"{line} "
    return re.sub(r"[ \n]*\n[ \n]*\n", "\n\n", text).strip()
