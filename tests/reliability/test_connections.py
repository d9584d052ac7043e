"""RELIABILITY rows E10–E14, O8 and A22: access that ends, comes back, is contested, and keys at rest; over HTTP."""

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Connection, Engine, text

from tests import rows
from tests import stripe_payloads as raw
from tests.connected import apply, statuses
from tests.fakes import FakeStripe
from tests.reliability.test_secrets import dump
from tests.stripe_payloads import event
from tests.threads import in_threads
from vaultra.adapters.stripe import StripeApi
from vaultra.config import StripeSettings
from vaultra.db import engine as database
from vaultra.db.models import Base
from vaultra.errors import Conflict, InvalidInput, VaultraError
from vaultra.ports import KeyRights, OauthGrant
from vaultra.sealing import Sealing
from vaultra.usecases import connections, dispatch, owners_keys, sync
from vaultra_local.stripe_sim import RunningSimulator, running_simulator, yen_shop
from vaultra_local.stripe_sim.small_accounts import YEN_ID

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
SECOND, MINUTE = dt.timedelta(seconds=1), dt.timedelta(minutes=1)
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
SEALING = Sealing([OLD])
TRIES = 7
DAY_OF_TICKS = 96


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator([yen_shop(NOW.date())], now=lambda: int(NOW.timestamp())) as running:
        yield running


@pytest.fixture
def stripe(simulator: RunningSimulator) -> RunningSimulator:
    simulator.simulator.revoked.clear()
    simulator.simulator.requests.clear()
    return simulator


@dataclass
class Reader:
    """Reads the shop as the workers do. Just before its `moment`-th request leaves, `then` happens."""

    engine: Engine
    stripe: RunningSimulator
    moment: int = 0
    then: Callable[[], None] = lambda: None
    asked: int = 0

    def key_of(self, account_id: str) -> str | None:
        """Look the key up, and let happen what is to happen while the request is on its way."""
        with self.engine.connect() as conn:
            key = owners_keys.key_of(conn, lambda: SEALING, account_id)
        self.asked += 1
        if self.asked == self.moment:
            self.then()
        return key

    def read(self, run_id: UUID, step: int) -> None:
        """Take all steps of a run; like the broker, bring a message that failed seven times."""
        url = self.stripe.url
        settings = StripeSettings(stripe_secret_key="sk_test_1", stripe_api_base=url, stripe_connect_base=url)
        api = StripeApi(settings, lambda: NOW, self.key_of)
        waiting = [(run_id, step, TRIES)]
        with self.engine.connect() as conn:
            while waiting:
                run_id, step, tries = waiting.pop(0)
                try:
                    result = sync.take_step(conn, api, run_id, step, NOW)
                    conn.commit()
                    waiting += [(*following, TRIES) for following in result.next_steps]
                except VaultraError as error:
                    conn.rollback()
                    waiting += [(run_id, step, tries - 1)] if error.retry and tries > 1 else []


def goodbye(created: dt.datetime = NOW + MINUTE) -> dict[str, Any]:
    return event("account.application.deauthorized", {"object": "application"}, created, account=YEN_ID)


def by_consent(conn: Connection, business: UUID, granted_at: dt.datetime = NOW) -> connections.Connected:
    grant = OauthGrant(YEN_ID, livemode=True, granted_at=granted_at)
    connected = connections.connect(conn, business_id=business, grant=grant, now=NOW)
    conn.commit()
    return connected


def by_key(conn: Connection, business: UUID, key: str) -> connections.Connected:
    rights = KeyRights(YEN_ID, livemode=True)
    connected = connections.connect_with_key(
        conn, FakeStripe(), SEALING, business_id=business, key=key, rights=rights, now=NOW
    )
    conn.commit()
    return connected


def connect(conn: Connection, business: UUID, mode: str, stripe: RunningSimulator) -> connections.Connected:
    return by_consent(conn, business) if mode == "consent" else by_key(conn, business, stripe.restricted_key(YEN_ID))


def account(conn: Connection, business: UUID) -> dict[str, Any]:
    found = conn.execute(text("select * from integration_accounts where business_id = :id"), {"id": business})
    return dict(found.mappings().one())


def number_of_reads(engine: Engine, stripe: RunningSimulator) -> int:
    """How often Stripe is asked in a first reading that nothing disturbs."""
    with engine.connect() as conn:
        business = rows.a_business(conn)
        connected = by_consent(conn, business)
        Reader(engine, stripe).read(connected.run.id, connected.run.step)
        assert account(conn, business)["history_complete"]
        connections.disconnect(conn, FakeStripe(), business_id=business, now=NOW)
        conn.commit()
    asked = len(stripe.requests)
    stripe.simulator.requests.clear()
    return asked


