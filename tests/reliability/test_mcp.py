"""RELIABILITY rows I8, I9 and A20: an assistant sees one business, with a token that is its own."""

import base64
import datetime as dt
import json
import uuid

import pytest
from sqlalchemy import text

from tests.mcp.assistants import ENVELOPE, a_token
from tests.reliability.assisted import (
    CHALLENGE,
    METHODS,
    Assisted,
    Json,
    ask,
    asking,
    assisted,
    call,
    engine,
    house,
    questions,
)
from tests.reliability.calls import request, routes
from tests.reliability.house import CANARY, House, leave
from vaultra.agent.tools import use_tool
from vaultra.routes import Access

__all__ = ["engine", "house"]

# --- isolation -------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [100, pytest.param(500, marks=pytest.mark.long)])
@pytest.mark.parametrize("way", ["MCP", "chat"])
def test_i8_no_tenants_text_is_found(house: House, way: str, count: int) -> None:
    """I8: a canary in every text of four tenants; half of the searches name one."""
    tenants = [assisted(house) for _ in range(4)]
    marks = [one.tenant.name for one in tenants]
    canaries = 0
    for number, query in zip(range(count), questions(marks), strict=False):
        one = tenants[number % len(tenants)]
        if way == "MCP":
            found = call(house, one.token, "search_knowledge", query=query, limit=10)
            assert len(found["structuredContent"]["passages"]) == 10
        else:
            outcome = use_tool(one.context, "search_knowledge", {"query": query, "limit": 10}, id="1")
            assert outcome.ok
            found = outcome.result or {}
        canaries += CANARY in json.dumps(found)
    print(f"I8: {way}: {count} searches by {len(tenants)} tenants, {canaries} canaries")
    assert canaries == 0


def test_i9_two_tenants_in_one_process_never_get_each_others(house: House) -> None:
    """I9: every tool and list, in turns and at once; each answer names its own tenant or none."""
    mine, theirs = assisted(house), assisted(house)
    leaks = answers = 0
    for _ in range(5):
        house.now += dt.timedelta(minutes=1)
        asked = [(one, *asking(one.token, method, params)) for method, params in METHODS for one in (mine, theirs)]
        for (one, *_), answer in zip(asked, house.send_together([sent for _, *sent in asked]), strict=True):  # type: ignore[misc]
            other = theirs if one is mine else mine
            assert answer.status_code == 200, answer.text
            assert answer.headers["cache-control"] == "no-store"
            answers += 1
            leaks += other.tenant.name in answer.text or other.tenant.business_id in answer.text
    said = [call(house, one.token, "get_business_context")["structuredContent"]["name"] for one in (mine, theirs)]
    assert said == [mine.tenant.name, theirs.tenant.name]
    ids = [call(house, one.token, "get_readiness_breakdown")["structuredContent"] for one in (mine, theirs)]
    assert [found["business_id"] for found in ids] == [mine.tenant.business_id, theirs.tenant.business_id]
    print(f"I9: {answers} answers of one process to two tenants at once, {leaks} of the other's")
    assert leaks == 0


def test_i9_what_an_assistant_may_keep_for_others_names_no_tenant(house: House) -> None:
    """I9: results that the protocol lets clients share between users; a tool's result is never one."""
    one = assisted(house)
    shared = 0
    for method, params in METHODS:
        result = ask(house, one.token, method, params).json()["result"]
        if result.get("cacheScope") == "public":
            shared += 1
            assert one.tenant.name not in json.dumps(result)
            assert method != "tools/call"
    print(f"I9: {shared} of {len(METHODS)} results may be shared, 0 of them name a tenant")
    assert shared >= 5


# --- tokens ----------------------------------------------------------------------------------


