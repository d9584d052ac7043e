"""What GET /metrics and GET /readiness must answer, computed by brute force from raw Stripe objects."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import combinations
from statistics import median

from . import points
from .cdnow import cdnow_objects
from .comparison import compare
from .money import exponent, major
from .random_shops import random_shop
from .records import DAY, Charge, Raw, Records, half_even, read_records
from .subscriptions import counted_then, counts_now, currency_of, identity, monthly_amount

__all__ = ["answer", "cdnow_objects", "compare", "random_shop"]

WINDOW_DAYS = 30
# Six buckets of complete days, and today: the sums that reach furthest back.
LONGEST_SUM_DAYS = 181
USD_ONLY = {"usd": Fraction(1)}


def answer(
    objects: Raw,
    as_of: datetime,
    *,
    history_complete: bool = True,
    livemode: bool = True,
    usd_reference: Mapping[str, Fraction] = USD_ONLY,
) -> dict[str, Raw]:
    """Compute both answers.

    Args:
        objects: Raw Stripe API objects by resource; `account` and `balance` are single objects.
        as_of: Aware time of the computation.
        history_complete: Whether the 24 months have arrived; else the score is provisional.
        livemode: The mode of the connected account; objects of the other mode are left out.
        usd_reference: US dollars per major unit of each settlement currency that `scale` can measure.

    Returns:
        `{"metrics": …, "readiness": …}`: money as Decimal in major units, ratios as Fraction (the
        volatility as Decimal, the average ticket and `arpu` as Fraction), None for not measured.
    """
    now = int(as_of.astimezone(UTC).timestamp())
    today = now // DAY
    records = read_records(objects, today, livemode)
    buckets = counted_buckets(records, today)
    revenue = [total_charges(records, first, last) for first, last in reversed(buckets[:6])]
    squared_cv = squared_variation(revenue)
    trend = revenue_trend(revenue)
    window = (today - WINDOW_DAYS + 1, today)
    half_year = (today - 179, today)

    charges = in_days(records.charges, *window)
    count = len(charges)
    revenue_total = total_charges(records, *window)
    chargebacks = count_disputes(records, *window)
    refunds = [refund for refund in records.refunds if window[0] <= refund.day <= window[1]]
    failed = sum(window[0] <= day <= window[1] for day in records.failed_days)
    paid, payouts = payout_reliability(objects, today, livemode)
    recurring = recurring_revenue(objects, records, now, livemode)
    shares = half_year_shares(records, *half_year)
    weeks, active_weeks, longest_gap = activity(records, today)
    negative_days = negative_balance_days(objects, records.currency, today)
    won = sum(d.status == "won" and today - 364 <= d.created_day <= today for d in records.disputes)
    lost = sum(d.status == "lost" and today - 364 <= d.created_day <= today for d in records.disputes)
    first_day = min((charge.day for charge in records.charges), default=None)

    details: Raw = {
        "net_volume": major(net_volume(records, *window), records.currency),
        "arr": recurring["arr"],
        "arpu": recurring["arpu"],
        "active_subscribers": recurring["active_subscribers"],
        "subscriber_churn_rate": recurring["churn"],
        "net_revenue_retention": recurring["retention"],
        "open_disputes": sum(d.status in ("needs_response", "under_review") for d in records.disputes),
        "dispute_win_rate": share(won, won + lost),
        "fraud_warnings": count_warnings(records, *window),
        "top_customer_share": shares["top"],
        "repeat_revenue_share": shares["repeat"],
        "payment_failure_rate": share(failed, failed + count),
        "active_weeks_ratio": share(active_weeks, weeks),
        "longest_gap_days": longest_gap,
        "history_days": None if first_day is None else today - first_day,
        "negative_balance_days": negative_days,
        "by_currency": by_currency(charges),
        "unconverted": unconverted(records, (today - LONGEST_SUM_DAYS + 1, today)) + recurring["unconverted"],
    }
    metrics: Raw = {
        "period_start": day_text(window[0]),
        "period_end": day_text(window[1]),
        "currency": records.currency,
        "revenue_total": major(revenue_total, records.currency),
        "revenue_volatility": None if squared_cv is None else square_root(squared_cv),
        "revenue_trend": trend,
        "chargeback_count": chargebacks,
        "chargeback_ratio": share(chargebacks, count),
        "refund_count": len(refunds),
        "refund_ratio": share(len(refunds), count),
        "payout_reliability": share(paid, payouts),
        "transaction_count": count,
        "average_transaction_size": share_of_money(revenue_total, count, records.currency),
        "mrr": recurring["mrr"],
        "details": details,
    }
    samples = {
        "revenue_total": count,
        "average_transaction_size": count,
        "revenue_volatility": len(revenue),
        "revenue_trend": len(revenue),
        "chargeback_ratio": count,
        "refund_ratio": count,
        "payout_reliability": payouts,
        "payment_failure_rate": failed + count,
        "dispute_win_rate": won + lost,
        "top_customer_share": shares["charges"],
        "repeat_revenue_share": shares["charges"],
        "active_weeks_ratio": weeks,
        "subscriber_churn_rate": recurring["starting_customers"],
        "net_revenue_retention": recurring["starting_customers"],
    }
    charge_ratios = ("chargeback_ratio", "refund_ratio", "payment_failure_rate")
    details["samples"] = samples
    details["low_sample"] = [name for name in charge_ratios if 0 < samples[name] < 100]
    details["low_sample"] += ["payout_reliability"] if 0 < payouts < 10 else []
    flat = metrics | details
    details["not_measured"] = sorted(name for name, value in flat.items() if value is None)

    last_three = last_buckets(buckets, today, 3)
    refunded_90 = sum(r.amount or 0 for r in records.refunds if today - 89 <= r.day <= today)
    captured_90 = total_charges(records, today - 89, today)
    usd_rate = usd_reference.get(records.currency)
    usd_per_bucket = None
    if usd_rate is not None:
        net = sum(net_volume(records, *bucket) for bucket in last_three)
        usd_per_bucket = Fraction(net, 3) * usd_rate / 10 ** exponent(records.currency)
    network = [
        (len(in_days(records.charges, *b)), count_disputes(records, *b), count_warnings(records, *b))
        for b in last_three
    ]
    account = objects["account"]
    enabled = account.get("charges_enabled") is not False and account.get("payouts_enabled") is not False
    past_due = bool((account.get("requirements") or {}).get("past_due"))
    rules = {
        "revenue_trend": points.trend_points(trend),
        "revenue_volatility": points.volatility_points(squared_cv),
        "chargeback_ratio": points.chargeback_points(share(chargebacks, count)),
        "payout_reliability": points.payout_points(share(paid, payouts)),
        "track_record": points.track_record_points(track_record(records, buckets)),
        "scale": points.scale_points(usd_per_bucket),
        "continuity": points.continuity_points(share(active_weeks, weeks) or Fraction(0), longest_gap or 0, weeks),
        "concentration": points.concentration_points(shares["top"], shares["identified"], shares["payers"]),
        "refunds": points.refund_points(
            share(refunded_90, captured_90), len(in_days(records.charges, today - 89, today))
        ),
        "durable_revenue": points.durable_points(
            shares["subscription"], shares["repeat"], recurring["any"], recurring["churn"]
        ),
        "network_pressure": points.network_points(network),
        "account_standing": points.standing_points(enabled, past_due, negative_days),
    }
    moving = {"chargeback_ratio": (chargebacks, count), "payout_reliability": (paid, payouts)}
    gauged = metrics
    if first_day is None:
        # No rule is measured, so neither are the gauges that stand for them.
        rules, moving, gauged = dict.fromkeys(rules, 0), {}, dict.fromkeys(metrics)
    return {"metrics": metrics, "readiness": readiness(rules, moving, gauged, provisional=not history_complete)}


def readiness(rules: dict[str, int], moving: dict[str, tuple[int, int]], metrics: Raw, *, provisional: bool) -> Raw:
    """The score that the rules' points add up to, its gauges and its confidence range."""
    score = points.clamp(50 + sum(rules.values()))
    low, high = dict(rules), dict(rules)
    hits, sample = moving.get("chargeback_ratio", (0, 0))
    if sample:
        lower, upper = points.wilson(hits, sample)
        low["chargeback_ratio"], high["chargeback_ratio"] = map(points.chargeback_points, (upper, lower))
    hits, sample = moving.get("payout_reliability", (0, 0))
    if sample:
        low["payout_reliability"], high["payout_reliability"] = map(points.payout_points, points.wilson(hits, sample))
    volatility, ratio = metrics["revenue_volatility"], metrics["chargeback_ratio"]
    return {
        "score": score,
        "tier": points.tier(score),
        "seed_score": points.clamp(50 + sum(rules[name] for name in points.SEED_RULES)),
        "provisional": provisional,
        "confidence": {
            "low": points.clamp(50 + sum(low.values())),
            "high": points.clamp(50 + sum(high.values())),
        },
        "components": {
            "revenue_stability": None if volatility is None else max(Decimal(0), 1 - volatility),
            "risk_signals": None if ratio is None else max(Fraction(0), 1 - ratio / Fraction(2, 100)),
            "payout_reliability": metrics["payout_reliability"],
            "rules": [{"key": key, "points": value} for key, value in rules.items()],
        },
    }


