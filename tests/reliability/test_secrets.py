"""RELIABILITY row A22: what would let somebody in is nowhere in the database, and a stolen hash opens nothing."""

import re
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from sqlalchemy import Connection, text

from tests.reliability.house import PASSWORD, House, Tenant
from vaultra.db.models import Base
from vaultra.usecases import members, personal_tokens, resets

TOKENS = "/api/v1/users/me/tokens"
# A header and a payload: the three letters alone turn up in ciphertext by chance.
BEARER_TOKEN = re.compile(r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}")


def dump(db: Connection) -> str:
    """Every row of every table as text; bytes as the text they are."""
    parts: list[str] = []
    for table in Base.metadata.sorted_tables:
        rows = db.execute(text(f"select to_jsonb(t)::text from {table.name} t")).scalars()
        parts += rows
        for column in table.columns:
            if str(column.type) in ("BLOB", "BYTEA"):
                parts += db.execute(text(f"select encode({column.name}, 'escape') from {table.name}")).scalars()
    return "\n".join(part for part in parts if part)


def tour(house: House, tenant: Tenant) -> dict[str, str]:
    """Everything a person may do that makes a secret; each secret by what it is."""
    owner = tenant.people["owner"]
    new = {"email": f"{tenant.name}.new@example.com", "password": f"{PASSWORD} of {tenant.name}", "name": "New"}
    signed_up = house.send("POST", "/api/v1/auth/signup", json=new)
    signed_in = house.send("POST", "/api/v1/auth/login", json={"email": new["email"], "password": new["password"]})
    refreshed = house.send("POST", "/api/v1/auth/refresh", headers=owner.headers)
    wanted = {"name": "An assistant", "business_id": tenant.business_id, "expires_in_days": 9}
    personal = house.send("POST", TOKENS, headers=owner.headers, json=wanted).json()["token"]
    stripe = house.send(
        "GET",
        "/api/v1/integrations/stripe/connect",
        params={"business_id": tenant.business_id},
        headers={**owner.headers, "Accept": "application/json"},
    )
    google = house.send("GET", "/api/v1/auth/google", params={"next": "/dashboard/"})
    with house.engine.begin() as db:
        link = resets.write(db, new["email"], house.now)
        letter = members.write_invitation(db, UUID(tenant.ids["invitation_id"]), house.now)
    assert link is not None
    assert letter is not None
    return {
        "password": new["password"],
        "everybody's password": PASSWORD,
        "token of a sign-up": signed_up.json()["token"],
        "token of a login": signed_in.json()["token"],
        "refreshed token": refreshed.json()["token"],
        "token": owner.token,
        "personal token": personal,
        "secret of a personal token": personal.split("_", 2)[2],
        "state at Stripe": parse_qs(urlsplit(stripe.json()["url"]).query)["state"][0],
        "browser at Stripe": stripe.cookies["vaultra_stripe"],
        "state at Google": parse_qs(urlsplit(google.headers["location"]).query)["state"][0],
        "browser at Google": google.cookies["vaultra_google"],
        "reset link": link.token,
        "invitation": letter.token,
        "invitation before": tenant.invitation_token,
        "signing secret": house.services.auth.jwt_secrets[0],
    }


def test_a22_no_secret_is_in_the_database(house: House) -> None:
    """A22: after a tour through the product, every column of every table is searched for every secret of the tour."""
    tenant = house.tenant()
    secrets = tour(house, tenant)
    # Of a bearer token its signature is the secret; its first part is everybody's.
    secrets |= {f"signature of {name}": value.rpartition(".")[2] for name, value in secrets.items() if "." in value}
    with house.engine.connect() as db:
        rows = dump(db)
    assert tenant.name in rows, "the search below would find something"
    assert BEARER_TOKEN.match(tenant.people["owner"].token), "and so would the search for tokens"
    assert [name for name, value in secrets.items() if value in rows] == []
    assert BEARER_TOKEN.findall(rows) == []
    print(f"A22: {len(secrets)} secrets, {len(rows):,} characters of database, 0 hits")


def test_a22_a_hash_moved_to_another_row_opens_nothing(house: House) -> None:
    """A22: every personal token of ten, after the hashes were exchanged among their rows, and put back."""
    shown = []
    for tenant in [house.tenant() for _ in range(5)]:
        for role in ("owner", "viewer"):
            wanted = {"name": "x", "business_id": tenant.business_id, "expires_in_days": 9}
            answer = house.send("POST", TOKENS, headers=tenant.people[role].headers, json=wanted)
            shown.append((answer.json()["id"], answer.json()["token"]))
    ids = [token_id for token_id, _ in shown]

    def opened() -> int:
        with house.engine.begin() as db:
            return sum(personal_tokens.verify(db, token, house.now) is not None for _, token in shown)

    def turn(by: int) -> None:
        with house.engine.begin() as db:
            statement = text("select id, token_hash from personal_access_tokens where id = any(:ids)")
            hashes = {str(row.id): row.token_hash for row in db.execute(statement, {"ids": ids})}
            for at, token_id in enumerate(ids):
                change = text("update personal_access_tokens set token_hash = :hash where id = :id")
                db.execute(change, {"id": token_id, "hash": hashes[ids[(at + by) % len(ids)]]})

    assert opened() == len(shown)
    for by in range(1, len(ids)):
        turn(1)
        assert opened() == 0, f"turned by {by}"
    turn(1)
    assert opened() == len(shown)
    print(f"A22: {len(shown)} tokens in {len(ids) - 1} wrong orders: 100 % refused; all good once put back")


def test_a22_a_users_row_opens_no_other_account(house: House) -> None:
    """A22: neither a password's hash nor any other stored hash is itself a way in."""
    tenant = house.tenant()
    owner = tenant.people["owner"]
    with house.engine.connect() as db:
        row = db.execute(text("select * from users where id = :id"), {"id": owner.id}).mappings().one()
        stored = db.execute(text("select token_hash from personal_access_tokens")).scalars().all()
        invitation = db.execute(text("select token_hash from invitations where token_hash is not null")).scalars().all()
    tries = [row["password_hash"], *stored[:5]]
    for value in tries:
        body = {"email": owner.email, "password": value}
        assert house.send("POST", "/api/v1/auth/login", json=body).status_code == 401
        bearer = {"Authorization": f"Bearer {value}"}
        assert house.send("GET", "/api/v1/auth/me", headers=bearer).status_code == 401
    for value in invitation[:5]:
        path = "/api/v1/users/invitations/accept"
        assert house.send("POST", path, headers=owner.headers, json={"token": value}).status_code == 400
    print(f"A22: {len(tries) + len(invitation[:5])} stored hashes tried as what they are of: 0 opened anything")


def test_a22_a_personal_token_does_not_open_the_web_api(house: House) -> None:
    """A22: it is for one's own assistant only."""
    tenant = house.tenant()
    wanted = {"name": "x", "business_id": tenant.business_id, "expires_in_days": 9}
    token = house.send("POST", TOKENS, headers=tenant.people["owner"].headers, json=wanted).json()["token"]
    for path in ("/api/v1/auth/me", "/api/v1/readiness", TOKENS):
        assert house.send("GET", path, headers={"Authorization": f"Bearer {token}"}).status_code == 401
    print("A22: a personal token answered 401 by the web API")
