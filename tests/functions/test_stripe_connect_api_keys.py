"""Connecting by a restricted key and reading now, through the deployed function; Stripe is the simulator over HTTP."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from io import BytesIO

import orjson
import pytest
import structlog
from cryptography.fernet import Fernet
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from tests.fakes import FakePublisher, FakeStripe
from tests.functions.conftest import Json, SignedIn
from vaultra.adapters.stripe_keys import StripeKeyInspector
from vaultra.config import StripeSettings
from vaultra.ports import KeyRights, OauthGrant
from vaultra.sealing import Sealing
from vaultra.services import Services
from vaultra_local.stripe_sim import Fault, RunningSimulator, StripeAccount, running_simulator
from vaultra_local.stripe_sim.permissions import reading

ROOT = "/api/v1/integrations/stripe"
KEY, SYNC, STATUS = f"{ROOT}/key", f"{ROOT}/sync", f"{ROOT}/status"
SignUp = Callable[[], SignedIn]
CreateBusiness = Callable[..., Json]


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator([], secret_key="sk_test_platform") as running:
        yield running


@pytest.fixture
def account(simulator: RunningSimulator) -> str:
    """A new account at Stripe."""
    simulator.faults.clear()
    account = StripeAccount(f"acct_{uuid.uuid4().hex[:16]}", "A Shop", created=0)
    simulator.simulator.accounts[account.id] = account
    return account.id


@pytest.fixture
def client(room: Callable[[str], TestClient], services: Services, simulator: RunningSimulator) -> TestClient:
    settings = StripeSettings(stripe_secret_key="sk_test_platform", stripe_api_base=simulator.url)
    services.key_inspector = StripeKeyInspector(settings)
    services.sealing = Sealing([Fernet.generate_key().decode()])
    return room("stripe_connect_api")


@pytest.fixture
def owner(sign_up: SignUp) -> SignedIn:
    return sign_up()


@pytest.fixture
def business(owner: SignedIn, create_business: CreateBusiness) -> Json:
    return create_business(owner)


@pytest.fixture
def logged(business: Json) -> Iterator[BytesIO]:
    """The lines of the log, as they leave; the first request, which made the business, has set logging up."""
    usual, lines = structlog.get_config(), BytesIO()
    structlog.configure(**{**usual, "logger_factory": structlog.BytesLoggerFactory(lines)})
    yield lines
    structlog.configure(**usual)


def paste(client: TestClient, user: SignedIn, key: str, **body: str) -> tuple[int, Json]:
    """The answer's status and body."""
    answer = client.post(KEY, headers=user.headers, json={"restricted_key": key, **body})
    told: Json = answer.json()
    assert key not in answer.text
    return answer.status_code, told


def stored(engine: Engine, account: str) -> Json:
    with engine.connect() as db:
        row = db.execute(text("select * from integration_accounts where external_id = :id"), {"id": account})
        return dict(row.mappings().one())


def test_a_good_key_is_answered_with_the_status_and_read_from_now_on(
    client: TestClient, simulator: RunningSimulator, publisher: FakePublisher, engine: Engine, services: Services,
    stripe: FakeStripe, owner: SignedIn, business: Json, account: str,
) -> None:  # fmt: skip
    key = simulator.restricted_key(account)
    status, told = paste(client, owner, key, business_id=business["id"])
    assert status == 200
    assert told.pop("sync").keys() == {"phase", "percent", "objects", "started_at"}
    assert told == {"connected": True, "account_id": account, "mode": "key", "livemode": True}
    [message] = publisher.messages
    assert (message.topic, orjson.loads(message.data).keys()) == ("stripe-sync-due", {"run_id", "step"})
    assert key[8:] not in str(stored(engine, account))
    assert services._key_of(account) == key, "as every read will ask for it"
    assert client.get(STATUS, headers=owner.headers).json()["mode"] == "key"
    answer = client.delete(ROOT, headers=owner.headers)
    assert (answer.status_code, stripe.deauthorized) == (204, [])
    assert (stored(engine, account)["sealed_key"], stored(engine, account)["status"]) == (None, "disconnected")


