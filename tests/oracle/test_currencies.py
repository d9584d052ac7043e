"""RELIABILITY row E15: whole minor units in every kind of currency, mixed ones and partial refunds included."""

from collections import Counter
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, text

from tests.fakes import FakeStripe
from tests.functions.conftest import SignedIn
from tests.oracle.oracle import answer, compare
from tests.oracle.random_shops import ShopMaker
from tests.oracle.records import DAY, read_records
from tests.oracle.test_product_agrees import AS_OF, RATES, Loader, Raw, ask, conn, every_object
from vaultra.services import Services

__all__ = ["ask", "conn"]

SETTLED = {
    "no decimals": ("jpy", "krw", "clp", "vnd", "xaf"),
    "two decimals": ("usd", "eur", "gbp", "inr", "brl"),
    "two decimals at Stripe, none among people": ("ugx", "isk", "huf", "twd"),
    "three decimals": ("kwd", "bhd", "jod", "omr", "tnd"),
}
FOREIGN = ("usd", "jpy", "kwd", "ugx", "isk", "huf", "twd", "xaf", "tnd")
SHOPS_OF_EACH = 1
SUMS = text(
    "select day - date '1970-01-01' as day, currency, charge_count, captured_minor, settled_minor, unconverted_count, "
    "refund_count, refunded_minor from daily_rollups where integration_account_id = :account"
)
Sums = dict[tuple[int, str], tuple[int, ...]]


def by_hand(shop: Raw) -> Sums:
    """A day's sums in one currency, in whole minor units, straight from Stripe's objects."""
    records = read_records(shop, int(AS_OF.timestamp()) // DAY, livemode=True)
    found: dict[tuple[int, str], Counter[int]] = {}
    for charge in records.charges:
        sums = found.setdefault((charge.day, charge.currency), Counter())
        sums.update({0: 1, 1: charge.captured, 2: charge.amount or 0, 3: charge.amount is None})
    for refund in records.refunds:
        found.setdefault((refund.day, refund.currency), Counter()).update({4: 1, 5: refund.amount or 0})
    return {key: tuple(int(sums[column]) for column in range(6)) for key, sums in found.items()}


def stored(loader: Loader) -> Sums:
    """The same, as the product keeps it."""
    rows = loader.conn.execute(SUMS, {"account": loader.account.id})
    return {(row.day, row.currency): tuple(row[2:]) for row in rows if any(row[2:])}


def awkward_shop(number: int, currency: str) -> Raw:
    """A random shop of this currency, two foreign ones, and a charge given back in three parts that don't divide."""
    maker = ShopMaker(20_000 + number, AS_OF)
    maker.currency = currency
    maker.foreign = [code for code in FOREIGN if code != currency][number % 7 : number % 7 + 2]
    shop = maker.make()
    for mark, code, amount in (("own", currency, 100_001), ("foreign", maker.foreign[0], 99_999_999)):
        charge = a_charge(f"ch_{number}_{mark}", code, amount)
        if mark == "foreign":  # Stripe's own conversion, whose quotient no decimal fraction of a rate gives exactly
            charge["balance_transaction"] = a_movement(f"txn_{number}", currency, 7_654_321, amount)
        shop["charges"].append(charge)
        for part in range(3):
            shop["refunds"].append(a_refund(f"re_{number}_{mark}_{part}", charge, amount // 3))
    return shop


def a_charge(name: str, currency: str, amount: int) -> Raw:
    return {
        "id": name,
        "object": "charge",
        "livemode": True,
        "created": int(AS_OF.timestamp()) - 2 * DAY,
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": amount // 3 * 3,
        "currency": currency,
        "status": "succeeded",
        "captured": True,
        "paid": True,
        "refunded": False,
        "disputed": False,
        "customer": None,
        "payment_method_details": None,
        "payment_intent": None,
        "balance_transaction": None,
    }


def a_movement(name: str, currency: str, amount: int, of: int) -> Raw:
    return {
        "id": name,
        "object": "balance_transaction",
        "amount": amount,
        "fee": 0,
        "net": amount,
        "currency": currency,
        "exchange_rate": amount / of,
        "created": int(AS_OF.timestamp()) - 2 * DAY,
        "available_on": int(AS_OF.timestamp()),
        "reporting_category": "charge",
        "status": "available",
        "type": "charge",
        "source": None,
    }


def a_refund(name: str, charge: Raw, amount: int) -> Raw:
    return {
        "id": name,
        "object": "refund",
        "created": charge["created"] + 60,
        "amount": amount,
        "currency": charge["currency"],
        "status": "succeeded",
        "charge": charge["id"],
        "payment_intent": None,
        "balance_transaction": None,
    }


def test_e15_every_amount_is_exact_in_every_kind_of_currency(
    conn: Connection,
    stripe: FakeStripe,
    services: Services,
    sign_up: Callable[[], SignedIn],
    ask: Callable[[SignedIn, str], Raw],
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole_numbers, answers, mixed, partial = 0, 0, 0, 0
    kinds: Counter[str] = Counter()
    currencies = [(kind, currency) for kind, of_kind in SETTLED.items() for currency in of_kind] * SHOPS_OF_EACH
    for number, (kind, currency) in enumerate(currencies):
        shop = awkward_shop(number, currency)
        loader = Loader(conn, stripe, sign_up(), shop, f"acct_in_{currency}_{number}")
        loader.store(every_object(shop))
        loader.apply(shop["events"])
        loader.compute()
        expected, found = by_hand(shop), stored(loader)
        assert found == expected, currency
        differences = compare(
            answer(shop, AS_OF, usd_reference=RATES), ask(loader.owner, "metrics"), ask(loader.owner, "readiness")
        )
        assert not differences, f"{currency}: " + "\n".join(differences)
        whole_numbers += sum(map(len, expected.values()))
        answers += 1
        kinds[kind] += 1
        mixed += len({code for _, code in expected}) > 1
        charges = {charge["id"]: charge["amount_captured"] for charge in shop["charges"]}
        partial += sum(0 < refund["amount"] < charges[refund["charge"]] for refund in shop["refunds"])
    with capsys.disabled():
        print(
            f"\nE15: {answers} shops in {len(set(currencies))} currencies ({dict(kinds)}), {mixed} of them mixed, "
            f"{partial} partial refunds: {whole_numbers} sums of minor units equal; answers equal to the oracle's"
        )
    assert mixed == answers
