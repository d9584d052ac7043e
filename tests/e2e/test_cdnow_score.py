"""A real shop's history becomes the score that a direct reading of its file gives, whatever way it came."""

import http.client
import lzma
import random
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.product import (
    CLIENT_ID,
    SECRET_KEY,
    WEBHOOK_SECRET,
    Json,
    Owner,
    Product,
    computed_at,
    running_product,
    wait_until,
)
from tests.oracle.oracle import answer, cdnow_objects, compare
from vaultra.services import utc_now
from vaultra_local.stripe_sim import StripeAccount, cdnow, running_simulator, signed
from vaultra_local.stripe_sim.cdnow import FILE

DUPLICATES = 0.2
CONNECTIONS = 64


def differences(owner: Owner, objects: Json) -> list[str]:
    """Where the product's answers and the oracle's differ."""
    metrics, readiness = owner.metrics(), owner.readiness()
    return compare(answer(objects, computed_at(metrics), usd_reference={"usd": Fraction(1)}), metrics, readiness)


def agree(owner: Owner, objects: Json) -> bool:
    return owner.history_is_read() and not differences(owner, objects)


def empty_copy(account: StripeAccount) -> StripeAccount:
    """The same account before its first payment."""
    return StripeAccount(account.id, account.name, created=account.created, livemode=account.livemode)


def lines(every: int) -> list[str]:
    """The published file, or every so-manieth of its lines."""
    text = lzma.decompress(files("vaultra_local").joinpath(FILE).read_bytes()).decode()
    return text.splitlines()[1::every]


def deliver(product: Product, events: list[Json], seed: int) -> float:
    """Post every event signed, shuffled and a fifth of them twice, over several connections; gives the seconds."""
    chance = random.Random(seed)
    deliveries = events + chance.sample(events, int(DUPLICATES * len(events)))
    chance.shuffle(deliveries)
    waiting = iter(deliveries)
    address = urlsplit(product.url)
    assert address.hostname is not None

    def connection() -> None:
        client = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        for event in waiting:  # a plain iterator: each connection takes the next
            body, headers = signed(event, WEBHOOK_SECRET, int(utc_now().timestamp()))
            client.request("POST", "/api/v1/webhooks/stripe", body, headers)
            response = client.getresponse()
            answered = response.read()
            assert response.status == 200, answered

    began = time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for done in [pool.submit(connection) for _ in range(CONNECTIONS)]:
            done.result()
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("way", "every"),
    [
        ("backfill", 8),
        pytest.param("backfill", 1, marks=pytest.mark.long),
        ("webhooks", 16),
        pytest.param("both", 8, marks=pytest.mark.long),
        pytest.param("webhooks", 1, marks=pytest.mark.long),
        pytest.param("both", 1, marks=pytest.mark.long),
    ],
)
def test_the_score_is_the_oracles(way: str, every: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    today = utc_now().date()
    full = cdnow(today, every=every)
    account = empty_copy(full) if way == "webhooks" else full
    objects = cdnow_objects(lines(every), today)
    state = tmp_path_factory.mktemp(way)
    with (
        running_simulator([account], secret_key=SECRET_KEY, client_id=CLIENT_ID) as simulator,
        running_product(Path(state), simulator.url) as product,
    ):
        owner = Owner.sign_up(product)
        began = time.monotonic()
        owner.connect(full.id)
        delivered = 0.0
        if way != "backfill":
            events = list(full.events())
            delivered = deliver(product, events, seed=7)
            print(f"\n{way}: {len(events) * (1 + DUPLICATES):,.0f} webhooks in {delivered:.1f} s")
        try:
            wait_until(lambda: agree(owner, objects), 120, "the product and the oracle agree")
        finally:
            print(f"\n{way}: {time.monotonic() - began:.1f} s from connecting to the final score")
            if owner.has_score():
                print("\n".join(differences(owner, objects)))
        if every == 1:
            assert owner.readiness()["score"] == 80
