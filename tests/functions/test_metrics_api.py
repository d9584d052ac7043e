"""Metrics and readiness over HTTP, through the deployed function."""

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, insert
from starlette.testclient import TestClient

from tests.db.billing import AS_OF, Books, days_ago, item, open_books
from tests.functions.conftest import SignedIn
from vaultra.db import models
from vaultra.domain.metrics import METRICS
from vaultra.services import Services
from vaultra.usecases import metrics, readiness

METRICS_PATH, READINESS_PATH = "/api/v1/metrics", "/api/v1/readiness"
SEED_FIELDS = """business_id period_start period_end currency revenue_total revenue_volatility revenue_trend
    chargeback_count chargeback_ratio refund_count refund_ratio payout_reliability transaction_count
    average_transaction_size mrr details computed_at stale"""
RULE_FIELDS = """key label group value unit currency sample points best_points worst_points band effect reason
    sentence"""


@pytest.fixture
def client(room: Callable[[str], TestClient], services: Services) -> TestClient:
    services.clock = lambda: AS_OF
    return room("metrics_api")


@pytest.fixture
def owned(engine: Engine, client: TestClient, sign_up: Callable[[], SignedIn]) -> Callable[..., tuple[SignedIn, Books]]:
    """A member and the books of their business, filled and computed when asked to."""

    def create(role: str = "viewer", *, computed: bool = True, **account: Any) -> tuple[SignedIn, Books]:
        user = sign_up()
        with engine.begin() as db:
            books = open_books(db, **account)
            member = {"user_id": user.id, "business_id": books.business_id, "role": role}
            db.execute(insert(models.UserBusinessMembership).values(member))
            if computed:
                fill(books)
                books.roll_up()
                metrics.compute(db, [books.business_id], AS_OF)
                readiness.compute(db, [books.business_id], AS_OF)
        return user, books

    return create


def fill(books: Books) -> None:
    for age in range(1, 200):
        books.charge(days_ago(age), 20_00 + age, customer=f"cus_{age % 9}")
    books.charge(days_ago(2), 500, id=f"ch_sek_{books.business_id}", currency="sek", settled_minor=None)
    books.refund(days_ago(3), 10_00)
    books.subscription(days_ago(60), item("33.3"), customer="cus_1")
    books.payout(AS_OF.date())


def test_the_latest_metrics(client: TestClient, owned: Callable[..., tuple[SignedIn, Books]]) -> None:
    user, books = owned()
    answer = client.get(METRICS_PATH, headers=user.headers)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == set(SEED_FIELDS.split())
    revenue = sum(2000 + age for age in range(1, 30))
    expected = {
        "business_id": str(books.business_id),
        "period_start": "2026-10-22",
        "period_end": "2026-11-20",
        "currency": "usd",
        "revenue_total": revenue / 100,
        "revenue_trend": "declining",
        "chargeback_count": 0,
        "chargeback_ratio": 0.0,
        "refund_count": 1,
        "refund_ratio": 1 / 30,
        "payout_reliability": 1.0,
        "transaction_count": 30,
        "mrr": 0.33,
        "computed_at": "2026-11-20T15:30:00Z",
        "stale": False,
    }
    assert {key: body[key] for key in expected} == expected
    assert body["average_transaction_size"] == pytest.approx(revenue / 30 / 100, abs=1e-8)


