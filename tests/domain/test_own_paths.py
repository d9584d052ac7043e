"""RELIABILITY row A13: only pages of our own site are gone to after signing in."""

import itertools
from urllib.parse import urljoin, urlsplit

import pytest

from vaultra.domain.own_paths import own_path

SITE = "https://site.test"
SLASHES = ("/", "\\", "%2f", "%2F", "%5c", "%252f", "%25252f", "%255c", "／", "＼", "%ef%bc%8f", "\t/", "/\n", "%09/")
HOSTS = ("evil.test", "evil.test/dashboard/", "site.test@evil.test", "site.test.evil.test", "evil%E3%80%82test")
DOUBLED = [first + second + "evil.test" for first, second in itertools.product(SLASHES, SLASHES)]
PREFIXED = ["/" + slash + slash + host for slash in SLASHES for host in HOSTS]
OTHERS = [
    *(f"{scheme}:{slashes}evil.test" for scheme in ("https", "HTTP", "javascript", "data") for slashes in ("", "//")),
    *(f"@evil.test{end}" for end in ("", "/", "/dashboard/")),
    *(f"{start}evil.test" for start in ("", ".", ":", ";//", "?//", "#//", " //", "\x00//", "\u200b//", "\u2028//")),
    *(f"/{dots}//evil.test" for dots in (".", "..", "x/..", "%2e", "%2e%2e", "x/%2e%2e")),
    *("/dashboard/../auth/callback/google", "/./auth/login", "/%2e/auth/login", "/x/..", "/.."),
    *("/auth", "/auth/", "/auth/login?x=1", "/AUTH/login", "/%61uth/login", "/auth%2flogin", "/auth?x", "/auth#x"),
    *("/api", "/api/v1/auth/google", "/API/v1", "/%61pi/v1", "/ap%69/v1"),
    *("/dashboard\r\nSet-Cookie: a=b", "/dashboard%0d%0aSet-Cookie:a=b", "/dashboard%00", "/dash board", "/d%20b"),
    *(
        "/%",
        "/%2",
        "/%zz",
        "/%ff",
        "/%c0%af%c0%afevil.test",
        "/%ed%a0%80",
        "/%2525252525252f%2fevil.test",
        "/é",
        "/\ud800",
    ),
    *("/x%E2%80%AEgpj.exe", "/x%E2%80%A8y", "/x?next=//evil.test", "/x?next=https://evil.test", "/x#//evil.test"),
    *(
        "/\\evil.test",
        "/\\/evil.test",
        "\\\\evil.test",
        "/x\\y",
        "/x%5cy",
        "/x?y=\\",
        "/[::1]",
        "/x<y>",
        '/x"y',
        "/x`y",
    ),
]
PAYLOADS = list(dict.fromkeys([*DOUBLED, *PREFIXED, *OTHERS]))


def test_no_payload_leads_off_the_site() -> None:
    accepted = [payload for payload in PAYLOADS if own_path(payload) is not None]
    off_site = [path for path in accepted if urlsplit(urljoin(SITE, path)).netloc != "site.test"]
    print(f"A13: {len(PAYLOADS)} payloads, {len(accepted)} accepted, {len(off_site)} off-site")
    assert len(PAYLOADS) >= 200
    assert accepted == []


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/dashboard/",
        "/dashboard/?business_id=7d1f0d1e-0000-4000-8000-000000000000",
        "/dashboard?start=2026-01-01&end=2026-02-01#metrics",
        "/settings/members/",
        "/invitations/accept/?token=abc-_",
        "/authors/",
        "/apiary",
        "/search?q=caf%C3%A9+%26+bar",
        "/search?q=100%25",
        "/a.b/c~d/@owner",
        "/x?y=../z",
    ],
)
def test_pages_of_the_site_are_kept_as_they_are(path: str) -> None:
    assert own_path(path) == path


def test_nothing_is_no_page() -> None:
    assert own_path("") is None
