"""Places where a test may make this very code fail: off unless the environment is `test` and names one.

`VAULTRA_FAILPOINTS=committed=exit,announced=raise` ends the process, as a kill does, once it has committed;
`committed=exit:0.02` does so one time in fifty.
"""

import functools
import os
import random

from vaultra.config import FailpointSettings

EXIT_STATUS = 70


class FailpointReached(Exception):
    """A failpoint whose action is `raise`."""


def reach(name: str) -> None:
    """Do what the environment asks for at this place: nothing, unless it is a test's."""
    action, _, chance = active().get(name, "").partition(":")
    if chance and random.random() >= float(chance):  # noqa: S311 - a test's dice
        return
    if action == "exit":
        os._exit(EXIT_STATUS)
    if action == "raise":
        raise FailpointReached(name)


@functools.cache
def active() -> dict[str, str]:
    """Actions by place, read once; `active.cache_clear()` reads them again."""
    settings = FailpointSettings()
    if settings.vaultra_environment != "test":
        return {}
    pairs = (part.partition("=") for part in settings.vaultra_failpoints.split(",") if part.strip())
    actions = {name.strip(): action.strip() for name, _, action in pairs}
    unknown = {action.partition(":")[0] for action in actions.values()} - {"raise", "exit"}
    if unknown:
        raise ValueError(f"There is no such action of a failpoint: {sorted(unknown)}")
    return actions
