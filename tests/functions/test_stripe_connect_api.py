"""Connecting Stripe, through the deployed function and a Stripe in memory."""

import datetime as dt
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from tests.fakes import FakePublisher, FakeStripe
from tests.functions.conftest import Json, SignedIn
from vaultra.errors import Unavailable
from vaultra.ports import OauthGrant
from vaultra.services import Services

ROOT = "/api/v1/integrations/stripe"
CONNECT, CALLBACK, STATUS = f"{ROOT}/connect", f"{ROOT}/callback", f"{ROOT}/status"
JSON = {"Accept": "application/json"}
ANYTHING = {"Accept": "*/*"}
SignUp = Callable[[], SignedIn]
CreateBusiness = Callable[..., Json]


@pytest.fixture
def client(room: Callable[[str], TestClient]) -> TestClient:
    client = room("stripe_connect_api")
    client.headers["Accept"] = "text/html,*/*;q=0.8"
    return client


@pytest.fixture
def owner(sign_up: SignUp) -> SignedIn:
    return sign_up()


@pytest.fixture
def business(owner: SignedIn, create_business: CreateBusiness) -> Json:
    return create_business(owner)


def new_account(stripe: FakeStripe, *, livemode: bool = False) -> tuple[str, str]:
    """A code, and the account it stands for."""
    code, account = f"ac_{uuid.uuid4().hex}", f"acct_{uuid.uuid4().hex}"
    stripe.grants[code] = OauthGrant(account, livemode)
    return code, account


def begin(client: TestClient, user: SignedIn, business: Json) -> str:
    answer = client.get(CONNECT, params={"business_id": business["id"]}, headers={**user.headers, **JSON})
    assert answer.status_code == 200, answer.text
    return parse_qs(urlsplit(answer.json()["url"]).query)["state"][0]


def connect(client: TestClient, stripe: FakeStripe, user: SignedIn, business: Json) -> str:
    """Connect a new account; its id."""
    code, account = new_account(stripe)
    answer = client.get(CALLBACK, params={"code": code, "state": begin(client, user, business)})
    assert answer.status_code == 302, answer.text
    return account


def status(client: TestClient, user: SignedIn, business: Json) -> Json:
    answer = client.get(STATUS, params={"business_id": business["id"]}, headers=user.headers)
    assert answer.status_code == 200, answer.text
    told: Json = answer.json()
    return told


def set_role(engine: Engine, user: SignedIn, business: Json, role: str) -> None:
    statement = text(
        "insert into user_business_memberships (user_id, business_id, role) values (:user, :business, :role)"
        " on conflict (user_id, business_id) do update set role = :role"
    )
    with engine.begin() as db:
        db.execute(statement, {"user": user.id, "business": business["id"], "role": role})


def test_the_browser_is_sent_to_stripe_with_a_state(client: TestClient, owner: SignedIn, business: Json) -> None:
    answer = client.get(CONNECT, headers=owner.headers)
    assert answer.status_code == 302
    target = urlsplit(answer.headers["Location"])
    query = parse_qs(target.query)
    assert target.netloc == "connect.stripe.test"
    assert query["redirect_uri"] == ["https://api.test/api/v1/integrations/stripe/callback"]
    assert len(query["state"][0]) == 43


def test_a_script_is_given_the_address(client: TestClient, owner: SignedIn, business: Json) -> None:
    answer = client.get(CONNECT, headers={**owner.headers, **JSON})
    assert answer.status_code == 200
    assert answer.json().keys() == {"url"}


def test_connecting_stores_the_account_and_begins_to_read(
    client: TestClient, stripe: FakeStripe, publisher: FakePublisher, owner: SignedIn, business: Json
) -> None:
    assert status(client, owner, business) == {"connected": False}
    code, account = new_account(stripe, livemode=True)
    answer = client.get(CALLBACK, params={"code": code, "state": begin(client, owner, business), "scope": "read_only"})
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"https://site.test/dashboard/?business_id={business['id']}"
    told = status(client, owner, business)
    started_at = told["sync"].pop("started_at")
    assert started_at.endswith("Z")
    assert told == {
        "connected": True,
        "account_id": account,
        "mode": "oauth",
        "livemode": True,
        "sync": {"phase": "recent", "percent": 0, "objects": 0},
    }
    [message] = publisher.messages
    assert message.topic == "stripe-sync-due"
    assert orjson.loads(message.data).keys() == {"run_id", "step"}


