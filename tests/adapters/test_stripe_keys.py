"""What a restricted key is good for, asked of the simulator over HTTP with Stripe's own SDK."""

import datetime as dt
from collections.abc import Iterator

import pytest

from vaultra.adapters.stripe_keys import READS, WRITES, StripeKeyInspector
from vaultra.config import StripeSettings
from vaultra.errors import AccessRevoked, InvalidInput, RateLimited, Unavailable
from vaultra.ports import KeyRights
from vaultra_local.stripe_sim import Fault, RunningSimulator, new_account, running_simulator, yen_shop
from vaultra_local.stripe_sim.permissions import reading
from vaultra_local.stripe_sim.small_accounts import NEW_ID, YEN_ID

AS_OF = dt.date(2026, 11, 20)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSimulator]:
    with running_simulator([yen_shop(AS_OF), new_account(AS_OF, livemode=False)]) as stripe:
        yield stripe


@pytest.fixture
def stripe(running: RunningSimulator) -> RunningSimulator:
    running.faults.clear()
    running.simulator.requests.clear()
    return running


def inspector(stripe: RunningSimulator, platform: str = "sk_test_platform") -> StripeKeyInspector:
    return StripeKeyInspector(StripeSettings(stripe_secret_key=platform, stripe_api_base=stripe.url))


def inspect(stripe: RunningSimulator, key: str) -> KeyRights:
    return inspector(stripe).inspect(key)


def test_a_key_that_reads_everything_and_writes_nothing(stripe: RunningSimulator) -> None:
    assert inspect(stripe, stripe.restricted_key(YEN_ID)) == KeyRights(YEN_ID, livemode=True)
    assert inspect(stripe, stripe.restricted_key(NEW_ID)) == KeyRights(NEW_ID, livemode=False)


def test_the_questions_are_few_short_and_harmless(stripe: RunningSimulator) -> None:
    key, before = stripe.restricted_key(YEN_ID), len(stripe.simulator.accounts[YEN_ID].collections["charge"])
    inspect(stripe, key)
    asked = [(request.method, request.path.removeprefix("/v1/"), request.query) for request in stripe.requests]
    assert [path for method, path, _ in asked if method == "GET"] == list(READS)
    assert all("limit=1" in query for method, path, query in asked if method == "GET" and path not in READS_ONE)
    written = [path.rsplit("/", 1) for method, path, _ in asked if method == "POST"]
    assert [resource for resource, _ in written] == list(WRITES)
    ids = {object_id for _, object_id in written}
    assert len(ids) == len(written)
    assert all(object_id.startswith("vaultra_") and len(object_id) == 40 for object_id in ids)
    assert len(stripe.simulator.accounts[YEN_ID].collections["charge"]) == before


READS_ONE = ("account", "balance")


@pytest.mark.parametrize(
    ("without", "missing"),
    [
        (("charge",), ("Charges and refunds (rak_charge_read)",)),
        (("event", "plan"), ("Prices (rak_plan_read)", "Events (rak_event_read)")),
        (("balance_transaction_source",), ("Balance transaction sources (rak_balance_transaction_source_read)",)),
        (("early_fraud_warning",), ("Early fraud warnings (rak_early_fraud_warning_read)",)),
    ],
)
def test_what_is_missing_is_named_as_stripe_names_it(
    stripe: RunningSimulator, without: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    rights = inspect(stripe, stripe.restricted_key(YEN_ID, reading(*without)))
    assert (rights.account_id, rights.missing, rights.writable) == (YEN_ID, missing, ())


def test_a_key_without_any_right_lacks_all_of_them(stripe: RunningSimulator) -> None:
    rights = inspect(stripe, stripe.restricted_key(YEN_ID, []))
    assert (rights.account_id, rights.writable) == (None, ())
    assert len(rights.missing) == len(set(READS.values()))


@pytest.mark.parametrize(("name", "label"), [("charge", "Charges and refunds"), ("payout", "Payouts"),
                                             ("transfer", "Transfers"), ("customer", "Customers")])  # fmt: skip
def test_a_key_that_can_write_is_found_out(stripe: RunningSimulator, name: str, label: str) -> None:
    rights = inspect(stripe, stripe.restricted_key(YEN_ID, {*reading(), f"rak_{name}_write"}))
    assert (rights.missing, rights.writable) == ((), (label,))


def test_an_answer_nobody_expects_is_no_proof_that_a_key_can_not_write(stripe: RunningSimulator) -> None:
    """Only Stripe's refusal is: a conflict, say, comes after the permissions were looked at."""
    key = stripe.restricted_key(YEN_ID)
    stripe.faults.append(Fault(kind="409", path="/v1/payouts/vaultra_"))
    with pytest.raises(Unavailable):
        inspect(stripe, key)


def test_a_deleted_key_is_refused_without_a_letter_of_it(stripe: RunningSimulator) -> None:
    key = stripe.restricted_key(YEN_ID)
    stripe.roll_key(key)
    with pytest.raises(AccessRevoked, match="deleted, replaced") as caught:
        inspect(stripe, key)
    assert key[8:] not in str(caught.value)
    assert len(stripe.requests) == 1


def test_a_test_key_is_of_no_use_to_a_live_platform(stripe: RunningSimulator) -> None:
    with pytest.raises(InvalidInput, match="live mode"):
        inspector(stripe, "sk_live_platform").inspect(stripe.restricted_key(NEW_ID))
    assert stripe.requests == []
    live = stripe.restricted_key(YEN_ID)
    assert inspector(stripe, "sk_live_platform").inspect(live).livemode


@pytest.mark.parametrize(("kind", "error"), [("429", RateLimited), ("500", Unavailable), ("reset", Unavailable)])
def test_an_outage_is_no_verdict_on_the_key(stripe: RunningSimulator, kind: str, error: type[Exception]) -> None:
    key = stripe.restricted_key(YEN_ID)
    stripe.faults.append(Fault(kind=kind, path="/v1/disputes"))  # type: ignore[arg-type]
    with pytest.raises(error):
        inspect(stripe, key)
