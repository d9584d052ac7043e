"""Keep every message that failed seven times where an operator can read and replay it."""

from vaultra.db import dead_letters
from vaultra.entrypoints import Call, event_function


@event_function
def record_dead_letter(call: Call) -> None:
    assert call.message is not None, "an event function is called with a delivery"
    dead_letters.record(call.db, call.message, error="Failed seven times", now=call.now)
