"""What a person sees while things start: one calm line per step."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)


def say(line: str = "") -> None:
    """Print a line at once, whether or not anybody watches a terminal."""
    console.print(line, markup=False)
    sys.stdout.flush()


@contextmanager
def step(name: str) -> Iterator[None]:
    """Show that something is under way, and afterwards how long it took. A failure leaves no line."""
    began = time.monotonic()
    with console.status(f"{name} …"):
        yield
    say(f"  {name:<42} {time.monotonic() - began:5.1f} s")
