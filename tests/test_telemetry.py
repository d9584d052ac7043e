"""The short way of writing a line of log writes the line that the long way writes."""

import datetime as dt
import io
import sys
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
import structlog

from vaultra.config import RuntimeSettings
from vaultra.telemetry import configure, log, log_line

CONTEXT = {"function": "stripe_webhook", "request_id": "the-request"}
FIELDS = {"method": "POST", "path": "/api/v1/webhooks/stripe", "status": 200, "ms": 1.2}
TRACE = "0af7651916cd43dd8448eb211c80319c"
NOW = dt.datetime(2026, 11, 20, 12, 0, 0, 1500, dt.UTC)


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., io.BytesIO]]:
    """Configure the logging, as a function in the cloud or on a terminal; gives what will be written."""

    def begin(*, terminal: bool = False, **settings: Any) -> io.BytesIO:
        written = io.BytesIO()
        stream = io.TextIOWrapper(written, write_through=True)
        monkeypatch.setattr(stream, "isatty", lambda: terminal, raising=False)
        monkeypatch.setattr(sys, "stderr", stream)
        configure(RuntimeSettings(**settings))
        return written

    yield begin
    structlog.contextvars.clear_contextvars()
    monkeypatch.undo()
    configure(RuntimeSettings(log_level="CRITICAL"))


def by_both_ways(written: io.BytesIO, trace: str | None) -> list[dict[str, Any]]:
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**CONTEXT, trace=trace)
    log.info("request.handled", **FIELDS)
    log_line("request.handled", **CONTEXT, trace=trace, **FIELDS, time=NOW)
    return [orjson.loads(line) for line in written.getvalue().splitlines()]


@pytest.mark.parametrize("trace", [None, TRACE])
@pytest.mark.parametrize("project", [None, "a-project"])
def test_both_ways_write_the_same_line(
    output: Callable[..., io.BytesIO], trace: str | None, project: str | None
) -> None:
    long, short = by_both_ways(output(k_service="any", google_cloud_project=project), trace)
    moment = dt.datetime.fromisoformat(long.pop("time"))
    assert short.pop("time") == "2026-11-20T12:00:00.001500Z"
    assert long == short
    assert moment.tzinfo is not None


def test_what_the_level_leaves_out_neither_way_writes(output: Callable[..., io.BytesIO]) -> None:
    assert by_both_ways(output(k_service="any", log_level="WARNING"), None) == []


def test_a_terminal_gets_the_line_to_read(output: Callable[..., io.BytesIO]) -> None:
    written = output(terminal=True)
    log_line("request.handled", **CONTEXT, trace=None, **FIELDS, time=NOW)
    line = written.getvalue().decode()
    assert "request.handled" in line
    assert "{" not in line
    assert "2026-11-20T12:00" not in line  # it says when it was written, as every line there