def share(part: int | Fraction, whole: int | Fraction) -> Fraction | None:
    """A ratio; None of nothing."""
    return Fraction(part) / Fraction(whole) if whole else None


def share_of_money(amount_minor: int, count: int, currency: str) -> Fraction | None:
    """An amount per head in major units, unrounded; None of nobody."""
    return Fraction(amount_minor, count) / 10 ** exponent(currency) if count else None


def day_text(day: int) -> str:
    """A day number as YYYY-MM-DD."""
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def square_root(number: Fraction) -> Decimal:
    """The square root to 50 digits."""
    with localcontext() as context:
        context.prec = 50
        return (Decimal(number.numerator) / Decimal(number.denominator)).sqrt()


def in_days(charges: Iterable[Charge], first: int, last: int) -> list[Charge]:
    """The charges of the days `first` to `last`, both included."""
    return [charge for charge in charges if first <= charge.day <= last]


def total_charges(records: Records, first: int, last: int) -> int:
    """Captured volume of these days in settlement minor units; what cannot be converted enters no sum."""
    return sum(charge.amount or 0 for charge in in_days(records.charges, first, last))


def net_volume(records: Records, first: int, last: int) -> int:
    """Captured volume less refunds and dispute withdrawals, plus reinstatements."""
    refunded = sum(r.amount or 0 for r in records.refunds if first <= r.day <= last)
    disputed = sum(m.amount or 0 for m in records.dispute_movements if first <= m.day <= last)
    return total_charges(records, first, last) - refunded + disputed


