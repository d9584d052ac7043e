"""RELIABILITY row A21: where a request to the assistants' door may come from."""

import uuid
from typing import Any

import pytest

from tests.mcp.assistants import NEWEST
from tests.reliability.assisted import ask, asking, assisted, engine, house
from tests.reliability.house import House
from tests.reliability.test_headers import STRANGE_ORIGINS

__all__ = ["engine", "house"]

STRANGE_HOSTS = [
    "evil.example", "api.test.evil.example", "evil-api.test", "api.test:8443", "api.test.", "127.0.0.1", "localhost",
    "localhost:8080", "[::1]", "0.0.0.0", "169.254.169.254", "", "api.test@evil.example", "api.test, evil.example",
    "api.tes", "api.testx", "apixtest", "metadata.google.internal",
]  # fmt: skip


def test_a21_a_name_that_is_not_ours_is_refused(house: House) -> None:
    """A21: whoever has a name of theirs lead to our address (DNS rebinding) gets nothing, with a good token, too."""
    one = assisted(house)
    for host in STRANGE_HOSTS:
        answer = ask(house, one.token, "tools/call", {"name": "get_business_context"}, Host=host)
        assert answer.status_code == 403, host
        assert one.tenant.name not in answer.text
    for host in ("api.test", "site.test", "API.TEST"):
        assert ask(house, one.token, "tools/list", {}, Host=host).status_code == 200
    print(f"A21: {len(STRANGE_HOSTS)}/{len(STRANGE_HOSTS)} hosts refused")


def test_a21_pages_of_other_sites_are_refused(house: House) -> None:
    """A21: a browser says whose page asks; assistants that are no browsers say nothing."""
    one = assisted(house)
    strange = [origin for origin in STRANGE_ORIGINS if origin != "https://api.test"]
    for origin in strange:
        answer = ask(house, one.token, "tools/call", {"name": "get_business_context"}, Origin=origin)
        assert answer.status_code == 403, origin
        assert one.tenant.name not in answer.text
        assert "access-control-allow-origin" not in answer.headers
    for origin in ("https://site.test", "https://api.test"):
        assert ask(house, one.token, "tools/list", {}, Origin=origin).status_code == 200
    print(f"A21: {len(strange)}/{len(strange)} origins refused")


@pytest.mark.parametrize("revision", [NEWEST, "2025-11-25", "2025-03-26", ""])
def test_a21_several_requests_in_one_are_refused(house: House, revision: str) -> None:
    """A21: no revision of today has batches, so nothing hides behind a harmless first request."""
    one = assisted(house)
    single = asking(one.token, "tools/list", {})[2]["json"]
    batches: list[list[Any]] = [[single, single], [single], [], [[single]], [{}], [1]]
    for batch in batches:
        headers = asking(one.token, "tools/list", {}, **({"MCP-Protocol-Version": revision} if revision else {}))[2]
        answer = house.send("POST", "/mcp", headers=headers["headers"], json=batch)
        assert answer.status_code == 400, answer.text
        assert "result" not in answer.text
    print(f"A21: revision {revision or 'unnamed'}: 6/6 batches refused")


def test_a21_a_session_id_is_no_login_and_changes_nothing(house: House) -> None:
    """A21: with no token it opens nothing; with one, it is the token's business that is read; we give none out."""
    mine, theirs = assisted(house), assisted(house)
    legacy = {"MCP-Protocol-Version": "2025-11-25"}
    initialize = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    begun = ask(house, theirs.token, "initialize", initialize, **legacy)
    assert begun.status_code == 200
    assert "mcp-session-id" not in begun.headers
    ids = [uuid.uuid4().hex, theirs.token, theirs.tenant.business_id, "", "null", "../../", "0"]
    for session in ids:
        named = {"name": "get_business_context"}
        answer = ask(house, "", "tools/call", named, **{"Mcp-Session-Id": session, "Authorization": ""})
        assert answer.status_code == 401
        for revision in (legacy, {}):
            answer = ask(house, mine.token, "tools/call", named, **{"Mcp-Session-Id": session}, **revision)
            assert answer.status_code == 200, answer.text
            assert mine.tenant.name in answer.text
            assert theirs.tenant.name not in answer.text
            assert "mcp-session-id" not in answer.headers
        gone = house.send(
            "DELETE", "/mcp", headers={"Mcp-Session-Id": session, "Authorization": f"Bearer {mine.token}"}
        )
        assert gone.status_code == 405
    print(f"A21: {len(ids)} session ids, 0 that open or change anything")