def test_the_status_follows_the_sync(
    client: TestClient, stripe: FakeStripe, engine: Engine, owner: SignedIn, business: Json
) -> None:
    account = connect(client, stripe, owner, business)
    where = "where integration_account_id = (select id from integration_accounts where external_id = :account)"
    with engine.begin() as db:
        db.execute(
            text(f"update sync_runs set finished_at = now(), objects = 7, position = 9 {where}"), {"account": account}
        )
        synced = text("update integration_accounts set last_synced_at = :now where external_id = :account")
        db.execute(synced, {"account": account, "now": dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)})
    told = status(client, owner, business)
    assert told["last_synced_at"] == "2026-11-20T12:00:00Z"
    assert (told["sync"]["phase"], told["sync"]["percent"], told["sync"]["objects"]) == ("idle", 100, 7)
    with engine.begin() as db:
        broken = text(
            "update integration_accounts set status = 'error', error = 'Connect again' where external_id = :a"
        )
        db.execute(broken, {"a": account})
    told = status(client, owner, business)
    assert (told["connected"], told["error"]) == (False, "Connect again")


def test_events_that_came_first_are_released(
    client: TestClient, stripe: FakeStripe, publisher: FakePublisher, engine: Engine, owner: SignedIn, business: Json
) -> None:
    code, account = new_account(stripe)
    parked = text(
        "insert into stripe_events (event_id, account, livemode, type, occurred_at, status)"
        " select 'evt_' || n, :account, false, 'charge.succeeded', now(), 'parked' from generate_series(1, 250) n"
        " returning id"
    )
    with engine.begin() as db:
        ids = sorted(db.scalars(parked, {"account": account}))
    answer = client.get(CALLBACK, params={"code": code, "state": begin(client, owner, business)})
    assert answer.status_code == 302
    announced = [orjson.loads(m.data)["ids"] for m in publisher.messages if m.topic == "stripe-event-received"]
    assert [event_id for ids_told in announced for event_id in ids_told] == ids
    with engine.connect() as db:
        statuses = text("select distinct status from stripe_events where account = :account")
        assert list(db.scalars(statuses, {"account": account})) == ["pending"]


def test_a_state_works_once(client: TestClient, stripe: FakeStripe, owner: SignedIn, business: Json) -> None:
    state = begin(client, owner, business)
    (code, _), (second_code, _) = new_account(stripe), new_account(stripe)
    assert "/dashboard/" in client.get(CALLBACK, params={"code": code, "state": state}).headers["Location"]
    replayed = client.get(CALLBACK, params={"code": second_code, "state": state})
    assert replayed.headers["Location"] == "https://site.test/onboarding/stripe-connect/?error=state_expired"
    assert second_code in stripe.grants  # Stripe was not asked


def test_of_many_callbacks_with_one_state_one_connects(
    client: TestClient, stripe: FakeStripe, owner: SignedIn, business: Json
) -> None:
    state = begin(client, owner, business)
    codes = [new_account(stripe)[0] for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda code: client.get(CALLBACK, params={"code": code, "state": state}), codes))
    targets = sorted(urlsplit(answer.headers["Location"]).path for answer in answers)
    assert targets == ["/dashboard/"] + ["/onboarding/stripe-connect/"] * 7
    assert len(stripe.grants) == 7


@pytest.mark.parametrize("state", [None, "", "guessed", "é\x00", "x" * 200])
def test_an_unknown_state_is_sent_back(client: TestClient, stripe: FakeStripe, state: str | None) -> None:
    params = {"code": new_account(stripe)[0]} | ({} if state is None else {"state": state})
    answer = client.get(CALLBACK, params=params)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "https://site.test/onboarding/stripe-connect/?error=state_expired"
    refused = client.get(CALLBACK, params=params, headers=JSON)
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "VALIDATION_ERROR"
    assert len(stripe.grants) == 1


def test_another_browser_finishes_nothing(
    client: TestClient, room: Callable[[str], TestClient], stripe: FakeStripe, owner: SignedIn, business: Json
) -> None:
    """Row A11: else whoever sends a victim the address would get the victim's account into their business."""
    code, _ = new_account(stripe)
    params = {"code": code, "state": begin(client, owner, business)}
    victim = room("stripe_connect_api")
    victim.headers["Accept"] = "text/html"
    answer = victim.get(CALLBACK, params=params)
    assert (answer.status_code, "error=state_expired" in answer.headers["Location"]) == (302, True)
    assert code in stripe.grants, "Stripe was asked"
    cookie = client.cookies.jar
    assert [(c.name, c.path, c.secure, c.has_nonstandard_attr("HttpOnly")) for c in cookie] == [
        ("vaultra_stripe", "/api/v1/integrations/stripe", True, True)
    ]
    assert client.get(CALLBACK, params=params).headers["Location"].startswith("https://site.test/dashboard/")