def count_disputes(records: Records, first: int, last: int) -> int:
    """Disputes that start to count in these days."""
    return sum(d.counted_day is not None and first <= d.counted_day <= last for d in records.disputes)


def count_warnings(records: Records, first: int, last: int) -> int:
    """Early fraud warnings of these days."""
    return sum(first <= day <= last for day in records.warning_days)


def counted_buckets(records: Records, today: int) -> list[tuple[int, int]]:
    """30-day blocks of complete days, the newest first, back to the first charge ever."""
    first_day = min((charge.day for charge in records.charges), default=today)
    found = []
    last = today - 1
    while first_day <= last - 29:
        found.append((last - 29, last))
        last -= 30
    return found


def last_buckets(buckets: list[tuple[int, int]], today: int, number: int) -> list[tuple[int, int]]:
    """Those of the last `number` buckets that count."""
    return [bucket for bucket in buckets if bucket[1] >= today - 30 * number]


def track_record(records: Records, buckets: list[tuple[int, int]]) -> int:
    """Consecutive buckets with a charge, counted back from the last."""
    active = {charge.day for charge in records.charges}
    for number, (first, last) in enumerate(buckets):
        if not any(day in active for day in range(first, last + 1)):
            return number
    return len(buckets)


def squared_variation(revenue: list[int]) -> Fraction | None:
    """The square of the coefficient of variation; needs three buckets and a mean above 0."""
    if len(revenue) < 3 or sum(revenue) <= 0:
        return None
    mean = Fraction(sum(revenue), len(revenue))
    squares = sum(((amount - mean) ** 2 for amount in revenue), Fraction(0))
    return squares / (len(revenue) - 1) / mean**2


