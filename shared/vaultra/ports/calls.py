"""What every call may need: the time, and JSON."""

import datetime as dt
from collections.abc import Callable
from typing import Any

Clock = Callable[[], dt.datetime]
"""Tells the time as an aware UTC datetime. The edge reads it once per call."""

Json = dict[str, Any]
"""A decoded JSON object."""
