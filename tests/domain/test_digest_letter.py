"""What a digest tells, and how it says so: all of it in both forms, and nothing but what is known."""

import datetime as dt
import re
import uuid
from dataclasses import replace
from typing import Any

import pytest

from tests.digests import BERLIN_MORNING, DAY, GOOD, HOUR, stored_score
from tests.domain.test_mails import LINK, NAMES, Tags
from vaultra.domain.digest import (
    Access,
    BusinessNews,
    DigestFacts,
    EventKind,
    Events,
    Reader,
    Step,
    period_start,
    weightiest,
    worst_first,
)
from vaultra.domain.digest_letter import MOST_BUSINESSES, digest
from vaultra.domain.disclaimer import DISCLAIMER
from vaultra.domain.mail_layout import LONGEST_NAME, Letter
from vaultra.domain.notifications import Digest
from vaultra.domain.recommendations import Priority

SINCE = BERLIN_MORNING - DAY
STOP = "https://site.test/unsubscribe/#token=abc"
THEN = stored_score(SINCE - HOUR)
SAME = stored_score(BERLIN_MORNING - HOUR)
WORSE = stored_score(BERLIN_MORNING - HOUR, {**GOOD, "chargeback_ratio": "high", "payout_reliability": "mixed"})


def news(**given: Any) -> BusinessNews:
    """A business of which there is nothing new, but for what is given."""
    ordinary = BusinessNews(
        id=uuid.uuid4(),
        name="Fernhill Studio",
        now=SAME,
        then=THEN,
        access=Access.CONNECTED,
        trouble=None,
        computed_at=BERLIN_MORNING - HOUR,
        stale=False,
        events=(),
        steps=(),
        new_steps=0,
    )
    return replace(ordinary, **given)


def write(*businesses: BusinessNews, **given: Any) -> Letter:
    day = BERLIN_MORNING.date()
    told = DigestFacts(
        weekly=False,
        time_zone="Europe/Berlin",
        day=day,
        since=SINCE,
        since_day=day - DAY,
        businesses=tuple(worst_first(businesses)),
    )
    return digest({"digest": replace(told, **given), "link": LINK, "unsubscribe_link": STOP})


def step(title: str, priority: str = "high", impact: int | None = 10, at: dt.datetime = SINCE - DAY) -> Step:
    return Step(title, Priority(priority), impact, at)


# --- where a period begins -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("digest_of", "last", "since"),
    [
        ("daily", None, 24 * HOUR),
        ("weekly", None, 7 * DAY),
        ("daily", 23 * HOUR, 23 * HOUR),
        ("daily", 49 * HOUR, 49 * HOUR),
        ("weekly", 7 * DAY + HOUR, 7 * DAY + HOUR),
        ("daily", 9 * DAY, 24 * HOUR),
        ("weekly", 9 * DAY, 7 * DAY),
    ],
    ids=["first day", "first week", "short day", "one was lost", "week", "after a pause", "weekly after a pause"],
)
def test_a_period_begins_where_the_last_digest_ended(
    digest_of: str, last: dt.timedelta | None, since: dt.timedelta
) -> None:
    last_sent_at = None if last is None else BERLIN_MORNING - last
    reader = Reader("a@example.com", Digest(digest_of), "UTC", last_sent_at)
    assert period_start(reader, BERLIN_MORNING) == BERLIN_MORNING - since


# --- what is new ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "new"),
    [
        ({}, False),
        ({"steps": (step("Old"),)}, False),
        ({"access": Access.DISCONNECTED}, False),
        ({"now": None, "then": None}, False),
        ({"now": WORSE}, True),
        ({"then": None}, True),
        ({"new_steps": 1}, True),
        ({"events": (Events(EventKind.DISPUTE, 1, 100, "usd"),)}, True),
        # Two rules that moved against each other leave the score as it was.
        (
            {
                "then": stored_score(SINCE, {"revenue_trend": "increasing"}),
                "now": stored_score(SINCE, {"payout_reliability": "reliable"}),
            },
            True,
        ),
    ],
    ids=["same", "old step", "disconnected", "no score", "moved", "first score", "new step", "event", "rules moved"],
)
def test_what_is_news(given: dict[str, Any], new: bool) -> None:
    assert news(**given).is_new == new


