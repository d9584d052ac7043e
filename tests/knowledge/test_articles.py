"""The articles: the ones that were planned, whole, found by their anchors, and promising nothing."""

import datetime as dt
import re
from collections import Counter

import pytest

from tests.knowledge.articles import PAGES, Page
from vaultra.domain.advice_catalogue import ADVICE_RULES, ALL_IS_WELL
from vaultra.domain.knowledge import slug_of

# What is cited, linked and evaluated by: an anchor never changes without everything that names it.
PLAN = {
    "funding-readiness-factors": """what-lenders-look-at processing-history monthly-volume growth customer-base
        dispute-record what-vaultra-cannot-see timeline-and-next-steps""",
    "reducing-chargebacks": """what-is-a-chargeback ratio-definition early-fraud-warnings clear-descriptors
        refund-first-policy fraud-prevention friendly-fraud won-vs-lost""",
    "revenue-stability": """what-volatility-means how-it-is-calculated zero-sales-periods minimum-data
        growth-vs-volatility seasonality improving-stability""",
    "payout-timing": """settlement-vs-schedule first-payout weekends-and-holidays payout-statuses failed-payouts
        payout-reliability manual-and-instant time-zones""",
    "readiness-score-explained": """how-points-add-up tiers extra-signals why-score-changed next-tier missing-data
        not-a-credit-score update-frequency""",
    "network-monitoring-programs": "visa-vamp mastercard-ecm stripe-guidance counting-rules getting-out",
    "dispute-evidence-guide": "deadline-and-one-shot fees compelling-evidence inquiries evidence-by-reason",
    "customer-concentration": "measure thresholds diversifying",
    "recurring-revenue-and-churn": "mrr-definition annual-normalisation trials-discounts churn-rate nrr",
    "failed-payments-and-dunning": "failure-rate involuntary retries",
    "funding-types-and-minimums": "revenue-based-financing stripe-capital line-of-credit cost preparing-packet",
    "refunds-and-negative-balances": "refund-rate negative-balance reserves",
    "data-privacy-and-stripe-access": "permissions disconnect-delete sharing ai-and-data not-financial-advice",
    "cash-buffer-and-seasonality": "cash-buffer seasonality building-the-buffer borrowing-and-seasons",
}
FRONT = {"doc_id", "title", "summary", "source", "category", "updated", "references", "questions"}
SOURCES = {"lending-criteria", "best-practices", "network-rules", "vaultra"}
CATEGORIES = {"lending-criteria", "chargebacks", "cash-flow", "best-practices", "subscriptions", "privacy"}
# Who works in the United States only, or is known there only.
AMERICAN = re.compile(r"Bluevine|Fundbox|Lighter Capital|Clearco|Wayflyer|JPMorgan|FICO|FTC|California")
PROMISES = re.compile(
    r"(improv|rais|boost|repair|fix|rebuild)[^.?!]{0,40} credit (score|record|file|history|rating)"
    r"|guaranteed? (approval|funding|acceptance)|you will (be|get) (approved|funded)|we (guarantee|promise that)"
    r"|risk[- ]free|instant approval|better rates? for you",
    re.IGNORECASE,
)
# Many pages say that Visa's limit fell to this; Visa's own fact sheet, Stripe and Checkout.com say otherwise.
CONTRADICTED = re.compile(r"\b0[.,]90? ?%")
SMALL_WORDS = {"and", "are", "for", "how", "not", "that", "the", "what", "with"}
LINK = re.compile(r"\[[^\]]+\]\(([^)]*)\)")

articles = pytest.mark.parametrize("article", PAGES.values(), ids=PAGES.keys())


def test_the_articles_and_their_anchors_are_those_of_the_plan() -> None:
    found = {name: list(page.sections) for name, page in PAGES.items()}
    assert found == {name: slugs.split() for name, slugs in PLAN.items()}


@articles
def test_an_anchor_is_the_same_for_github_and_for_us(article: Page) -> None:
    assert [slug_of(heading) for heading in article.headings] == list(article.sections)


