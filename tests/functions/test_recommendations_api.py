"""Recommendations over HTTP, through the deployed function."""

import datetime as dt
import itertools
import uuid
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from tests.functions.conftest import Business, SignedIn, SignUp, ids_by_page, listed_ids
from tests.rows import NOON, a_recommendation, join, leave

PATH = "/api/v1/recommendations"
FIELDS = """id business_id title description priority category status estimated_impact metric_refs article
    effort first_step created_at evidence proof reason"""


@pytest.fixture
def client(room: Callable[[str], TestClient]) -> TestClient:
    return room("recommendations_api")


@pytest.fixture
def recommend(engine: Engine) -> Callable[..., UUID]:
    """Write a recommendation for a business."""

    def create(business_id: UUID, **given: Any) -> UUID:
        with engine.begin() as db:
            return a_recommendation(db, business_id, **given)

    return create


Recommend = Callable[..., UUID]


def decide(client: TestClient, user: SignedIn, row_id: UUID | str, status: str) -> Any:
    return client.patch(f"{PATH}/{row_id}", headers=user.headers, json={"status": status})


def listed(client: TestClient, user: SignedIn, **params: Any) -> list[str]:
    return listed_ids(client, PATH, user, **params)


def test_a_viewer_reads_what_to_do_next(
    client: TestClient, sign_up: SignUp, business: Business, recommend: Recommend
) -> None:
    user = sign_up()
    business_id = business(viewer=user)
    row_id = recommend(business_id, article="reduce-chargebacks")
    answer = client.get(PATH, headers=user.headers)
    assert answer.status_code == 200
    assert answer.json() == {
        "recommendations": [
            {
                "id": str(row_id),
                "business_id": str(business_id),
                "title": "Reduce chargebacks",
                "description": "2.4 % of your payments are disputed.",
                "priority": "high",
                "category": "chargebacks",
                "status": "pending",
                "estimated_impact": 15,
                "metric_refs": ["chargeback_ratio"],
                "article": "reduce-chargebacks",
                "effort": None,
                "first_step": None,
                "created_at": "2026-11-20T12:00:00Z",
                "evidence": None,
                "proof": None,
                "reason": None,
            }
        ],
        "next_cursor": None,
    }
    assert [*answer.json()["recommendations"][0]] == FIELDS.split()


def test_it_tells_where_to_begin_and_what_it_rests_on(
    client: TestClient, sign_up: SignUp, business: Business, recommend: Recommend
) -> None:
    user = sign_up()
    evidence = {"score": 68, "currency": "usd", "metrics": {"chargeback_ratio": 0.024, "mrr": None}}
    recommend(business(viewer=user), rule_key="payouts", evidence=evidence)
    [shown] = client.get(PATH, headers=user.headers).json()["recommendations"]
    assert (shown["effort"], shown["evidence"]) == ("small", evidence)
    assert shown["first_step"].startswith("Open the failed payouts in Stripe")


def test_a_business_without_any_has_an_empty_list(client: TestClient, sign_up: SignUp, business: Business) -> None:
    user = sign_up()
    business(owner=user)
    assert client.get(PATH, headers=user.headers).json() == {"recommendations": [], "next_cursor": None}


def test_high_comes_first_then_impact_then_the_newest(
    client: TestClient, sign_up: SignUp, business: Business, recommend: Recommend
) -> None:
    user = sign_up()
    business_id = business(owner=user)
    in_order = [("high", 11, 0), ("medium", 9, 0), ("medium", 9, 1), ("medium", 8, 0), ("low", 99, 0), ("low", None, 0)]
    ids = [
        str(
            recommend(business_id, priority=priority, estimated_impact=impact, created_at=NOON - dt.timedelta(days=age))
        )
        for priority, impact, age in reversed(in_order)
    ]
    assert listed(client, user) == ids[::-1]


def test_pages_follow_each_other_to_the_end(
    client: TestClient, sign_up: SignUp, business: Business, recommend: Recommend
) -> None:
    user = sign_up()
    business_id = business(owner=user)
    for number in range(205):
        recommend(business_id, priority=("high", "medium", "low")[number % 3], estimated_impact=number % 5)
    whole = listed(client, user, limit=200)
    assert len(whole) == 200
    assert len(listed(client, user)) == 50
    pages = ids_by_page(client, PATH, user, limit=60)
    assert [len(page) for page in pages] == [60, 60, 60, 25]
    found = list(itertools.chain(*pages))
    assert (found[:200], len(set(found))) == (whole, 205)


