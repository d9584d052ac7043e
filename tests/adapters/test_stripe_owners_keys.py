"""Accounts that are read with their owners' keys, over HTTP with Stripe's own SDK."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from vaultra.adapters.stripe import Keys, StripeApi, no_keys
from vaultra.config import StripeSettings
from vaultra.errors import AccessRevoked, Unavailable
from vaultra_local.stripe_sim import RunningSimulator, new_account, running_simulator, yen_shop
from vaultra_local.stripe_sim.permissions import reading
from vaultra_local.stripe_sim.small_accounts import NEW_ID, YEN_ID

AS_OF = dt.date(2026, 11, 20)
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
PLATFORM = "sk_test_platform"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSimulator]:
    with running_simulator([yen_shop(AS_OF), new_account(AS_OF)], secret_key=PLATFORM) as stripe:
        yield stripe


@pytest.fixture
def stripe(running: RunningSimulator) -> RunningSimulator:
    running.simulator.requests.clear()
    return running


def gateway(stripe: RunningSimulator, keys: Keys, platform: str = PLATFORM) -> StripeApi:
    settings = StripeSettings(stripe_secret_key=platform, stripe_api_base=stripe.url, stripe_connect_base=stripe.url)
    return StripeApi(settings, lambda: NOON, keys)


def headers_named(stripe: RunningSimulator) -> list[str | None]:
    """The account each request named in a header."""
    return [request.account for request in stripe.requests]


def test_an_account_with_a_key_is_read_with_it_and_any_other_with_the_platforms(stripe: RunningSimulator) -> None:
    key = stripe.restricted_key(YEN_ID)
    stripe.simulator.revoked.add(YEN_ID)  # what the platform may do says nothing about the owner's key
    try:
        api = gateway(stripe, {YEN_ID: key}.get)
        assert api.retrieve(YEN_ID, "account").body["id"] == YEN_ID
        page = api.list_page(YEN_ID, "charges", {"limit": "2"}).body
        assert [charge["currency"] for charge in page["data"]] == ["jpy", "jpy"]
        assert api.retrieve(NEW_ID, "account").body["id"] == NEW_ID
        assert headers_named(stripe) == [None, None, NEW_ID]
    finally:
        stripe.simulator.revoked.clear()


def test_the_key_is_asked_for_before_every_read(stripe: RunningSimulator) -> None:
    first, second = stripe.restricted_key(YEN_ID), stripe.restricted_key(YEN_ID)
    answers: list[str | None] = [first, second, None]
    api = gateway(stripe, lambda _: answers.pop(0))
    api.retrieve(YEN_ID, "balance")
    stripe.roll_key(first)
    api.retrieve(YEN_ID, "balance")
    api.retrieve(YEN_ID, "balance")
    assert headers_named(stripe) == [None, None, YEN_ID]


def test_a_key_that_its_owner_deleted_is_asked_once_and_told_in_words(stripe: RunningSimulator) -> None:
    key = stripe.restricted_key(YEN_ID)
    stripe.roll_key(key)
    with pytest.raises(AccessRevoked, match="Paste a new one") as caught:
        gateway(stripe, lambda _: key).list_page(YEN_ID, "charges", {})
    assert len(stripe.requests) == 1
    assert key[8:] not in str(caught.value)


def test_a_right_that_was_taken_away_is_named(stripe: RunningSimulator) -> None:
    key = stripe.restricted_key(YEN_ID, reading("dispute"))
    api = gateway(stripe, lambda _: key)
    assert api.list_page(YEN_ID, "charges", {"limit": "1"}).body["data"]
    with pytest.raises(AccessRevoked, match="Set rak_dispute_read to Read"):
        api.list_page(YEN_ID, "disputes", {})


def test_of_the_platforms_own_key_owners_hear_nothing(stripe: RunningSimulator) -> None:
    api = gateway(stripe, lambda _: None, "rk_test_unknown")
    stripe.simulator.rolled_keys.add("rk_test_unknown")
    with pytest.raises(Unavailable, match="STRIPE_SECRET_KEY"):
        api.retrieve(YEN_ID, "balance")


def test_an_account_that_is_not_connected_is_not_asked(stripe: RunningSimulator) -> None:
    def disconnected(_account_id: str) -> None:
        raise AccessRevoked("not connected")

    with pytest.raises(AccessRevoked, match="not connected"):
        gateway(stripe, disconnected).list_page(YEN_ID, "charges", {})
    assert stripe.requests == []


def test_a_grant_is_dated_by_stripes_clock(stripe: RunningSimulator) -> None:
    grant = gateway(stripe, no_keys).exchange_code(stripe.simulator.new_code(YEN_ID, "read_only"))
    stripe_says = dt.datetime.fromtimestamp(stripe.simulator.now(), dt.UTC)
    assert grant.granted_at is not None
    assert abs(stripe_says - grant.granted_at) <= dt.timedelta(seconds=5)
    assert grant.granted_at.microsecond == 0


@pytest.mark.parametrize("scope", ["read_only", "read_write"])
def test_owners_are_asked_for_the_scope_that_is_set(scope: Any) -> None:
    settings = StripeSettings(stripe_secret_key=PLATFORM, stripe_connect_client_id="ca_1", stripe_connect_scope=scope)
    assert f"scope={scope}&" in StripeApi(settings, lambda: NOON).authorize_url("s", "https://api.test") + "&"