@articles
def test_the_front_matter_is_complete(article: Page) -> None:
    front = article.front
    assert set(front) == FRONT
    assert front["doc_id"] == article.name
    assert front["source"] in SOURCES
    assert front["category"] in CATEGORIES
    assert dt.date.fromisoformat(front["updated"]) >= dt.date(2026, 11, 20)
    assert 5 <= len(front["title"]) <= 60
    assert 40 <= len(front["summary"]) <= 160
    assert front["summary"].endswith(".")


@articles
def test_each_source_has_a_title_and_an_address(article: Page) -> None:
    references = article.front["references"]
    assert len(references) >= 2
    assert len({reference["title"] for reference in references}) == len(references)
    for reference in references:
        assert set(reference) <= {"title", "url", "date"}
        # A note that quotes others is nowhere on the web.
        assert reference.get("url", "").startswith("https://") or reference["title"].startswith("Research note")
        assert re.fullmatch(r"(19|20)\d\d(-\d\d(-\d\d)?)?( data)?", reference.get("date", "2026"))


@articles
def test_each_section_has_a_question_it_answers(article: Page) -> None:
    questions = article.front["questions"]
    assert list(questions) == list(article.sections)
    assert 6 <= sum(map(len, questions.values())) <= 10
    assert all(len(question.split()) >= 3 for asked in questions.values() for question in asked)


def test_no_question_is_asked_twice() -> None:
    asked = Counter(
        question.lower()
        for page in PAGES.values()
        for section in page.front["questions"].values()
        for question in section
    )
    assert [question for question, times in asked.items() if times > 1] == []


@articles
def test_the_length_is_one_sitting(article: Page) -> None:
    assert 600 <= len(article.body.split()) <= 1200
    short = {slug: count for slug, text in article.sections.items() if (count := len(text.split())) < 80}
    assert not short


@articles
def test_each_section_names_its_subject_at_once(article: Page) -> None:
    """A section is found alone: its first sentence has to say what it is about."""
    silent = [
        heading
        for heading, text in zip(article.headings, article.sections.values(), strict=True)
        if not _stems(heading) & _stems(re.split(r"(?<=[.:?]) ", text, maxsplit=1)[0])
    ]
    assert not silent


def _stems(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"\bai\b|[a-z]{3,}", text.lower())} - SMALL_WORDS


@articles
def test_links_lead_to_sections_that_exist(article: Page) -> None:
    targets = LINK.findall(article.body)
    assert targets, "an article leads on to others"
    for target in targets:
        match = re.fullmatch(r"([a-z-]+)\.md#([a-z-]+)", target)
        assert match, f"{target} is no section of an article"
        name, slug = match.groups()
        assert name != article.name
        assert slug in PAGES[name].sections, target


@articles
def test_it_is_plain_markdown(article: Page) -> None:
    assert not re.search(r"^#(?!# \S)|^\|", article.body, re.MULTILINE), "headings of the second level only, no tables"
    assert not re.search(r"<[a-z/!]|!\[|https?://|\bTODO\b", article.body)


@articles
def test_nothing_is_promised(article: Page) -> None:
    said = [article.front["title"], article.front["summary"], *map(article.text, article.sections)]
    assert not [promise[0] for text in said if (promise := PROMISES.search(text))]


@articles
def test_no_contradicted_fact_is_used(article: Page) -> None:
    assert not CONTRADICTED.search(article.body)


@articles
def test_what_holds_in_the_united_states_only_says_so(article: Page) -> None:
    unmarked = [
        slug
        for slug in article.sections
        if AMERICAN.search(article.text(slug)) and not re.search(r"\bUS\b", article.text(slug))
    ]
    assert not unmarked


def test_articles_about_funding_say_what_they_are_not() -> None:
    funding = [page for page in PAGES.values() if page.front["category"] == "lending-criteria"]
    assert len(funding) >= 3
    assert all("not financial advice" in " ".join(page.body.split()) for page in funding)


def test_every_recommendation_leads_to_an_article() -> None:
    assert {rule.article for rule in (*ADVICE_RULES, ALL_IS_WELL)} <= set(PAGES)
