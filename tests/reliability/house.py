"""Every HTTP function behind the gateway, in this process, and businesses with a person in every role."""

import asyncio
import functools
import itertools
import uuid
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode
from uuid import UUID
from weakref import WeakKeyDictionary

import httpx
from sqlalchemy import Connection, Engine, text

from tests.db.billing import AS_OF, days_ago, open_books
from tests.fakes import FakePublisher, FakeStripe
from tests.rows import a_conversation, a_message, a_recommendation
from vaultra import auth
from vaultra.config import AuthSettings, SiteSettings, StripeWebhookSettings
from vaultra.db import engine as database
from vaultra.db.models import Base
from vaultra.domain.accounts import Role, User
from vaultra.errors import Unauthorized
from vaultra.ports import Profile, SignInRequest
from vaultra.services import Services
from vaultra.usecases import accounts, members, metrics, personal_tokens, readiness, sessions
from vaultra_local.gateway import Gateway, gateway

NOW = AS_OF
PASSWORD = "correct horse battery staple"
SITE, API = "https://site.test", "https://api.test"
ROLES = ("nobody", "stranger", "viewer", "admin", "owner")
CANARY = "canary"
Json = dict[str, Any]

_numbers = itertools.count(1)


@functools.cache
def built_gateway(site: Path) -> Gateway:
    """All HTTP functions as they are deployed, and the site."""
    return gateway(site)


@functools.cache
def password_hash() -> str:
    """The stored form of everybody's password, at the least cost there is."""
    usual, auth.BCRYPT_COST = auth.BCRYPT_COST, 4
    try:
        return auth.hash_password(PASSWORD)
    finally:
        auth.BCRYPT_COST = usual


@dataclass(frozen=True)
class Person:
    """A user with a session; `nobody` has neither."""

    id: str
    email: str
    token: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


NOBODY = Person("", "", "")


@dataclass(frozen=True)
class Tenant:
    """A business, who has which role there, and the ids of what is in it; some belong to one person."""

    business_id: str
    name: str
    people: Mapping[str, Person]
    ids: Mapping[str, str]
    own_ids: Mapping[str, Mapping[str, str]]
    invitation_token: str

    def ids_of(self, role: str) -> dict[str, str]:
        """What that person would name in a request: their own things, or the owner's when they have none."""
        return {**self.ids, **self.own_ids.get(role, self.own_ids["owner"])}


class UnknownGoogle:
    """An `IdentityProvider` that knows nobody."""

    def authorize_url(self, request: SignInRequest) -> str:
        return "https://accounts.google.test/authorize?" + urlencode({"state": request.state})

    def identify(self, request: SignInRequest, code: str) -> Profile:
        raise Unauthorized("Google does not know this code.")


class Answer:
    """What an ASGI app sends."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    async def take(self, message: MutableMapping[str, Any]) -> None:
        """Keep a part of it."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message.get("headers", [])
        else:
            self.body += message.get("body", b"")