def test_the_details(client: TestClient, owned: Callable[..., tuple[SignedIn, Books]]) -> None:
    user, books = owned()
    details = client.get(METRICS_PATH, headers=user.headers).json()["details"]
    assert {metric.key for metric in METRICS} - set(SEED_FIELDS.split()) <= set(details)
    assert details["net_volume"] == pytest.approx(sum(2000 + age for age in range(1, 30)) / 100 - 10)
    assert details["arr"] == 3.96
    assert details["history_days"] == 199
    assert details["samples"]["refund_ratio"] == 30
    assert "refund_ratio" in details["low_sample"]
    assert details["not_measured"] == {"dispute_win_rate": "no dispute of the last year was decided"}
    assert details["unconverted"] == [{"id": f"ch_sek_{books.business_id}", "amount_minor": 500, "currency": "sek"}]
    assert details["by_currency"]["sek"] == {
        "transaction_count": 1,
        "revenue": 5.0,
        "settled": 0.0,
        "unconverted_count": 1,
    }
    assert len(details["buckets"]) == 6
    assert details["buckets"][-1]["period_end"] == "2026-11-19"
    assert details["history_complete"] is True


def test_money_by_its_own_exponent(client: TestClient, owned: Callable[..., tuple[SignedIn, Books]]) -> None:
    user, _ = owned(default_currency="jpy")
    body = client.get(METRICS_PATH, headers=user.headers).json()
    assert body["currency"] == "jpy"
    assert body["revenue_total"] == sum(2000 + age for age in range(1, 30))


def test_stale_when_the_hourly_computation_failed(
    client: TestClient, services: Services, owned: Callable[..., tuple[SignedIn, Books]]
) -> None:
    user, _ = owned()
    services.clock = lambda: AS_OF + dt.timedelta(hours=2, minutes=1)
    assert client.get(METRICS_PATH, headers=user.headers).json()["stale"] is True


def test_the_score_and_its_explanation(client: TestClient, owned: Callable[..., tuple[SignedIn, Books]]) -> None:
    user, books = owned(history_complete=False)
    answer = client.get(READINESS_PATH, headers=user.headers, params={"business_id": str(books.business_id)})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    rules = body["components"].pop("rules")
    assert body["score"] == 50 + sum(rule["points"] for rule in rules)
    assert len(rules) == 12
    assert set(rules[0]) == set(RULE_FIELDS.split())
    with_values = {key: body[key] for key in ("business_id", "tier_label", "trend", "provisional", "formula_version")}
    assert with_values == {
        "business_id": str(books.business_id),
        "tier_label": "Funding-ready",
        "trend": None,
        "provisional": True,
        "formula_version": "1",
    }
    assert set(body["components"]) == {"revenue_stability", "risk_signals", "payout_reliability"}
    assert body["confidence"]["low"] <= body["score"] <= body["confidence"]["high"]
    assert body["tier"] == "funding_ready"
    assert body["seed_score"] == 50 + sum(rule["points"] for rule in rules if rule["group"] == "seed")
    assert body["created_at"] == "2026-11-20T15:30:00Z"
    assert uuid.UUID(body["snapshot_id"])


@pytest.mark.parametrize("path", [METRICS_PATH, READINESS_PATH])
def test_no_data_before_the_first_computation(
    client: TestClient, owned: Callable[..., tuple[SignedIn, Books]], path: str
) -> None:
    user, _ = owned(computed=False)
    answer = client.get(path, headers=user.headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NO_DATA")


@pytest.mark.parametrize("path", [METRICS_PATH, READINESS_PATH])
def test_strangers_are_refused(client: TestClient, owned: Callable[..., tuple[SignedIn, Books]], path: str) -> None:
    user, _ = owned()
    _, theirs = owned()
    for business_id in (theirs.business_id, uuid.uuid4()):
        answer = client.get(path, headers=user.headers, params={"business_id": str(business_id)})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert client.get(path).status_code == 401
    malformed = client.get(path, headers=user.headers, params={"business_id": "7"})
    assert (malformed.status_code, malformed.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


def test_definitions_are_public(client: TestClient) -> None:
    answer = client.get(f"{METRICS_PATH}/definitions")
    assert answer.status_code == 200
    defined = answer.json()["metrics"]
    assert [one["key"] for one in defined] == [metric.key for metric in METRICS]
    assert set(defined[0]) == {"key", "label", "unit", "meaning", "formula", "source", "low_sample_below"}
