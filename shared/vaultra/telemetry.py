"""Structured logs: one JSON line per event in production, readable lines on a terminal."""

import logging
import sys
import traceback
from collections.abc import Callable, MutableMapping
from typing import Any

import orjson
import structlog

from vaultra.config import RuntimeSettings

log: structlog.stdlib.BoundLogger = structlog.get_logger()

Fields = MutableMapping[str, Any]
SEVERITY = {"debug": "DEBUG", "info": "INFO", "warning": "WARNING", "error": "ERROR", "critical": "CRITICAL"}


def configure(settings: RuntimeSettings) -> None:
    """Set the process's logging up; safe to call again. Never log payloads, emails, keys or tokens."""
    global _write_line
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
    _write_line = None if terminal else _line_writer(settings)


_write_line: Callable[[Fields], None] | None = None


def log_line(message: str, **fields: Any) -> None:
    """As `log.info`, for a place that is passed thousands of times a second.

    It takes no context from elsewhere: what the line is to say, `trace` and `time` too, is all given here.
    """
    if _write_line is None:
        log.info(message, **fields)
    else:
        _write_line({**fields, "event": message})


def _line_writer(settings: RuntimeSettings) -> Callable[[Fields], None]:
    """Writes the very line that the processors of `configure` would make, without going through them."""
    wanted = logging.getLevelNamesMapping()[settings.log_level.upper()] <= logging.INFO
    stream = structlog.BytesLogger(sys.stderr.buffer)
    finish = _cloud_fields(settings)

    def write(fields: Fields) -> None:
        if wanted:
            stream.msg(orjson.dumps(finish(None, "info", fields), default=str, option=orjson.OPT_UTC_Z))

    return write


def _to_json(value: Any, **_options: Any) -> bytes:
    return orjson.dumps(value, default=str)


def _cloud_fields(settings: RuntimeSettings) -> structlog.types.Processor:
    def add(_logger: Any, method: str, event: Fields) -> Fields:
        event["severity"] = SEVERITY.get(event.pop("level", method), "INFO")
        event["message"] = event.pop("event", "")
        trace = event.pop("trace", None)
        if trace and settings.google_cloud_project:
            event["logging.googleapis.com/trace"] = f"projects/{settings.google_cloud_project}/traces/{trace}"
        elif trace:
            event["trace"] = trace
        return event

    return add


def _error_text(_logger: Any, _method: str, event: Fields) -> Fields:
    # Frames and the error's type only: messages of drivers and libraries may quote the values they choked on.
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        frames = traceback.format_list(traceback.extract_tb(error.__traceback__))
        event["error_type"] = type(error).__name__
        event["stack_trace"] = "".join(frames)
    return event
