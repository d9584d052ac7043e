"""What alerts say, with the business's own numbers and no word too many."""

import re
from typing import Any

import pytest

from tests.domain.test_mails import NAMES, Tags
from vaultra.domain.alert_letters import (
    ALERT_LETTERS,
    dispute_opened,
    network_near,
    payout_failed,
    tier_changed,
)
from vaultra.domain.alerts import Alert
from vaultra.domain.disclaimer import DISCLAIMER

COMMON = {
    "business_name": "Fernhill Studio",
    "link": "https://site.test/dashboard/?business_id=7",
    "unsubscribe_link": "https://site.test/unsubscribe/#token=abc",
}
DISPUTE: dict[str, Any] = {
    **COMMON,
    "amount_minor": 5000,
    "currency": "usd",
    "reason": "product_not_received",
    "status": "needs_response",
    "created_at": "2026-11-20T23:30:00-05:00",
    "evidence_due_at": "2026-11-29T23:59:59+00:00",
}
PAYOUT: dict[str, Any] = {
    **COMMON, "amount_minor": 12345, "currency": "jpy", "arrival_on": "2026-11-18", "failure_code": "account_closed"
}  # fmt: skip
TIER: dict[str, Any] = {**COMMON, "score": 72, "before": "improving", "after": "funding_ready"}
NETWORK: dict[str, Any] = {**COMMON, "charges": 1000, "disputes": 6, "warnings": 1}


def test_every_kind_has_its_letter() -> None:
    assert ALERT_LETTERS.keys() == set(Alert)


def test_a_dispute_tells_the_amount_the_reason_and_the_deadline() -> None:
    letter = dispute_opened(DISPUTE)
    assert letter.subject == "Fernhill Studio: New dispute over $50.00"
    assert "disputes a payment of $50.00 to “Fernhill Studio”, since 21 November 2026." in letter.text
    assert "The reason it gives: product not received." in letter.text
    assert "You can answer until 29 November 2026, 23:59 UTC, once:" in letter.text


def test_a_dispute_without_a_deadline_or_a_reason_says_where_to_look() -> None:
    letter = dispute_opened({**DISPUTE, "evidence_due_at": None, "reason": None})
    assert "You can answer until the date your Stripe dashboard names, once:" in letter.text
    assert "reason" not in letter.text


def test_an_inquiry_is_not_called_a_dispute() -> None:
    letter = dispute_opened({**DISPUTE, "status": "warning_needs_response"})
    assert letter.subject == "Fernhill Studio: New inquiry over $50.00"
    assert "no money has left yet" in letter.text


def test_a_payout_tells_what_the_bank_said() -> None:
    letter = payout_failed(PAYOUT)
    assert letter.subject == "Fernhill Studio: A payout of ¥12,345 failed"
    assert "due on 18 November 2026, did not reach the bank. The reason the bank gave: account closed." in letter.text
    assert "The reason" not in payout_failed({**PAYOUT, "failure_code": None}).text


@pytest.mark.parametrize(
    ("before", "after", "subject", "why"),
    [
        ("improving", "funding_ready", "Up to “Funding-ready”", "what added points"),
        ("highly_attractive", "funding_ready", "Down to “Funding-ready”", "what took points"),
        ("improving", "not_ready", "Down to “Not ready”", "what took points"),
    ],
)
def test_a_tier_tells_both_and_which_way(before: str, after: str, subject: str, why: str) -> None:
    letter = tier_changed({**TIER, "before": before, "after": after})
    assert letter.subject == f"Fernhill Studio: {subject}"
    assert "is 72 now" in letter.text
    assert why in letter.text


def test_a_limit_tells_how_near_it_is() -> None:
    text = network_near(NETWORK).text
    assert "6 disputes and 1 early fraud warning came upon 1,000 charges of “Fernhill Studio”." in text
    assert "That is 0.6%; at 0.75%, Stripe calls disputes excessive." in text


KINDS = pytest.mark.parametrize(
    ("kind", "facts"),
    [("dispute_opened", DISPUTE), ("payout_failed", PAYOUT), ("tier_changed", TIER), ("network_near", NETWORK)],
)


@KINDS
def test_each_leads_to_the_site_can_be_stopped_and_is_no_advice(kind: str, facts: dict[str, Any]) -> None:
    letter = ALERT_LETTERS[kind](facts)
    for form in (letter.text, letter.html):
        assert COMMON["link"] in form
        assert COMMON["unsubscribe_link"] in form
        assert DISCLAIMER in form
    assert "\n" not in letter.subject


@KINDS
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_no_name_and_no_reason_smuggles_anything_in(kind: str, facts: dict[str, Any], name: str) -> None:
    plain = Tags(ALERT_LETTERS[kind](facts).html)
    letter = ALERT_LETTERS[kind]({**facts, "business_name": name, "reason": name, "failure_code": name})
    page = Tags(letter.html)
    assert (page.tags, page.attributes) == (plain.tags, plain.attributes)
    assert not re.search(r"[\r\n\x00-\x1f\u2028\u2029]", letter.subject)
    assert "https://evil" not in letter.text