def test_status_and_priority_narrow_the_list(
    client: TestClient, sign_up: SignUp, business: Business, recommend: Recommend
) -> None:
    user = sign_up()
    business_id = business(owner=user)
    pending = str(recommend(business_id))
    accepted = str(recommend(business_id, status="accepted", priority="low"))
    assert listed(client, user, status="pending") == [pending]
    assert listed(client, user, status="accepted", priority="low") == [accepted]
    assert listed(client, user, priority="high") == [pending]
    assert listed(client, user, status="dismissed") == listed(client, user, priority="medium") == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "open"),
        ("status", "PENDING"),
        ("status", ""),
        ("priority", "urgent"),
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "-1"),
        ("limit", "ten"),
        ("limit", "1e400"),
        ("limit", "9" * 400),
        ("cursor", ""),
        ("cursor", "\0"),
        ("cursor", "é"),
        ("cursor", "A" * 43 + "'"),
        ("business_id", "1' or '1'='1"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(
    client: TestClient, sign_up: SignUp, business: Business, field: str, value: str
) -> None:
    user = sign_up()
    business(owner=user)
    answer = client.get(PATH, headers=user.headers, params={field: value})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
    assert answer.json()["error"]["details"]["field"] == field


def test_a_list_is_of_the_named_business_or_the_only_one(
    client: TestClient, sign_up: SignUp, business: Business, recommend: Recommend
) -> None:
    user, stranger = sign_up(), sign_up()
    first = business(viewer=user)
    row_id = str(recommend(first))
    assert listed(client, user) == listed(client, user, business_id=first) == [row_id]
    second = business(owner=user)
    assert client.get(PATH, headers=user.headers).json()["error"]["code"] == "BUSINESS_REQUIRED"
    assert listed(client, user, business_id=first) == [row_id]
    assert listed(client, user, business_id=second) == []
    headers = {**stranger.headers, "X-Request-Id": "one-for-all"}
    foreign, none = (client.get(PATH, headers=headers, params={"business_id": str(x)}) for x in (first, uuid.uuid4()))
    assert (foreign.status_code, foreign.content) == (403, none.content)


def test_a_foreign_cursor_shows_only_ones_own(
    client: TestClient, sign_up: SignUp, business: Business, recommend: Recommend
) -> None:
    user, other = sign_up(), sign_up()
    foreign = business(owner=other)
    for _ in range(3):
        recommend(foreign)
    cursor = client.get(PATH, headers=other.headers, params={"limit": 1}).json()["next_cursor"]
    mine = str(recommend(business(owner=user), priority="low"))
    assert listed(client, user, cursor=cursor) == [mine]


@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("admin", 200), ("viewer", 403)])
def test_owners_and_admins_decide_and_viewers_read(
    client: TestClient, sign_up: SignUp, business: Business, recommend: Recommend, role: str, status: int
) -> None:
    user = sign_up()
    row_id = recommend(business(**{role: user}))
    before = client.get(PATH, headers=user.headers).json()["recommendations"][0]
    answer = decide(client, user, row_id, "accepted")
    assert answer.status_code == status
    after = client.get(PATH, headers=user.headers).json()["recommendations"][0]
    if status == 200:
        assert answer.json() == after == {**before, "status": "accepted"}
    else:
        assert answer.json()["error"]["code"] == "FORBIDDEN"
        assert after == before


def test_the_business_is_the_recommendations_not_the_one_named(
    client: TestClient, sign_up: SignUp, business: Business, recommend: Recommend
) -> None:
    user = sign_up()
    own, foreign = business(owner=user), business(viewer=user)
    row_id = recommend(foreign)
    answer = client.patch(
        f"{PATH}/{row_id}", headers=user.headers, params={"business_id": str(own)}, json={"status": "accepted"}
    )
    assert answer.status_code == 403
    assert decide(client, user, recommend(own), "accepted").status_code == 200


def test_deciding_again_is_harmless_and_going_back_is_refused(
    client: TestClient, sign_up: SignUp, business: Business, recommend: Recommend
) -> None:
    user = sign_up()
    row_id = recommend(business(owner=user))
    accepted = decide(client, user, row_id, "accepted")
    assert decide(client, user, row_id, "accepted").content == accepted.content
    dismissed = decide(client, user, row_id, "dismissed")
    assert dismissed.json() == {**accepted.json(), "status": "dismissed"}
    assert decide(client, user, row_id, "dismissed").content == dismissed.content
    refused = decide(client, user, row_id, "accepted")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")
    assert refused.json()["error"]["message"] == "This recommendation is dismissed and can't be accepted any more."


def test_an_acceptance_can_be_taken_back(
    client: TestClient, sign_up: SignUp, business: Business, recommend: Recommend
) -> None:
    user = sign_up()
    row_id = recommend(business(owner=user))
    before = client.get(PATH, headers=user.headers).json()["recommendations"][0]
    assert decide(client, user, row_id, "accepted").json() == {**before, "status": "accepted"}
    assert decide(client, user, row_id, "pending").json() == before
    assert decide(client, user, row_id, "dismissed").status_code == 200
    assert decide(client, user, row_id, "pending").status_code == 409


def test_a_dismissal_says_why(client: TestClient, sign_up: SignUp, business: Business, recommend: Recommend) -> None:
    user = sign_up()
    row_id = recommend(business(owner=user))
    path, body = f"{PATH}/{row_id}", {"status": "dismissed", "reason": "We close in winter; it’s fine."}
    answer = client.patch(path, headers=user.headers, json=body)
    assert (answer.status_code, answer.json()["reason"]) == (200, body["reason"])
    assert client.get(PATH, headers=user.headers).json()["recommendations"] == [answer.json()]


