"""What every operator's command does around its work: connect, commit, announce, log and print."""

import argparse
import datetime as dt
import os
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Connection

from vaultra import services as wiring
from vaultra.config import RuntimeSettings
from vaultra.db.engine import translate
from vaultra.errors import VaultraError
from vaultra.ports import Message
from vaultra.services import Services
from vaultra.telemetry import configure, log
from vaultra.usecases import operations
from vaultra.usecases.operations import Done
from vaultra_local import state
from vaultra_local.operations_text import facts_text, table_text

Options = argparse.Namespace


@dataclass(frozen=True)
class Desk:
    """What a command works with."""

    conn: Connection
    services: Services
    now: dt.datetime
    options: Options


def look(read: Callable[[Desk], Mapping[str, Any]], options: Options) -> int:
    """Print what a command finds: lists of rows and single things, by name; the exit status."""

    def work(desk: Desk, _request_id: str) -> None:
        found = read(desk)
        if options.json:
            print(orjson.dumps(found, default=str, option=orjson.OPT_INDENT_2).decode())
            return
        for name, content in found.items():
            print(table_text(name, content) if isinstance(content, list) else facts_text(content))

    return _at_desk(options, work)


def change(operation: Callable[[Desk], Done], options: Options) -> int:
    """Commit what a command did, publish, note what was replayed; or, for a dry run, take it back. The exit status."""

    def work(desk: Desk, request_id: str) -> None:
        done = operation(desk)
        if options.dry_run:
            desk.conn.rollback()
        else:
            desk.conn.commit()
            desk.services.publisher.publish([_marked(message, request_id) for message in done.messages])
            operations.mark_replayed(desk.conn, done, desk.now)
            desk.conn.commit()
        facts = {**done.facts, "messages": len(done.messages)}
        log.info("operation.done", command=options.command, request_id=request_id, dry_run=options.dry_run, **facts)
        if options.json:
            print(orjson.dumps({"dry_run": options.dry_run, **facts}, default=str).decode())
        else:
            print(facts_text(facts))
            print("Dry run: nothing was changed." if options.dry_run else "Done.")

    return _at_desk(options, work)


def _marked(message: Message, request_id: str) -> Message:
    """A message that is replayed keeps the request it belonged to; a new one belongs to this command."""
    return replace(message, attributes={"request_id": request_id, **message.attributes})


def _at_desk(options: Options, work: Callable[[Desk, str], None]) -> int:
    """Connect, work, and put what goes wrong into one line; the exit status."""
    if options.local is not None:
        if not state.enter_environment(options.local, os.environ):
            print(f"There is no running `{options.local}` on this machine.", file=sys.stderr)
            return 1
        wiring.use(None)
    configure(RuntimeSettings())
    services, request_id = wiring.current(), uuid.uuid4().hex
    try:
        with services.engine.connect() as conn:
            work(Desk(conn, services, services.clock(), options), request_id)
    except Exception as error:
        known = error if isinstance(error, VaultraError) else translate(error)
        if known is None:
            raise
        log.error("operation.failed", command=options.command, request_id=request_id, code=known.code)
        print(f"{known.message}. It is safe to run this again." if known.retry else known.message, file=sys.stderr)
        return 1
    return 0
