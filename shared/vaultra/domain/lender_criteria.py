"""Published minimums of lenders, each with its source and the day it was read: information, not offers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from vaultra.domain.thresholds import DEPENDENT_SHARE, EXCESSIVE_ACTIVITY, MANY_NEGATIVE_DAYS, SPREAD_SHARE

# Who says so: the lender itself, a named third party, or one article that nobody confirmed.
Grade = Literal["lender", "third_party", "unconfirmed"]
Bound = Literal["at_least", "more_than", "at_most", "less_than"]
# What a minimum is about; what Stripe's data can't tell is `outside_stripe`.
Subject = Literal[
    "history_days",
    "monthly_volume",
    "yearly_volume",
    "mrr",
    "top_customer_share",
    "dispute_ratio",
    "negative_balance_days",
    "outside_stripe",
]


@dataclass(frozen=True)
class Criterion:
    """One published minimum.

    Attributes:
        key: Stable, for the site to refer to.
        threshold: In the unit of its subject, amounts in major units; None where Stripe has nothing to compare.
        currency: Of an amount; None where the lender means the account's own, and where it is no amount.
        as_of: When we last read the source. Lenders change their minimums without telling.
        remark: What else belongs to it, in our words.
    """

    key: str
    lender: str
    subject: Subject
    bound: Bound
    threshold: Fraction | None
    currency: str | None
    grade: Grade
    source: str
    as_of: dt.date
    remark: str = ""


READ_ON = dt.date(2026, 11, 20)
CAPITAL, CLEARCO = "https://docs.stripe.com/capital/how-capital-works", "https://clear.co/faq/"
LIGHTER = "https://www.lightercapital.com/faq/"
WAYFLYER = "https://elephantherdconsulting.com/blog/blog-database/how-to-wayflyer"
FUNDBOX = "https://joingerald.com/blog/fundbox-requirements"
BLUEVINE = "https://support.bluevine.com/hc/en-us/articles/360016040412"
DISPUTES = "https://docs.stripe.com/disputes/measuring"
CASH_ADVANCE = "https://fundnode.co/glossary/mca-bank-statement-analysis"
CONCENTRATION = "https://finhelp.io"

# Months and years stand as days, as the metrics have them.
# fmt: off
CRITERIA: tuple[Criterion, ...] = (
    Criterion("stripe_capital_history", "Stripe Capital", "history_days", "at_least", Fraction(90), None,
              "lender", CAPITAL, READ_ON, "three months"),
    Criterion("stripe_capital_month", "Stripe Capital", "monthly_volume", "at_least", Fraction(1_000), None,
              "lender", CAPITAL, READ_ON, "on average over the last three months, in the account's own currency"),
    Criterion("stripe_capital_year", "Stripe Capital", "yearly_volume", "at_least", Fraction(5_000), None,
              "lender", CAPITAL, READ_ON, "in the account's own currency"),
    Criterion("stripe_disputes", "Stripe", "dispute_ratio", "at_most", EXCESSIVE_ACTIVITY, None,
              "lender", DISPUTES, READ_ON, "what is above is called excessive"),
    Criterion("clearco_history", "Clearco", "history_days", "at_least", Fraction(365), None,
              "lender", CLEARCO, READ_ON, "twelve months"),
    Criterion("clearco_month", "Clearco", "monthly_volume", "more_than", Fraction(10_000), "usd",
              "lender", CLEARCO, READ_ON),
    Criterion("lighter_mrr", "Lighter Capital", "mrr", "at_least", Fraction(15_000), "usd",
              "lender", LIGHTER, READ_ON, "on average over three months"),
    Criterion("lighter_year", "Lighter Capital", "yearly_volume", "at_least", Fraction(200_000), "usd",
              "lender", LIGHTER, READ_ON),
    Criterion("wayflyer_year", "Wayflyer", "yearly_volume", "more_than", Fraction(120_000), "usd",
              "third_party", WAYFLYER, READ_ON),
    Criterion("fundbox_history", "Fundbox", "history_days", "at_least", Fraction(90), None,
              "unconfirmed", FUNDBOX, READ_ON, "three months"),
    Criterion("fundbox_year", "Fundbox", "yearly_volume", "at_least", Fraction(30_000), "usd",
              "unconfirmed", FUNDBOX, READ_ON),
    Criterion("fundbox_credit", "Fundbox", "outside_stripe", "at_least", None, None,
              "unconfirmed", FUNDBOX, READ_ON, "a personal credit score of 600 or more"),
    Criterion("bluevine_credit", "Bluevine", "outside_stripe", "at_least", None, None,
              "lender", BLUEVINE, READ_ON, "a personal credit score that has not fallen below 625"),
    Criterion("bluevine_bank", "Bluevine", "outside_stripe", "at_most", None, None,
              "lender", BLUEVINE, READ_ON, "no repeated overdraft at the bank within 30 days, and no tax lien"),
    Criterion("cash_advance_month", "Merchant cash advance funders", "monthly_volume", "at_least", Fraction(8_000),
              "usd", "unconfirmed", CASH_ADVANCE, READ_ON, "deposits at the bank, of which Stripe shows a part"),
    Criterion("cash_advance_negative", "Merchant cash advance funders", "negative_balance_days", "less_than",
              Fraction(MANY_NEGATIVE_DAYS), None, "unconfirmed", CASH_ADVANCE, READ_ON,
              "a month, at the bank; here in 90 days, at Stripe"),
    Criterion("concentration_low", "Lenders in general", "top_customer_share", "at_most", SPREAD_SHARE, None,
              "third_party", CONCENTRATION, READ_ON, "counts as a low risk"),
    Criterion("concentration_high", "Lenders in general", "top_customer_share", "at_most", DEPENDENT_SHARE, None,
              "third_party", CONCENTRATION, READ_ON, "what is above counts as a high risk"),
)
# fmt: on