def revenue_trend(revenue: list[int]) -> str | None:
    """Theil–Sen slope per bucket over the median, guarded by Mann–Kendall's S; oldest bucket first."""
    number = len(revenue)
    middle = median([Fraction(amount) for amount in revenue]) if revenue else Fraction(0)
    if number < 3 or middle == 0:
        return None
    pairs = list(combinations(range(number), 2))
    slope = median([Fraction(revenue[j] - revenue[i], j - i) for i, j in pairs])
    relative = slope / middle
    s = sum((revenue[j] > revenue[i]) - (revenue[j] < revenue[i]) for i, j in pairs)
    needed_s = {3: 3, 4: 6, 5: 6, 6: 9}[number]
    needed_slope = Fraction(5, 100) if number == 3 else Fraction(1, 100)
    if s >= needed_s and relative >= needed_slope:
        return "increasing"
    if s <= -needed_s and relative <= -needed_slope:
        return "declining"
    return "stable"


def business_days_after(day: int, number: int) -> int:
    """The day that lies `number` business days (Monday to Friday) after `day`."""
    while number:
        day += 1
        if (day + 3) % 7 < 5:  # day 0, 1970-01-01, was a Thursday
            number -= 1
    return day


def payout_reliability(objects: Raw, today: int, livemode: bool) -> tuple[int, int]:
    """How many of the last 90 days' settled or overdue payouts were good, and how many there were."""
    paid_on: dict[str, int] = {}
    for event in objects.get("events") or []:
        if event["type"] == "payout.paid" and event.get("livemode") in (None, livemode):
            payout_id, day = event["data"]["object"]["id"], event["created"] // DAY
            paid_on[payout_id] = min(day, paid_on.get(payout_id, day))
    good = counted = 0
    for payout in objects.get("payouts") or []:
        arrival = payout["arrival_date"] // DAY
        if payout.get("livemode") not in (None, livemode) or payout["amount"] <= 0:
            continue
        if not today - 89 <= arrival <= today:
            continue
        if payout["status"] in ("pending", "in_transit"):
            counted += today > business_days_after(arrival, 5)
        elif payout["status"] in ("paid", "failed"):
            counted += 1
            good += (
                payout["status"] == "paid"
                and not payout.get("reversed_by")
                and not payout.get("failure_balance_transaction")
                and paid_on.get(payout["id"], arrival) <= business_days_after(arrival, 1)
            )
    return good, counted


def recurring_revenue(objects: Raw, records: Records, now: int, livemode: bool) -> Raw:
    """MRR and what is derived from it, now and of 30 days ago."""
    customers = {raw["id"]: raw for raw in objects.get("customers") or []}
    coupons = {raw["id"]: raw for raw in objects.get("coupons") or []}
    seen = [raw for raw in objects.get("subscriptions") or [] if raw.get("livemode") in (None, livemode)]
    then = now - WINDOW_DAYS * DAY
    mrr_now: dict[str, Fraction] = {}
    mrr_then: dict[str, Fraction] = {}
    left_out = []
    for raw in seen:
        owner = identity(raw.get("customer")) or raw["id"]
        expanded = raw["customer"] if isinstance(raw.get("customer"), dict) else None
        customer, currency = customers.get(owner, expanded), currency_of(raw)
        amount = monthly_amount(raw, customer, now, coupons)
        # Today's prices, but the discounts of that time: they have dates of their own.
        earlier = monthly_amount(raw, customer, then, coupons)
        if currency != records.currency:
            rate = records.rates.get(currency)
            if rate is None:
                if counts_now(raw, now) and amount:
                    left_out.append({"id": raw["id"], "amount_minor": half_even(amount), "currency": currency})
                continue
            amount, earlier = amount * rate, earlier * rate
        if counts_now(raw, now):
            mrr_now[owner] = mrr_now.get(owner, Fraction(0)) + amount
        if counted_then(raw, then):
            mrr_then[owner] = mrr_then.get(owner, Fraction(0)) + earlier
    subscribers = {owner for owner, amount in mrr_now.items() if amount > 0}
    starting = {owner for owner, amount in mrr_then.items() if amount > 0}
    kept = sum((mrr_now.get(owner, Fraction(0)) for owner in starting), Fraction(0))
    mrr = half_even(sum(mrr_now.values(), Fraction(0))) if seen else None
    return {
        "any": bool(seen),
        "mrr": None if mrr is None else major(mrr, records.currency),
        "arr": None if mrr is None else major(12 * mrr, records.currency),
        "arpu": None if mrr is None else share_of_money(mrr, len(subscribers), records.currency),
        "active_subscribers": len(subscribers),
        "churn": share(len(starting - subscribers), len(starting)),
        "retention": share(kept, sum((mrr_then[owner] for owner in starting), Fraction(0))),
        "starting_customers": len(starting),
        "unconverted": left_out,
    }


