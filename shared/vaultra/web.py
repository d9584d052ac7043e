"""What the edge needs to know of browsers and proxies: addresses, other origins, cookies."""

import functools
import ipaddress
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

from vaultra.call import Cookie

METHODS = "GET, POST, PATCH, DELETE"
REQUEST_HEADERS = "authorization, content-type, x-request-id"
REPLY_HEADERS = "X-Request-Id, Retry-After"
PREFLIGHT_SECONDS = 7200
IPV6_CUSTOMER_BITS = 64
# As they go out, because every answer carries them.
PRIVATE = [
    (b"cache-control", b"no-store"),
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-site"),
]
VARY = (b"vary", b"Origin")


def client_address(request: Request, trusted_proxies: int) -> str:
    """Where the request comes from: a whole IPv4 address, or the /64 of an IPv6 one.

    Args:
        trusted_proxies: How many entries at the end of X-Forwarded-For our own proxies wrote; the first of them
            is the caller. Whatever stands before was sent by the caller and is not believed.
    """
    entries = [entry.strip() for entry in request.headers.get("x-forwarded-for", "").split(",")]
    if trusted_proxies and len(entries) >= trusted_proxies:
        text = entries[-trusted_proxies]
    else:
        text = request.client.host if request.client is not None else ""
    return _address(text)


@functools.lru_cache(maxsize=4096)
def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, IPV6_CUSTOMER_BITS), strict=False))


def preflight(request: Request, site_url: str) -> Response | None:
    """The answer to the site's browser asking whether it may call; None when this is no such question."""
    if request.method != "OPTIONS" or "access-control-request-method" not in request.headers:
        return None
    if request.headers.get("origin") != _origin(site_url):
        return None
    headers = {
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": REQUEST_HEADERS,
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }
    return Response(status_code=204, headers=headers)


def share_with_site(origin: str | None, response: Response, site_url: str) -> None:
    """Let scripts of the configured site read the answer, and no others; never with credentials."""
    response.raw_headers.append(VARY)
    if origin == _origin(site_url):
        response.headers["Access-Control-Allow-Origin"] = _origin(site_url)
        response.headers["Access-Control-Expose-Headers"] = REPLY_HEADERS


def write_cookies(response: Response, cookies: Iterable[Cookie], *, secure: bool) -> None:
    """Set cookies that scripts can't read and requests from other sites don't carry."""
    for cookie in cookies:
        response.set_cookie(
            cookie.name,
            cookie.value,
            max_age=cookie.seconds,
            path=cookie.path,
            secure=secure,
            httponly=True,
            samesite="lax",
        )


@functools.cache
def _origin(site_url: str) -> str:
    scheme, _, rest = site_url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"
