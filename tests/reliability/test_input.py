"""RELIABILITY rows B6 to B9: what comes in is refused by name or kept as it is, never run or fetched."""

import json
import socket
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from tests.reliability.calls import request, routes, send
from tests.reliability.house import PASSWORD, House, Tenant, everything
from vaultra.db.models import Base

WITH_BODY = sorted(name for name, route in routes().items() if route.body is not None)
COLUMNS = sorted({column.name for table in Base.metadata.tables.values() for column in table.columns})
# Answering these well takes a quarter of a second each: they are tried with bodies that miss the password.
HASHING = {"POST /auth/signup", "POST /auth/login", "POST /auth/password/reset"}
every_body = pytest.mark.parametrize("name", WITH_BODY)


@pytest.fixture
def tenant(house: House) -> Tenant:
    return house.tenant()


@every_body
def test_b6_a_field_that_is_not_the_contracts_is_refused_by_name(house: House, tenant: Tenant, name: str) -> None:
    """B6: a good body of every route, with each column of each table as one field more."""
    known = {field.alias or key for key, field in routes()[name].body.model_fields.items()}  # type: ignore[union-attr]
    method, path, sent = request(name, tenant, "owner")
    good = sent.pop("json")
    with house.engine.connect() as db:
        before = everything(db, but=())
        extra = [column for column in (*COLUMNS, "role", "is_admin", "__proto__") if column not in known]
        for column in extra:
            answer = house.send(method, path, **sent, json={**good, column: "owner"})
            assert answer.status_code == 400, f"{column}: {answer.text}"
            details = answer.json()["error"]["details"]
            assert details == {"field": column, "reason": "this field is not known"}
        db.rollback()
        assert everything(db, but=()) == before
    print(f"B6: {name}: {len(extra)} fields more, each refused by name, 0 rows changed")


# --- B7: bytes that no honest client sends ---------------------------------------------------------

FRAGMENTS = [
    r'"\u0000"', r'"a\u0000b"', r'"\ud800"', r'"\udfff\ud800"', r'"\ud83d"', r'"‮evil"', r'"\u202e"', '"\u2066x"',
    '"é́️"', '"😀"', '"\\', '"a', '"' + "x" * 300 + '"', '"' + "x" * 70_000 + '"', '""', '" "', '"\\n"', "'x'",
    "1e400", "-1e400", "1e-400", "NaN", "Infinity", "-Infinity", "-0", "0.1", "9" * 400, str(2**63), str(2**64),
    str(-(2**63) - 1), "0x10", "01", "1_000", "true", "null", "[]", "{}", "[" * 300 + "]" * 300, "[" * 100_000,
    '{"a":' * 300 + "1" + "}" * 300, '[{"a":[{"b":null}]}]', '"0001-01-01"', '"9999-12-31"', '"10000-01-01"',
    '"2015-02-29"', '"-0001-01-01"', '"2015-02-28T00:00:00Z"', "1e3", '"00000000-0000-0000-0000-000000000000"', "",
]  # fmt: skip
fragments = st.one_of(
    st.sampled_from(FRAGMENTS),
    st.text(max_size=30).map(json.dumps),
    st.integers(min_value=-(2**70), max_value=2**70).map(str),
    st.floats().map(json.dumps),
    st.recursive(st.none() | st.booleans() | st.text(max_size=5), st.lists, max_leaves=20).map(json.dumps),
)


@st.composite
def broken_bodies(draw: st.DrawFn, good: dict[str, Any]) -> bytes:
    """A good body with one of its fields exchanged, repeated or joined by another, and sometimes cut or spoilt."""
    fields = [(json.dumps(key), json.dumps(value)) for key, value in good.items()]
    at = draw(st.integers(0, len(fields)))
    key = fields[at][0] if at < len(fields) else draw(st.text(max_size=10).map(json.dumps))
    fields[at : at + draw(st.sampled_from([1, 1, 0]))] = [(key, draw(fragments))]
    raw = ("{" + ",".join(f"{key}:{value}" for key, value in fields) + "}").encode("utf-8", "surrogatepass")
    match draw(st.sampled_from(["as it is"] * 7 + ["cut", "spoilt", "in front", "instead"])):
        case "cut":
            return raw[: draw(st.integers(0, len(raw)))]
        case "spoilt":
            place = draw(st.integers(0, len(raw)))
            return raw[:place] + draw(st.binary(min_size=1, max_size=4)) + raw[place:]
        case "in front":
            return draw(st.sampled_from([b"\xef\xbb\xbf", b"\xff\xfe", b" \x00", b"[", b")]}',\n"])) + raw
        case "instead":
            return draw(fragments).encode("utf-8", "surrogatepass")
    return raw