# --- E10: access that ends while the account is read ------------------------------------------


@pytest.mark.parametrize("mode", ["consent", "key"])
def test_e10_reading_stops_within_a_page_whenever_access_ends(
    fresh_engine: Engine, stripe: RunningSimulator, mode: str
) -> None:
    total = number_of_reads(fresh_engine, stripe)
    worst = late = 0
    for moment in range(1, total + 1):
        stripe.simulator.revoked.clear()
        with fresh_engine.connect() as conn:
            business = rows.a_business(conn)
            connected = (
                by_consent(conn, business)
                if mode == "consent"
                else by_key(conn, business, stripe.restricted_key(YEN_ID))
            )

            def end(business: UUID = business) -> None:
                stripe.simulator.requests.clear()
                with fresh_engine.connect() as other:
                    if mode == "consent":
                        stripe.revoke(YEN_ID)
                        apply(other, FakeStripe(), [{**goodbye(), "id": f"evt_bye{business}"}])
                    else:
                        connections.disconnect(other, FakeStripe(), business_id=business, now=NOW)
                        other.commit()

            Reader(fresh_engine, stripe, moment, end).read(connected.run.id, connected.run.step)
            worst = max(worst, len(stripe.requests))
            stripe.simulator.requests.clear()
            found = account(conn, business)
            assert (found["status"], found["sealed_key"], found["error"]) == ("disconnected", None, None), moment
            assert conn.execute(text("select count(*) from dead_letters")).scalar_one() == 0
            # Whatever the schedule and the sweeper announce later, nobody asks Stripe again.
            for tick in range(1, DAY_OF_TICKS + 1 if moment == total else 3):
                for job in ("stripe_sync", "sweep"):
                    announced = dispatch.run(conn, dispatch.Tick(job), NOW + tick * 15 * MINUTE)
                    conn.commit()
                    steps = [body for topic, body in announced if topic == sync.TOPIC]
                    for body in steps:
                        Reader(fresh_engine, stripe).read(UUID(body["run_id"]), body["step"])
            late = max(late, len(stripe.requests))
    print(f"E10 ({mode}): ended at each of {total} reads: at most {worst} request under way, {late} afterwards")
    assert (worst, late) == (1, 0)


# --- E11: a goodbye that comes late -----------------------------------------------------------


@pytest.mark.parametrize("skew", [-10, 0, 10], ids=["our clock is late", "clocks agree", "our clock is early"])
def test_e11_a_goodbye_from_before_the_reconnection_changes_nothing(fresh_engine: Engine, skew: int) -> None:
    """What counts is Stripe's clock: the goodbye's time and the new grant's."""
    with fresh_engine.connect() as conn:
        business, ours = rows.a_business(conn), NOW + skew * MINUTE
        for again in range(3):
            granted_at = NOW + again * MINUTE
            grant = OauthGrant(YEN_ID, livemode=True, granted_at=granted_at)
            connections.connect(conn, business_id=business, grant=grant, now=ours + again * MINUTE)
            conn.commit()
            for seconds in (60, 1, 0):  # the one before comes late, and twice
                late = {**goodbye(granted_at - seconds * SECOND), "id": f"evt_{again}_{seconds}"}
                apply(conn, FakeStripe(), [late], ours)
                apply(conn, FakeStripe(), [late], ours)
                assert account(conn, business)["status"] == "connected"
        apply(conn, FakeStripe(), [goodbye(NOW + 2 * MINUTE + SECOND)], ours)
        assert account(conn, business)["status"] == "disconnected"


def test_e11_a_goodbye_to_the_platform_is_none_to_the_owners_key(
    fresh_engine: Engine, stripe: RunningSimulator
) -> None:
    with fresh_engine.connect() as conn:
        business = rows.a_business(conn)
        by_key(conn, business, stripe.restricted_key(YEN_ID))
        assert apply(conn, FakeStripe(), [goodbye()]).done == 1
        assert account(conn, business)["status"] == "connected"
        assert account(conn, business)["sealed_key"] is not None


def test_a_goodbye_to_an_unknown_account_waits_for_nobody(fresh_engine: Engine) -> None:
    """It may be about an account that was deleted here, of which nothing is to stay in wait."""
    with fresh_engine.connect() as conn:
        apply(conn, FakeStripe(), [goodbye()])
        assert statuses(conn) == {"ignored": 1}


