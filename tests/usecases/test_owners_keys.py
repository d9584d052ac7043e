"""Connecting by a restricted key, reading with it, replacing what seals it, and forgetting it."""

import datetime as dt
import uuid
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Connection as Database
from sqlalchemy import select, text, update

from tests import rows
from tests.fakes import FakeStripe
from vaultra.db import models
from vaultra.domain.connections import Mode
from vaultra.errors import AccessRevoked, Conflict, Forbidden, InvalidInput, RateLimited, Unavailable, Unprocessable
from vaultra.ports import KeyRights, OauthGrant
from vaultra.sealing import Place, SealBroken, Sealing
from vaultra.usecases import connections, owners_keys

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
KEY = "rk_live_ofTheTests0123456789"
RIGHTS = KeyRights("acct_1", livemode=True)
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
Account = models.IntegrationAccount


class Inspector:
    """A `KeyInspector` that says what it was told to."""

    def __init__(self, verdict: KeyRights | Exception) -> None:
        self.verdict = verdict

    def inspect(self, key: str) -> KeyRights:
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict


def connect(
    db: Database, business_id: UUID, stripe: FakeStripe, key: str = KEY, rights: KeyRights = RIGHTS
) -> connections.Connected:
    return connections.connect_with_key(
        db, stripe, Sealing([OLD]), business_id=business_id, key=key, rights=rights, now=NOW
    )


def key_of(db: Database, account: str = "acct_1", keys: tuple[str, ...] = (OLD,)) -> str | None:
    return owners_keys.key_of(db, lambda: Sealing(keys), account)


def stored(db: Database) -> list[str | None]:
    return list(db.scalars(select(Account.sealed_key).order_by(Account.external_id)))


# --- What may be pasted -----------------------------------------------------------------------


@pytest.mark.parametrize("text", [KEY, f"  {KEY}\n", KEY.replace("live", "test")], ids=["live", "spaces", "test"])
def test_a_restricted_key_may_be_pasted(text: str) -> None:
    assert owners_keys.read_key(text) == text.strip()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sk_live_ofTheTests0123456789", "This is a secret key"),
        ("sk_test_ofTheTests0123456789", "This is a secret key"),
        ("pk_live_ofTheTests0123456789", "This is a publishable key"),
        ("whsec_ofTheTests0123456789", "not a whole restricted key"),
        ("rk_live_short", "not a whole restricted key"),
        ("rk_live_with spaces in the middle", "not a whole restricted key"),
        ("rk_live_" + "x" * 300, "not a whole restricted key"),
        (KEY + "\x00", "not a whole restricted key"),
        ("rk_live_ümlaut0123456789", "not a whole restricted key"),
        ("", "not a whole restricted key"),
    ],
    ids=["secret", "test secret", "publishable", "webhook", "short", "spaces", "long", "nul", "not ascii", "nothing"],
)
def test_anything_else_is_refused_by_name_and_not_repeated(text: str, words: str) -> None:
    with pytest.raises(Unprocessable, match=words) as caught:
        owners_keys.read_key(text)
    assert caught.value.details["field"] == "restricted_key"
    assert "ofTheTests" not in f"{caught.value.message} {caught.value.details}"


def test_missing_and_excessive_rights_are_named_in_one_refusal() -> None:
    rights = KeyRights("acct_1", True, missing=("Events (rak_event_read)", "Invoices"), writable=("Payouts",))
    with pytest.raises(Unprocessable) as caught:
        owners_keys.inspect_key(Inspector(rights), KEY)
    assert caught.value.message == (
        "This key can change things at Stripe: Payouts. Set these to Read or None. "
        "This key can't read all that Vaultra needs. Set these to Read: Events (rak_event_read), Invoices."
    )
    assert caught.value.details["missing"] == ["Events (rak_event_read)", "Invoices"]
    assert caught.value.details["writable"] == ["Payouts"]


