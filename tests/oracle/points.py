"""The points of SCORING.md section 3, one plain function a rule; None in means not measured and 0 points out."""

from fractions import Fraction
from statistics import NormalDist

SEED_RULES = ("revenue_trend", "revenue_volatility", "chargeback_ratio", "payout_reliability")
EXTRA_RULES = (
    "track_record",
    "scale",
    "continuity",
    "concentration",
    "refunds",
    "durable_revenue",
    "network_pressure",
    "account_standing",
)


def percent(number: str) -> Fraction:
    """A percentage such as "0.75" as an exact fraction."""
    return Fraction(number) / 100


def trend_points(trend: str | None) -> int:
    """Revenue trend."""
    return {"increasing": 10, "declining": -5}.get(trend or "", 0)


def volatility_points(squared_cv: Fraction | None) -> int:
    """Revenue volatility, by the square of the coefficient of variation, which is rational."""
    if squared_cv is None:
        return 0
    if squared_cv > Fraction(1, 4):
        return -10
    return 5 if squared_cv < Fraction(1, 25) else 0


def chargeback_points(ratio: Fraction | float | None) -> int:
    """Chargeback ratio."""
    if ratio is None:
        return 0
    if ratio > percent("2"):
        return -15
    return 5 if ratio < percent("0.5") else 0


def payout_points(share: Fraction | float | None) -> int:
    """Payout reliability."""
    if share is None:
        return 0
    if share > percent("95"):
        return 10
    return -10 if share < percent("80") else 0


def track_record_points(buckets: int) -> int:
    """Consecutive buckets with a charge, counted back from the last."""
    if buckets >= 12:
        return 4
    if buckets >= 6:
        return 2
    return 0 if buckets >= 3 else -5


def scale_points(usd_per_bucket: Fraction | None) -> int:
    """Net volume per bucket in US dollars."""
    if usd_per_bucket is None:
        return 0
    if usd_per_bucket >= 10_000:
        return 4
    return 0 if usd_per_bucket >= 1_000 else -5


def continuity_points(active_share: Fraction, longest_gap_days: int, weeks: int) -> int:
    """Share of weeks with a charge, and the longest gap; measured from 12 weeks on."""
    if weeks < 12:
        return 0
    if active_share >= percent("95") and longest_gap_days <= 14:
        return 3
    return -4 if active_share < percent("80") or longest_gap_days > 30 else 0


def concentration_points(top_share: Fraction | None, identified_share: Fraction | None, payers: int) -> int:
    """Share of the top payer; measured with 80 % of the volume identified and 5 payers."""
    if top_share is None or identified_share is None or identified_share < percent("80") or payers < 5:
        return 0
    if top_share <= percent("20"):
        return 3
    if top_share <= percent("25"):
        return 0
    return -2 if top_share <= percent("50") else -5


def refund_points(share: Fraction | None, charges: int) -> int:
    """Refunded share of the captured volume; measured from 50 charges on."""
    if share is None or charges < 50:
        return 0
    if share <= percent("3"):
        return 2
    if share <= percent("5"):
        return 0
    return -2 if share <= percent("10") else -5


def durable_points(
    subscription_share: Fraction | None, repeat_share: Fraction | None, any_subscription: bool, churn: Fraction | None
) -> int:
    """Revenue that comes back: from subscriptions or from returning payers."""
    if subscription_share is None or repeat_share is None or (any_subscription and churn is None):
        return 0
    if subscription_share >= percent("50") and churn is not None and churn > percent("7"):
        return -3
    lasting = max(subscription_share, repeat_share) >= percent("50")
    return 2 if lasting and (churn is None or churn <= percent("5")) else 0


def network_points(buckets: list[tuple[int, int, int]]) -> int:
    """Card network pressure. Each bucket is (charges, disputes, fraud warnings); those without charges are left out."""
    buckets = [bucket for bucket in buckets if bucket[0]]
    if not buckets:
        return 0
    worst = 0
    for charges, disputes, warnings in buckets:
        activity, vamp = Fraction(disputes, charges), Fraction(disputes + warnings, charges)
        if disputes >= 5 and activity >= percent("0.75"):
            worst = min(worst, -4)
        if (disputes >= 5 and activity >= percent("1.5")) or (disputes + warnings >= 5 and vamp >= percent("1.5")):
            worst = min(worst, -8)
    if worst:
        return worst
    calm = all(Fraction(disputes + warnings, charges) < percent("0.5") for charges, disputes, warnings in buckets)
    return 1 if calm and sum(charges for charges, _, _ in buckets) >= 200 else 0


def standing_points(enabled: bool, past_due: bool, negative_days: int | None) -> int:
    """The account's standing at Stripe; first match wins."""
    if not enabled:
        return -10
    if negative_days is not None and negative_days >= 4:
        return -3
    if past_due or negative_days is None or negative_days >= 1:
        return 0
    return 1


def clamp(score: int) -> int:
    """A score within 0 and 100."""
    return max(0, min(100, score))


def tier(score: int) -> str:
    """The tier of a score."""
    for lowest, name in ((86, "highly_attractive"), (71, "funding_ready"), (41, "improving")):
        if score >= lowest:
            return name
    return "not_ready"


def wilson(hits: int, sample: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a share; more hits than sample counts as all of it."""
    z = NormalDist().inv_cdf(0.975)
    share = min(hits, sample) / sample
    middle = share + z * z / (2 * sample)
    spread = z * (share * (1 - share) / sample + z * z / (4 * sample * sample)) ** 0.5
    whole = 1 + z * z / sample
    return (0.0 if hits == 0 else (middle - spread) / whole), (1.0 if hits >= sample else (middle + spread) / whole)
