"""What a process does once, before its first request."""

import gc

from vaultra.config import RuntimeSettings
from vaultra.telemetry import configure

GARBAGE_THRESHOLDS = (20_000, 20, 20)
_configured = False


def configure_once() -> None:
    """Set up logging and the collector of garbage; the second call does nothing."""
    global _configured
    if not _configured:
        configure(RuntimeSettings())
        # What was imported stays: looking through it again and again stops every request for tens of milliseconds.
        gc.collect()
        gc.freeze()
        # A call leaves no cycles to speak of, and metrics of a page of businesses are many small objects at once.
        gc.set_threshold(*GARBAGE_THRESHOLDS)
        _configured = True
