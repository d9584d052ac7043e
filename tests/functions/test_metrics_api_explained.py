"""History, export, changes, path, what-if and criteria over HTTP, through the deployed function."""

import csv
import datetime as dt
import io
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert, text
from starlette.testclient import TestClient

from tests.db.billing import AS_OF, TODAY, Books, days_ago, open_books
from tests.functions.conftest import SignedIn
from vaultra.db import models
from vaultra.domain.lender_criteria import CRITERIA
from vaultra.domain.metric_export import COLUMNS
from vaultra.domain.metrics import METRICS
from vaultra.domain.outlook import ASSUMPTION
from vaultra.services import Services
from vaultra.usecases import metrics, readiness

API = "/api/v1"
PATHS = ["metrics/history", "metrics/export", "readiness/history", "readiness/changes", "readiness/path"]
Ask = Callable[..., Any]


@pytest.fixture
def client(room: Callable[[str], TestClient], services: Services) -> TestClient:
    services.clock = lambda: AS_OF
    return room("metrics_api")


class Shop:
    """A member's business with books, computed on any day asked for."""

    def __init__(self, engine: Engine, client: TestClient, user: SignedIn, role: str = "viewer") -> None:
        self.engine, self.client, self.user = engine, client, user
        with engine.begin() as db:
            self.books = open_books(db)
            self.business_id = self.books.business_id
            member = {"user_id": user.id, "business_id": self.business_id, "role": role}
            db.execute(insert(models.UserBusinessMembership).values(member))

    def write(self, fill: Callable[[Books], Any]) -> None:
        with self.engine.begin() as db:
            books = Books(db, self.books.account)
            fill(books)
            books.roll_up()

    def compute(self, *days_before: float) -> None:
        """Metrics and scores as of these many days before now, one after the other."""
        for age in days_before:
            at = AS_OF - dt.timedelta(days=age)
            with self.engine.begin() as db:
                metrics.compute(db, [self.business_id], at)
                readiness.compute(db, [self.business_id], at)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.client.get(f"{API}/{path}", headers=self.user.headers, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, path: str, **params: Any) -> tuple[int, str, Any]:
        answer = self.client.get(f"{API}/{path}", headers=self.user.headers, params=params)
        error = answer.json()["error"]
        return answer.status_code, error["code"], error["details"].get("field")

    def simulate(self, changes: Any, **more: Any) -> Any:
        body = {"changes": changes, **more}
        return self.client.post(f"{API}/readiness/simulate", headers=self.user.headers, json=body)


@pytest.fixture
def shop(engine: Engine, client: TestClient, sign_up: Callable[[], SignedIn]) -> Shop:
    return Shop(engine, client, sign_up())


def steady(books: Books) -> None:
    """Ten charges of 40 dollars a day from ten customers, for 400 days, and payouts in time."""
    values = {"account": books.account.id, "business": books.business_id, "noon": days_ago(0)}
    books.conn.execute(STEADY, values)
    for age in range(0, 78, 3):
        books.payout(days_ago(age).date())


STEADY = text(
    """
    insert into charges (integration_account_id, business_id, id, created_at, version_at, content_hash, amount_minor,
        captured_minor, currency, settled_minor, status, captured, customer)
    select :account, :business, 'ch_' || age || '_' || n, cast(:noon as timestamptz) - age * interval '1 day', :noon,
        '', 4000, 4000, 'usd', 4000, 'succeeded', true, 'cus_' || n
    from generate_series(0, 400) as age, generate_series(0, 9) as n
    """
)


# --- The history of metrics ---------------------------------------------------------------------


