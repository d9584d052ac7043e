"""What the articles say about the score is what the score does: each line, point and example is built from the code."""

import itertools
import re
from collections.abc import Sequence
from fractions import Fraction

import pytest

from tests.knowledge.articles import PAGES
from vaultra.db.metric_facts import BALANCE_DAYS, DECISION_DAYS, PAYER_DAYS, PAYOUT_DAYS
from vaultra.domain import thresholds as t
from vaultra.domain.extra_signals import EXTRA_SIGNALS
from vaultra.domain.lender_criteria import CRITERIA
from vaultra.domain.measures import SCALE_BUCKETS, SERIES_BUCKETS
from vaultra.domain.metrics import LOW_CHARGES, LOW_PAYOUTS
from vaultra.domain.payouts import ON_TIME_BUSINESS_DAYS, OVERDUE_BUSINESS_DAYS
from vaultra.domain.period import ACTIVITY_WEEKS, BUCKET_DAYS, WINDOW_DAYS
from vaultra.domain.readiness import BASE_SCORE, HIGHEST_SCORE, LOWEST_SCORE, RULES, STABLE_WITHIN, TIERS
from vaultra.domain.rules import Band, Rule
from vaultra.domain.seed_rules import SEED_RULES
from vaultra.domain.series import LEAST_BUCKETS, LEAST_SLOPE_OF_THREE, trend, variation
from vaultra.domain.wording import counted, percent

# The one section that lists a rule's bands; the others link to it.
HOMES = {
    "revenue_trend": "funding-readiness-factors#growth",
    "revenue_volatility": "revenue-stability#what-volatility-means",
    "chargeback_ratio": "reducing-chargebacks#ratio-definition",
    "payout_reliability": "payout-timing#payout-reliability",
    "track_record": "funding-readiness-factors#processing-history",
    "scale": "funding-readiness-factors#monthly-volume",
    "continuity": "revenue-stability#zero-sales-periods",
    "concentration": "customer-concentration#thresholds",
    "refunds": "refunds-and-negative-balances#refund-rate",
    "durable_revenue": "recurring-revenue-and-churn#churn-rate",
    "network_pressure": "network-monitoring-programs#stripe-guidance",
    "account_standing": "refunds-and-negative-balances#negative-balance",
}
WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight"]
BAND_LINE = re.compile(r"^- (.+: (?:no points|(?:adds|takes) \d+ points?))$", re.MULTILINE)


def section(place: str) -> str:
    name, slug = place.split("#")
    return PAGES[name].text(slug)


def effect(band: Band) -> str:
    """A band as the articles write it: `above 95%: adds 10 points`."""
    verb = "" if band.points == 0 else "adds " if band.points > 0 else "takes "
    return f"{band.when}: {verb}{counted(abs(band.points), 'point')}"


def best(rules: Sequence[Rule]) -> list[int]:
    return [rule.bands[0].points for rule in rules]


def worst(rules: Sequence[Rule]) -> list[int]:
    return [-rule.bands[-1].points for rule in rules]


def listed(numbers: Sequence[int]) -> str:
    return f"{', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def usd(amount: Fraction | int | None) -> str:
    assert amount is not None
    return f"{int(amount):,}"


@pytest.mark.parametrize("rule", RULES, ids=[rule.key for rule in RULES])
def test_each_rule_has_a_section_that_lists_its_bands_from_best_to_worst(rule: Rule) -> None:
    name, slug = HOMES[rule.key].split("#")
    assert BAND_LINE.findall(PAGES[name].sections[slug]) == [effect(band) for band in rule.bands]


def test_no_other_section_lists_bands() -> None:
    found = {
        f"{page.name}#{slug}"
        for page in PAGES.values()
        for slug, text in page.sections.items()
        if BAND_LINE.search(text)
    }
    assert found == set(HOMES.values())
    assert set(HOMES) == {rule.key for rule in RULES}