def half_year_shares(records: Records, first: int, last: int) -> Raw:
    """Who the captured volume of these days came from."""
    first_seen: dict[str, int] = {}
    for charge in records.charges:
        if charge.payer:
            first_seen[charge.payer] = min(charge.day, first_seen.get(charge.payer, charge.day))
    by_payer: dict[str, int] = {}
    volume = repeat = subscription = 0
    charges = in_days(records.charges, first, last)
    for charge in charges:
        if charge.amount is None:
            continue
        volume += charge.amount
        subscription += charge.amount if charge.is_subscription else 0
        if charge.payer:
            by_payer[charge.payer] = by_payer.get(charge.payer, 0) + charge.amount
            repeat += charge.amount if first_seen[charge.payer] <= charge.day - 30 else 0
    return {
        "charges": len(charges),
        "payers": len(by_payer),
        "top": share(max(by_payer.values()), volume) if by_payer else None,
        "identified": share(sum(by_payer.values()), volume),
        "repeat": share(repeat, volume),
        "subscription": share(subscription, volume),
    }


def activity(records: Records, today: int) -> tuple[int, int, int | None]:
    """Weeks looked at (up to 26), those with a charge, and the longest run of days without one."""
    days = {charge.day for charge in records.charges}
    if not days:
        return 0, 0, None
    weeks = active = 0
    last = today - 1
    while weeks < 26 and last >= min(days):
        weeks += 1
        active += any(last - 6 <= day <= last for day in days)
        last -= 7
    longest = run = 0
    for day in range(max(min(days), today - 26 * 7), today + 1):
        run = 0 if day in days else run + 1
        longest = max(longest, run)
    return weeks, active, longest


def negative_balance_days(objects: Raw, currency: str, today: int) -> int | None:
    """Days of the last 90 that ended below zero in the settlement currency; None without /v1/balance."""
    balance = objects.get("balance")
    if not balance:
        return None
    held = [*(balance.get("available") or []), *(balance.get("pending") or [])]
    level = sum(entry["amount"] for entry in held if entry["currency"] == currency)
    movement: dict[int, int] = {}
    for entry in objects.get("balance_transactions") or []:
        if entry["currency"] == currency:
            day = entry["created"] // DAY
            movement[day] = movement.get(day, 0) + entry["net"]
    negative = 0
    for day in range(today, today - 90, -1):
        negative += level < 0
        level -= movement.get(day, 0)
    return negative


def by_currency(charges: list[Charge]) -> Raw:
    """The window's charges by the currency in which they were made."""
    found: Raw = {}
    for charge in charges:
        entry = found.setdefault(charge.currency, {"transaction_count": 0, "captured_minor": 0})
        entry["transaction_count"] += 1
        entry["captured_minor"] += charge.captured
    return found


def unconverted(records: Records, days: tuple[int, int]) -> list[Raw]:
    """What these days' sums leave out because it has neither a settled amount nor a rate."""
    found: list[Raw] = [
        {"id": charge.id, "amount_minor": charge.captured, "currency": charge.currency}
        for charge in in_days(records.charges, *days)
        if charge.amount is None
    ]
    return found + [
        {"id": movement.id, "amount_minor": movement.original, "currency": movement.currency}
        for movement in [*records.refunds, *records.dispute_movements]
        if movement.amount is None and days[0] <= movement.day <= days[1]
    ]
