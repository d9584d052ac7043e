"""How much more has to be sold for the three rules that judge revenue over 30-day periods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from vaultra.domain.measures import SCALE_BUCKETS, SERIES_BUCKETS
from vaultra.domain.metric_set import Bucket, Measure, MetricSet
from vaultra.domain.outlook import REPEAT_DAYS
from vaultra.domain.period import ONE_DAY, Days
from vaultra.domain.readiness import RULES, judge
from vaultra.domain.rules import NotMeasured
from vaultra.domain.series import trend, variation
from vaultra.domain.steps import Prospect, Step
from vaultra.domain.wording import percent

SALES_RULES = ("revenue_trend", "revenue_volatility", "scale")
RULES_OF_SALES = tuple(rule for rule in RULES if rule.key in SALES_RULES)
# Revenue is judged by full periods, so what is sold from tomorrow on shows when one, two or nearly three are full.
SALES_DAYS = (31, 61, 90)
MOST_MORE = 100


def more_sales(on: Prospect) -> Iterator[Step]:
    """Selling some whole per cent more than usual from tomorrow on: the least for each gain in points.

    All three rules are judged together, because more sales move all of them, and not always for the better.
    """
    if on.ahead not in SALES_DAYS or not on.outlook.facts.window.revenue_minor:
        return
    known = on.then.metrics
    usual = [_coming_minor(on, bucket) for bucket in known.buckets]
    best = sum(on.then.points(key) for key in SALES_RULES)
    for share in range(1, MOST_MORE + 1):
        sets = sold_more(known, usual, share)
        grown = replace(known, measures={**known.measures, **sets})
        findings = {rule.key: judge(rule, grown) for rule in RULES_OF_SALES}
        bands = {key: one.band for key, one in findings.items() if not isinstance(one, NotMeasured)}
        points = sum(band.points for band in bands.values())
        if points <= best:
            continue
        best = points
        better = [band.when for key, band in bands.items() if band.points > on.then.points(key)]
        window = on.outlook.facts.window.revenue_minor
        said = (
            f"{percent(Fraction(share, 100))} more sold than in the last {REPEAT_DAYS} days until {on.by}: "
            f"{on.money(-(-window * (100 + share) // 100))} in {REPEAT_DAYS} days instead of {on.money(window)}, "
            f"for {' and '.join(better)}."
        )
        yield Step(SALES_RULES, "growth", points, said, on.then.on, sets)


def sold_more(known: MetricSet, usual: list[int], share: int) -> dict[str, Measure]:
    """The metrics of revenue with so many per cent more sold.

    Args:
        usual: What each bucket is expected to sell on days to come, in minor units, beside what it sold already.
    """
    more = [-(-minor * share // 100) for minor in usual]
    revenue = [bucket.revenue_minor + extra for bucket, extra in zip(known.buckets, more, strict=True)]
    series = revenue[-SERIES_BUCKETS:]
    direction = trend(series)
    net = sum(bucket.net_volume_minor for bucket in known.buckets[-SCALE_BUCKETS:]) + sum(more[-SCALE_BUCKETS:])
    values = {
        "revenue_volatility": variation(series),
        "revenue_trend": None if direction is None else direction.direction,
        "revenue_slope": None if direction is None else direction.slope,
        "monthly_net_volume": Fraction(net, SCALE_BUCKETS),
    }
    return {
        key: replace(known[key], value=value)
        for key, value in values.items()
        if value is not None and known[key].value is not None
    }


def _coming_minor(on: Prospect, bucket: Bucket) -> int:
    first = max(bucket.first, on.outlook.today + ONE_DAY)
    return on.outlook.total(Days(first, bucket.last)).revenue_minor if first <= bucket.last else 0