# --- E12: one account, many businesses --------------------------------------------------------


def test_e12_of_twenty_at_once_one_gets_the_account(fresh_database_url: str, stripe: RunningSimulator) -> None:
    engine = database.create(fresh_database_url, pool_size=20)
    with engine.begin() as conn:
        businesses = [rows.a_business(conn) for _ in range(20)]
    gate, key = threading.Barrier(20), stripe.restricted_key(YEN_ID)
    outcomes: list[str] = []

    def compete(number: int) -> None:
        with engine.connect() as conn:
            gate.wait(timeout=20)
            try:
                if number % 2:
                    by_key(conn, businesses[number], key)
                else:
                    by_consent(conn, businesses[number])
                outcomes.append("won")
            except Conflict:
                outcomes.append("conflict")

    in_threads(compete, range(20))
    with engine.connect() as conn:
        connected = conn.execute(text("select count(*) from integration_accounts where status = 'connected'"))
        runs = conn.execute(text("select count(*) from sync_runs where finished_at is null"))
        assert (connected.scalar_one(), runs.scalar_one()) == (1, 1)
    engine.dispose()
    print(f"E12: 20 at once, 10 by consent and 10 by key: {outcomes.count('won')} winner")
    assert sorted(outcomes) == ["conflict"] * 19 + ["won"]


# --- E13: the account moves to another business -----------------------------------------------

ABOUT_BUSINESSES = [table for table in Base.metadata.sorted_tables if "business_id" in table.c]


def rows_of(conn: Connection, business: UUID) -> dict[str, set[str]]:
    """Every row that says it is about this business, by table, whole."""
    found = {}
    for table in ABOUT_BUSINESSES:
        statement = text(f"select t::text from {table.name} t where business_id = :id")
        found[table.name] = set(conn.execute(statement, {"id": business}).scalars())
    return found


def test_e13_a_reconnection_under_another_business_moves_no_row(fresh_engine: Engine, stripe: RunningSimulator) -> None:
    with fresh_engine.connect() as conn:
        first, second = rows.a_business(conn), rows.a_business(conn)
        connected = by_consent(conn, first)
        Reader(fresh_engine, stripe).read(connected.run.id, connected.run.step)
        connections.disconnect(conn, FakeStripe(), business_id=first, now=NOW)
        conn.commit()
        before = rows_of(conn, first)
        connected = by_key(conn, second, stripe.restricted_key(YEN_ID))
        assert sum(map(len, rows_of(conn, second).values())) == 1, "nothing comes with the account but the connection"
        Reader(fresh_engine, stripe).read(connected.run.id, connected.run.step)
        charge = conn.execute(text("select id from charges limit 1")).scalar_one()
        late = raw.dispute(id="dp_late", charge=charge, amount=5, currency="jpy")
        assert apply(conn, FakeStripe(), [event("charge.dispute.created", late, NOW, account=YEN_ID)]).failed == []
        assert rows_of(conn, first) == before
        theirs = rows_of(conn, second)
        moved = sum(len(theirs[name] & before[name]) for name in theirs)
        counts = {name: (len(before[name]), len(theirs[name])) for name in ("charges", "daily_rollups", "disputes")}
        owners = text("select count(distinct integration_account_id) from charges where business_id = :id")
        assert conn.execute(owners, {"id": second}).scalar_one() == 1
    print(f"E13: {sum(map(len, before.values())):,} rows of the first business stayed, {moved} moved; {counts}")
    assert counts["charges"][0] == counts["charges"][1] > 0
    assert counts["disputes"][1] == counts["disputes"][0] + 1
    assert moved == 0


# --- E14: access that is gone without a word --------------------------------------------------


