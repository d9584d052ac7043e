"""Bring the schema up to date while the product runs: `python -m vaultra.db.migrate_online`, as the migration job does.

A change of a table waits for whoever reads it, and everybody who comes later waits behind the change. So it waits a
moment only, gives up, and comes again. Each migration is a transaction of its own, so that what it has locked is free
again before the next one begins, and whoever ends in between goes on there.
"""

import os
import time
from collections.abc import Callable

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from vaultra.config import DatabaseSettings
from vaultra.db.engine import connect_from, sql_state
from vaultra.db.migrate import LOCK_KEY, alembic_config
from vaultra.production import refuse_demo_settings

LOCK_WAIT = "300ms"
"""How long readers may stand behind a change that does not get its turn."""
PAUSE_SECONDS = 1.0
ATTEMPTS = 900
# PostgreSQL: lock_not_available.
GIVES_WAY = ("55P03",)

_BE_BRIEF = text("select set_config('lock_timeout', :wait, true)")
_ALONE = text("select pg_advisory_xact_lock(:key)")


def upgrade_online(engine: Engine, pause: Callable[[float], object] = time.sleep) -> int:
    """Run every migration that has not run yet, each when nobody is in the way; safe to run again, and by several.

    Returns:
        How often it was in somebody's way and came again.

    Raises:
        DBAPIError: Somebody was in the way for a quarter of an hour, or a migration is wrong; those before it stay.
    """
    scripts = ScriptDirectory.from_config(alembic_config(None))
    revisions = [script.revision for script in scripts.walk_revisions()]
    return sum(_come_again(engine, revision, pause) for revision in reversed(revisions))


def _come_again(engine: Engine, revision: str, pause: Callable[[float], object]) -> int:
    attempt = 0
    while True:
        try:
            with engine.begin() as conn:
                conn.execute(_BE_BRIEF, {"wait": LOCK_WAIT})
                conn.execute(_ALONE, {"key": LOCK_KEY})
                command.upgrade(alembic_config(conn), revision)
            return attempt
        except DBAPIError as error:
            attempt += 1
            if sql_state(error) not in GIVES_WAY or attempt == ATTEMPTS:
                raise
        pause(PAUSE_SECONDS)


if __name__ == "__main__":
    refuse_demo_settings(os.environ)
    upgrade_online(connect_from(DatabaseSettings()))
