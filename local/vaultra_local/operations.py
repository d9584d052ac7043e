"""What every operator's command does around its work: connect, commit, announce, log and print."""

import argparse
import datetime as dt
import sys
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import cached_property
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
from vaultra_local.operations_text import facts_text, table_text

Options = argparse.Namespace


class Desk:
    """What a command works with. It connects to the database when a command asks for it: jobs are paused without."""

    def __init__(self, services: Services, options: Options) -> None:
        self.services = services
        self.options = options
        self.now: dt.datetime = services.clock()
        self._open = ExitStack()

    @cached_property
    def conn(self) -> Connection:
        return self._open.enter_context(self.services.engine.connect())

    def commit(self) -> None:
        """Keep what was changed in the database, if anything was asked of it."""
        if "conn" in vars(self):
            self.conn.commit()

    def close(self) -> None:
        """Give the connection back, and take back what was not committed."""
        self._open.close()


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
        if not options.dry_run:
            desk.commit()
            if done.messages:
                desk.services.publisher.publish([_marked(message, request_id) for message in done.messages])
            if done.letters:
                operations.mark_replayed(desk.conn, done, desk.now)
                desk.commit()
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
    configure(RuntimeSettings())
    services, request_id = wiring.current(), uuid.uuid4().hex
    try:
        with closing(Desk(services, options)) as desk:
            work(desk, request_id)
    except Exception as error:
        known = error if isinstance(error, VaultraError) else translate(error)
        if known is None:
            raise
        log.error("operation.failed", command=options.command, request_id=request_id, code=known.code)
        print(f"{known.message}. It is safe to run this again." if known.retry else known.message, file=sys.stderr)
        return 1
    return 0
