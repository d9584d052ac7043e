"""The answerer's sentences about a metric over other days than it usually looks at, and about its latest periods."""

from __future__ import annotations

from vaultra.agent.asked_spans import periods_in, window_days
from vaultra.agent.templates import day, shown
from vaultra.domain.wording import counted
from vaultra.ports import Json

COUNTS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def span_lines(summary: Json, days: int) -> list[str]:
    """A named metric over as many days as were asked for; else over which it is told, and why over no others."""
    line, currency = summary["metrics"][0], summary["currency"]
    if days == (window := window_days(line["key"])):
        return []
    span = next((one for one in summary["spans"] if one["periods"] == periods_in(days)), None)
    if span is not None:
        total, count = shown(span["total"], line["unit"], currency), COUNTS[span["periods"]]
        since, until = day(span["period_start"]), day(span["period_end"])
        # By its name: `it` would stand for what the conversation spoke of before.
        return [f"{line['label']} over the last {count} full 30-day periods, from {since} to {until}: {total}."]
    if window is None:
        return ["It is told as it stands today, so I can't tell it for those days."]
    return [f"It is defined over the last {counted(window, 'day')}, so I can't tell it for those days."]


def period_lines(summary: Json) -> list[str]:
    """A named metric in the latest full periods, where those are kept."""
    line, currency = summary["metrics"][0], summary["currency"]
    periods = [one for one in summary["periods"][-3:] if one.get(line["key"]) is not None]
    values = [shown(one[line["key"]], line["unit"], currency) for one in periods]
    return [
        f"- From {day(one['period_start'])} to {day(one['period_end'])}: {value}\n"
        for one, value in zip(periods, values, strict=True)
    ]