def test_each_refusal_names_the_field_and_what_to_do(
    client: TestClient, simulator: RunningSimulator, engine: Engine, owner: SignedIn, business: Json, account: str
) -> None:
    rolled = simulator.restricted_key(account)
    simulator.roll_key(rolled)
    cases = {
        "sk_live_ofTheTests0123456789": "This is a secret key",
        "pk_live_ofTheTests0123456789": "This is a publishable key",
        "something else": "This is not a whole restricted key",
        rolled: "Stripe does not accept the restricted key",
        simulator.restricted_key(account, reading("dispute")): "Set these to Read: Disputes (rak_dispute_read).",
        simulator.restricted_key(account, {*reading(), "rak_payout_write"}): "can change things at Stripe: Payouts",
    }
    for key, words in cases.items():
        status, told = paste(client, owner, key)
        error = told["error"]
        assert (status, error["code"], error["details"]["field"]) == (422, "UNPROCESSABLE", "restricted_key"), key[:8]
        assert words in error["message"]
        assert error["details"]["reason"] == error["message"]
    assert client.get(STATUS, headers=owner.headers).json() == {"connected": False}
    with engine.connect() as db:
        rows = db.execute(text("select count(*) from integration_accounts where external_id = :id"), {"id": account})
        assert rows.scalar_one() == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"restricted_key": ""}, 400),
        ({"restricted_key": "x" * 256}, 400),
        ({"restricted_key": 1}, 400),
        ({"restricted_key": None}, 400),
        ({"restricted_key": "rk_live_0123456789", "mode": "key"}, 400),
    ],
    ids=["missing", "empty", "long", "number", "null", "unknown field"],
)
def test_a_malformed_body_is_refused(
    client: TestClient, owner: SignedIn, business: Json, body: Json, status: int
) -> None:
    answer = client.post(KEY, headers=owner.headers, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, "VALIDATION_ERROR")
    assert "rk_live_0123456789" not in answer.text


def test_an_account_belongs_to_one_business_whichever_way_it_came(
    client: TestClient, simulator: RunningSimulator, owner: SignedIn, business: Json, account: str, sign_up: SignUp,
    create_business: CreateBusiness,
) -> None:  # fmt: skip
    assert paste(client, owner, simulator.restricted_key(account))[0] == 200
    rival = sign_up()
    create_business(rival)
    status, told = paste(client, rival, simulator.restricted_key(account))
    assert (status, told["error"]["code"]) == (409, "CONFLICT")
    assert not any(name in str(told) for name in (account, owner.email, business["id"]))


def test_an_outage_of_stripe_keeps_nothing(
    client: TestClient, simulator: RunningSimulator, owner: SignedIn, business: Json, account: str
) -> None:
    simulator.faults.append(Fault(kind="500", path="/v1/invoices"))
    assert paste(client, owner, simulator.restricted_key(account))[0] == 503
    simulator.faults.append(Fault(kind="429", path="/v1/charges"))
    answer = client.post(KEY, headers=owner.headers, json={"restricted_key": simulator.restricted_key(account)})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert client.get(STATUS, headers=owner.headers).json() == {"connected": False}


def test_keys_are_not_tried_out_here(
    client: TestClient, services: Services, simulator: RunningSimulator, owner: SignedIn, business: Json, account: str
) -> None:
    now = services.clock()
    services.clock = lambda: now
    key = simulator.restricted_key(account, [])
    assert [paste(client, owner, key)[0] for _ in range(11)] == [422] * 10 + [429]


def test_a_business_that_is_deleted_while_stripe_answers_connects_nothing(
    client: TestClient, services: Services, simulator: RunningSimulator, engine: Engine, owner: SignedIn,
    business: Json, account: str,
) -> None:  # fmt: skip
    inspector = services.key_inspector

    class Slow:
        def inspect(self, key: str) -> KeyRights:
            with engine.begin() as db:
                db.execute(text("delete from businesses where id = :id"), {"id": business["id"]})
            return inspector.inspect(key)

    services.key_inspector = Slow()
    status, told = paste(client, owner, simulator.restricted_key(account))
    assert (status, told["error"]["code"]) == (403, "FORBIDDEN")


