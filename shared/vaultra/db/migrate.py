"""Bring a database to the newest schema: `python -m vaultra.db.migrate`."""

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

from vaultra.config import DatabaseSettings
from vaultra.db.engine import connect_from, create

MIGRATIONS = Path(__file__).parent / "migrations"
# One migration at a time, whoever starts it: an advisory lock under this arbitrary, fixed key.
LOCK_KEY = 7_236_405_114


def upgrade(database_url: str) -> None:
    """Run every migration that has not run yet; safe to run twice and from several places at once."""
    engine = create(database_url, pool_size=1)
    try:
        upgrade_engine(engine)
    finally:
        engine.dispose()


def upgrade_engine(engine: Engine) -> None:
    """`upgrade` over an engine that exists already."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        command.upgrade(alembic_config(connection), "head")


def alembic_config(connection: object) -> Config:
    """Alembic's configuration, without a file: the scripts lie beside this module."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


if __name__ == "__main__":
    upgrade_engine(connect_from(DatabaseSettings()))
