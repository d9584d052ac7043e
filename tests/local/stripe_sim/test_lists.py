"""Lists: every object exactly once, newest first, under every filter, whatever moves meanwhile."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from vaultra_local.stripe_sim.account import DAY, StripeAccount
from vaultra_local.stripe_sim.resources import BY_PATH
from vaultra_local.stripe_sim.small_accounts import YEN_ID

from .conftest import NOW, Reader

LISTED = [path for path in BY_PATH if path not in ("application_fees", "events")]


def rendered(account: StripeAccount, kind: str) -> list[dict[str, Any]]:
    """All objects of a kind by brute force, newest first."""
    source = "charge" if kind == "payment_intent" else kind
    ids = [object_id for _, object_id in account.collections[source].ordered()]
    if kind == "payment_intent":
        ids = ["pi" + object_id[2:] for object_id in ids]
    objects = [account.render(kind, object_id, NOW) for object_id in ids]
    return sorted(objects, key=lambda one: (one["created"], one["id"]), reverse=True)


@pytest.mark.parametrize("path", LISTED)
def test_a_list_has_every_object_once_newest_first(
    accounts: dict[str, StripeAccount], reader: Callable[[str], Reader], path: str
) -> None:
    billing = path in ("subscriptions", "invoices", "invoice_payments", "prices", "products", "coupons")
    account = accounts["Fernhill Studio" if billing else "Quillwater Goods"]
    everything: dict[str, Any] = {"status": "all"} if path == "subscriptions" else {}
    expected = [one["id"] for one in rendered(account, BY_PATH[path].kind)]
    assert expected
    assert reader(account.id).ids(path, **everything) == expected


@pytest.mark.parametrize("path", BY_PATH)
def test_an_account_without_history_has_empty_lists(
    accounts: dict[str, StripeAccount], reader: Callable[[str], Reader], path: str
) -> None:
    answer = reader(accounts["Brambleway Pottery"].id).get(path)
    assert answer.json() == {"object": "list", "data": [], "has_more": False, "url": f"/v1/{path}"}


CASES = [
    ("Quillwater Goods", "charges", "customer", lambda one: one["customer"]),
    ("Quillwater Goods", "charges", "payment_intent", lambda one: one["payment_intent"]),
    ("Quillwater Goods", "payment_intents", "customer", lambda one: one["customer"]),
    ("Quillwater Goods", "refunds", "charge", lambda one: one["charge"]),
    ("Quillwater Goods", "disputes", "charge", lambda one: one["charge"]),
    ("Quillwater Goods", "disputes", "payment_intent", lambda one: one["payment_intent"]),
    ("Quillwater Goods", "payouts", "status", lambda one: one["status"]),
    ("Quillwater Goods", "payouts", "destination", lambda one: one["destination"]),
    ("Quillwater Goods", "balance_transactions", "type", lambda one: one["type"]),
    ("Quillwater Goods", "balance_transactions", "source", lambda one: one["source"]),
    ("Yukidama Paper", "balance_transactions", "currency", lambda one: one["currency"]),
    ("Quillwater Goods", "radar/early_fraud_warnings", "charge", lambda one: one["charge"]),
    ("Fernhill Studio", "subscriptions", "status", lambda one: one["status"]),
    ("Fernhill Studio", "invoices", "status", lambda one: one["status"]),
    ("Fernhill Studio", "invoices", "customer", lambda one: one["customer"]),
    ("Fernhill Studio", "invoices", "subscription", lambda one: one["parent"]["subscription_details"]["subscription"]),
    ("Fernhill Studio", "invoice_payments", "invoice", lambda one: one["invoice"]),
    ("Fernhill Studio", "invoice_payments", "payment[payment_intent]", lambda one: one["payment"]["payment_intent"]),
    ("Fernhill Studio", "prices", "product", lambda one: one["product"]),
    ("Fernhill Studio", "products", "active", lambda one: str(one["active"]).lower()),
]


@pytest.mark.parametrize(("name", "path", "filter_name", "value_of"), CASES)
def test_a_filter_keeps_exactly_what_has_its_value(
    accounts: dict[str, StripeAccount],
    reader: Callable[[str], Reader],
    name: str,
    path: str,
    filter_name: str,
    value_of: Callable[[dict[str, Any]], str],
) -> None:
    account, objects = accounts[name], rendered(accounts[name], BY_PATH[path].kind)
    values = sorted({value_of(one) for one in objects} - {None})
    for value in random.Random(7).sample(values, min(4, len(values))):
        expected = [one["id"] for one in objects if value_of(one) == value]
        by_value: dict[str, Any] = {filter_name: value}
        assert reader(account.id).ids(path, limit=40, **by_value) == expected


def test_filters_and_bounds_hold_together(accounts: dict[str, StripeAccount], reader: Callable[[str], Reader]) -> None:
    account = accounts["Quillwater Goods"]
    reading, since = reader(account.id), NOW - 200 * DAY
    expected = [
        one["id"]
        for one in rendered(account, "balance_transaction")
        if one["type"] == "refund" and since <= one["created"] < since + 90 * DAY
    ]
    query: dict[str, Any] = {"type": "refund", "created__gte": since, "created__lt": since + 90 * DAY}
    assert len(expected) > 20
    assert reading.ids("balance_transactions", limit=7, **query) == expected


@pytest.mark.parametrize("operator", ["gte", "gt", "lte", "lt", ""])
def test_created_bounds_are_exact(
    accounts: dict[str, StripeAccount], reader: Callable[[str], Reader], operator: str
) -> None:
    charges = rendered(accounts["Yukidama Paper"], "charge")
    edge = charges[100]["created"]
    holds = {
        "gte": lambda at: at >= edge,
        "gt": lambda at: at > edge,
        "lte": lambda at: at <= edge,
        "lt": lambda at: at < edge,
        "": lambda at: at == edge,
    }[operator]
    name = f"created__{operator}" if operator else "created"
    bound: dict[str, Any] = {name: edge}
    found = reader(YEN_ID).ids("charges", **bound)
    assert found == [one["id"] for one in charges if holds(one["created"])]


def test_backwards_paging_finds_the_same(reader: Callable[[str], Reader]) -> None:
    reading = reader(YEN_ID)
    forwards = reading.ids("charges")
    newest_first = reading.get("charges", limit=9, ending_before=forwards[30]).json()
    assert [one["id"] for one in newest_first["data"]] == forwards[21:30]
    assert newest_first["has_more"]
    assert not reading.get("charges", limit=30, ending_before=forwards[30]).json()["has_more"]


def test_payouts_list_their_own_transactions(
    accounts: dict[str, StripeAccount], reader: Callable[[str], Reader]
) -> None:
    account = accounts["Quillwater Goods"]
    reading = reader(account.id)
    automatic = [one for one in rendered(account, "payout") if one["automatic"]]
    for payout in automatic[:5]:
        transactions = [
            account.render("balance_transaction", i, NOW)
            for i in reading.ids("balance_transactions", payout=payout["id"])
        ]
        own = [one for one in transactions if one["type"] == "payout"]
        assert [one["amount"] for one in own] == [-payout["amount"]]
        assert sum(one["net"] for one in transactions) == 0


def test_subscriptions_without_a_status_are_those_not_canceled(
    accounts: dict[str, StripeAccount], reader: Callable[[str], Reader]
) -> None:
    account = accounts["Fernhill Studio"]
    expected = [one["id"] for one in rendered(account, "subscription") if one["status"] != "canceled"]
    assert reader(account.id).ids("subscriptions") == expected
    assert reader(account.id).get("subscriptions", status="nonsense").status_code == 400


def test_events_are_those_of_the_last_thirty_days_by_type(
    accounts: dict[str, StripeAccount], reader: Callable[[str], Reader]
) -> None:
    account = accounts["Quillwater Goods"]
    reading = reader(account.id)
    recent = [event for event in account.events() if event["created"] >= NOW - 30 * DAY]
    recent.sort(key=lambda event: (event["created"], event["id"]), reverse=True)
    assert reading.ids("events") == [event["id"] for event in recent]
    wanted = ["payout.paid", "payout.failed", "charge.dispute.created"]
    assert reading.ids("events", limit=3, types=wanted) == [e["id"] for e in recent if e["type"] in wanted]
    assert reading.ids("events", limit=3, type="payout.paid") == [e["id"] for e in recent if e["type"] == "payout.paid"]


def test_filters_follow_what_happens(small: Any) -> None:
    with small() as (stripe, reading):
        filters: list[tuple[str, dict[str, Any]]] = [
            ("payouts", {"status": "paid"}),
            ("payouts", {"status": "pending"}),
            ("payouts", {"status": "failed"}),
            ("charges", {"customer": reading.get("customers", limit=1).json()["data"][0]["id"]}),
        ]
        customer = filters[3][1]["customer"]
        for path, query in filters:
            reading.ids(path, **query)  # from here on there is an index to keep up
        old = stripe.do(YEN_ID, "charge", amount=900, customer=customer, at=NOW - 90 * DAY)
        new = stripe.do(YEN_ID, "charge", amount=900, customer=customer)
        stripe.do(YEN_ID, "remove", kind="charge", object_id=reading.ids("charges", customer=customer)[1])
        paid = [stripe.do(YEN_ID, "payout", amount=5, at=NOW - days * DAY) for days in (1, 40, 20)]
        for payout in paid:
            stripe.do(YEN_ID, "payout_paid", payout=payout)
        stripe.do(YEN_ID, "payout_failed", payout=paid[1])
        for path, query in filters:
            ((name, value),) = query.items()
            everything = rendered(stripe.simulator.accounts[YEN_ID], BY_PATH[path].kind)
            assert reading.ids(path, limit=7, **query) == [one["id"] for one in everything if one[name] == value]
        assert {old, new} <= set(reading.ids("charges", customer=customer))


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_missed_while_the_list_changes(small: Any, seed: int) -> None:
    chance = random.Random(seed)
    with small() as (stripe, reading):
        before = set(reading.ids("charges"))
        deleted: set[str] = set()
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            answer = reading.get("charges", limit=10, **cursor).json()
            found += [one["id"] for one in answer["data"]]
            if not answer["has_more"]:
                break
            cursor = {"starting_after": found[-1]}
            stripe.do(YEN_ID, "charge", amount=1000, at=NOW - chance.randrange(180) * DAY)
            victim = chance.choice(sorted(before - deleted - {found[-1]}))
            stripe.do(YEN_ID, "remove", kind="charge", object_id=victim)
            deleted.add(victim)
        assert len(found) == len(set(found))
        assert before - deleted <= set(found)


def test_a_deleted_cursor_is_told(small: Any) -> None:
    with small() as (stripe, reading):
        cursor = reading.ids("charges")[4]
        stripe.do(YEN_ID, "remove", kind="charge", object_id=cursor)
        answer = reading.get("charges", starting_after=cursor)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "resource_missing"
    assert answer.json()["error"]["param"] == "starting_after"


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"created__gte": "yesterday"}, "created[gte]"),
        ({"created__around": 5}, "created[around]"),
        ({"colour": "red"}, "colour"),
        ({"starting_after": "ch_unknown"}, "starting_after"),
    ],
)
def test_wrong_parameters_are_named(reader: Callable[[str], Reader], query: dict[str, Any], param: str) -> None:
    answer = reader(YEN_ID).get("charges", **query)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["param"] == param


def test_unknown_paths_and_objects_answer_404(reader: Callable[[str], Reader]) -> None:
    reading = reader(YEN_ID)
    path = reading.get("chargess")
    assert (path.status_code, path.json()["error"]["type"]) == (404, "invalid_request_error")
    assert "Unrecognized request URL (GET: /v1/chargess)" in path.json()["error"]["message"]
    charge = reading.get("charges/ch_unknown")
    assert (charge.status_code, charge.json()["error"]["code"]) == (404, "resource_missing")
    assert charge.json()["error"]["message"] == "No such charge: 'ch_unknown'"


def test_every_listed_object_can_be_had_alone(
    accounts: dict[str, StripeAccount], reader: Callable[[str], Reader]
) -> None:
    for name in ("Fernhill Studio", "Quillwater Goods"):
        reading = reader(accounts[name].id)
        for path in LISTED:
            for one in reading.get(path, limit=2).json()["data"]:
                assert reading.get(f"{path}/{one['id']}").json() == one


def test_keys_and_accounts_are_checked(small: Any) -> None:
    with small(secret_key="sk_test_right") as (stripe, reading):
        assert reading.get("charges").status_code == 200
        assert reading.http.get("/v1/charges", headers={"Authorization": ""}).status_code == 401
        assert reading.http.get("/v1/charges", headers={"Authorization": "Bearer sk_test_wrong"}).status_code == 401
        other = reading.http.get("/v1/charges", headers={"Stripe-Account": "acct_other"})
        assert (other.status_code, other.json()["error"]["code"]) == (403, "account_invalid")
        stripe.revoke(YEN_ID)
        assert reading.get("charges").json()["error"]["code"] == "account_invalid"


def test_answers_carry_stripes_headers(reader: Callable[[str], Reader]) -> None:
    answer = reader(YEN_ID).http.get("/v1/balance", headers={"Stripe-Version": "2026-10-28.endive"})
    assert answer.headers["request-id"].startswith("req_")
    assert answer.headers["stripe-version"] == "2026-10-28.endive"
    assert answer.headers["date"] == "Fri, 20 Nov 2026 12:00:00 GMT"


def test_the_balance_is_the_sum_of_its_transactions(
    accounts: dict[str, StripeAccount], reader: Callable[[str], Reader]
) -> None:
    for account in accounts.values():
        balance = reader(account.id).get("balance").json()
        collection = account.collections["balance_transaction"]
        moves = [collection.fields(object_id) for _, object_id in collection.ordered()]
        for part, settled in (("available", True), ("pending", False)):
            total = sum(amount["amount"] for amount in balance[part])
            assert total == sum(one["net"] for one in moves if (one["available_on"] <= NOW) == settled)
