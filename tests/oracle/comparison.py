"""The oracle's answer against the product's two HTTP answers, difference by difference, in words."""

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any

from .money import exact, exponent

Raw = dict[str, Any]
HALF_A_MILLIONTH = Fraction(1, 2_000_000)
EXACT = [
    "period_start",
    "period_end",
    "currency",
    "revenue_total",
    "revenue_trend",
    "chargeback_count",
    "refund_count",
    "transaction_count",
    "mrr",
]
RATIOS = ["revenue_volatility", "chargeback_ratio", "refund_ratio", "payout_reliability"]
EXACT_DETAILS = [
    "net_volume",
    "arr",
    "active_subscribers",
    "open_disputes",
    "fraud_warnings",
    "longest_gap_days",
    "history_days",
    "negative_balance_days",
]
RATIO_DETAILS = [
    "subscriber_churn_rate",
    "net_revenue_retention",
    "dispute_win_rate",
    "top_customer_share",
    "repeat_revenue_share",
    "payment_failure_rate",
    "active_weeks_ratio",
]


def compare(answer: dict[str, Raw], metrics_json: Raw, readiness_json: Raw) -> list[str]:
    """Each difference in words; an empty list means that the product agrees with the oracle."""
    found: list[str] = []
    ours, theirs = answer["metrics"], metrics_json
    own_details, details = ours["details"], theirs.get("details") or {}
    for prefix, left, right, names in (
        ("metrics", ours, theirs, EXACT),
        ("metrics.details", own_details, details, EXACT_DETAILS),
    ):
        found += [text for name in names if (text := differs_exactly(f"{prefix}.{name}", left[name], right, name))]
    for prefix, left, right, names in (
        ("metrics", ours, theirs, RATIOS),
        ("metrics.details", own_details, details, RATIO_DETAILS),
    ):
        found += [text for name in names if (text := differs_in_ratio(f"{prefix}.{name}", left[name], right, name))]
    for prefix, left, right, name in (
        ("metrics", ours, theirs, "average_transaction_size"),
        ("metrics.details", own_details, details, "arpu"),
    ):
        text = differs_in_average(f"{prefix}.{name}", left[name], right, name, ours["currency"])
        found += [text] if text else []
    found += compare_bookkeeping(ours, own_details, details)
    return found + compare_readiness(answer["readiness"], readiness_json)


def compare_bookkeeping(ours: Raw, own: Raw, details: Raw) -> list[str]:
    """Samples, small samples, reasons, currencies and what was left out of the sums."""
    found = []
    samples = details.get("samples") or {}
    for name, expected in own["samples"].items():
        if name in samples and samples[name] != expected:
            found.append(f"metrics.details.samples.{name}: oracle {expected}, product {samples[name]}")
    judged = {"chargeback_ratio", "refund_ratio", "payment_failure_rate", "payout_reliability"}
    low = set(details.get("low_sample") or []) & judged
    if low != set(own["low_sample"]):
        found.append(f"metrics.details.low_sample: oracle {sorted(own['low_sample'])}, product {sorted(low)}")
    reasons = details.get("not_measured") or {}
    values = ours | own
    path = "metrics.details.not_measured"
    found += [f"{path}.{name}: the product gives no reason" for name in own["not_measured"] if not reasons.get(name)]
    found += [
        f"{path}.{name}: oracle measures {values[name]}, product does not"
        for name in reasons
        if values.get(name) is not None
    ]
    currencies = set(details.get("by_currency") or {})
    if currencies != set(own["by_currency"]):
        found.append(f"metrics.details.by_currency: oracle {sorted(own['by_currency'])}, product {sorted(currencies)}")
    left = {(entry["id"], entry["amount_minor"], entry["currency"]) for entry in own["unconverted"]}
    right = {
        (entry.get("id"), entry.get("amount_minor"), entry.get("currency"))
        for entry in details.get("unconverted") or []
    }
    found += [f"metrics.details.unconverted: only the oracle lists {entry}" for entry in sorted(left - right)]
    found += [f"metrics.details.unconverted: only the product lists {entry}" for entry in sorted(right - left, key=str)]
    return found


def compare_readiness(ours: Raw, theirs: Raw) -> list[str]:
    """Score, tier, confidence, gauges and every rule's points."""
    found = [
        text
        for name in ("score", "tier", "seed_score", "provisional")
        if (text := differs_exactly(f"readiness.{name}", ours[name], theirs, name))
    ]
    confidence = theirs.get("confidence") or {}
    for name in ("low", "high"):
        text = differs_exactly(f"readiness.confidence.{name}", ours["confidence"][name], confidence, name)
        found += [text] if text else []
    components = theirs.get("components") or {}
    for name in ("revenue_stability", "risk_signals", "payout_reliability"):
        text = differs_in_ratio(f"readiness.components.{name}", ours["components"][name], components, name)
        found += [text] if text else []
    given = {rule["key"]: rule for rule in components.get("rules") or []}
    for rule in ours["components"]["rules"]:
        key = rule["key"]
        if key not in given:
            found.append(f"readiness.components.rules.{key}: missing from the product's answer")
            continue
        text = differs_exactly(f"readiness.components.rules.{key}.points", rule["points"], given.pop(key), "points")
        found += [text] if text else []
    found += [f"readiness.components.rules.{key}: unknown to the oracle" for key in given]
    return found


def differs_exactly(path: str, expected: Any, holder: Raw, name: str) -> str | None:
    """The difference of a count, an amount of money, a word or a date."""
    if name not in holder:
        return f"{path}: missing from the product's answer; oracle {expected}"
    given = holder[name]
    if isinstance(expected, bool) or isinstance(given, bool) or not is_number(expected) or not is_number(given):
        same = expected == given
    else:
        same = exact(given) == exact(expected)
    return None if same else f"{path}: oracle {expected}, product {given}"


def differs_in_ratio(path: str, expected: Any, holder: Raw, name: str) -> str | None:
    """The difference of a ratio beyond its sixth digit."""
    if name not in holder:
        return f"{path}: missing from the product's answer; oracle {shown(expected)}"
    given = holder[name]
    if is_number(expected) and is_number(given):
        same = abs(exact(given) - exact(expected)) <= HALF_A_MILLIONTH
    else:
        same = expected is None and given is None
    return None if same else f"{path}: oracle {shown(expected)}, product {given}"


def differs_in_average(path: str, expected: Fraction | None, holder: Raw, name: str, currency: str) -> str | None:
    """The difference of an amount per head, which may be given unrounded or in whole minor units."""
    if name in holder and expected is not None and is_number(holder[name]):
        whole = Fraction(round(expected * 10 ** exponent(currency)), 10 ** exponent(currency))
        if exact(holder[name]) == whole:
            return None
    return differs_in_ratio(path, expected, holder, name)


def is_number(value: Any) -> bool:
    """Whether this is a number, given as such."""
    return isinstance(value, int | float | Decimal | Fraction) and not isinstance(value, bool)


def shown(value: Any) -> str:
    """A ratio to six digits."""
    if value is None:
        return "None"
    number = Decimal(value.numerator) / Decimal(value.denominator) if isinstance(value, Fraction) else Decimal(value)
    return str(number.quantize(Decimal("0.000001"), ROUND_HALF_EVEN))
