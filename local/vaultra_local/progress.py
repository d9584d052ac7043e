"""What a person sees while things start: one calm line per step."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)


def say(line: str = "") -> None:
    """Print a line at once, whether or not anybody watches a terminal."""
    console.print(line, markup=False)
    sys.stdout.flush()


def now_and_then(tell: Callable[[str], None], seconds: float = 5.0) -> Callable[[str], None]:
    """Pass on at most one line in so many seconds; the others are left out."""
    last = float("-inf")

    def maybe(line: str) -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            tell(line)

    return maybe


@contextmanager
def step(name: str) -> Iterator[None]:
    """Show that something is under way, and afterwards how long it took. A failure leaves no line."""
    began = time.monotonic()
    with console.status(f"{name} …"):
        yield
    say(f"  {name:<42} {time.monotonic() - began:5.1f} s")
