"""What the digest says: all of a person's businesses in one mail, short where nothing happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from vaultra.domain.changes import ScoreChange
from vaultra.domain.digest import Access, BusinessNews, DigestFacts, EventKind, Events, Step
from vaultra.domain.disclaimer import DISCLAIMER
from vaultra.domain.mail_layout import (
    SIGNATURE,
    Letter,
    button,
    heading,
    one_line,
    page,
    painted,
    paragraph,
    quiet_link,
    unlinked,
)
from vaultra.domain.money import format_money
from vaultra.domain.readiness import HIGHEST_SCORE, TIER_LABELS, StoredScore
from vaultra.domain.wording import counted

# More are on the site; a mail of more than about 100 kB is cut off by some programs.
MOST_BUSINESSES = 25
MOST_MOVES = 3
MOST_STEPS = 3
STOP = "Stop these mails"
_PLAIN = "margin:0 0 6px;font-size:15px;line-height:1.5"


@dataclass(frozen=True)
class _Line:
    """One line about a business, the same in text and in HTML; `colour` is one of `mail_layout.PAINT`."""

    text: str
    colour: str = "ink"
    is_item: bool = False
    is_title: bool = False


def digest(facts: Mapping[str, Any]) -> Letter:
    """The digest.

    Args:
        facts: `digest` (`DigestFacts`), `link` to the site's overview, `unsubscribe_link`.
    """
    told: DigestFacts = facts["digest"]
    subject, title = _subject(told), _title(told)
    shown, beyond = told.businesses[:MOST_BUSINESSES], told.businesses[MOST_BUSINESSES:]
    blocks = [(one_line(business.name), _score(business), list(_lines(business, told))) for business in shown]
    more = [f"And {counted(len(beyond), 'business', 'businesses')} more, on the site."] if beyond else []
    label, link, stop = "Open the overview", facts["link"], facts["unsubscribe_link"]
    notes = [_why(told), DISCLAIMER]
    text = [
        title,
        *("\n".join([unlinked(name), score, *map(_as_text, lines)]) for name, score, lines in blocks),
        *more,
        f"{label}:\n{link}",
        *notes,
        f"{STOP}:\n{stop}",
        SIGNATURE,
    ]
    html = [
        heading(title),
        *(_as_html(unlinked(name), score, lines) for name, score, lines in blocks),
        *(paragraph(line, "soft") for line in more),
        button(label, link),
        *(paragraph(note, "soft", 14) for note in notes),
        quiet_link(STOP, stop),
    ]
    return Letter(subject, "\n\n".join(text) + "\n", page(subject, "".join(html)))


# --- the whole -----------------------------------------------------------------------------


def _subject(told: DigestFacts) -> str:
    count, new = len(told.businesses), sum(business.is_new for business in told.businesses)
    if count > 1:
        news = f"news of {new}" if new else "nothing new"
        return f"Your {count} businesses: {news}"
    [business] = told.businesses
    score, change = _points_of(business), business.change
    if not business.is_new:
        return f"{one_line(business.name)}: {score}, nothing new"
    moved = f" ({_signed(change.difference)})" if change is not None and change.difference else ", with news"
    return f"{one_line(business.name)}: {score}{moved}"


def _title(told: DigestFacts) -> str:
    yesterday = told.since_day == told.day - dt.timedelta(days=1)
    since = "yesterday" if yesterday else _day(told.since_day)
    new = any(business.is_new for business in told.businesses)
    return f"{'What is new' if new else 'Nothing changed'} since {since}"


def _why(told: DigestFacts) -> str:
    often = "on Mondays" if told.weekly else "every morning"
    return f"You get this mail {often} after 7:00, time zone {told.time_zone}."


# --- one business --------------------------------------------------------------------------


def _score(business: BusinessNews) -> str:
    """The score in words, beginning with its number."""
    if business.now is None:
        return "No score yet."
    words = [f"{business.now.score} of {HIGHEST_SCORE}, {TIER_LABELS[business.now.tier]}"]
    if business.change is not None:
        words.append(_change(business.change))
    return f"{'. '.join(words)}."


def _change(change: ScoreChange) -> str:
    if change.difference == 0:
        return "Unchanged"
    way = "Up" if change.difference > 0 else "Down"
    tier = "" if change.before.tier == change.after.tier else f" ({TIER_LABELS[change.before.tier]})"
    return f"{way} {counted(abs(change.difference), 'point')} from {change.before.score}{tier}"


def _lines(business: BusinessNews, told: DigestFacts) -> Iterator[_Line]:
    trouble = _trouble(business, told)
    if trouble is not None:
        yield _Line(trouble, "warn")
    if business.now is not None and business.now.provisional:
        yield _Line("The history is still being read, so the score may move.", "soft")
    yield from (_Line(_event(events), "bad") for events in business.events)
    yield from _moves(business)
    yield from _steps(business, told)


def _trouble(business: BusinessNews, told: DigestFacts) -> str | None:
    """Why the figures are old, or missing; None when they are as they should be."""
    computed = business.computed_at
    since = "" if computed is None else f" These figures are from {_local(computed, told.time_zone)}."
    if business.access is Access.NEVER:
        return f"Stripe is not connected.{since}"
    if business.access is Access.DISCONNECTED:
        return f"Stripe is disconnected.{since}"
    if business.access is Access.FAILING:
        return f"{business.trouble or 'Stripe could not be read.'}{since}"
    return f"Newer figures are late.{since}" if business.stale else None


def _event(events: Events) -> str:
    one, many, came = _EVENTS[events.kind]
    amount = format_money(events.amount_minor, events.currency)
    return f"{one} {came}: {amount}." if events.count == 1 else f"{events.count:,} {many} {came}: {amount} together."


_EVENTS = {
    EventKind.DISPUTE: ("A dispute", "disputes", "came in"),
    EventKind.INQUIRY: ("An inquiry", "inquiries", "came in"),
    EventKind.FAILED_PAYOUT: ("A payout", "payouts", "failed"),
}


def _moves(business: BusinessNews) -> Iterator[_Line]:
    moves = business.moves
    if not moves:
        return
    yield _Line("What moved the score", is_title=True)
    for move in moves[:MOST_MOVES]:
        yield _Line(move.sentence, "good" if move.difference > 0 else "bad", is_item=True)
    if len(moves) > MOST_MOVES:
        yield _Line(f"And {counted(len(moves) - MOST_MOVES, 'smaller change')}.", "soft", is_item=True)
    if business.change is not None and business.change.formula_changed:
        yield _Line("The formula of the score changed meanwhile, so part of this may be ours.", "soft")


def _steps(business: BusinessNews, told: DigestFacts) -> Iterator[_Line]:
    steps = business.steps
    if not steps:
        return
    if not business.is_new:
        yield _Line(f"{counted(len(steps), 'recommendation')} {_is(len(steps))} open.", "soft")
        return
    yield _Line("What to do next", is_title=True)
    yield from (_Line(_step(step, told), "soft", is_item=True) for step in steps[:MOST_STEPS])
    if len(steps) > MOST_STEPS:
        yield _Line(f"And {counted(len(steps) - MOST_STEPS, 'more recommendation')}.", "soft", is_item=True)


def _step(step: Step, told: DigestFacts) -> str:
    worth = "" if not step.impact else f", worth up to {counted(step.impact, 'point')}"
    new = " (new)" if step.created_at >= told.since else ""
    return f"{step.title}{worth}{new}"


# --- words ---------------------------------------------------------------------------------


def _points_of(business: BusinessNews) -> str:
    now: StoredScore | None = business.now
    return "no score yet" if now is None else str(now.score)


def _signed(points: int) -> str:
    return f"+{points}" if points > 0 else f"−{-points}"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _day(day: dt.date) -> str:
    return f"{day:%A} {day.day} {day:%B}"


def _local(at: dt.datetime, time_zone: str) -> str:
    local = at.astimezone(ZoneInfo(time_zone))
    return f"{local.day} {local:%B %Y, %H:%M}"


# --- layout --------------------------------------------------------------------------------


def _as_text(line: _Line) -> str:
    return f"{line.text}:" if line.is_title else f"- {line.text}" if line.is_item else line.text


def _as_html(name: str, score: str, lines: list[_Line]) -> str:
    number, of, rest = score.partition(" of ")
    large = painted("ink", "font-size:30px;font-weight:700;line-height:1.2")
    words = f"<span {large}>{number}</span>{of}{escape(rest)}" if of else escape(score)
    return (
        f"<div {painted('line', 'border-top:1px solid;padding:18px 0 12px')}>"
        f"<h2 {painted('ink', 'margin:0 0 4px;font-size:17px;line-height:1.4')}>{escape(name)}</h2>"
        f"<p {painted('soft', 'margin:0 0 10px;font-size:15px;line-height:1.5')}>{words}</p>"
        f"{''.join(map(_line_as_html, lines))}</div>"
    )


def _line_as_html(line: _Line) -> str:
    text = escape(line.text)
    if line.is_title:
        return f"<h3 {painted('ink', 'margin:14px 0 6px;font-size:14px;font-weight:600')}>{text}</h3>"
    if not line.is_item:
        return f"<p {painted(line.colour, _PLAIN)}>{text}</p>"
    bar = painted(line.colour, f"{_PLAIN};padding-left:10px;border-left:3px solid")
    return f"<p {bar}><span {painted('ink', '')}>{text}</span></p>"