def test_a_state_ends_after_ten_minutes(
    client: TestClient, stripe: FakeStripe, services: Services, owner: SignedIn, business: Json
) -> None:
    now = services.clock()
    services.clock = lambda: now
    states = [begin(client, owner, business) for _ in range(2)]
    services.clock = lambda: now + dt.timedelta(minutes=10)
    late = client.get(CALLBACK, params={"code": new_account(stripe)[0], "state": states[0]})
    assert "error=state_expired" in late.headers["Location"]
    services.clock = lambda: now + dt.timedelta(minutes=9, seconds=59)
    in_time = client.get(CALLBACK, params={"code": new_account(stripe)[0], "state": states[1]})
    assert "/dashboard/" in in_time.headers["Location"]


def test_an_owner_who_declines_is_sent_back(client: TestClient, owner: SignedIn, business: Json) -> None:
    state = begin(client, owner, business)
    params = {"error": "access_denied", "error_description": "The user denied your request", "state": state}
    answer = client.get(CALLBACK, params=params)
    assert answer.status_code == 302
    page = f"https://site.test/onboarding/stripe-connect/?business_id={business['id']}"
    assert answer.headers["Location"] == f"{page}&error=access_denied"
    assert "error=state_expired" in client.get(CALLBACK, params=params).headers["Location"]


@pytest.mark.parametrize(
    "params", [{"code": "ac_unknown"}, {}, {"error": "invalid_scope"}, {"code": "ac\x00", "error": "//evil.example"}]
)
def test_a_code_that_stripe_refuses_is_sent_back(
    client: TestClient, owner: SignedIn, business: Json, params: dict[str, str]
) -> None:
    state = begin(client, owner, business)
    answer = client.get(CALLBACK, params={**params, "state": state})
    page = f"https://site.test/onboarding/stripe-connect/?business_id={business['id']}"
    assert answer.headers["Location"] == f"{page}&error=exchange_failed"
    assert status(client, owner, business) == {"connected": False}
    again = begin(client, owner, business)
    refused = client.get(CALLBACK, params={**params, "state": again}, headers=JSON)
    assert refused.status_code == 400


def test_while_stripe_is_down_nothing_is_connected(
    client: TestClient, stripe: FakeStripe, owner: SignedIn, business: Json
) -> None:
    code, _ = new_account(stripe)
    stripe.failure = Unavailable("Stripe does not answer")
    answer = client.get(CALLBACK, params={"code": code, "state": begin(client, owner, business)})
    assert "error=exchange_failed" in answer.headers["Location"]
    state = begin(client, owner, business)
    assert client.get(CALLBACK, params={"code": code, "state": state}, headers=JSON).status_code == 503
    assert status(client, owner, business) == {"connected": False}


@pytest.mark.parametrize("role", ["viewer", None])
def test_who_lost_the_role_on_the_way_connects_nothing(
    client: TestClient, stripe: FakeStripe, engine: Engine, owner: SignedIn, business: Json, role: str | None
) -> None:
    code, _ = new_account(stripe)
    state = begin(client, owner, business)
    if role is not None:
        set_role(engine, owner, business, role)
    else:
        with engine.begin() as db:
            db.execute(text("delete from user_business_memberships where user_id = :id"), {"id": owner.id})
    answer = client.get(CALLBACK, params={"code": code, "state": state}, headers=ANYTHING)
    assert answer.status_code == 403
    told = client.get(CALLBACK, params={"code": code, "state": state})
    assert told.headers["Location"] == "https://site.test/onboarding/stripe-connect/?error=not_allowed"
    assert code in stripe.grants
    again = client.get(CALLBACK, params={"code": code, "state": state})
    assert again.headers["Location"] == "https://site.test/onboarding/stripe-connect/?error=state_expired"


@pytest.fixture
def rival(sign_up: SignUp) -> SignedIn:
    """The owner of another business."""
    return sign_up()


@pytest.fixture
def other(rival: SignedIn, create_business: CreateBusiness) -> Json:
    return create_business(rival)


def come_back_with(client: TestClient, stripe: FakeStripe, user: SignedIn, business: Json, account: str) -> Json:
    """The parameters of a callback that brings an account to a business."""
    code, _ = new_account(stripe)
    stripe.grants[code] = OauthGrant(account, livemode=False)
    return {"code": code, "state": begin(client, user, business)}


def test_an_account_belongs_to_one_business(
    client: TestClient, stripe: FakeStripe, owner: SignedIn, business: Json, rival: SignedIn, other: Json
) -> None:
    account = connect(client, stripe, owner, business)
    params = come_back_with(client, stripe, rival, other, account)
    answer = client.get(CALLBACK, params=params, headers=ANYTHING)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "CONFLICT"
    for name in (business["id"], business["name"], owner.email, account):
        assert name not in answer.text
    assert status(client, rival, other) == {"connected": False}
    assert status(client, owner, business)["connected"]
    assert stripe.deauthorized == []  # that would cut the other business off


