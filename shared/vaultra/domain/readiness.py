"""The readiness score: rules over metrics, each with its points and the sentence that explains them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

from vaultra.domain.components import Component, answered, component_of, kept_part
from vaultra.domain.extra_signals import EXTRA_SIGNALS
from vaultra.domain.measures import NO_CHARGES_EVER
from vaultra.domain.metric_set import MetricSet
from vaultra.domain.rules import Band, Finding, NotMeasured, Rule
from vaultra.domain.seed_rules import SEED_RULES, chargeback_band, payout_band
from vaultra.domain.series import wilson
from vaultra.domain.thresholds import HIGH_CHARGEBACKS
from vaultra.domain.wording import share_of

# Changes whenever the same metrics could give another score; stored with every score, and old ones are kept.
FORMULA_VERSION = "1"
RULES: tuple[Rule, ...] = SEED_RULES + EXTRA_SIGNALS
# A stored score is explained by the catalogue that it was made with. So when the formula changes, the rules of the one
# before stay here, under its version.
CATALOGUES: Mapping[str, Mapping[str, Rule]] = {FORMULA_VERSION: {rule.key: rule for rule in RULES}}
# The rules over a ratio of counts, which chance moves.
BAND_OF_RATIO: Mapping[str, Callable[[Fraction], Band]] = {
    "chargeback_ratio": chargeback_band,
    "payout_reliability": payout_band,
}
RATIO_RULES = tuple((place, rule.key) for place, rule in enumerate(RULES) if rule.key in BAND_OF_RATIO)
NONE_OF_IT, ALL_OF_IT = Fraction(0), Fraction(1)
BASE_SCORE = 50
LOWEST_SCORE, HIGHEST_SCORE = 0, 100
# A change within two points is one small band moving, not a direction.
STABLE_WITHIN = 2
TREND_DAYS = 30

# A score of this many days before still stands for the day asked about; an older one does not.
TREND_TOLERANCE_DAYS = 6

TierKey = Literal["highly_attractive", "funding_ready", "improving", "not_ready"]
ScoreTrend = Literal["improving", "stable", "declining"]


@dataclass(frozen=True)
class Tier:
    """A range of scores from `from_score` up to the next tier's."""

    key: TierKey
    label: str
    from_score: int


TIERS = (
    Tier("highly_attractive", "Highly attractive", 86),
    Tier("funding_ready", "Funding-ready", 71),
    Tier("improving", "Improving", 41),
    Tier("not_ready", "Not ready", LOWEST_SCORE),
)
TIER_LABELS: Mapping[TierKey, str] = {tier.key: tier.label for tier in TIERS}


@dataclass(frozen=True)
class Readiness:
    """A score with everything that explains it.

    Attributes:
        score: 0–100: 50 and the points of all components, clamped.
        seed_score: The same with the seed formula's four rules only.
        confidence_low, confidence_high: The score with chargebacks and payouts at the bad and at the good ends of
            their 95 % Wilson intervals.
        provisional: Whether history is still arriving.
        gauges: The seed's three components, each 0–1, None when not measured.
    """

    score: int
    tier: Tier
    seed_score: int
    confidence_low: int
    confidence_high: int
    provisional: bool
    formula_version: str
    components: tuple[Component, ...]
    gauges: Mapping[str, Fraction | None]


@dataclass(frozen=True)
class StoredScore:
    """A score as it was stored, never to be rewritten; `components` as `kept_components` made them."""

    id: UUID
    business_id: UUID
    snapshot_id: UUID | None
    scored_on: dt.date
    score: int
    tier: TierKey
    seed_score: int
    confidence_low: int
    confidence_high: int
    provisional: bool
    components: Mapping[str, Any]
    formula_version: str
    created_at: dt.datetime

    @property
    def explained(self) -> dict[str, Any]:
        """The components as they are answered, with every rule's label, limits and sentence."""
        return explained(self.components, self.formula_version)


