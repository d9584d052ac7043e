"""Which days a question is about, and which a metric looks at."""

import pytest

from vaultra.agent.asked_spans import CALENDAR_MONTH, asked_days, periods_in, window_days, without_time


@pytest.mark.parametrize(
    ("question", "days"),
    [
        ("revenue in the last 90 days", 90),
        ("sales over the past six months", 180),
        ("orders in the last quarter", 90),
        ("our churn over the last year", 365),
        ("my sales last week", 7),
        ("revenue yesterday?", 1),
        ("how much did i sell in october", CALENDAR_MONTH),
        ("what is my revenue", None),
        ("how is my refund rate", None),
    ],
)
def test_a_question_names_its_days(question: str, days: int | None) -> None:
    assert asked_days(question) == days


@pytest.mark.parametrize(
    ("key", "days"),
    [
        ("revenue_total", 30),
        ("payout_reliability", 90),
        ("top_customer_share", 180),
        ("active_weeks_ratio", 182),
        ("mrr", None),
    ],
)
def test_a_metric_looks_at_the_days_that_its_meaning_says(key: str, days: int | None) -> None:
    assert window_days(key) == days


@pytest.mark.parametrize(
    ("days", "periods"), [(60, 2), (90, 3), (180, 6), (92, 3), (100, None), (7, None), (CALENDAR_MONTH, None)]
)
def test_months_are_full_periods(days: int, periods: int | None) -> None:
    assert periods_in(days) == periods


def test_what_is_asked_about_stands_without_its_days() -> None:
    assert without_time("how many orders in the last 90 days") == "how many orders"
    assert without_time("how many sales went through this month") == "how many sales went through"