@every_body
def test_b7_no_body_makes_the_product_fail(house: House, tenant: Tenant, name: str) -> None:
    """B7: NUL, surrogates, turned text, 1e400, repeated keys, huge numbers, deep nesting: an answer, never a 5xx."""
    method, path, sent = request(name, tenant, "owner")
    good = sent.pop("json")
    if name in HASHING:
        good.pop("password")
    headers = {**sent.pop("headers"), "Content-Type": "application/json"}
    seen: dict[int, int] = {}

    @settings(
        max_examples=5_000 // len(WITH_BODY) + 1,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(body=broken_bodies(good))
    def check(body: bytes) -> None:
        answer = house.send(method, path, **sent, headers=headers, content=body)
        seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, answer.text
        if answer.is_error:
            assert answer.json()["error"].keys() == {"code", "message", "details", "request_id"}
        if not answer.is_error and "password" not in good and name in HASHING:
            raise AssertionError("a body without a password was taken")

    check()
    print(f"B7: {name}: {sum(seen.values())} bodies, 0 answered 5xx: {dict(sorted(seen.items()))}")


@pytest.mark.parametrize("fragment", FRAGMENTS[:20])
def test_b7_no_password_and_no_email_makes_signing_in_fail(house: House, cheap_hashes: None, fragment: str) -> None:
    """B7: the same values where a body that can be read is hashed."""
    for field in ("email", "password"):
        good = {"email": f'"{uuid.uuid4().hex}@example.com"', "password": f'"{PASSWORD}"'}
        body = "{" + ",".join(f'"{key}":{value}' for key, value in {**good, field: fragment}.items()) + "}"
        raw = body.encode("utf-8", "surrogatepass")
        answer = house.send("POST", "/api/v1/auth/login", content=raw, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 401), answer.text


# --- B8: SQL ------------------------------------------------------------------------------------------

SQL = [
    "'", "''", '"', "';", "' or '1'='1", "' or 1=1 --", "') or ('1'='1", "admin'--", "' union select null --",
    "' union all select email, password_hash from users --", "1; drop table users", "'; drop table users; --",
    "'; update users set name = 'x'; --", "' and pg_sleep(5) --", "'||pg_sleep(5)--", "$$; drop table users; $$",
    "' and 1=cast((select version()) as int) --", "%27%20or%201=1", "\\'; drop table users; --", "/**/or/**/1=1",
    "1 order by 100", "' having 1=1 --", "{{7*7}}", "${7*7}", ":id", "%(id)s", "%s", "?", "‘ or 1=1", "＇ or 1=1",
    "x' in (select email from users) --", "'; copy users to program 'id'; --",
]  # fmt: skip


def about(db: Connection, tenant: Tenant) -> list[str]:
    """Every row that says something about a tenant."""
    needles = "|".join(
        [tenant.business_id, tenant.name, *(person.id for person in tenant.people.values() if person.id)]
    )
    found: list[str] = []
    for table in Base.metadata.sorted_tables:
        statement = text(f"select t::text from {table.name} t where t::text ~ :needles order by 1")
        found += db.execute(statement, {"needles": needles}).scalars()
    db.rollback()
    return found


@pytest.mark.parametrize("name", sorted(routes()))
def test_b8_sql_in_any_field_is_text(house: House, tenant: Tenant, name: str) -> None:
    """B8: statements in every query parameter, path, header and field of the body; another tenant's rows stay."""
    bystander, sent_count = house.tenant(), 0
    method, path, sent = request(name, tenant, "owner")
    fields = [field for field in sent.get("json", {}) if not (name in HASHING and field == "password")]
    if name in HASHING:
        sent["json"].pop("password")
    parameters = list(routes()[name].params.model_fields) if routes()[name].params else []  # type: ignore[union-attr]
    with house.engine.connect() as db:
        before = about(db, bystander)
        for statement in SQL:
            variants = [{**sent, "json": {**sent["json"], field: statement}} for field in fields]
            variants += [{**sent, "params": {**sent.get("params", {}), key: statement}} for key in parameters]
            variants.append({**sent, "headers": {**sent["headers"], "X-Request-Id": statement.encode()}})
            for variant in variants:
                answer = house.send(method, path, **variant)
                assert answer.status_code < 500, answer.text
                assert "x-request-id" in answer.headers
            sent_count += len(variants)
        after = about(db, bystander)
    assert before == after
    assert len(before) > 10
    print(f"B8: {name}: {sent_count} requests, 0 answered 5xx, 0 of another tenant's {len(before)} rows changed")


# --- B9: an address that somebody might fetch ---------------------------------------------------------

UNWANTED_URLS = [
    "http://img.example.com/a.png", "HTTP://img.example.com/a.png", "ftp://img.example.com/a", "file:///etc/passwd",
    "gopher://img.example.com/", "data:image/png;base64,AAAA", "javascript:alert(1)", "//img.example.com/a.png",
    "https:img.example.com", "https:/img.example.com", "https:///img.example.com", "https://", "https://.", "https://a",
    "https://127.0.0.1/", "https://127.1/", "https://10.0.0.1/", "https://192.168.0.1/a", "https://172.16.0.1/",
    "https://169.254.169.254/computeMetadata/v1/", "https://0.0.0.0/", "https://255.255.255.255/", "https://8.8.8.8/",
    "https://2130706433/", "https://0x7f000001/", "https://0x7f.0x0.0x0.0x1/", "https://0177.0.0.1/",
    "https://017700000001/", "https://127.0.0.1.:443/", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
    "https://[fd00:ec2::254]/", "https://[fe80::1%25eth0]/", "https://metadata/", "https://metadata.google.internal/",
    "https://METADATA.GOOGLE.INTERNAL/", "https://localhost/", "https://LOCALHOST/", "https://app.localhost/",
    "https://printer.local/", "https://db.internal/", "https://intranet/", "https://kubernetes.default.svc.lan/",
    "https://user@img.example.com/", "https://user:secret@img.example.com/", "https://img.example.com@127.0.0.1/",
    "https://127.0.0.1#@img.example.com/", "https://img.example.com\\@127.0.0.1/", "https://img.example.com:22/",
    "https://img.example.com:443/", "https://img.example.com:0/", "https://img.example.com:/", "https://img..com/",
    "https://.example.com/", "https://example.com./", "https://-a.example.com/", "https://img.example.c0m0.1/",
    "https://img.example.com/a b", "https://img.example.com/\tx", "https://img.example.com/\r\nX: y",
    "https://img.example.com/\u0000", "https://ex\u00e4mple.com/", "https://\uff11\uff12\uff17.0.0.1/",
    "https://127\u30020\u30020\u30021/", "https://img.example.com/\u202epng",
    "https://img.example.com/" + "a" * 2000, "https://1.1.1.1.in-addr.arpa/", "https://abc.onion/",
]  # fmt: skip
WANTED_URLS = [
    "https://img.example.com/a.png",
    "https://example.org",
    "https://lh3.googleusercontent.com/a/ACg8ocK=s96-c",
    "https://www.gravatar.com/avatar/00?s=80&d=identicon#top",
    "https://xn--bcher-kva.example.co.uk/b%C3%BCcher",
]


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch, postgres: Any) -> list[Any]:
    """Every address this process asks for or connects to, beside its database; none of them is reached."""
    found: list[Any] = []
    connect = socket.socket.connect

    def guard(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[:2] != ("127.0.0.1", postgres.port):
            found.append(address)
            raise OSError("no connections in this test")
        connect(self, address)

    def resolve(host: Any, *rest: Any, **options: Any) -> Any:
        if host not in ("127.0.0.1", "localhost"):
            found.append(host)
            raise OSError("no look-ups in this test")
        return getaddrinfo(host, *rest, **options)

    getaddrinfo = socket.getaddrinfo
    monkeypatch.setattr(socket.socket, "connect", guard)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return found


def test_b9_a_picture_is_an_https_address_of_a_public_host_and_is_never_fetched(
    house: House, tenant: Tenant, dialled: list[Any]
) -> None:
    """B9: addresses inside, in disguise or of another scheme are refused, and no address is ever dialled."""
    headers = tenant.people["owner"].headers
    for url in UNWANTED_URLS:
        answer = house.send("PATCH", "/api/v1/users/me", headers=headers, json={"avatar_url": url})
        assert answer.status_code == 400, url
        assert answer.json()["error"]["details"]["field"] == "avatar_url"
    for url in WANTED_URLS:
        answer = house.send("PATCH", "/api/v1/users/me", headers=headers, json={"avatar_url": url})
        assert answer.status_code == 200, url
        assert answer.json()["avatar_url"] == url
    assert send(house, "GET /users/me/export", tenant, "owner").status_code == 200
    assert dialled == []
    print(f"B9: {len(UNWANTED_URLS)} addresses refused, {len(WANTED_URLS)} kept, {len(dialled)} connections")


def test_b9_the_guard_sees_a_connection(dialled: list[Any]) -> None:
    """B9: the test above would see one."""
    for host in ("192.0.2.1", "img.example.com"):
        with pytest.raises(OSError, match="in this test"):
            socket.create_connection((host, 443), timeout=1)
    assert len(dialled) == 2