def test_metrics_by_day_week_and_month(shop: Shop) -> None:
    shop.write(steady)
    shop.compute(40, 12, 11, 5, 0)  # 11 October, a Sunday; 8, 9 and 15 November; a Friday
    daily = shop.get("metrics/history")["metrics"]
    assert [one["period_end"] for one in daily] == [
        "2026-10-11",
        "2026-11-08",
        "2026-11-09",
        "2026-11-15",
        "2026-11-20",
    ]
    weekly = shop.get("metrics/history", granularity="week")["metrics"]
    assert [one["period_end"] for one in weekly] == ["2026-10-11", "2026-11-08", "2026-11-15", "2026-11-20"]
    monthly = shop.get("metrics/history", granularity="month")["metrics"]
    assert [one["period_end"] for one in monthly] == ["2026-10-11", "2026-11-20"]
    latest = shop.get("metrics")
    assert {key: monthly[-1][key] for key in monthly[-1] if key != "details"} == {
        key: latest[key] for key in monthly[-1] if key != "details"
    }
    assert monthly[-1]["details"] == {key: latest["details"][key] for key in monthly[-1]["details"]}
    assert set(monthly[-1]) | set(monthly[-1]["details"]) >= {metric.key for metric in METRICS}


def test_metrics_between_dates_both_included(shop: Shop) -> None:
    shop.write(steady)
    shop.compute(12, 11, 5, 0)
    between = shop.get("metrics/history", start_date="2026-11-09", end_date="2026-11-15")["metrics"]
    assert [one["period_end"] for one in between] == ["2026-11-09", "2026-11-15"]
    assert shop.get("metrics/history", start_date="2020-01-01", end_date="2020-12-31") == {"metrics": []}
    assert shop.get("metrics/history", end_date="0001-01-01") == {"metrics": []}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"start_date": "2026-11-21"}, (422, "UNPROCESSABLE", "start_date")),
        ({"start_date": "2026-11-09", "end_date": "2026-11-08"}, (422, "UNPROCESSABLE", "start_date")),
        ({"start_date": "2026-13-01"}, (400, "VALIDATION_ERROR", "start_date")),
        ({"start_date": "0"}, (400, "VALIDATION_ERROR", "start_date")),
        ({"end_date": "20261120"}, (400, "VALIDATION_ERROR", "end_date")),
        ({"granularity": "hour"}, (400, "VALIDATION_ERROR", "granularity")),
    ],
    ids=["after today", "after the end", "no date", "a number", "another form", "no granularity"],
)
@pytest.mark.parametrize("path", ["metrics/history", "metrics/export"])
def test_dates_that_mean_nothing(shop: Shop, path: str, params: dict[str, str], expected: tuple[Any, ...]) -> None:
    assert shop.refused(path, **params) == expected


def test_at_most_a_year_of_days_the_latest(shop: Shop) -> None:
    with shop.engine.begin() as db:
        many_snapshots(db, shop)
    found = shop.get("metrics/history", start_date="2024-01-01")["metrics"]
    assert (len(found), found[-1]["period_end"]) == (366, "2026-11-20")
    assert found[0]["period_end"] == (TODAY - dt.timedelta(days=365)).isoformat()


def many_snapshots(db: Connection, shop: Shop) -> None:
    """One snapshot for each of the last 400 days."""
    metrics.compute(db, [shop.business_id], AS_OF)
    db.execute(
        text(
            "insert into financial_metric_snapshots select (jsonb_populate_record(t, jsonb_build_object("
            "'id', gen_random_uuid(), 'period_end', t.period_end - age))).* from financial_metric_snapshots t,"
            " generate_series(1, 400) as age where business_id = :business"
        ),
        {"business": shop.business_id},
    )