def test_a_day_without_news_is_told_in_a_few_lines() -> None:
    letter = write(news(steps=(step("Reply"), step("Spread"))))
    assert letter.subject == "Fernhill Studio: 75, nothing new"
    assert letter.text.startswith(
        "Nothing changed since yesterday\n\nFernhill Studio\n75 of 100, Funding-ready. Unchanged.\n"
        "2 recommendations are open.\n\nOpen the overview:\n"
    )


def test_a_score_that_moved_is_told_with_its_tier_and_what_moved_it_most_first() -> None:
    letter = write(news(now=WORSE))
    assert letter.subject == "Fernhill Studio: 45 (−30)"
    assert "45 of 100, Improving. Down 30 points from 75 (Funding-ready).\nWhat moved the score:\n" in letter.text
    moved = re.findall(r"^- (\w+): .*, (\d+) points less\.$", letter.text, re.MULTILINE)
    assert moved == [("Chargebacks", "20"), ("Payouts", "10")]
    assert write(news(now=THEN, then=WORSE)).subject == "Fernhill Studio: 75 (+30)"


def test_smaller_changes_are_counted_after_the_three_greatest() -> None:
    now = stored_score(SINCE, {"revenue_trend": "declining", "revenue_volatility": "erratic"})
    then = stored_score(SINCE, {**GOOD, "revenue_volatility": "steady"})
    text = write(news(now=now, then=then)).text
    assert text.count(" points less.") == 3
    assert "- And 1 smaller change.\n" in text


def test_another_formula_is_said_so() -> None:
    text = write(news(now=replace(WORSE, formula_version="2"))).text
    assert "The formula of the score changed meanwhile, so part of this may be ours." in text


def test_a_first_score_has_no_change() -> None:
    letter = write(news(then=None))
    assert letter.subject == "Fernhill Studio: 75, with news"
    assert "75 of 100, Funding-ready.\n" in letter.text


def test_events_are_told_with_their_amounts_in_their_currencies() -> None:
    events = (
        Events(EventKind.DISPUTE, 1, 8500, "usd"),
        Events(EventKind.DISPUTE, 1200, 5000, "jpy"),
        Events(EventKind.INQUIRY, 1, 4000, "kwd"),
        Events(EventKind.FAILED_PAYOUT, 1, 128500, "eur"),
    )
    assert (
        "A dispute came in: $85.00.\n1,200 disputes came in: ¥5,000 together.\nAn inquiry came in: KD 4.000.\n"
        "A payout failed: €1,285.00.\n"
    ) in write(news(events=events)).text


def test_the_three_weightiest_steps_are_told_with_what_they_are_worth() -> None:
    steps = weightiest(
        [
            step("Low", "low", 9),
            step("Medium", "medium", None),
            step("High, unknown", "high", None),
            step("High, new", "high", 1, at=SINCE),
        ]
    )
    text = write(news(steps=steps, new_steps=1)).text
    assert (
        "What to do next:\n- High, new, worth up to 1 point (new)\n- High, unknown\n- Medium\n"
        "- And 1 more recommendation.\n"
    ) in text


# --- honest about old figures --------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"access": Access.NEVER, "computed_at": None}, "Stripe is not connected.\n"),
        (
            {"access": Access.DISCONNECTED},
            "Stripe is disconnected. These figures are from 20 November 2026, 06:10.\n",
        ),
        (
            {"access": Access.FAILING, "trouble": "Connect it again."},
            "Connect it again. These figures are from 20 November 2026, 06:10.\n",
        ),
        ({"stale": True}, "Newer figures are late. These figures are from 20 November 2026, 06:10.\n"),
        ({"now": replace(SAME, provisional=True)}, "The history is still being read, so the score may move.\n"),
    ],
    ids=["never", "disconnected", "failing", "late", "provisional"],
)
def test_what_is_old_or_not_whole_is_said_so(given: dict[str, Any], said: str) -> None:
    assert f"Unchanged.\n{said}" in write(news(**given)).text


