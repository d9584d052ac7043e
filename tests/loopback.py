"""Requests to servers on this machine, without what `httpx.get` does first: reading every authority's certificate."""

import ssl
from functools import partial
from typing import Any

import httpx

NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def client(**options: Any) -> httpx.Client:
    """A client for plain HTTP."""
    return httpx.Client(**{"timeout": 30, "trust_env": False, "verify": NO_CERTIFICATES, **options})


def request(method: str, url: str | httpx.URL, **options: Any) -> httpx.Response:
    """One request by a client that nothing is left of."""
    timeout = options.pop("timeout", 30)
    with client(timeout=timeout) as one:
        return one.request(method, url, **options)


get, post, put = partial(request, "GET"), partial(request, "POST"), partial(request, "PUT")
