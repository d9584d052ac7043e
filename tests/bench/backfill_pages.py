"""Stripe's list of charges, rendered before anybody asks, so that the server is not what is measured."""

import argparse
import asyncio
import json
import re
import time
from typing import Any

from tests.bench.webhooks_events import fixtures
from vaultra.services import utc_now

PAGE = 100
DAYS = 90
HEAD = b"Content-Type: application/json\r\nRequest-Id: req_bench\r\nContent-Length: %d\r\n\r\n"
CURSOR = re.compile(rb"starting_after=(ch_\d+)")


def render(count: int, now: int) -> dict[bytes, bytes]:
    """Every page by the cursor that asks for it (the first has none), ready to be sent; the newest charges first."""
    fixture = fixtures()
    pages = {}
    cursor = b""
    for first in range(0, count, PAGE):
        numbers = range(first, min(first + PAGE, count))
        charges = [_charge(fixture, number, now - number * DAYS * 86_400 // count) for number in numbers]
        listed = {"object": "list", "data": charges, "has_more": numbers[-1] + 1 < count, "url": "/v1/charges"}
        body = json.dumps(listed, indent=2).encode()
        pages[cursor] = HEAD % len(body) + body
        cursor = charges[-1]["id"].encode()
    return pages


def _charge(fixture: dict[str, dict[str, Any]], number: int, created: int) -> dict[str, Any]:
    """A payment that succeeded, with the movement that we ask to be told."""
    amount, charge = 1000 + number % 5000, f"ch_{number:012d}"
    told = {"id": f"txn_{number:012d}", "amount": amount, "net": amount - 59, "source": charge, "created": created}
    return {
        **fixture["charge"],
        "id": charge,
        "amount": amount,
        "amount_captured": amount,
        "balance_transaction": {**fixture["balance_transaction"], **told},
        "captured": True,
        "created": created,
        "customer": f"cus_{number % 5000:012d}",
        "livemode": True,
        "paid": True,
        "payment_intent": f"pi_{number:012d}",
        "status": "succeeded",
    }


class Pages(asyncio.Protocol):
    """Looks for the cursor in what was asked, and for nothing else."""

    def __init__(self, pages: dict[bytes, bytes]) -> None:
        self._pages = pages
        self._asked = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._asked += data
        while b"\r\n\r\n" in self._asked:
            asked, _, self._asked = self._asked.partition(b"\r\n\r\n")
            found = CURSOR.search(asked)
            date = time.strftime("HTTP/1.1 200 OK\r\nDate: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime())
            self._transport.writelines([date.encode(), self._pages[found.group(1) if found else b""]])


async def serve(count: int, port: int) -> None:
    """Until it is killed."""
    pages = render(count, int(utc_now().timestamp()))
    server = await asyncio.get_running_loop().create_server(lambda: Pages(pages), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--charges", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    asyncio.run(serve(options.charges, options.port))
