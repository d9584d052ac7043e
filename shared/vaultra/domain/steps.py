"""What an owner can do for each rule of the score by a coming day, each step with its exact target."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, floor
from typing import Literal

from vaultra.domain import measures
from vaultra.domain.measures import Reading
from vaultra.domain.metric_set import Bucket, Measure, MetricSet
from vaultra.domain.money import format_money
from vaultra.domain.outlook import REPEAT_DAYS, Outlook
from vaultra.domain.period import ONE_DAY, WEEK_DAYS
from vaultra.domain.roll_off import JudgedDay
from vaultra.domain.thresholds import (
    DEPENDENT_SHARE,
    DURABLE_SHARE,
    HIGH_CHARGEBACKS,
    HIGH_REFUNDS,
    LEAST_NETWORK_CHARGES,
    LOW_CHARGEBACKS,
    PRESSURE_BUCKETS,
    REVIEWED_REFUNDS,
    SPREAD_SHARE,
    TOLERATED_SHARE,
    USUAL_REFUNDS,
    VAMP_START,
)
from vaultra.domain.wording import counted, day_in_words

# What is asked of an owner, from the least effort to the most: that nothing bad happens meanwhile, an answer to Stripe,
# regular sales, some more charges, more sales of a certain kind, more sales altogether, what only Stripe can decide.
# Nobody is asked to sell more than twice the usual.
Effort = Literal["keep", "paperwork", "rhythm", "volume", "mix", "growth", "stripe"]
EFFORTS: tuple[Effort, ...] = ("keep", "paperwork", "rhythm", "volume", "mix", "growth", "stripe")


@dataclass(frozen=True)
class Step:
    """One change that a path asks for.

    Attributes:
        rules: The rules whose points it changes.
        effort: What it takes; `keep` is time alone, as long as nothing bad happens meanwhile.
        points: What the rules then add together.
        sets: The metrics it changes, as they will be; empty for time alone.
        buckets: The buckets as they will be; None where it does not change them.
        earliest: The first day from which on it can hold.
    """

    rules: tuple[str, ...]
    effort: Effort
    points: int
    sentence: str
    earliest: dt.date
    sets: Mapping[str, Measure] = field(default_factory=dict)
    buckets: tuple[Bucket, ...] | None = None

    @property
    def cost(self) -> int:
        return EFFORTS.index(self.effort)


def applied(metrics: MetricSet, step: Step) -> MetricSet:
    """The metrics after a step."""
    buckets = metrics.buckets if step.buckets is None else step.buckets
    return replace(metrics, measures={**metrics.measures, **step.sets}, buckets=buckets)


@dataclass(frozen=True)
class Prospect:
    """A coming day: what stands then if nothing else happens, and what could be sold by then."""

    outlook: Outlook
    ahead: int
    then: JudgedDay

    @property
    def by(self) -> str:
        return day_in_words(self.then.on)

    def charges_within(self, days: int) -> int:
        """How many charges more than usual are possible in the last so many days: as many again."""
        return self.outlook.facts.window.charge_count * min(self.ahead, days) // REPEAT_DAYS

    def minor_within(self, days: int) -> int:
        """How much more than usual can be sold in the last so many days: as much again."""
        return self.outlook.facts.window.revenue_minor * min(self.ahead, days) // REPEAT_DAYS

    def money(self, minor: int | Fraction) -> str:
        currency = self.outlook.facts.settlement_currency
        assert currency is not None, "no amount is measured without it"
        return format_money(minor, currency)

    def step(self, rule: str, effort: Effort, sentence: str, sets: Mapping[str, Measure]) -> Step:
        return Step((rule,), effort, 0, sentence, self.then.on, sets)


# What has to go on until a rule's points have risen by themselves.
KEEP: Mapping[str, str] = {
    "revenue_trend": "Sell as in the last 30 days until {by}",
    "revenue_volatility": "Sell as in the last 30 days until {by}",
    "chargeback_ratio": "No new dispute until {by}",
    "payout_reliability": "No failed or late payout until {by}",
    "track_record": "Sell something in every 30 days until {by}",
    "scale": "Sell as in the last 30 days until {by}",
    "continuity": "Sell as regularly as in the last 30 days until {by}",
    "concentration": "Sell to the same customers as before until {by}",
    "refunds": "No further refund until {by}",
    "durable_revenue": "No subscriber lost until {by}",
    "network_pressure": "No new dispute or fraud warning until {by}",
    "account_standing": "No day with a negative balance until {by}",
}


def fewer_chargebacks(on: Prospect) -> Iterator[Step]:
    """More clean charges, so that the disputes there are weigh less."""
    known = on.then.metrics["chargeback_ratio"]
    if known.value is None or not known.sample:
        return
    disputes = round(Fraction(known.value) * known.sample)
    for least in (floor(disputes / LOW_CHARGEBACKS) + 1, ceil(disputes / HIGH_CHARGEBACKS)):
        more = least - known.sample
        if 0 < more <= on.charges_within(REPEAT_DAYS):
            sets = {"chargeback_ratio": replace(known, value=Fraction(disputes, least), sample=least)}
            said = f"{counted(more, 'more clean charge')} than in the last 30 days, and no new dispute, until {on.by}"
            yield on.step("chargeback_ratio", "volume", said, sets)


def fewer_refunds(on: Prospect) -> Iterator[Step]:
    """More sales that are not refunded."""
    totals = on.outlook.facts_at(on.ahead).last_90_days
    known = on.then.metrics["refund_volume_ratio"]
    if known.value is None:
        return
    for highest in (USUAL_REFUNDS, HIGH_REFUNDS, REVIEWED_REFUNDS):
        volume = ceil(totals.refunded_minor / highest)
        more = volume - totals.revenue_minor
        if 0 < more <= on.minor_within(90):
            sets = {"refund_volume_ratio": replace(known, value=Fraction(totals.refunded_minor, volume))}
            said = f"{on.money(more)} more sold than usual, and no further refund, until {on.by}"
            yield on.step("refunds", "mix", said, sets)


def wider_custom(on: Prospect) -> Iterator[Step]:
    """More sales to others than the largest customer."""
    payers, known = on.outlook.facts.payers, on.then.metrics.measures
    if known["top_customer_share"].value is None:
        return
    for highest in (SPREAD_SHARE, TOLERATED_SHARE, DEPENDENT_SHARE):
        volume = ceil(payers.top_payer_minor / highest)
        more = volume - payers.volume_minor
        if 0 < more <= on.minor_within(on.ahead):
            identified = Fraction(payers.identified_minor + more, volume)
            sets = {
                "top_customer_share": replace(
                    known["top_customer_share"], value=Fraction(payers.top_payer_minor, volume)
                ),
                "identified_volume_share": replace(known["identified_volume_share"], value=identified),
            }
            said = f"{on.money(more)} more sold to others than the largest customer until {on.by}"
            yield on.step("concentration", "mix", said, sets)


def returning_custom(on: Prospect) -> Iterator[Step]:
    """More sales to customers who came back."""
    payers, known = on.outlook.facts.payers, on.then.metrics["repeat_revenue_share"]
    if known.value is None:
        return
    more = ceil((DURABLE_SHARE * payers.volume_minor - payers.repeat_minor) / (1 - DURABLE_SHARE))
    if 0 < more <= on.minor_within(on.ahead):
        share = Fraction(payers.repeat_minor + more, payers.volume_minor + more)
        said = f"{on.money(more)} more sold to customers who bought 30 days before or earlier, until {on.by}"
        yield on.step("durable_revenue", "mix", said, {"repeat_revenue_share": replace(known, value=share)})


def enough_charges(on: Prospect) -> Iterator[Step]:
    """Enough charges for the bonus that a calm record earns."""
    latest = on.then.metrics.buckets[-PRESSURE_BUCKETS:]
    charges = sum(bucket.transaction_count for bucket in latest)
    more = LEAST_NETWORK_CHARGES - charges
    calm = all(
        bucket.dispute_count + bucket.fraud_warning_count < VAMP_START * bucket.transaction_count
        for bucket in latest
        if bucket.transaction_count
    )
    if charges and calm and 0 < more <= on.charges_within(on.ahead - 1):
        last = latest[-1]
        fuller = replace(last, transaction_count=last.transaction_count + more)
        said = f"{counted(more, 'more charge')} than usual, and no new dispute or fraud warning, until {on.by}"
        step = on.step("network_pressure", "volume", said, {})
        yield replace(step, buckets=(*on.then.metrics.buckets[:-1], fuller))


def weekly_sales(on: Prospect) -> Iterator[Step]:
    """A sale in every week to come."""
    facts = on.outlook.facts_at(on.ahead)
    weekly = {on.then.on - ONE_DAY * back for back in range(1, on.ahead, WEEK_DAYS)}
    as_of = on.outlook.as_of + ONE_DAY * on.ahead
    reading = Reading(replace(facts, active_days=facts.active_days | weekly), as_of)
    sets = {
        "active_weeks_ratio": measures.active_weeks_ratio(reading),
        "longest_gap_days": measures.longest_gap_days(reading),
    }
    yield on.step("continuity", "rhythm", f"At least one sale in every seven days until {on.by}", sets)


def good_standing(on: Prospect) -> Iterator[Step]:
    """What Stripe waits for."""
    known = on.then.metrics["account_standing"]
    if known.value == "past_due":
        said = "Give Stripe the information that is past due"
        yield on.step("account_standing", "paperwork", f"{said}, by {on.by}", {"account_standing": Measure("good")})
    elif known.value == "disabled":
        said = "Have Stripe switch charges and payouts on again"
        yield on.step("account_standing", "stripe", f"{said}, by {on.by}", {"account_standing": Measure("good")})


ACTIONS: Mapping[str, Callable[[Prospect], Iterator[Step]]] = {
    "chargeback_ratio": fewer_chargebacks,
    "continuity": weekly_sales,
    "concentration": wider_custom,
    "refunds": fewer_refunds,
    "durable_revenue": returning_custom,
    "network_pressure": enough_charges,
    "account_standing": good_standing,
}