def test_of_many_businesses_one_gets_the_account(
    client: TestClient, stripe: FakeStripe, owner: SignedIn, create_business: CreateBusiness
) -> None:
    account = f"acct_{uuid.uuid4().hex}"
    states = [begin(client, owner, create_business(owner)) for _ in range(20)]
    for number in range(20):
        stripe.grants[f"ac_race{number}"] = OauthGrant(account, livemode=False)

    def finish(number: int) -> int:
        params = {"code": f"ac_race{number}", "state": states[number]}
        return client.get(CALLBACK, params=params, headers=ANYTHING).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(finish, range(20))) == [302] + [409] * 19


def test_a_person_whose_account_is_taken_is_told_so_on_the_site(
    client: TestClient, stripe: FakeStripe, owner: SignedIn, business: Json, rival: SignedIn, other: Json
) -> None:
    account = connect(client, stripe, owner, business)
    params = come_back_with(client, stripe, rival, other, account)
    answer = client.get(CALLBACK, params=params, headers={"Accept": "text/html,application/xhtml+xml"})
    assert answer.status_code == 302
    page = f"https://site.test/onboarding/stripe-connect/?business_id={other['id']}"
    assert answer.headers["Location"] == f"{page}&error=already_connected"


def test_a_business_has_one_account_at_a_time(
    client: TestClient, stripe: FakeStripe, owner: SignedIn, business: Json
) -> None:
    first = connect(client, stripe, owner, business)
    code, second = new_account(stripe)
    answer = client.get(CALLBACK, params={"code": code, "state": begin(client, owner, business)}, headers=ANYTHING)
    assert answer.status_code == 409
    assert status(client, owner, business)["account_id"] == first
    client.delete(ROOT, headers=owner.headers)
    code, second = new_account(stripe)
    client.get(CALLBACK, params={"code": code, "state": begin(client, owner, business)})
    assert status(client, owner, business)["account_id"] == second


def test_reconnecting_the_same_account_revives_it(
    client: TestClient, stripe: FakeStripe, engine: Engine, owner: SignedIn, business: Json
) -> None:
    account = connect(client, stripe, owner, business)
    for disconnect_first in (False, True):
        if disconnect_first:
            client.delete(ROOT, headers=owner.headers)
        stripe.grants["ac_again"] = OauthGrant(account, livemode=False)
        answer = client.get(CALLBACK, params={"code": "ac_again", "state": begin(client, owner, business)})
        assert answer.status_code == 302
        assert status(client, owner, business)["connected"]
    with engine.connect() as db:
        rows = text("select count(*) from integration_accounts where external_id = :account")
        assert db.execute(rows, {"account": account}).scalar_one() == 1


def test_disconnecting_is_safe_twice(client: TestClient, stripe: FakeStripe, owner: SignedIn, business: Json) -> None:
    account = connect(client, stripe, owner, business)
    for _ in range(2):
        answer = client.delete(ROOT, headers=owner.headers, params={"business_id": business["id"]})
        assert answer.status_code == 204
        assert answer.content == b""
    assert stripe.deauthorized == [account]
    assert status(client, owner, business) == {"connected": False}


@pytest.mark.parametrize(("role", "may_write"), [("owner", True), ("admin", True), ("viewer", False)])
def test_viewers_see_the_status_and_change_nothing(
    client: TestClient, engine: Engine, owner: SignedIn, business: Json, sign_up: SignUp, role: str, may_write: bool
) -> None:
    member = sign_up()
    set_role(engine, member, business, role)
    params = {"business_id": business["id"]}
    assert client.get(STATUS, params=params, headers=member.headers).status_code == 200
    assert client.get(CONNECT, params=params, headers=member.headers).status_code == (302 if may_write else 403)
    assert client.delete(ROOT, params=params, headers=member.headers).status_code == (204 if may_write else 403)


def test_strangers_learn_nothing(client: TestClient, owner: SignedIn, business: Json, sign_up: SignUp) -> None:
    stranger = sign_up()
    for business_id in (business["id"], str(uuid.uuid4())):
        for method, path in (("GET", STATUS), ("GET", CONNECT), ("DELETE", ROOT)):
            answer = client.request(method, path, params={"business_id": business_id}, headers=stranger.headers)
            assert answer.status_code == 403
            assert client.request(method, path, params={"business_id": business_id}).status_code == 401
    assert client.get(STATUS, headers=stranger.headers).json()["error"]["code"] == "BUSINESS_REQUIRED"
    bad = client.get(STATUS, params={"business_id": "1; drop table users"}, headers=owner.headers)
    assert bad.status_code == 400
