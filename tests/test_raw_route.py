"""What a raw route is given: the first of each header, and the whole body or none of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from vaultra.errors import InvalidInput, TooLarge
from vaultra.raw_route import LARGEST_BODY_BYTES, headers_of, read_body

HALF = b"x" * (LARGEST_BODY_BYTES // 2)


def arriving(*pieces: bytes, then: str = "http.request") -> Callable[[], Awaitable[dict[str, Any]]]:
    """A `receive` that gives the pieces; what follows them is the end, or that the caller went away."""
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        if not left:
            return {"type": then}
        body = left.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(left) or then != "http.request"}

    return receive


def read(receive: Callable[[], Awaitable[dict[str, Any]]], announced: str = "0") -> bytes:
    return asyncio.run(asyncio.wait_for(read_body(receive, announced), 10))


def test_of_headers_with_the_same_name_the_first_counts() -> None:
    scope = {"headers": [(b"stripe-signature", b"t=1"), (b"host", b"caf\xe9"), (b"stripe-signature", b"t=2")]}
    assert headers_of(scope) == {"stripe-signature": "t=1", "host": "café"}


@pytest.mark.parametrize("pieces", [(), (b"",), (b"whole",), (b"in ", b"", b"pieces")])
def test_a_body_is_read_to_its_end(pieces: tuple[bytes, ...]) -> None:
    assert read(arriving(*pieces)) == b"".join(pieces)


@pytest.mark.parametrize("announced", ["0", "", "²", "-1", str(LARGEST_BODY_BYTES)])
def test_a_body_of_the_largest_size_is_read_whatever_was_announced(announced: str) -> None:
    assert read(arriving(HALF, HALF), announced) == HALF + HALF


def test_more_than_the_largest_size_is_refused() -> None:
    with pytest.raises(TooLarge):
        read(arriving(HALF, HALF, b"x"))


@pytest.mark.parametrize("announced", [str(LARGEST_BODY_BYTES + 1), "9" * 5000])
def test_what_announces_itself_as_too_large_is_not_read_at_all(announced: str) -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError("nothing is read")

    with pytest.raises(TooLarge):
        read(receive, announced)


def test_a_caller_who_goes_away_leaves_no_half_a_body() -> None:
    with pytest.raises(ClientDisconnect):
        read(arriving(b"half", then="http.disconnect"))


def test_a_body_that_does_not_arrive_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaultra.raw_route.SLOWEST_BODY_SECONDS", 0.01)

    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("nothing arrives")

    with pytest.raises(InvalidInput):
        read(never)
