"""The gateway: paths to functions, the site like a bucket, and nothing outside its folder."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from vaultra_local.catalogue import Function
from vaultra_local.gateway import Gateway
from vaultra_local.server import TopicServer, framework_app
from vaultra_local.site import IMMUTABLE, POLICY, REVALIDATED, Site


def function(name: str) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse({"function": name, "path": scope["path"]})(scope, receive, send)

    return app


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "index.html": "<h1>home</h1>",
        "404.html": "<h1>lost</h1>",
        "dashboard/index.html": "<h1>dashboard</h1>",
        "_astro/app.a1b2.js": "run()",
        "fonts/inter.woff2": "font",
        "favicon.svg": "<svg/>",
        "api/v1/openapi.json": "{}",
    }
    for name, content in files.items():
        file = tmp_path / "dist" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "dist" / "link.txt").symlink_to(tmp_path / "secret.txt")
    return tmp_path / "dist"


@pytest.fixture
def client(folder: Path) -> TestClient:
    apps = {"/api/v1/users": function("users"), "/api/v1/users/special": function("special")}
    return TestClient(Gateway(apps, Site(folder)), follow_redirects=False)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/v1/users", "users"),
        ("/api/v1/users/me", "users"),
        ("/api/v1/users/special", "special"),
        ("/api/v1/users/special/1", "special"),
        ("/api/v1/users/specially", "users"),
    ],
)
def test_the_longest_prefix_wins_and_the_path_is_kept(client: TestClient, path: str, name: str) -> None:
    assert client.get(path).json() == {"function": name, "path": path}
    assert client.post(path).status_code == 200


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1/usersx", "/api/v1/nothing", "/api/v2/users"])
def test_an_unknown_api_path_gets_the_envelope(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error["code"] == "NOT_FOUND"
    assert set(error) == {"code", "message", "details", "request_id"}
    assert answer.headers["x-request-id"] == error["request_id"]
    assert client.post(path).json()["error"]["code"] == "NOT_FOUND"


def test_the_openapi_document_is_a_file(client: TestClient) -> None:
    answer = client.get("/api/v1/openapi.json")
    assert (answer.status_code, answer.text) == (200, "{}")
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("path", "status", "text", "kind", "cache"),
    [
        ("/", 200, "home", "text/html; charset=utf-8", REVALIDATED),
        ("/dashboard/", 200, "dashboard", "text/html; charset=utf-8", REVALIDATED),
        ("/_astro/app.a1b2.js", 200, "run()", "text/javascript; charset=utf-8", IMMUTABLE),
        ("/fonts/inter.woff2", 200, "font", "font/woff2", REVALIDATED),
        ("/favicon.svg", 200, "<svg/>", "image/svg+xml", REVALIDATED),
        ("/nothing", 404, "lost", "text/html; charset=utf-8", REVALIDATED),
        ("/_astro/nothing.js", 404, "lost", "text/html; charset=utf-8", REVALIDATED),
    ],
)
def test_the_site_is_served_as_from_a_bucket(
    client: TestClient, path: str, status: int, text: str, kind: str, cache: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert text in answer.text
    assert answer.headers["content-type"] == kind
    assert answer.headers["cache-control"] == cache
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == POLICY
    assert client.head(path).status_code == status
    assert client.head(path).content == b""


def test_text_is_compressed_for_who_reads_it_so(client: TestClient, folder: Path) -> None:
    text, font = "run();\n" * 200, "font" * 200
    (folder / "_astro/long.js").write_text(text)
    (folder / "fonts/long.woff2").write_text(font)
    told = {"Accept-Encoding": "gzip"}
    answer = client.get("/_astro/long.js", headers=told)
    assert (answer.headers["content-encoding"], answer.text) == ("gzip", text)
    assert int(answer.headers["content-length"]) < len(text) / 5
    plain = client.get("/_astro/long.js", headers={"Accept-Encoding": "identity"})
    assert ("content-encoding" in plain.headers, plain.text) == (False, text)
    assert "content-encoding" not in client.get("/fonts/long.woff2", headers=told).headers


def test_a_folder_redirects_to_its_page_and_keeps_the_query(client: TestClient) -> None:
    answer = client.get("/dashboard?business_id=1")
    assert answer.status_code == 301
    assert answer.headers["location"] == "/dashboard/?business_id=1"


def test_what_did_not_change_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/")
    again = client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/", headers={"If-None-Match": '"other"'}).status_code == 200


def test_the_site_is_only_read(client: TestClient) -> None:
    answer = client.post("/")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


async def call_raw(site: Site, path: str) -> Mapping[str, Any]:
    """Send a path as it is; clients clean theirs."""
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()  # the client waits, too

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    await site(scope, receive, send)
    return {
        "status": sent[0]["status"],
        "headers": dict(sent[0]["headers"]),
        "body": b"".join(message.get("body", b"") for message in sent[1:]),
    }


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/dashboard/../../secret.txt",
        "/./index.html",
        "//index.html",
        "//dashboard",
        "/dashboard//",
        "/link.txt",
        "/..\\secret.txt",
        "/index.html\0",
        "/secret.txt",
    ],
)
def test_no_path_leads_out_of_the_folder(folder: Path, path: str) -> None:
    answer = asyncio.run(call_raw(Site(folder), path))
    assert answer["status"] == 404
    assert b"lost" in answer["body"]
    assert b"location" not in answer["headers"]


def test_a_site_that_is_not_built_says_so(tmp_path: Path) -> None:
    answer = TestClient(Site(tmp_path)).get("/")
    assert answer.status_code == 404
    assert "make site" in answer.text


def test_a_topic_function_sees_its_own_root() -> None:
    client = TestClient(TopicServer({"dispatch": function("dispatch")}))
    assert client.post("/dispatch").json() == {"function": "dispatch", "path": "/"}
    assert client.get("/dispatch/health").json() == {"function": "dispatch", "path": "/health"}
    assert client.post("/elsewhere").status_code == 404


def test_a_function_is_served_by_the_framework_itself_and_loaded_once(tmp_path: Path) -> None:
    source = tmp_path / "sample_room" / "main.py"
    source.parent.mkdir()
    source.write_text(
        "import functions_framework.aio\n"
        "from pathlib import Path\n"
        f"with Path({str(tmp_path / 'loads')!r}).open('a') as loads: loads.write('x')\n"
        "@functions_framework.aio.http\n"
        "def sample_room(request): return {'path': request.url.path}\n"
    )

    class Sample(Function):
        @property
        def source(self) -> Path:
            return source

    app = framework_app(Sample("sample_room", "", "public", (), 1, 30, paths=("/api/v1/sample",)))
    client = TestClient(Gateway({"/api/v1/sample": app}, Site(tmp_path)))
    assert client.get("/api/v1/sample/1").json() == {"path": "/api/v1/sample/1"}
    assert (tmp_path / "loads").read_text() == "x"