@pytest.mark.parametrize("mode", ["consent", "key"])
def test_e14_a_refusal_is_told_to_the_owner_after_one_call(
    fresh_engine: Engine, stripe: RunningSimulator, mode: str
) -> None:
    with fresh_engine.connect() as conn:
        business, key = rows.a_business(conn), stripe.restricted_key(YEN_ID)
        connected = by_consent(conn, business) if mode == "consent" else by_key(conn, business, key)
        if mode == "consent":
            stripe.simulator.revoked.add(YEN_ID)  # without the event that tells of it
        else:
            stripe.roll_key(key)
        Reader(fresh_engine, stripe).read(connected.run.id, connected.run.step)
        first = len(stripe.requests)
        status = connections.status(conn, business).connection
        assert status is not None
        assert (status.working, status.mode) == (False, "oauth" if mode == "consent" else "key")
        assert status.error is not None
        assert ("Connect it again" if mode == "consent" else "Paste a new one") in status.error
        for tick in range(1, DAY_OF_TICKS):
            announced = dispatch.run(conn, dispatch.Tick("stripe_sync"), NOW + tick * 15 * MINUTE)
            conn.commit()
            for _, body in announced:
                Reader(fresh_engine, stripe).read(UUID(str(body["run_id"])), body["step"])
        day = len(stripe.requests)
        again = (
            by_consent(conn, business) if mode == "consent" else by_key(conn, business, stripe.restricted_key(YEN_ID))
        )
        stripe.simulator.revoked.clear()
        Reader(fresh_engine, stripe).read(again.run.id, again.run.step)
        mended = connections.status(conn, business).connection
        assert mended is not None
        assert (mended.working, mended.error) == (True, None)
    print(f"E14 ({mode}): {first} call until the owner is told, {day} in the day after")
    assert first <= 3
    assert day <= 3


def test_e14_a_code_that_stripe_refuses_is_tried_once(stripe: RunningSimulator) -> None:
    settings = StripeSettings(stripe_secret_key="sk_test_1", stripe_connect_base=stripe.url)
    with pytest.raises(InvalidInput):
        StripeApi(settings, lambda: NOW).exchange_code("ac_never_given")
    assert [request.path for request in stripe.requests] == ["/oauth/token"]


# --- O8 and A22: keys at rest -----------------------------------------------------------------

KEYS = 60


def test_o8_our_own_key_is_replaced_while_all_are_read(fresh_engine: Engine) -> None:
    with fresh_engine.connect() as conn:
        keys = {f"acct_{number}": f"rk_live_ofTheTests{number:010}" for number in range(KEYS)}
        for name, key in keys.items():
            business = rows.a_business(conn)
            rights = KeyRights(name, livemode=True)
            connections.connect_with_key(
                conn, FakeStripe(), Sealing([OLD]), business_id=business, key=key, rights=rights, now=NOW
            )
        conn.commit()
    # Deployed in this order: first every reader knows both, then all is sealed again, then the old one is forgotten.
    both, done = Sealing([NEW, OLD]), threading.Event()
    read, failed = [0] * 4, []

    def reader(number: int) -> None:
        while not done.is_set():
            for name, key in keys.items():
                with fresh_engine.connect() as conn:
                    try:
                        opened = owners_keys.key_of(conn, lambda: both, name)
                        failed.extend([] if opened == key else [name])
                    except VaultraError as error:
                        failed.append(f"{name}: {error.message}")
                read[number] += 1

    threads = [threading.Thread(target=reader, args=(number,)) for number in range(len(read))]
    for thread in threads:
        thread.start()
    began, after, rounds = time.monotonic(), None, 0
    try:
        with fresh_engine.connect() as conn:
            while sum(read) < 4 * KEYS or rounds < 3:
                page = owners_keys.reseal(conn, both, after, 7)
                conn.commit()
                assert page.broken == []
                after = page.last
                rounds += after is None
    finally:
        done.set()
        for thread in threads:
            thread.join()
    with fresh_engine.connect() as conn:
        assert {name: owners_keys.key_of(conn, lambda: Sealing([NEW]), name) for name in keys} == keys
    seconds = time.monotonic() - began
    print(f"O8: {KEYS} keys sealed again {rounds} times in {seconds:.1f} s, {sum(read):,} reads, {len(failed)} failed")
    assert failed == []


def test_a22_no_row_of_any_table_holds_a_key(fresh_engine: Engine, stripe: RunningSimulator) -> None:
    with fresh_engine.connect() as conn:
        business, key = rows.a_business(conn), stripe.restricted_key(YEN_ID)
        connected = by_key(conn, business, key)
        Reader(fresh_engine, stripe, moment=9, then=lambda: stripe.roll_key(key)).read(connected.run.id, 0)
        everything = dump(conn)
        sealed = account(conn, business)["sealed_key"]
    assert sealed in everything, "the search below would find something"
    assert account_error(fresh_engine, business) is not None
    assert key[8:] not in everything
    assert OLD not in everything


def account_error(engine: Engine, business: UUID) -> str | None:
    with engine.connect() as conn:
        error: str | None = account(conn, business)["error"]
        return error
