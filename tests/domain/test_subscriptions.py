"""Monthly recurring revenue: normalisation, discounts, tiers, and then against now."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultra.domain.subscriptions import (
    Discount,
    Item,
    RecurringRevenue,
    Subscription,
    Tier,
    price_of,
    recurring_revenue,
)

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
THEN = NOW - dt.timedelta(days=30)
LONG_AGO = NOW - dt.timedelta(days=400)
HALF_OFF = Discount("forever", percent_off=Fraction(50))


def item(cents: int, interval: str = "month", count: int = 1, **more: object) -> Item:
    return Item(currency="usd", interval=interval, interval_count=count, unit_amount=Fraction(cents), **more)  # type: ignore[arg-type]


def subscription(name: str, *items: Item, status: str = "active", **more: object) -> Subscription:
    whole = {"customer": f"cus_{name}", "started_at": LONG_AGO, **more}
    return Subscription(id=f"sub_{name}", status=status, items=items, **whole)  # type: ignore[arg-type]


def book(*subscriptions: Subscription, rates: dict[str, Fraction] | None = None) -> RecurringRevenue:
    return recurring_revenue(subscriptions, NOW, "usd", rates or {})


def mrr(*subscriptions: Subscription) -> int:
    return book(*subscriptions).mrr_minor


def test_monthly_and_yearly_plans_of_the_worked_value() -> None:
    monthly = [subscription(f"m{n}", item(100_00)) for n in range(100)]
    yearly = [subscription(f"y{n}", item(600_00, "year")) for n in range(50)]
    assert mrr(*monthly, *yearly) == 12_500_00


@pytest.mark.parametrize(
    ("priced", "monthly"),
    [
        (item(10_00, "week"), 43_33),
        (item(50_00, "month", 2), 25_00),
        (item(1_00, "day"), 30_42),
        (item(10_00, "week", 2), 21_67),
        (item(2_000_00, "year"), 166_67),
        (item(240_00, "year", 2), 10_00),
        (item(10_00, quantity=3), 30_00),
        (item(10_00, metered=True), 0),
    ],
)
def test_intervals_become_months(priced: Item, monthly: int) -> None:
    assert mrr(subscription("a", priced)) == monthly


def test_rounding_happens_once_and_half_even() -> None:
    # 0.5 + 1 = 1.5 rounds to 2; 0.5 alone rounds to 0
    assert mrr(subscription("a", item(6, "year"))) == 0
    assert mrr(subscription("a", item(6, "year")), subscription("b", item(1))) == 2


@pytest.mark.parametrize(
    ("discount", "monthly"),
    [
        (HALF_OFF, 50_00),
        (replace(HALF_OFF, duration="once"), 100_00),
        (replace(HALF_OFF, duration="repeating", ends_at=int(NOW.timestamp()) + 1), 50_00),
        (replace(HALF_OFF, duration="repeating", ends_at=int(NOW.timestamp())), 100_00),
        (replace(HALF_OFF, starts_at=int(NOW.timestamp()) + 60), 100_00),
        (Discount("forever", percent_off=Fraction(100)), 0),
        (Discount("forever", amount_off=Fraction(500_00), currency="usd"), 58_33),
        (Discount("forever", amount_off=Fraction(5_000_00), currency="usd"), 0),
        (Discount("forever", percent_off=Fraction("12.5")), 87_50),
    ],
)
def test_discounts_on_a_yearly_plan(discount: Discount, monthly: int) -> None:
    plan = item(1_200_00, "year")
    assert mrr(subscription("a", plan, discounts=(discount,))) == monthly
    assert mrr(subscription("a", replace(plan, discounts=(discount,)))) == monthly
    assert mrr(subscription("a", plan, customer_discount=discount)) == monthly


def test_a_customers_discount_counts_only_where_the_subscription_has_none() -> None:
    ten_off = Discount("forever", percent_off=Fraction(10))
    assert mrr(subscription("a", item(100_00), discounts=(ten_off,), customer_discount=HALF_OFF)) == 90_00
    on_the_item = replace(item(100_00), discounts=(ten_off,))
    assert mrr(subscription("a", on_the_item, customer_discount=HALF_OFF)) == 45_00


def test_an_amount_off_comes_off_each_invoice() -> None:
    off = Discount("forever", amount_off=Fraction(6_00), currency="usd")
    assert mrr(subscription("a", item(120_00, "year"), item(10_00), discounts=(off,))) == 14_00


TIERS = (Tier(5, Fraction(700), Fraction(100)), Tier(10, Fraction(650)), Tier(None, Fraction(600), Fraction(50)))


@pytest.mark.parametrize(
    ("mode", "quantity", "price"),
    [
        ("graduated", 0, 100),
        ("graduated", 5, 3600),
        ("graduated", 6, 3600 + 650),
        ("graduated", 12, 3600 + 3250 + 1250),
        ("volume", 0, 100),
        ("volume", 5, 3600),
        ("volume", 6, 3900),
        ("volume", 11, 6650),
    ],
)
def test_tiers_by_stripes_arithmetic(mode: str, quantity: int, price: int) -> None:
    tiered = Item("usd", "month", quantity=quantity, tiers_mode=mode, tiers=TIERS)
    assert price_of(tiered) == price


@pytest.mark.parametrize(("round_up", "price"), [(True, 3_00), (False, 2_00)])
def test_transform_quantity(round_up: bool, price: int) -> None:
    assert price_of(item(1_00, quantity=25, divide_by=10, round_up=round_up)) == price


@pytest.mark.parametrize("status", ["trialing", "incomplete", "incomplete_expired", "unpaid", "canceled", "paused"])
def test_only_active_and_past_due_pay(status: str) -> None:
    assert mrr(subscription("a", item(100_00), status=status)) == 0
    assert mrr(subscription("a", item(100_00), status="past_due")) == 100_00


def test_trials_and_pauses_bring_nothing() -> None:
    tomorrow, yesterday = NOW + dt.timedelta(days=1), NOW - dt.timedelta(days=1)
    assert mrr(subscription("a", item(100_00), trial_end_at=tomorrow)) == 0
    assert mrr(subscription("a", item(100_00), trial_end_at=yesterday)) == 100_00
    assert mrr(subscription("a", item(100_00), paused=True)) == 0
    assert mrr(subscription("a", item(100_00), paused=True, resumes_at=tomorrow)) == 0
    assert mrr(subscription("a", item(100_00), paused=True, resumes_at=yesterday)) == 100_00


def test_a_cancellation_at_period_end_counts_until_it_happens() -> None:
    assert mrr(subscription("a", item(100_00), canceled_at=NOW - dt.timedelta(days=3))) == 100_00


def test_other_currencies_convert_at_the_latest_rate_or_are_listed() -> None:
    euros = subscription("eu", replace(item(100_00), currency="eur"))
    yen = subscription("jp", replace(item(12_000, "year"), currency="jpy"))
    found = book(euros, yen, rates={"eur": Fraction("1.25")})
    assert found.mrr_minor == 125_00
    assert found.unconverted == (("sub_jp", 1000, "jpy"),)
    assert set(found.now) == {"cus_eu"}


def test_an_amount_off_in_another_currency_takes_nothing_off() -> None:
    euros = Discount("forever", amount_off=Fraction(5_00), currency="eur")
    found = book(subscription("a", item(10_00), customer_discount=euros), rates={"eur": Fraction(1)})
    assert (found.mrr_minor, found.unconverted) == (10_00, ())


def test_what_is_worth_nothing_is_not_missing_from_the_sum() -> None:
    free = subscription("a", replace(item(10_00), currency="sek"), discounts=(Discount("forever", Fraction(100)),))
    assert book(free).unconverted == ()


def test_the_discounts_of_30_days_ago_count_then() -> None:
    second = int(NOW.timestamp())
    begun = replace(HALF_OFF, starts_at=second - 86_400)
    over = replace(HALF_OFF, duration="repeating", ends_at=second - 86_400)
    found = book(subscription("a", item(10_00), discounts=(begun,)), subscription("b", item(10_00), discounts=(over,)))
    assert (found.now, found.then) == ({"cus_a": 5_00, "cus_b": 10_00}, {"cus_a": 10_00, "cus_b": 5_00})


def test_churn_and_retention() -> None:
    stays = subscription("stays", item(100_00))
    left = subscription("left", item(50_00), status="canceled", ended_at=NOW - dt.timedelta(days=10))
    gone_before = subscription("gone", item(50_00), status="canceled", ended_at=THEN)
    new = subscription("new", item(70_00), started_at=NOW - dt.timedelta(days=5))
    from_trial = subscription("trial", item(30_00), trial_end_at=NOW - dt.timedelta(days=5))
    found = book(stays, left, gone_before, new, from_trial)
    assert (set(found.then), found.churned_count) == ({"cus_stays", "cus_left"}, 1)
    assert found.net_retention == Fraction(2, 3)
    assert found.mrr_minor == 200_00


def test_a_customer_with_another_subscription_has_not_churned() -> None:
    old = subscription("old", item(100_00), status="canceled", ended_at=NOW - dt.timedelta(days=1), customer="c")
    new = subscription("new", item(150_00), started_at=NOW - dt.timedelta(days=1), customer="c")
    found = book(old, new)
    assert (found.churned_count, found.net_retention) == (0, Fraction(3, 2))


def test_nobody_then_means_no_retention() -> None:
    assert book(subscription("new", item(1_00), started_at=NOW)).net_retention is None


ITEMS = st.builds(
    Item,
    currency=st.sampled_from(["usd", "eur"]),
    interval=st.sampled_from(["day", "week", "month", "year"]),
    unit_amount=st.integers(0, 10**6).map(Fraction),
    quantity=st.integers(0, 50),
    interval_count=st.integers(1, 6),
    metered=st.booleans(),
)
DISCOUNTS = st.builds(
    Discount,
    duration=st.sampled_from(["once", "repeating", "forever"]),
    percent_off=st.integers(0, 100).map(Fraction),
)
SUBSCRIPTIONS = st.builds(
    Subscription,
    id=st.uuids().map(str),
    status=st.sampled_from(["active", "past_due", "canceled", "trialing", "unpaid"]),
    items=st.lists(ITEMS, max_size=3).map(tuple),
    customer=st.sampled_from(["a", "b", "c", None]),
    started_at=st.sampled_from([LONG_AGO, NOW]),
    discounts=st.lists(DISCOUNTS, max_size=2).map(tuple),
)


def reordered(subscriptions: Iterable[Subscription]) -> list[Subscription]:
    return sorted(subscriptions, key=lambda one: one.id)


@given(st.lists(SUBSCRIPTIONS, max_size=8, unique_by=lambda one: one.id))
def test_order_is_irrelevant_and_nothing_is_negative(subscriptions: list[Subscription]) -> None:
    rates = {"eur": Fraction("1.1")}
    found = recurring_revenue(subscriptions, NOW, "usd", rates)
    assert found == recurring_revenue(reordered(subscriptions), NOW, "usd", rates)
    assert all(value > 0 for value in (*found.now.values(), *found.then.values()))
    assert 0 <= found.churned_count <= len(found.then)