def test_the_history_as_a_file(shop: Shop) -> None:
    shop.write(steady)
    shop.compute(5, 0)
    answer = shop.client.get(f"{API}/metrics/export", headers=shop.user.headers)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="metrics.csv"'
    assert answer.headers["cache-control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["period_end"] for row in rows] == ["2026-11-15", "2026-11-20"]
    assert tuple(rows[0]) == COLUMNS
    assert (rows[1]["revenue_total"], rows[1]["mrr"], rows[1]["revenue_trend"]) == ("12000.0", "", "stable")
    assert rows[1]["computed_at"] == "2026-11-20T15:30:00Z"
    answer = shop.client.get(f"{API}/metrics/export", headers=shop.user.headers, params={"format": "json"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == 'attachment; filename="metrics.json"'
    (_, latest) = json.loads(answer.text)["metrics"]
    assert (latest["revenue_total"], latest["mrr"]) == (12000.0, None)
    assert tuple(latest) == COLUMNS


# --- The history of the score -------------------------------------------------------------------


def test_the_last_score_of_each_day_newest_first(shop: Shop) -> None:
    shop.write(steady)
    shop.compute(3, 2.5, 1)
    shop.write(lambda books: [books.dispute(days_ago(0, 9 + n)) for n in range(7)])
    shop.compute(0)
    scores = shop.get("readiness/history")["scores"]
    assert [one["created_at"][:10] for one in scores] == ["2026-11-20", "2026-11-19", "2026-11-18", "2026-11-17"]
    assert scores[0]["score"] < scores[1]["score"]
    assert set(scores[0]) == {"score", "tier", "created_at"}
    assert [one["created_at"][:10] for one in shop.get("readiness/history", limit=2)["scores"]] == [
        "2026-11-20",
        "2026-11-19",
    ]


def test_a_day_has_only_its_last_score(shop: Shop) -> None:
    shop.write(steady)
    shop.compute(0.3)
    shop.write(lambda books: [books.dispute(days_ago(0, 9 + n)) for n in range(7)])
    shop.compute(0)
    (only,) = shop.get("readiness/history")["scores"]
    assert only["score"] == shop.get("readiness")["score"]


@pytest.mark.parametrize("limit", ["0", "367", "x"])
def test_how_many_days_can_be_asked_for(shop: Shop, limit: str) -> None:
    assert shop.refused("readiness/history", limit=limit) == (400, "VALIDATION_ERROR", "limit")


def test_no_scores_is_an_empty_history(shop: Shop) -> None:
    assert shop.get("readiness/history") == {"scores": []}
    assert shop.get("metrics/history") == {"metrics": []}


# --- What changed -------------------------------------------------------------------------------


def trouble(books: Books) -> None:
    """Seven disputes, one of which is an inquiry, a failed payout and a refund, all within the last days."""
    for n in range(6):
        books.dispute(days_ago(2, n), id=f"dp_{n}", status="won" if n == 0 else "needs_response")
    books.dispute(days_ago(2), "warning_needs_response", id="dp_inquiry")
    books.dispute(days_ago(31), id="dp_old")
    failure = books.movement(days_ago(1), 5000)
    books.payout(days_ago(4).date(), "failed", id="po_turned", failure_balance_transaction=failure)
    books.payout(days_ago(1).date(), "failed", id="po_new")
    books.refund(days_ago(2), 3_000_00, id="re_1")


def test_what_changed_to_the_point_and_to_the_object(shop: Shop) -> None:
    shop.write(steady)
    shop.write(lambda books: books.dispute(days_ago(31), id="dp_left"))
    shop.compute(3)
    shop.write(trouble)
    shop.compute(0)
    body = shop.get("readiness/changes", since="2026-11-18")
    assert body["before"]["scored_on"] == "2026-11-17"
    assert body["difference"] == body["after"]["score"] - body["before"]["score"] < 0
    assert sum(rule["difference"] for rule in body["rules"]) + body["clamp"] == body["difference"]
    rules = {rule["key"]: rule for rule in body["rules"]}
    (disputes,) = rules["chargeback_ratio"]["moved"]
    assert (disputes["came"], disputes["left"]) == (6, 2)
    assert [one["id"] for one in disputes["objects"] if one["movement"] == "came"] == [
        f"dp_{n}" for n in (5, 4, 3, 2, 1, 0)
    ]
    assert disputes["objects"][5] == {
        "kind": "dispute",
        "id": "dp_0",
        "on": "2026-11-18",
        "amount": 10.0,
        "currency": "usd",
        "movement": "came",
        "outcome": "won",
    }
    assert disputes["sentence"] == "Within 30 days: 6 disputes came in, 2 left."
    assert rules["chargeback_ratio"]["difference"] == -5
    (payouts,) = rules["payout_reliability"]["moved"]
    assert {one["id"]: one["movement"] for one in payouts["objects"]} == {"po_turned": "turned", "po_new": "came"}
    (refunds,) = rules["refunds"]["moved"]
    assert (refunds["objects"][0]["id"], refunds["objects"][0]["amount"]) == ("re_1", 3000.0)
    assert "not financial" in body["disclaimer"]


def test_a_dispute_of_the_same_day_is_told(shop: Shop) -> None:
    """Both scores are of today: what came between them is what is told."""
    shop.write(steady)
    shop.compute(0.25)
    shop.write(lambda books: books.dispute(days_ago(0, 13), id="dp_now"))
    shop.compute(0)
    body = shop.get("readiness/changes", since="2026-11-20T10:00:00Z")
    (rule,) = [rule for rule in body["rules"] if rule["key"] == "chargeback_ratio"]
    assert [(one["id"], one["movement"]) for one in rule["moved"][0]["objects"]] == [("dp_now", "came")]


def test_negative_days_that_came_are_named(shop: Shop) -> None:
    shop.write(steady)
    shop.compute(5)
    shop.write(lambda books: books.movement(days_ago(0, 2), 100))
    shop.write(lambda books: books.movement(days_ago(2), -50) and books.movement(days_ago(0, 3), 50))
    shop.compute(0)
    body = shop.get("readiness/changes", since="2026-11-16")
    (rule,) = [rule for rule in body["rules"] if rule["key"] == "account_standing"]
    assert rule["difference"] < 0
    moved = {one["on"]: one["movement"] for one in rule["moved"][0]["objects"]}
    assert (moved["2026-11-18"], moved["2026-11-19"]) == ("came", "came")


def test_changes_without_a_date_are_those_of_thirty_days_or_of_the_first_score(shop: Shop) -> None:
    shop.write(steady)
    shop.compute(10, 0)
    assert shop.get("readiness/changes")["before"]["scored_on"] == "2026-11-10"
    shop_older = shop
    shop_older.compute(0)
    body = shop_older.get("readiness/changes", since="0001-01-01")
    assert body["before"]["scored_on"] == "2026-11-10"
    now = shop.get("readiness/changes", since="2026-11-20T15:30:00Z")
    assert (now["difference"], now["rules"]) == (0, [])
    assert now["summary"] == f"The score is {now['after']['score']}. There is nothing yet to compare it with."


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("2026-11-21", (422, "UNPROCESSABLE", "since")),
        ("2026-11-20T15:30:00.000001Z", (422, "UNPROCESSABLE", "since")),
        ("2026-02-30", (400, "VALIDATION_ERROR", "since")),
        ("2026-11-20T15:30:00", (400, "VALIDATION_ERROR", "since")),
        ("yesterday", (400, "VALIDATION_ERROR", "since")),
        ("1", (400, "VALIDATION_ERROR", "since")),
    ],
)
def test_a_since_that_means_nothing(shop: Shop, since: str, expected: tuple[Any, ...]) -> None:
    shop.compute(0)
    assert shop.refused("readiness/changes", since=since) == expected


# --- The path and the calendar -------------------------------------------------------------------


def test_the_path_to_the_next_tier(shop: Shop) -> None:
    shop.write(steady)
    shop.write(lambda books: [books.dispute(days_ago(age), id=f"dp_{age}") for age in (25, 20, 10, 5)])
    body = shop.get("readiness/path")
    assert (body["score"], body["tier"], body["target"], body["reachable"]) == (
        84,
        "funding_ready",
        "highly_attractive",
        True,
    )
    assert (body["on"], body["score_then"]) == ("2026-12-10", 89)
    (step,) = body["steps"]
    assert (step["rules"], step["effort"], step["gain"], step["earliest"]) == (
        ["chargeback_ratio"],
        "keep",
        5,
        "2026-12-10",
    )
    assert step["sentence"] == "No new dispute until 10 December 2026, for a chargeback ratio below 0.5%."
    turn = next(turn for turn in body["calendar"] if turn["on"] == "2026-12-10")
    assert (turn["score"], turn["causes"][0]["leaving"][0]["object"]["id"]) == (89, "dp_10")
    leaving = {(one["rule"], one["object"]["id"]): one["leaves_on"] for one in body["leaving"]}
    assert leaving["chargeback_ratio", "dp_25"] == "2026-11-25"
    assert leaving["network_pressure", "dp_25"] == "2027-01-25"
    assert (body["leaving_total"], len(body["leaving"])) == (8, 8)
    assert body["assumption"] == ASSUMPTION


def test_the_path_to_a_tier_that_is_named(shop: Shop) -> None:
    shop.write(steady)
    reached = shop.get("readiness/path", target="improving")
    assert (reached["reachable"], reached["steps"], reached["on"]) == (True, [], "2026-11-20")
    assert shop.refused("readiness/path", target="excellent") == (400, "VALIDATION_ERROR", "target")


def small(books: Books) -> None:
    """A charge of 270 dollars on every day, always from another of nine customers: 8,100 dollars a month."""
    for age in range(401):
        books.charge(days_ago(age), 270_00, customer=f"cus_{age % 9}")
    for age in range(0, 78, 3):
        books.payout(days_ago(age).date())
    books.dispute(days_ago(1))


def test_a_step_tells_where_its_metrics_have_to_go(shop: Shop) -> None:
    shop.write(small)
    body = shop.get("readiness/path", target="highly_attractive")
    growth = next(step for step in body["steps"] if step["effort"] == "growth")
    assert growth["rules"] == ["revenue_trend", "revenue_volatility", "scale"]
    assert growth["sentence"] == (
        "36% more sold than in the last 30 days until 20 January 2027: $11,016.00 in 30 days instead of $8,100.00, "
        "for $10,000 a month or more."
    )
    volume = next(one for one in growth["targets"] if one["metric"] == "monthly_net_volume")
    assert volume == {
        "metric": "monthly_net_volume",
        "label": "Monthly net volume",
        "unit": "money",
        "currency": "usd",
        "now": 8100.0,
        "target": 10044.0,
    }


def test_the_highest_tier_has_no_path(shop: Shop) -> None:
    shop.write(steady)
    body = shop.get("readiness/path")
    assert (body["score"], body["target"], body["reachable"], body["on"]) == (90, None, None, None)
    assert body["summary"] == "There is no higher tier."


def test_missed_payouts_and_refunds_roll_off(shop: Shop) -> None:
    shop.write(steady)
    shop.write(trouble)
    shop.write(lambda books: books.dispute(days_ago(0, 3), id="dp_today"))
    leaving = {(one["rule"], one["object"]["id"]): one["leaves_on"] for one in shop.get("readiness/path")["leaving"]}
    assert leaving["payout_reliability", "po_new"] == "2027-02-17"
    assert leaving["refunds", "re_1"] == "2027-02-16"
    assert ("chargeback_ratio", "dp_old") not in leaving
    assert leaving["chargeback_ratio", "dp_today"] == "2026-12-20"
    assert ("network_pressure", "dp_today") not in leaving  # it begins to count there tomorrow
    assert leaving["network_pressure", "dp_old"] == "2027-01-19"


# --- What if, and what lenders ask for -----------------------------------------------------------


def test_the_score_that_other_metrics_would_give(shop: Shop, engine: Engine) -> None:
    shop.write(steady)
    shop.compute(0)
    stored = shop.get("readiness")
    answer = shop.simulate({"chargeback_ratio": 0.03, "monthly_net_volume": 9999.99}, business_id=str(shop.business_id))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["before"], body["difference"], body["score"]) == (stored["score"], -24, stored["score"] - 24)
    rules = {rule["key"]: rule["points"] for rule in body["components"]["rules"]}
    assert (rules["chargeback_ratio"], rules["scale"]) == (-15, 0)
    assert shop.get("readiness") == stored
    assert shop.get("readiness/history")["scores"][0]["score"] == stored["score"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"no_such": 1}, (422, "UNPROCESSABLE", "changes.no_such")),
        ({"payout_reliability": 1.5}, (422, "UNPROCESSABLE", "changes.payout_reliability")),
        ({"revenue_trend": "up"}, (422, "UNPROCESSABLE", "changes.revenue_trend")),
        ({"track_record": 1e300}, (422, "UNPROCESSABLE", "changes.track_record")),
        ({"track_record": 10**400}, (422, "UNPROCESSABLE", "changes.track_record")),
        ({}, (400, "VALIDATION_ERROR", "changes")),
        ({"chargeback_ratio": None}, (400, "VALIDATION_ERROR", None)),
        ({"chargeback_ratio": True}, (400, "VALIDATION_ERROR", None)),
        ({"A metric!": 1}, (400, "VALIDATION_ERROR", None)),
        ({f"m{n}": 1 for n in range(41)}, (400, "VALIDATION_ERROR", "changes")),
    ],
    ids=lambda one: str(one)[:30],
)
def test_a_what_if_that_means_nothing(shop: Shop, changes: Any, expected: tuple[Any, ...]) -> None:
    shop.compute(0)
    answer = shop.simulate(changes)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == expected[:2], answer.text
    assert expected[2] in (None, error["details"]["field"])


