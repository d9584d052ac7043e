"""Structured logs: one JSON line per event in production, readable lines on a terminal."""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog

from vaultra.config import RuntimeSettings

log: structlog.stdlib.BoundLogger = structlog.get_logger()

SEVERITY = {"debug": "DEBUG", "info": "INFO", "warning": "WARNING", "error": "ERROR", "critical": "CRITICAL"}


def configure(settings: RuntimeSettings) -> None:
    """Set the process's logging up; safe to call again. Never log payloads, emails, keys or tokens."""
    terminal = settings.k_service is None and sys.stderr.isatty()
    render: list[Any] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if terminal
        else [_cloud_fields(settings), _error_text, structlog.processors.JSONRenderer(serializer=_to_json)]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            *render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer)
        if not terminal
        else structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _to_json(value: Any, **_options: Any) -> bytes:
    return orjson.dumps(value, default=str)


def _cloud_fields(settings: RuntimeSettings) -> structlog.types.Processor:
    def add(_logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["severity"] = SEVERITY.get(event.pop("level", method), "INFO")
        event["message"] = event.pop("event", "")
        trace = event.pop("trace", None)
        if trace and settings.google_cloud_project:
            event["logging.googleapis.com/trace"] = f"projects/{settings.google_cloud_project}/traces/{trace}"
        elif trace:
            event["trace"] = trace
        return event

    return add


def _error_text(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    # Frames and the error's type only: messages of drivers and libraries may quote the values they choked on.
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        frames = traceback.format_list(traceback.extract_tb(error.__traceback__))
        event["error_type"] = type(error).__name__
        event["stack_trace"] = "".join(frames)
    return event