@pytest.mark.parametrize("refusal", [AccessRevoked("It was deleted."), InvalidInput("It is a test key.")])
def test_a_key_that_does_not_work_is_the_fields_fault(refusal: Exception) -> None:
    with pytest.raises(Unprocessable) as caught:
        owners_keys.inspect_key(Inspector(refusal), KEY)
    assert (caught.value.message, caught.value.details["field"]) == (str(refusal), "restricted_key")


@pytest.mark.parametrize("outage", [RateLimited("slow"), Unavailable("down")])
def test_an_outage_is_told_as_one(outage: Exception) -> None:
    with pytest.raises(type(outage)):
        owners_keys.inspect_key(Inspector(outage), KEY)
    assert owners_keys.inspect_key(Inspector(RIGHTS), KEY) == RIGHTS


# --- Connecting -------------------------------------------------------------------------------


def test_connecting_by_key_begins_as_by_consent_and_stores_nothing_readable(db: Database, stripe: FakeStripe) -> None:
    business = rows.a_business(db)
    connected = connect(db, business, stripe)
    assert (connected.connection.mode, connected.connection.livemode, connected.run.kind) == (Mode.KEY, True, "initial")
    assert connections.status(db, business).connection == connected.connection
    everything = str(
        db.execute(
            text("select integration_accounts::text, sync_runs::text from integration_accounts, sync_runs")
        ).all()
    )
    assert KEY[8:] not in everything
    assert key_of(db) == KEY
    assert stripe.deauthorized == []


def test_the_conflicts_are_those_of_consent(db: Database, stripe: FakeStripe) -> None:
    one, two = rows.a_business(db), rows.a_business(db)
    connect(db, one, stripe)
    other = KeyRights("acct_2", livemode=True)
    for business, rights in ((two, RIGHTS), (one, other)):
        with pytest.raises(Conflict) as caught:
            connect(db, business, stripe, rights=rights)
        assert not any(name in caught.value.message for name in (str(one), "acct_", "Shop"))
    with pytest.raises(Forbidden):
        connect(db, uuid.uuid4(), stripe, rights=other)
    assert key_of(db) == KEY


def test_an_account_has_one_key_whatever_its_mode(db: Database, stripe: FakeStripe) -> None:
    """A read names the account only: with a key for each mode, the one might be read for the other."""
    connect(db, rows.a_business(db), stripe)
    with pytest.raises(Conflict):
        connect(db, rows.a_business(db), stripe, rights=KeyRights("acct_1", livemode=False))


def test_a_new_key_takes_the_place_of_the_old_one(db: Database, stripe: FakeStripe) -> None:
    business = rows.a_business(db)
    first = connect(db, business, stripe)
    db.execute(update(Account).values(status="error", error="It was deleted."))
    second = connect(db, business, stripe, key=KEY + "New")
    assert (second.connection.id, second.connection.working, key_of(db)) == (first.connection.id, True, KEY + "New")


def test_from_consent_to_key_the_consent_is_given_back(db: Database, stripe: FakeStripe) -> None:
    business = rows.a_business(db)
    connections.connect(db, business_id=business, grant=OauthGrant("acct_1", livemode=True), now=NOW)
    assert key_of(db) is None
    connect(db, business, stripe)
    assert (stripe.deauthorized, key_of(db)) == (["acct_1"], KEY)
    connections.connect(db, business_id=business, grant=OauthGrant("acct_1", livemode=True), now=NOW)
    assert (stored(db), key_of(db)) == ([None], None), "from key to consent the key is wiped"


def test_while_the_consent_can_not_be_given_back_nothing_changes(db: Database, stripe: FakeStripe) -> None:
    business = rows.a_business(db)
    connections.connect(db, business_id=business, grant=OauthGrant("acct_1", livemode=True), now=NOW)
    stripe.failure = Unavailable("down")
    savepoint = db.begin_nested()
    with pytest.raises(Unavailable):
        connect(db, business, stripe)
    savepoint.rollback()
    assert stored(db) == [None]


# --- Forgetting -------------------------------------------------------------------------------