def score(metrics: MetricSet) -> Readiness:
    """The score these metrics give; deterministic, and the same for the same metrics whoever asks."""
    findings = [judge(rule, metrics) for rule in RULES]
    components = tuple(map(Component, RULES, findings))
    total = sum(component.points for component in components)
    worst_change, best_change = _uncertainty(findings)
    return Readiness(
        score=_clamped(total),
        tier=tier_of(_clamped(total)),
        seed_score=_clamped(sum(component.points for component in components if component.rule.group == "seed")),
        confidence_low=_clamped(total + worst_change),
        confidence_high=_clamped(total + best_change),
        provisional=not metrics.history_complete,
        formula_version=FORMULA_VERSION,
        components=components,
        gauges=_gauges(metrics),
    )


def judge(rule: Rule, metrics: MetricSet) -> Finding | NotMeasured:
    """What a rule finds; without a single charge ever, no rule is measured."""
    return rule.judge(metrics) if metrics.has_charges else NotMeasured(NO_CHARGES_EVER)


def score_of(points: int) -> int:
    """The score that this sum of the rules' points gives."""
    return _clamped(points)


def tier_of(value: int) -> Tier:
    """The tier a score is in."""
    return next(tier for tier in TIERS if value >= tier.from_score)


def trend_between(earlier: int | None, latest: int) -> ScoreTrend | None:
    """`improving`, `stable` (within two points) or `declining`; None without an earlier score."""
    if earlier is None:
        return None
    if abs(latest - earlier) <= STABLE_WITHIN:
        return "stable"
    return "improving" if latest > earlier else "declining"


def components_json(readiness: Readiness) -> dict[str, Any]:
    """The components as they are answered."""
    return {**_readable(readiness.gauges), "rules": [answered(part) for part in readiness.components]}


def kept_components(readiness: Readiness) -> dict[str, Any]:
    """The components as they are stored: what was measured, without what the catalogue says of it anyway."""
    return {**_readable(readiness.gauges), "rules": [kept_part(part) for part in readiness.components]}


def explained(kept: Mapping[str, Any], formula_version: str) -> dict[str, Any]:
    """The components as they are answered, from how they are stored; an earlier release stored them as answered.

    Raises:
        KeyError: For a formula that is not in `CATALOGUES`.
    """
    rules = CATALOGUES[formula_version]

    return {
        **kept,
        "rules": [
            part if "sentence" in part else answered(component_of(part, rules[part["key"]])) for part in kept["rules"]
        ],
    }


def _readable(gauges: Mapping[str, Fraction | None]) -> dict[str, float | None]:
    return {key: None if value is None else float(value) for key, value in gauges.items()}


def _clamped(points: int) -> int:
    return max(LOWEST_SCORE, min(HIGHEST_SCORE, BASE_SCORE + points))


def _uncertainty(findings: Sequence[Finding | NotMeasured]) -> tuple[int, int]:
    """How many points the score moves with both ratio rules at their bad, and at their good bounds."""
    worst = best = 0
    for place, key in RATIO_RULES:
        finding = findings[place]
        if isinstance(finding, NotMeasured) or not finding.sample:
            continue
        hits = min(share_of(Fraction(finding.value), finding.sample), finding.sample)
        bounds = _points_at_bounds(key, hits, finding.sample)
        worst += min(bounds) - finding.band.points
        best += max(bounds) - finding.band.points
    return worst, best


@lru_cache(maxsize=20_000)  # the same few counts come back all the time
def _points_at_bounds(key: str, hits: int, count: int) -> tuple[int, int]:
    low, high = wilson(hits, count)
    return BAND_OF_RATIO[key](low).points, BAND_OF_RATIO[key](high).points


def _gauges(metrics: MetricSet) -> dict[str, Fraction | None]:
    measured = metrics.has_charges
    volatility = metrics.number("revenue_volatility") if measured else None
    chargebacks = metrics.number("chargeback_ratio") if measured else None
    payouts = metrics.number("payout_reliability") if measured else None
    return {
        "revenue_stability": None if volatility is None else _share(1 - volatility),
        "risk_signals": None if chargebacks is None else _share(1 - chargebacks / HIGH_CHARGEBACKS),
        "payout_reliability": None if payouts is None else _share(payouts),
    }


def _share(value: Fraction) -> Fraction:
    above, below = value.as_integer_ratio()
    return value if 0 < above < below else NONE_OF_IT if above <= 0 else ALL_OF_IT