def credentials(house: House, one: Assisted) -> dict[str, Json]:
    """What opens nothing here: other tokens of ours, tokens that were good, and good ones in a wrong place."""
    good, jwt = one.token, one.tenant.people["owner"].token
    with house.engine.begin() as db:
        gone = one.tenant.own_ids["owner"]["token_id"]
        deleted = a_token(house.engine, one.tenant.people["owner"].id, one.tenant.business_id, house.now)
        db.execute(text("delete from personal_access_tokens where id = :id"), {"id": deleted[4:36]})
    expired = a_token(house.engine, one.tenant.people["owner"].id, one.tenant.business_id, house.now, days=-1)
    other = assisted(house)
    basic = base64.b64encode(f"token:{good}".encode()).decode()
    return {
        "nothing": {"Authorization": ""},
        "a web session": {"Authorization": f"Bearer {jwt}"},
        "a session's id": {"Authorization": f"Bearer {jwt.rpartition('.')[2]}"},
        "an invitation": {"Authorization": f"Bearer {one.tenant.invitation_token}"},
        "a token's id": {"Authorization": f"Bearer {gone}"},
        "a deleted token": {"Authorization": f"Bearer {deleted}"},
        "an expired token": {"Authorization": f"Bearer {expired}"},
        "another token's secret": {"Authorization": f"Bearer {good[:37]}{other.token[37:]}"},
        "a token cut short": {"Authorization": f"Bearer {good[:-1]}"},
        "a token with more": {"Authorization": f"Bearer {good}A"},
        "two tokens": {"Authorization": f"Bearer {good}, Bearer {other.token}"},
        "another scheme": {"Authorization": f"Token {good}"},
        "basic": {"Authorization": f"Basic {basic}"},
        "in a cookie": {"Authorization": "", "Cookie": f"token={good}; access_token={good}"},
        "in another header": {"Authorization": "", "X-Api-Key": good, "Proxy-Authorization": f"Bearer {good}"},
        "a key of Stripe's": {"Authorization": "Bearer rk_live_51Hxxxxxxxxxxxxxxxxxxxxxx"},
        "a session of the protocol's": {"Authorization": "", "Mcp-Session-Id": uuid.uuid4().hex},
    }


def test_a20_only_a_personal_token_opens_mcp(house: House) -> None:
    """A20: everything else gets the same 401, with the address of the metadata; nothing of the business."""
    one = assisted(house)
    tried = credentials(house, one)
    bodies = set()
    for name, headers in tried.items():
        answer = ask(house, one.token, "tools/call", {"name": "get_business_context"}, **headers)
        assert answer.status_code == 401, name
        assert answer.headers["www-authenticate"] == CHALLENGE
        bodies.add(answer.json()["error"]["message"])
    for query in (f"?access_token={one.token}", f"?token={one.token}"):
        http_method, path, sent = asking(one.token, "tools/list", {}, Authorization="")
        assert house.send(http_method, path + query, **sent).status_code == 401
    http_method, path, sent = asking(one.token, "tools/list", {})
    twice = [*sent.pop("headers").items(), ("Authorization", f"Bearer {one.token}")]
    assert house.send(http_method, path, headers=twice, **sent).status_code == 401
    assert len(bodies) == 1
    assert ask(house, one.token, "tools/list", {}).status_code == 200
    print(f"A20: {len(tried) + 3}/{len(tried) + 3} credentials refused by MCP with 401 and its metadata")


def test_a20_a_personal_token_does_not_open_the_web_api(house: House) -> None:
    """A20: every route that needs somebody signed in."""
    one = assisted(house)
    closed = {name for name, route in routes().items() if route.access is not Access.PUBLIC}
    for name in sorted(closed):
        method, path, sent = request(name, one.tenant, "owner")
        sent["headers"]["Authorization"] = f"Bearer {one.token}"
        answer = house.send(method, path, **sent)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), name
    print(f"A20: {len(closed)}/{len(closed)} routes of the web API refuse a personal token")
    assert len(closed) > 30


def test_a20_a_token_is_for_one_business_whatever_else_is_named(house: House) -> None:
    """A20: another business of the same owner's, in the address, in headers, in the envelope."""
    one = assisted(house)
    owner = one.tenant.people["owner"]
    created = house.send("POST", "/api/v1/users/businesses", headers=owner.headers, json={"name": "canary of another"})
    other = created.json()["id"]
    ways: list[tuple[str, Json, Json]] = [
        (f"/mcp?business_id={other}", {}, {}),
        ("/mcp", {"X-Business-Id": other, "Business-Id": other}, {}),
        ("/mcp", {}, {"_meta": {**ENVELOPE, "business_id": other}}),
        ("/mcp", {}, {"business_id": other}),
    ]
    for address, headers, params in ways:
        http_method, _, sent = asking(one.token, "tools/call", {"name": "get_business_context"}, **headers)
        sent["json"]["params"] |= params
        answer = house.send(http_method, address, **sent)
        assert answer.status_code == 200, answer.text
        assert answer.json()["result"]["structuredContent"]["name"] == one.tenant.name
    print(f"A20: {len(ways)} ways to name another business, 0 that change anything")


def test_a20_a_token_dies_with_its_owners_membership(house: House) -> None:
    """A20: from the next request on."""
    one = assisted(house)
    assert ask(house, one.token, "tools/list", {}).status_code == 200
    with house.engine.begin() as db:
        leave(db, one.tenant.people["owner"], one.tenant.business_id)
    for method, params in METHODS:
        answer = ask(house, one.token, method, params)
        assert answer.status_code == 401
        assert one.tenant.name not in answer.text
    print(f"A20: {len(METHODS)}/{len(METHODS)} requests refused at once")