SCORE = "readiness-score-explained"
CRITERION = {criterion.key: criterion.threshold for criterion in CRITERIA}
SAYS = [
    # The sum.
    (f"{SCORE}#how-points-add-up", f"starts at {BASE_SCORE}"),
    (f"{SCORE}#how-points-add-up", f"between {LOWEST_SCORE} and {HIGHEST_SCORE}"),
    (f"{SCORE}#how-points-add-up", f"At best they add {listed(best(SEED_RULES))} points"),
    (f"{SCORE}#how-points-add-up", f"at worst they take {listed(worst(SEED_RULES))}."),
    (
        f"{SCORE}#how-points-add-up",
        f"{WORDS[len(EXTRA_SIGNALS)].capitalize()} extra signals then add up to {sum(best(EXTRA_SIGNALS))} more",
    ),
    (f"{SCORE}#extra-signals", f"above {BASE_SCORE + sum(best(SEED_RULES))}; with them {HIGHEST_SCORE} is possible"),
    (f"{SCORE}#extra-signals", f"Together they are worth {sum(best(EXTRA_SIGNALS))} points"),
    *(
        (f"{SCORE}#extra-signals", f"{rule.label}: up to {counted(top, 'point')} for")
        for rule, top in zip(EXTRA_SIGNALS, best(EXTRA_SIGNALS), strict=True)
    ),
    *(
        (f"{SCORE}#tiers", f"- {tier.from_score} to {above.from_score - 1}, {tier.label}:")
        for above, tier in itertools.pairwise(TIERS)
    ),
    (f"{SCORE}#tiers", f"- {TIERS[0].from_score} to {HIGHEST_SCORE}, {TIERS[0].label}:"),
    (f"{SCORE}#next-tier", f"{TIERS[2].from_score}, {TIERS[1].from_score} or {TIERS[0].from_score}"),
    (f"{SCORE}#next-tier", f"reliable payouts are worth {best(SEED_RULES)[3]} points"),
    (f"{SCORE}#why-score-changed", f"{WORDS[STABLE_WITHIN]} points or less over {WINDOW_DAYS} days is shown as stable"),
    (
        f"{SCORE}#why-score-changed",
        f"Chargebacks look back {WINDOW_DAYS} days, payouts, refunds and negative balances {PAYOUT_DAYS}, customers "
        f"{PAYER_DAYS}, and stability and trend up to {WORDS[SERIES_BUCKETS]} blocks of {BUCKET_DAYS} days",
    ),
    # What it takes to be measured.
    (
        f"{SCORE}#missing-data",
        f"fewer than {WORDS[LEAST_BUCKETS]} full periods, fewer than {t.LEAST_REFUND_CHARGES} charges for refunds, "
        f"fewer than {t.LEAST_PAYERS} known payers for concentration",
    ),
    (f"{SCORE}#missing-data", f"stands at exactly {BASE_SCORE}"),
    (f"{SCORE}#missing-data", f"fewer than {LOW_CHARGES} charges or {LOW_PAYOUTS} payouts"),
    ("reducing-chargebacks#ratio-definition", f"small sample below {LOW_CHARGES}"),
    ("reducing-chargebacks#ratio-definition", f"do not read {percent(t.HIGH_CHARGEBACKS)} as a safe line"),
    ("reducing-chargebacks#ratio-definition", f"Stripe speaks up from {percent(t.EXCESSIVE_ACTIVITY)}"),
    ("reducing-chargebacks#won-vs-lost", f"stops counting {WINDOW_DAYS} days after"),
    ("reducing-chargebacks#won-vs-lost", f"your share of wins over {DECISION_DAYS} days"),
    ("revenue-stability#how-it-is-calculated", f"blocks of {BUCKET_DAYS} complete days"),
    ("revenue-stability#zero-sales-periods", f"Over the last {ACTIVITY_WEEKS} weeks"),
    ("revenue-stability#zero-sales-periods", f"once you have {t.LEAST_WEEKS} weeks of history"),
    ("revenue-stability#minimum-data", f"{WORDS[LEAST_BUCKETS]} full {BUCKET_DAYS}-day periods"),
    ("revenue-stability#minimum-data", f"move by at least {percent(LEAST_SLOPE_OF_THREE)} each"),
    ("revenue-stability#growth-vs-volatility", f"pushes volatility above {percent(t.ERRATIC_VOLATILITY)}"),
    ("payout-timing#payout-reliability", f"arrival date in the last {PAYOUT_DAYS} days"),
    ("payout-timing#payout-reliability", f"plus {WORDS[ON_TIME_BUSINESS_DAYS]} business day and was not reversed"),
    ("payout-timing#payout-reliability", f"more than {OVERDUE_BUSINESS_DAYS} business days after its date is a miss"),
    ("payout-timing#payout-reliability", f"19 good payouts of 20 are exactly {percent(Fraction(19, 20))}"),
    ("payout-timing#payout-reliability", f"20 of 21 are {percent(Fraction(20, 21))} and earn"),
    ("funding-readiness-factors#monthly-volume", f"average of your last {WORDS[SCALE_BUCKETS]} full {BUCKET_DAYS}-day"),
    ("funding-readiness-factors#dispute-record", f"above {percent(t.EXCESSIVE_ACTIVITY)} excessive"),
    (
        "funding-readiness-factors#timeline-and-next-steps",
        f"after {WINDOW_DAYS} days, failed payouts after {PAYOUT_DAYS}, and a concentrated customer after {PAYER_DAYS}",
    ),
    ("customer-concentration#measure", f"captured in the last {PAYER_DAYS} days"),
    (
        "customer-concentration#measure",
        f"at least {percent(t.LEAST_IDENTIFIED)} of the volume and if there are at least {t.LEAST_PAYERS} payers",
    ),
    ("customer-concentration#diversifying", f"from {percent(t.TOLERATED_SHARE)} to {percent(t.SPREAD_SHARE)}"),
    ("refunds-and-negative-balances#refund-rate", f"at least {t.LEAST_REFUND_CHARGES} charges"),
    ("refunds-and-negative-balances#negative-balance", f"the days of the last {BALANCE_DAYS} that ended below zero"),
    ("recurring-revenue-and-churn#churn-rate", f"more than {percent(t.POOR_CHURN)} is poor"),
    # The networks' own.
    (
        "network-monitoring-programs#visa-vamp",
        f"at least {t.LEAST_EVENTS} such events and a ratio of {percent(t.VAMP_START)} or more",
    ),
    ("network-monitoring-programs#visa-vamp", f"1,500 events and {percent(t.EXCESSIVE_NETWORK)} or more"),
    ("network-monitoring-programs#mastercard-ecm", f"a ratio of {percent(t.EXCESSIVE_NETWORK)} to 2.99%"),
    ("network-monitoring-programs#stripe-guidance", f"activity above {percent(t.EXCESSIVE_ACTIVITY)} excessive"),
    ("network-monitoring-programs#stripe-guidance", f"the worst of your last {WORDS[t.PRESSURE_BUCKETS]} "),
    (
        "network-monitoring-programs#stripe-guidance",
        f"at least {t.LEAST_EVENTS} events in that period; the bonus needs at least {t.LEAST_NETWORK_CHARGES} charges",
    ),
    (
        "network-monitoring-programs#stripe-guidance",
        f"lines of its own at {percent(t.LOW_CHARGEBACKS)} and {percent(t.HIGH_CHARGEBACKS)}",
    ),
    # Lenders', as the criteria monitor has them.
    (
        "funding-readiness-factors#monthly-volume",
        f"{usd(CRITERION['stripe_capital_year'])} a year and an average of {usd(CRITERION['stripe_capital_month'])} a",
    ),
    ("funding-readiness-factors#monthly-volume", f"more than ${usd(CRITERION['clearco_month'])} a month"),
    (
        "funding-readiness-factors#monthly-volume",
        f"about ${usd(CRITERION['lighter_mrr'])} of monthly recurring revenue",
    ),
    (
        "funding-types-and-minimums#stripe-capital",
        f"{usd(CRITERION['stripe_capital_year'])} a year, and {usd(CRITERION['stripe_capital_month'])} a month",
    ),
    ("funding-types-and-minimums#revenue-based-financing", f"about ${usd(CRITERION['wayflyer_year'])} of sales a year"),
    ("funding-types-and-minimums#revenue-based-financing", f"more than ${usd(CRITERION['clearco_month'])} a month"),
    ("recurring-revenue-and-churn#mrr-definition", f"about ${usd(CRITERION['lighter_mrr'])} of MRR"),
]


