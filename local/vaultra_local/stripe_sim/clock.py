"""The wall clock, read here and nowhere else in the simulator."""

import time


def wall_time() -> float:
    """Seconds since 1970."""
    return time.time()  # noqa: TID251 - the simulator is a process of its own: this is its edge


def wall_seconds() -> int:
    """Whole seconds since 1970, as Stripe counts."""
    return int(wall_time())