class House:
    """The product in one process. Requests come from a new address each, unless one is given."""

    def __init__(self, engine: Engine, site: Path) -> None:
        self.engine = engine
        self.now = NOW
        self.stripe, self.publisher = FakeStripe(), FakePublisher()
        self.services = Services(
            clock=lambda: self.now,
            engine=engine,
            publisher=self.publisher,
            stripe=self.stripe,
            google=UnknownGoogle(),
        )
        self.services.auth = AuthSettings(jwt_secret="a-secret-of-the-tests-with-32-bytes")
        self.services.site = SiteSettings(site_url=SITE, public_api_url=f"{API}/api/v1")
        self.services.webhook = StripeWebhookSettings(stripe_webhook_secret="whsec_of_the_tests")
        self.app = built_gateway(site)
        self._loop = asyncio.Runner()

    @classmethod
    def for_site(cls, site: Path) -> Self:
        """A house for what needs no database: the site's own files."""
        return cls(database.create("postgresql://nobody@127.0.0.1:9/none"), site)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.close()

    def send(self, method: str, path: str, *, address: str | None = None, **request: Any) -> httpx.Response:
        """One request and its answer; a redirect is not followed."""
        return self._loop.run(self._send(method, path, address or new_address(), request))

    def send_together(self, requests: list[tuple[str, str, Json]]) -> list[httpx.Response]:
        """Several requests at once, each `(method, path, arguments)`; their answers in the same order."""

        async def all_of_them() -> list[httpx.Response]:
            return await asyncio.gather(
                *(self._send(method, path, new_address(), request) for method, path, request in requests)
            )

        return self._loop.run(all_of_them())

    async def _send(self, method: str, path: str, address: str, request: Json) -> httpx.Response:
        asked = httpx.Request(method, API + path, **request)
        body, answer = asked.read(), Answer()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": asked.url.path,
            "raw_path": asked.url.raw_path.partition(b"?")[0],
            "query_string": asked.url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in asked.headers.raw],
            "client": (address, 1),
            "server": ("api.test", 443),
        }

        parts = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Json:
            for part in parts:
                return part
            return await asyncio.Future()  # the client stays and says no more

        await self.app(scope, receive, answer.take)
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body, request=asked)

    def person(self) -> Person:
        """A new user who is signed in."""
        with self.engine.begin() as db:
            return self.sign_in(db, self._user(db))

    def sign_in(self, db: Connection, user: User, address: str = "192.0.2.1") -> Person:
        """Begin a session of a user."""
        secrets = self.services.auth.jwt_secrets
        token = sessions.begin(db, user, address=address, secrets=secrets, now=self.now)
        return Person(str(user.id), user.email, token)

    def tenant(self) -> Tenant:
        """A business with everything in it; all that it says holds the word `CANARY` and its own number."""
        mark = f"{CANARY}{next(_numbers)}x{uuid.uuid4().hex[:8]}"
        with self.engine.begin() as db:
            return self._tenant(db, mark)

    def _tenant(self, db: Connection, mark: str) -> Tenant:
        people = {role: self.sign_in(db, self._user(db, mark)) for role in ROLES[1:]}
        owner = UUID(people["owner"].id)
        business = accounts.create_business(db, owner, {"name": mark, "legal_entity": f"{mark} Ltd"}, self.now).id
        for role in ("viewer", "admin"):
            join(db, people[role], str(business), role)
        fill_with_numbers(db, business)
        invited = f"{mark}.guest@example.com"
        invitation = members.invite(
            db, business_id=business, caller_id=owner, email=invited, role=Role.VIEWER, now=self.now
        )
        letter = members.write_invitation(db, invitation.id, self.now)
        assert letter is not None
        ids = {
            "business_id": str(business),
            "user_id": people["viewer"].id,
            "invitation_id": str(invitation.id),
            "recommendation_id": str(a_recommendation(db, business, title=mark, description=mark)),
        }
        own = {role: self._own_ids(db, people[role], business, mark) for role in ("viewer", "admin", "owner")}
        return Tenant(str(business), mark, {**people, "nobody": NOBODY}, ids, own, letter.token)

    def _own_ids(self, db: Connection, person: Person, business: UUID, mark: str) -> dict[str, str]:
        conversation = a_conversation(db, UUID(person.id), business, title=mark)
        a_message(db, conversation, content=mark)
        token, _ = personal_tokens.create(
            db, user_id=UUID(person.id), business_id=business, name=mark, lifetime=LIFETIME, now=self.now
        )
        return {"conversation_id": str(conversation), "token_id": str(token.id)}

    def _user(self, db: Connection, mark: str = "") -> User:
        email = f"{mark}{uuid.uuid4().hex}@example.com"
        name = f"An Owner {mark}".strip()
        return accounts.sign_up(db, email=email, name=name, password_hash=password_hash(), now=self.now)


LIFETIME = AS_OF.replace(year=AS_OF.year + 1) - AS_OF


def new_address() -> str:
    """An address nobody has used yet."""
    number = next(_numbers)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def join(db: Connection, person: Person, business_id: str, role: str) -> None:
    """Make a person a member, or give a member another role."""
    db.execute(
        text(
            "insert into user_business_memberships (user_id, business_id, role) values (:user, :business, :role)"
            " on conflict (user_id, business_id) do update set role = :role"
        ),
        {"user": person.id, "business": business_id, "role": role},
    )


def leave(db: Connection, person: Person, business_id: str) -> None:
    """End a membership."""
    db.execute(
        text("delete from user_business_memberships where user_id = :user and business_id = :business"),
        {"user": person.id, "business": business_id},
    )


# By engine, because a database may be made anew under its old name.
_model_business: WeakKeyDictionary[Engine, UUID] = WeakKeyDictionary()


def fill_with_numbers(db: Connection, business_id: UUID) -> None:
    """Give a business metrics and a score: those of a model business, computed once for each database."""
    if db.engine not in _model_business:
        books = open_books(db)
        for age in range(1, 40):
            books.charge(days_ago(age), 20_00 + age, customer=f"cus_{age % 9}")
        books.payout(AS_OF.date())
        books.roll_up()
        metrics.compute(db, [books.business_id], AS_OF)
        readiness.compute(db, [books.business_id], AS_OF)
        _model_business[db.engine] = books.business_id
    for table in ("financial_metric_snapshots", "readiness_scores"):
        statement = (
            f"insert into {table} select (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(),"
            f" 'business_id', cast(:business as text), 'snapshot_id', null))).* from {table} t"
            " where business_id = :model"
        )
        db.execute(text(statement), {"business": str(business_id), "model": _model_business[db.engine]})


def everything(db: Connection, but: tuple[str, ...] = ("rate_limits",)) -> dict[str, str]:
    """A digest of each table's rows, by table."""
    parts = [
        f"select '{table.name}', md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {table.name} t"
        for table in Base.metadata.sorted_tables
        if table.name not in but
    ]
    return {row[0]: row[1] for row in db.execute(text(" union all ".join(parts)))}