def test_published_minimums_beside_the_owners_numbers(shop: Shop) -> None:
    shop.write(steady)
    shop.compute(0)
    body = shop.get("readiness/criteria")
    assert [one["key"] for one in body["criteria"]] == [one.key for one in CRITERIA]
    clearco = next(one for one in body["criteria"] if one["key"] == "clearco_month")
    assert (clearco["value"], clearco["threshold"], clearco["currency"], clearco["headroom"]) == (
        12000,
        10000,
        "usd",
        2000,
    )
    assert (clearco["status"], clearco["source"], clearco["as_of"]) == ("met", "https://clear.co/faq/", "2026-11-20")
    assert "not offers" in body["note"]


# --- Who may -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["readiness/changes", "readiness/criteria"])
def test_no_data_before_the_first_computation(shop: Shop, path: str) -> None:
    assert shop.refused(path)[:2] == (404, "NO_DATA")
    answer = shop.simulate({"chargeback_ratio": 0.01})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NO_DATA")


def test_no_path_without_a_connected_account(shop: Shop, engine: Engine) -> None:
    with engine.begin() as db:
        db.execute(
            text("update integration_accounts set status = 'disconnected' where business_id = :business"),
            {"business": shop.business_id},
        )
    assert shop.refused("readiness/path")[:2] == (404, "NO_DATA")
    shop.compute(0)


@pytest.mark.parametrize("path", [*PATHS, "readiness/criteria"])
def test_strangers_are_refused(shop: Shop, engine: Engine, sign_up: Callable[[], SignedIn], path: str) -> None:
    other = Shop(engine, shop.client, sign_up())
    for business_id in (other.business_id, uuid.uuid4()):
        assert shop.refused(path, business_id=str(business_id))[:2] == (403, "FORBIDDEN")
    assert shop.simulate({"mrr": 1}, business_id=str(other.business_id)).status_code == 403
    assert shop.client.get(f"{API}/{path}").status_code == 401
