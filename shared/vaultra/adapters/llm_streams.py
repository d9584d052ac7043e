"""What the adapters of language models share: a stream that ends in time, whatever its server does."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

CONNECT_SECONDS = 5.0
# A server that says nothing for so long is taken for dead; the first byte has as long.
SILENCE_SECONDS = 15.0


@contextmanager
def cut_after(seconds: float, response: Any) -> Iterator[None]:
    """Hang up on a server that is still talking after so long; reading then fails as if the network had.

    A timeout of the client's counts silence only: a byte now and then would keep it waiting for ever.

    Args:
        response: An open response of httpx or httpx2.
    """
    timer = threading.Timer(max(0.0, seconds), _hang_up, [response])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(response: Any) -> None:
    network_stream = response.extensions.get("network_stream")
    connection = None if network_stream is None else network_stream.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):  # it has ended by itself
            connection.shutdown(socket.SHUT_RDWR)
