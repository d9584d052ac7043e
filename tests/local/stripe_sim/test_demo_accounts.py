"""The demo's accounts say what they are meant to say; CDNOW says what its file says."""

import datetime as dt
import lzma
import statistics
from collections import Counter
from importlib.resources import files
from typing import Any

import pytest

from vaultra_local.stripe_sim import StripeAccount, cdnow, software_business, troubled_shop
from vaultra_local.stripe_sim.account import DAY

from .conftest import AS_OF, NOW

END = int(dt.datetime(AS_OF.year, AS_OF.month, AS_OF.day, tzinfo=dt.UTC).timestamp())


def every(account: StripeAccount, kind: str) -> list[dict[str, Any]]:
    return [account.render(kind, object_id, NOW) for _, object_id in account.collections[kind].ordered()]


def sales(account: StripeAccount) -> list[dict[str, Any]]:
    return [charge for charge in every(account, "charge") if charge["status"] == "succeeded"]


def buckets(charges: list[dict[str, Any]], end: int) -> list[int]:
    """Takings of the last six blocks of thirty days, oldest first."""
    taken: Counter[int] = Counter()
    for charge in charges:
        taken[(end - 1 - charge["created"]) // (30 * DAY)] += charge["amount"]
    return [taken[block] for block in range(5, -1, -1)]


def mann_kendall(values: list[int]) -> int:
    return sum((b > a) - (b < a) for i, a in enumerate(values) for b in values[i + 1 :])


def test_cdnow_is_its_file(accounts: dict[str, StripeAccount]) -> None:
    text = lzma.decompress(files("vaultra_local").joinpath("data/CDNOW_master.txt.xz").read_bytes()).decode()
    direct: Counter[tuple[str, int]] = Counter()
    last = max(line.split()[1] for line in text.splitlines()[1:])
    shift = AS_OF - dt.timedelta(days=1) - dt.datetime.strptime(last, "%Y%m%d").date()
    for line in text.splitlines()[1:]:
        _, day, _, dollars = line.split()
        cents = round(float(dollars) * 100)
        if cents:
            shifted = dt.datetime.strptime(day, "%Y%m%d").date() + shift
            direct[shifted.isoformat(), cents] += 1
    account = accounts["CDNOW"]
    charges = [
        account.collections["charge"].fields(object_id) for _, object_id in account.collections["charge"].ordered()
    ]
    assert all(charge.keys().isdisjoint({"status", "paid", "captured", "currency"}) for charge in charges)
    made = Counter(
        (dt.datetime.fromtimestamp(charge["created"], dt.UTC).date().isoformat(), charge["amount_captured"])
        for charge in charges
    )
    assert made == direct
    assert max(day for day, _ in made) == "2026-11-19"
    assert len({charge["customer"] for charge in charges}) == len(account.collections["customer"])
    assert {kind for kind, found in account.collections.items() if len(found)} == {
        "balance_transaction",
        "charge",
        "customer",
        "event",
    }


def test_cdnow_is_the_same_however_often_it_is_built(accounts: dict[str, StripeAccount]) -> None:
    again = cdnow(AS_OF, livemode=False)
    assert again.collections["charge"].ordered() == accounts["CDNOW"].collections["charge"].ordered()
    assert again.render("charge", again.collections["charge"].ordered()[0][1], NOW)["livemode"] is False


@pytest.mark.parametrize("days_later", [0, 45])
def test_the_software_business_does_well_whenever_it_starts(days_later: int) -> None:
    account = software_business(AS_OF + dt.timedelta(days=days_later))
    end = END + days_later * DAY
    charges = sales(account)
    revenue = buckets(charges, end)
    assert statistics.stdev(revenue) / statistics.mean(revenue) < 0.2
    assert mann_kendall(revenue) >= 9
    assert min(revenue[-3:]) > 1_000_000
    assert len(every(account, "dispute")) / len(charges) < 0.002
    assert Counter(one["status"] for one in every(account, "dispute")) == {"won": 1, "lost": 1}
    assert all(one["created"] < end - 365 * DAY for one in every(account, "dispute"))
    payouts = [one for one in every(account, "payout") if one["arrival_date"] < end]
    assert {one["status"] for one in payouts} == {"paid"}
    paid = {e["data"]["object"]["id"]: e["created"] for e in account.events() if e["type"] == "payout.paid"}
    assert all(paid[one["id"]] <= one["arrival_date"] + DAY for one in payouts)
    statuses = Counter(one["status"] for one in every(account, "subscription"))
    assert statuses["active"] > 350
    assert statuses["canceled"] > 50
    subscriptions = every(account, "subscription")
    assert any(one["pause_collection"] for one in subscriptions)
    assert any(one["discounts"] for one in subscriptions)
    assert any(one["trial_end"] for one in subscriptions)
    assert {item["price"]["recurring"]["interval"] for one in subscriptions for item in one["items"]["data"]} == {
        "month",
        "year",
    }
    assert max(charge["created"] for charge in charges) < end


def test_the_troubled_shop_is_in_trouble() -> None:
    account = troubled_shop(AS_OF)
    charges = sales(account)
    revenue = buckets(charges, END)
    assert statistics.stdev(revenue) / statistics.mean(revenue) > 0.5
    window = END - 29 * DAY
    recent = [one for one in every(account, "dispute") if one["created"] >= window]
    assert 0.025 <= len(recent) / sum(charge["created"] >= window for charge in charges) <= 0.03
    assert sum(one["status"] in ("needs_response", "under_review") for one in recent) >= 4
    assert sum(one["created"] >= window for one in every(account, "radar.early_fraud_warning")) >= 5
    quarter = END - 89 * DAY
    refunds = [one for one in every(account, "refund") if one["created"] >= quarter]
    assert 0.06 <= len(refunds) / sum(charge["created"] >= quarter for charge in charges) <= 0.08
    payouts = [one for one in every(account, "payout") if quarter <= one["arrival_date"] < END]
    assert sum(one["status"] == "paid" for one in payouts) / len(payouts) < 0.8
    taken: Counter[str] = Counter()
    for charge in charges:
        if charge["created"] >= END - 179 * DAY:
            taken[charge["customer"]] += charge["amount"]
    assert taken.most_common(1)[0][1] / taken.total() > 0.25
    by_day: Counter[int] = Counter()
    for one in every(account, "balance_transaction"):
        by_day[one["created"] // DAY] += one["net"]
    balance, negative = 0, 0
    for day in range(min(by_day), END // DAY):
        balance += by_day[day]
        negative += balance < 0
    assert negative >= 4


def test_the_yen_shop_converts_by_its_exchange_rate(accounts: dict[str, StripeAccount]) -> None:
    account = accounts["Yukidama Paper"]
    foreign = [charge for charge in sales(account) if charge["currency"] == "usd"]
    assert len(foreign) > 10
    for charge in foreign:
        transaction = account.render("balance_transaction", charge["balance_transaction"], NOW)
        assert transaction["currency"] == "jpy"
        assert abs(transaction["amount"] - charge["amount"] * transaction["exchange_rate"]) <= 0.5
    assert any(one["currency"] == "usd" for one in every(account, "refund"))


def test_fees_are_stripes_and_come_off(accounts: dict[str, StripeAccount]) -> None:
    for name in ("CDNOW", "Quillwater Goods"):
        collection = accounts[name].collections["balance_transaction"]
        for _, object_id in collection.ordered()[-500:]:
            made = accounts[name].render("balance_transaction", object_id, NOW)
            assert made["net"] == made["amount"] - made["fee"]
            assert sum(part["amount"] for part in made["fee_details"]) == made["fee"]
            if made["type"] == "charge":
                assert made["fee"] == round(made["amount"] * 0.029 + 1e-9) + 30


def test_the_new_account_has_no_history(accounts: dict[str, StripeAccount]) -> None:
    account = accounts["Brambleway Pottery"]
    assert all(len(found) == 0 for found in account.collections.values())
    assert account.balance(NOW)["available"] == [{"amount": 0, "currency": "usd", "source_types": {"card": 0}}]