def test_a_callback_whose_business_is_deleted_meanwhile_connects_nothing(
    client: TestClient, stripe: FakeStripe, engine: Engine, owner: SignedIn, business: Json
) -> None:
    begun = client.get(f"{ROOT}/connect", headers={**owner.headers, "Accept": "application/json"})
    state = begun.json()["url"].partition("state=")[2].partition("&")[0]

    class Deleting(dict[str, OauthGrant]):
        def pop(self, code: str, *_: object) -> OauthGrant:
            with engine.begin() as db:
                db.execute(text("delete from businesses where id = :id"), {"id": business["id"]})
            return super().pop(code)

    stripe.grants = Deleting({"ac_1": OauthGrant(f"acct_{uuid.uuid4().hex}", livemode=True)})
    answer = client.get(f"{ROOT}/callback", params={"code": "ac_1", "state": state})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")


def test_reading_now_is_announced_at_most_once_a_minute(
    client: TestClient, services: Services, publisher: FakePublisher, simulator: RunningSimulator, owner: SignedIn,
    business: Json, account: str,
) -> None:  # fmt: skip
    now = services.clock()
    services.clock = lambda: now
    refused = client.post(SYNC, headers=owner.headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")
    assert paste(client, owner, simulator.restricted_key(account))[0] == 200
    publisher.messages.clear()
    answer = client.post(SYNC, headers=owner.headers, params={"business_id": business["id"]})
    assert (answer.status_code, answer.content) == (202, b"")
    assert [message.topic for message in publisher.messages] == ["stripe-sync-due"]
    too_soon = client.post(SYNC, headers=owner.headers)
    assert (too_soon.status_code, too_soon.headers["Retry-After"]) == (429, "60")
    services.clock = lambda: now + dt.timedelta(minutes=1)
    assert client.post(SYNC, headers=owner.headers).status_code == 202


@pytest.mark.parametrize(("role", "may"), [("owner", True), ("admin", True), ("viewer", False)])
def test_viewers_paste_no_keys_and_start_no_reading(
    client: TestClient, simulator: RunningSimulator, engine: Engine, owner: SignedIn, business: Json, account: str,
    sign_up: SignUp, role: str, may: bool,
) -> None:  # fmt: skip
    member = sign_up()
    with engine.begin() as db:
        statement = (
            "insert into user_business_memberships (user_id, business_id, role) values (:user, :business, :role)"
        )
        db.execute(text(statement), {"user": member.id, "business": business["id"], "role": role})
    key = simulator.restricted_key(account)
    assert paste(client, member, key)[0] == (200 if may else 403)
    assert client.post(SYNC, headers=member.headers).status_code == (202 if may else 403)
    assert client.post(KEY, json={"restricted_key": key}).status_code == 401


def test_no_log_line_ever_holds_a_key(
    client: TestClient, simulator: RunningSimulator, owner: SignedIn, business: Json, account: str,
    services: Services, logged: BytesIO,
) -> None:  # fmt: skip
    good, rolled, bad = (simulator.restricted_key(account, rights) for rights in (None, reading(), frozenset()))
    simulator.roll_key(rolled)
    odd = f"rk_live_{uuid.uuid4().hex}"
    body = f'{{"restricted_key": "{odd}", "restricted_key": "{odd}"}}'
    for key in (bad, rolled, odd, f"sk_live_{odd[8:]}", f"{odd} "):
        paste(client, owner, key)
    client.post(KEY, headers={**owner.headers, "Content-Type": "application/json"}, content=body)
    client.post(f"{KEY}?restricted_key={odd}", headers=owner.headers, json={})
    client.post(f"{KEY}/{odd}", headers=owner.headers, json={})
    sealing, services.sealing = services.sealing, None  # type: ignore[assignment]  # a crash with the key in hand
    assert paste(client, owner, good)[0] == 500
    services.sealing = sealing
    assert paste(client, owner, good)[0] == 200
    lines = logged.getvalue().decode()
    assert lines.count("request.handled") >= 9
    assert "request.crashed" in lines
    for key in (good, bad, rolled, odd):
        assert key[8:] not in lines