@pytest.mark.parametrize(("place", "phrase"), SAYS)
def test_an_article_says_what_the_code_does(place: str, phrase: str) -> None:
    assert phrase in section(place)


EXAMPLES = [
    ("how-it-is-calculated", [9_000, 10_000, 11_000, 10_000, 9_500, 10_500]),
    ("how-it-is-calculated", [2_000, 9_000, 3_000, 12_000, 2_500, 7_500]),
    ("zero-sales-periods", [10_000, 0, 10_000, 0, 10_000, 0]),
    ("growth-vs-volatility", [100, 110, 121, 133, 146, 161]),
    ("growth-vs-volatility", [100, 120, 144, 173, 207, 249]),
    ("growth-vs-volatility", [100, 100, 100, 100, 100, 200]),
]


@pytest.mark.parametrize(("slug", "periods"), EXAMPLES)
def test_the_examples_of_volatility_come_out_as_the_article_says(slug: str, periods: list[int]) -> None:
    assert percent(volatility(periods)) in section(f"revenue-stability#{slug}")


def test_the_examples_of_growth_earn_what_the_article_says() -> None:
    said = section("revenue-stability#growth-vs-volatility")
    by_ten, by_twenty, a_jump = growths = [periods for _, periods in EXAMPLES[3:]]
    assert all(", ".join(map(str, periods)) in said for periods in growths)
    assert volatility(by_ten) < t.STEADY_VOLATILITY < volatility(by_twenty)
    assert volatility(by_twenty) < volatility(a_jump) < t.ERRATIC_VOLATILITY
    assert [direction(periods) for periods in growths] == ["increasing", "increasing", "stable"]


def test_growth_of_a_third_in_every_period_is_what_it_takes_to_be_erratic() -> None:
    assert volatility(growing(Fraction(30, 100))) < t.ERRATIC_VOLATILITY < volatility(growing(Fraction(1, 3)))


def volatility(periods: Sequence[int]) -> Fraction:
    value = variation(periods)
    assert value is not None
    return value


def direction(periods: Sequence[int]) -> str:
    found = trend(periods)
    assert found is not None
    return found.direction


def growing(rate: Fraction) -> list[int]:
    return [round(1_000_000 * (1 + rate) ** number) for number in range(SERIES_BUCKETS)]