def test_disconnecting_wipes_the_key_at_once_and_asks_stripe_nothing(db: Database, stripe: FakeStripe) -> None:
    business = rows.a_business(db)
    connect(db, business, stripe)
    stripe.failure = Unavailable("there is nothing to give back")
    connections.disconnect(db, stripe, business_id=business, now=NOW)
    assert (stored(db), connections.status(db, business).connection) == ([None], None)
    with pytest.raises(AccessRevoked, match="not connected any more"):
        key_of(db)


def test_no_disconnected_account_can_keep_a_key(db: Database, stripe: FakeStripe) -> None:
    connect(db, rows.a_business(db), stripe)
    with pytest.raises(Exception, match="ck_integration_accounts_key_wiped"), db.begin_nested():
        db.execute(update(Account).values(status="disconnected"))


# --- At rest ----------------------------------------------------------------------------------


def test_a22_keys_that_swap_their_rows_open_nothing(db: Database, stripe: FakeStripe) -> None:
    connect(db, rows.a_business(db), stripe)
    connect(db, rows.a_business(db), stripe, rights=KeyRights("acct_2", livemode=True), key=KEY + "Two")
    one, two = stored(db)
    for account, sealed in (("acct_1", None), ("acct_2", None), ("acct_1", two), ("acct_2", one)):
        db.execute(update(Account).where(Account.external_id == account).values(sealed_key=sealed))
    for account in ("acct_1", "acct_2"):
        with pytest.raises(SealBroken):
            key_of(db, account)
    moved = update(Account).where(Account.external_id == "acct_1").values(sealed_key=one, external_id="acct_3")
    db.execute(moved)
    with pytest.raises(SealBroken):
        key_of(db, "acct_3")


def test_o8_resealing_goes_page_by_page_and_leaves_what_it_can_not_open(db: Database, stripe: FakeStripe) -> None:
    for number in range(5):
        connect(db, rows.a_business(db), stripe, rights=KeyRights(f"acct_{number}", True), key=f"{KEY}{number}")
    stranger = Sealing([Fernet.generate_key().decode()]).seal(KEY, Place(uuid.uuid4(), uuid.uuid4(), "acct_3"))
    db.execute(update(Account).where(Account.external_id == "acct_3").values(sealed_key=stranger))
    connections.connect(db, business_id=rows.a_business(db), grant=OauthGrant("acct_9", livemode=True), now=NOW)
    before, after, pages = stored(db), None, 0
    broken: list[UUID] = []
    while True:
        page = owners_keys.reseal(db, Sealing([NEW, OLD]), after, 2)
        pages, after, broken = pages + 1, page.last, broken + page.broken
        if after is None:
            break
    assert (pages, len(broken)) == (3, 1)
    assert [key_of(db, f"acct_{n}", (NEW,)) for n in (0, 1, 2, 4)] == [f"{KEY}{n}" for n in (0, 1, 2, 4)]
    assert stored(db)[3] == before[3] == stranger
    kept = stored(db)
    assert owners_keys.reseal(db, Sealing([NEW]), None, 100).keys == 0, "a second time finds nothing to do"
    assert stored(db) == kept


# --- Reading now ------------------------------------------------------------------------------


def test_reading_now_needs_an_account_and_a_minute(db: Database, stripe: FakeStripe) -> None:
    business = rows.a_business(db)
    with pytest.raises(Conflict, match="No Stripe account"):
        connections.sync_now(db, business, NOW)
    first = connect(db, business, stripe).run
    assert connections.sync_now(db, business, NOW).id == first.id, "the first reading goes on"
    with pytest.raises(RateLimited) as caught:
        connections.sync_now(db, business, NOW + dt.timedelta(seconds=59))
    assert caught.value.retry_after == 1
    db.execute(update(models.SyncRun).values(finished_at=NOW))
    later = NOW + dt.timedelta(minutes=1)
    run = connections.sync_now(db, business, later)
    assert (run.kind, run.id != first.id) == ("incremental", True)
    assert connections.sync_now(db, business, later + dt.timedelta(minutes=1)).id == run.id, "one at a time"