def test_a_fresh_figure_needs_no_words() -> None:
    assert "figures" not in write(news()).text


# --- several businesses --------------------------------------------------------------------


def test_all_businesses_are_in_one_mail_the_worst_first() -> None:
    letter = write(
        news(name="Alpha"), news(name="Beta", now=WORSE), news(name="Gamma", now=None, then=None), news(name="Delta")
    )
    assert letter.subject == "Your 4 businesses: news of 1"
    assert re.findall(r"^(Alpha|Beta|Gamma|Delta)\n(.*?)[.,]", letter.text, re.MULTILINE) == [
        ("Beta", "45 of 100"),
        ("Alpha", "75 of 100"),
        ("Delta", "75 of 100"),
        ("Gamma", "No score yet"),
    ]
    assert write(news(name="Alpha"), news(name="Delta")).subject == "Your 2 businesses: nothing new"


def test_more_businesses_than_a_mail_holds_are_counted() -> None:
    letter = write(*(news(name=f"Shop {n:03}", now=WORSE) for n in range(200)))
    assert letter.text.count("45 of 100") == MOST_BUSINESSES
    assert "And 175 businesses more, on the site." in letter.text
    assert len(letter.html.encode()) < 100_000, "a mail program would cut it off"


# --- the frame -----------------------------------------------------------------------------


def test_it_says_why_it_came_that_it_is_no_advice_and_how_to_stop_it() -> None:
    letter = write(news())
    assert "You get this mail every morning after 7:00, time zone Europe/Berlin." in letter.text
    assert DISCLAIMER in letter.text
    assert f"Stop these mails:\n{STOP}\n" in letter.text
    weekly = write(news(), weekly=True, since_day=dt.date(2026, 11, 13))
    assert weekly.text.startswith("Nothing changed since Friday 13 November\n")
    assert "You get this mail on Mondays after 7:00" in weekly.text


FULL = news(
    now=replace(WORSE, provisional=True),
    access=Access.FAILING,
    trouble="Connect it again.",
    events=(Events(EventKind.DISPUTE, 2, 5000, "jpy"),),
    steps=(step("Answer", at=SINCE), step("Check"), step("Spread"), step("Wait")),
    new_steps=1,
)


def test_both_forms_say_the_same() -> None:
    letter = write(FULL, news(name="Beta"))
    page = " ".join(Tags(letter.html).words.split())
    lines = [line.removeprefix("- ").rstrip(":") for line in letter.text.splitlines() if line and line != "-- "]
    assert len(lines) > 20
    assert [line for line in lines if line not in page] == [LINK, STOP]


def test_a_page_fetches_nothing_and_follows_light_and_dark() -> None:
    html = write(FULL).html
    page = Tags(html)
    assert not {"img", "script", "link", "iframe", "object", "form", "base"} & set(page.tags)
    assert [value for name, value in page.attributes if name in ("href", "src", "background")] == [LINK, STOP]
    assert "url(" not in html
    assert "prefers-color-scheme:dark" in html


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_is_text_on_one_line_wherever_it_stands(name: str) -> None:
    plain, letter = write(FULL), write(replace(FULL, name=name))
    assert Tags(letter.html).tags == Tags(plain.html).tags
    assert len(Tags(letter.html).attributes) == len(Tags(plain.html).attributes)
    assert letter.subject.isprintable()
    assert letter.text.count("\n") == plain.text.count("\n")
    assert len(letter.text) <= len(plain.text) + 4 * LONGEST_NAME
    assert not re.search(r"https?://evil|www\.\w|\w@\w|evil\.\w", letter.text + Tags(letter.html).words)