def test_a_reason_for_anything_else_means_nothing(
    client: TestClient, sign_up: SignUp, business: Business, recommend: Recommend
) -> None:
    user = sign_up()
    row_id = recommend(business(owner=user))
    body = {"status": "accepted", "reason": "a good idea"}
    answer = client.patch(f"{PATH}/{row_id}", headers=user.headers, json=body)
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, "reason")
    assert listed(client, user, status="pending") == [str(row_id)]


def test_a_resolved_one_shows_the_numbers_before_and_after(
    client: TestClient, sign_up: SignUp, business: Business, recommend: Recommend
) -> None:
    user = sign_up()
    before = {"score": 68, "currency": "usd", "metrics": {"chargeback_ratio": 0.024}}
    proof = {"before": before, "after": {**before, "score": 83, "metrics": {"chargeback_ratio": None}}}
    recommend(business(viewer=user), status="resolved", proof=proof)
    [shown] = client.get(PATH, headers=user.headers, params={"status": "resolved"}).json()["recommendations"]
    assert shown["proof"] == proof


@pytest.mark.parametrize("decision", ["accepted", "dismissed", "pending"])
def test_a_resolved_one_stays_resolved(
    client: TestClient, sign_up: SignUp, business: Business, recommend: Recommend, decision: str
) -> None:
    user = sign_up()
    row_id = recommend(business(owner=user), status="resolved")
    assert decide(client, user, row_id, decision).status_code == 409
    assert listed(client, user, status="resolved") == [str(row_id)]


def test_a_stranger_cannot_tell_a_recommendation_from_nothing(
    client: TestClient, engine: Engine, sign_up: SignUp, business: Business, recommend: Recommend
) -> None:
    stranger, owner = sign_up(), sign_up()
    business(owner=stranger)
    business_id = business(owner=owner)
    pending, resolved = recommend(business_id), recommend(business_id, status="resolved")
    headers = {**stranger.headers, "X-Request-Id": "one-for-all"}

    def refused(row_id: UUID) -> bytes:
        answer = client.patch(f"{PATH}/{row_id}", headers=headers, json={"status": "accepted"})
        assert answer.status_code == 403
        return answer.content

    bodies = {refused(row_id) for row_id in (pending, resolved, uuid.uuid4(), business_id)}
    with engine.begin() as db:
        join(db, UUID(stranger.id), business_id, "owner")
        leave(db, UUID(stranger.id), business_id)
    bodies.add(refused(pending))
    assert len(bodies) == 1
    assert listed(client, owner, status="pending") == [str(pending)]


def test_a_demoted_or_removed_member_is_refused_at_once(
    client: TestClient, engine: Engine, sign_up: SignUp, business: Business, recommend: Recommend
) -> None:
    user = sign_up()
    business_id = business(admin=user)
    assert decide(client, user, recommend(business_id), "accepted").status_code == 200
    with engine.begin() as db:
        join(db, UUID(user.id), business_id, "viewer")
    assert decide(client, user, recommend(business_id), "accepted").status_code == 403
    assert len(listed(client, user, business_id=business_id)) == 2
    with engine.begin() as db:
        leave(db, UUID(user.id), business_id)
    assert client.get(PATH, headers=user.headers, params={"business_id": str(business_id)}).status_code == 403


BAD_BODIES: list[tuple[str, Any]] = [
    ("status", {}),
    ("status", {"status": None}),
    ("reason", {"status": "dismissed", "reason": ""}),
    ("reason", {"status": "dismissed", "reason": "   "}),
    ("reason", {"status": "dismissed", "reason": "two\nlines"}),
    ("reason", {"status": "dismissed", "reason": "x" * 501}),
    ("reason", {"status": "dismissed", "reason": 1}),
    ("status", {"status": "resolved"}),
    ("status", {"status": "Accepted"}),
    ("status", {"status": ["accepted"]}),
    ("status", {"status": 1}),
    *[
        (column, {"status": "accepted", column: "x"})
        for column in ("id", "business_id", "rule_key", "title", "priority", "estimated_impact", "updated_at")
    ],
    ("body", []),
    ("body", "accepted"),
]


@pytest.mark.parametrize(("field", "body"), BAD_BODIES)
def test_a_bad_decision_is_refused_by_field(
    client: TestClient, sign_up: SignUp, business: Business, recommend: Recommend, field: str, body: Any
) -> None:
    user = sign_up()
    row_id = recommend(business(owner=user))
    answer = client.patch(f"{PATH}/{row_id}", headers=user.headers, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == field
    assert listed(client, user, status="pending") == [str(row_id)]


def test_an_id_that_is_none_is_refused(client: TestClient, sign_up: SignUp) -> None:
    answer = decide(client, sign_up(), "1%27%20or%201=1", "accepted")
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == "recommendation_id"


def test_everything_needs_a_token(client: TestClient) -> None:
    assert client.get(PATH).status_code == 401
    assert client.patch(f"{PATH}/{uuid.uuid4()}", json={"status": "accepted"}).status_code == 401
