"""What it takes to follow each recommendation, and where to begin: one line for each rule that gives advice."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Effort(StrEnum):
    """How much work it is: hours, days of some attention, or months of selling differently."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class FirstStep(NamedTuple):
    """How much work the whole is, and what to do today."""

    effort: Effort
    sentence: str


# By the key of the rule that gives the advice, in the order of its catalogue.
FIRST_STEPS: Mapping[str, FirstStep] = {
    "chargebacks": FirstStep(
        Effort.MEDIUM,
        "Open the disputes of the last 30 days in Stripe and note each one's reason: the most frequent reason is where "
        "to begin.",
    ),
    "volatility": FirstStep(
        Effort.LARGE,
        "List the customers who buy again and again, and offer the largest of them a monthly plan or a retainer.",
    ),
    "payouts": FirstStep(
        Effort.SMALL,
        "Open the failed payouts in Stripe, read the reason each names, and compare the bank details with your bank's.",
    ),
    "core_metrics": FirstStep(
        Effort.LARGE,
        "Take the other recommendation with the largest impact, and leave the rest until it is done.",
    ),
    "falling_revenue": FirstStep(
        Effort.LARGE,
        "Compare this month's customers with those of three months ago, and write to the largest who stopped buying.",
    ),
    "track_record": FirstStep(
        Effort.SMALL,
        "Put a small sale or a renewal into the calendar for each of the coming 30-day periods.",
    ),
    "scale": FirstStep(
        Effort.LARGE,
        "List what you sell outside Stripe, such as cash and bank transfers, and send the next of these invoices "
        "through Stripe.",
    ),
    "continuity": FirstStep(
        Effort.MEDIUM,
        "Find the weeks without a sale in your last 26, and plan one small regular sale for such a week.",
    ),
    "concentration": FirstStep(
        Effort.LARGE,
        "Ask your second and third largest customers what they still buy elsewhere.",
    ),
    "refunds": FirstStep(
        Effort.MEDIUM,
        "Sort the refunds of the last 90 days by product, and read the notes of the product with the most.",
    ),
    "churn": FirstStep(
        Effort.SMALL,
        "Switch on automatic retries and the reminders about expiring cards in Stripe's billing settings.",
    ),
    "network_pressure": FirstStep(
        Effort.MEDIUM,
        "Open the early fraud warnings in Stripe and refund those whose orders have not left yet.",
    ),
    "disabled_account": FirstStep(
        Effort.SMALL,
        "Open your Stripe dashboard and answer what it asks for at the top of the page.",
    ),
    "negative_balance": FirstStep(
        Effort.SMALL,
        "Change the payout schedule in Stripe from daily to weekly.",
    ),
    "rising_disputes": FirstStep(
        Effort.MEDIUM,
        "Open the early fraud warnings in Stripe and refund those whose orders have not left yet.",
    ),
    "failed_payout": FirstStep(
        Effort.SMALL,
        "Open the failed payouts in Stripe, read the reason each names, and compare the bank details with your bank's.",
    ),
    "revenue_drop": FirstStep(
        Effort.SMALL,
        "Compare both periods by customer and by product: see whether one of them explains most of the drop.",
    ),
    "large_customer": FirstStep(
        Effort.LARGE,
        "Ask your second and third largest customers what they still buy elsewhere.",
    ),
    "stay_ready": FirstStep(
        Effort.SMALL,
        "Check once a month that no dispute waits for an answer and that the bank details are right.",
    ),
}
