"""What the simulator answers has the fields of Stripe's own example objects, and no others.

official_fixtures.json.xz: from Stripe's public OpenAPI repository (github.com/stripe/openapi, MIT licence).
"""

import json
import lzma
from pathlib import Path
from typing import Any

import pytest
import stripe as sdk

from vaultra_local.stripe_sim import StripeAccount

from .conftest import NOW

OFFICIAL = json.loads(lzma.decompress(Path(__file__).with_name("official_fixtures.json.xz").read_bytes()))
# Stripe's invoice payments are not among its example objects: their fields are the SDK's.
OFFICIAL["invoice_payment"] = dict.fromkeys(set(sdk.InvoicePayment.__annotations__) - {"OBJECT_NAME"})

ALSO_REAL = {"event": {"account"}, "data": {"previous_attributes"}}
"""Fields that Stripe documents and its examples lack: the account of a Connect event, what an update changed."""
LEFT_OUT = {
    "account": {"external_accounts"},
    "charge": {"refunds", "source"},
    "invoice": {"subscription"},
    "subscription": {"billing_schedules"},
}
"""Fields a platform at this version does not see, or sees only on demand."""
FREE = {"metadata", "last_payment_error"}
"""Objects whose fields depend on the case, so that one example cannot show them all."""
KINDS = [
    kind for kind in OFFICIAL if kind not in ("application_fee", "review", "subscription_item", "account", "balance")
]


def unknown_fields(made: Any, official: Any, path: str) -> list[str]:
    """Paths of fields that the official example has not, however deep; what is null there may hold anything."""
    if isinstance(made, list):
        examples = official if isinstance(official, list) and official else [None]
        return [bad for one in made for bad in unknown_fields(one, examples[0], f"{path}[]")]
    if not isinstance(made, dict) or not isinstance(official, dict) or not official:
        return []
    bad = []
    for name, value in made.items():
        last = path.rpartition(".")[2]
        if name not in official and name not in ALSO_REAL.get(last, set()):
            bad.append(f"{path}.{name}")
        elif name not in FREE:
            bad += unknown_fields(value, official.get(name), f"{path}.{name}")
    return bad


def wrong_types(made: dict[str, Any], official: dict[str, Any]) -> list[str]:
    """Top-level fields that hold another type of value than the example; null is always good."""
    bad = []
    for name, value in made.items():
        example = official.get(name)
        if value is not None and example is not None and type(value) is not type(example):
            bad.append(f"{name}: {value!r} where Stripe has {example!r}")
    return bad


@pytest.mark.parametrize("kind", KINDS)
def test_every_object_has_stripes_fields(accounts: dict[str, StripeAccount], kind: str) -> None:
    source = "charge" if kind == "payment_intent" else kind
    seen = 0
    for account in accounts.values():
        ids = [object_id for _, object_id in account.collections[source].ordered()[-400:]]
        for object_id in ids:
            object_id = "pi" + object_id[2:] if kind == "payment_intent" else object_id
            made = account.render(kind, object_id, NOW)
            official = OFFICIAL[kind]
            if kind == "event":
                about = made["data"]["object"]
                assert about["object"] in OFFICIAL
                assert unknown_fields(about, OFFICIAL[about["object"]], about["object"]) == []
                official = {**official, "data": {"object": None}}
            assert made["object"] == kind
            assert unknown_fields(made, official, kind) == []
            assert set(OFFICIAL[kind]) - set(made) <= LEFT_OUT.get(kind, set())
            assert wrong_types(made, official) == []
            seen += 1
    assert seen > 0


def test_account_and_balance_have_stripes_fields(accounts: dict[str, StripeAccount]) -> None:
    for account in accounts.values():
        assert unknown_fields(account.profile, OFFICIAL["account"], "account") == []
        assert set(OFFICIAL["account"]) - set(account.profile) == LEFT_OUT["account"]
        assert unknown_fields(account.balance(NOW), OFFICIAL["balance"], "balance") == []
        assert set(account.balance(NOW)) == set(OFFICIAL["balance"])


def test_the_check_sees_what_is_wrong() -> None:
    charge = {"id": "ch_1", "invoice": "in_1", "outcome": {"type": "authorized", "mood": "good"}}
    assert unknown_fields(charge, OFFICIAL["charge"], "charge") == ["charge.invoice", "charge.outcome.mood"]
    assert wrong_types({"amount": "100"}, OFFICIAL["charge"]) == ["amount: '100' where Stripe has 100"]
