"""The larger statements, kept as files that psql can read."""

import functools
from importlib import resources

from sqlalchemy import TextClause, text


@functools.cache
def statement(name: str) -> TextClause:
    """The statement in `sql/<name>.sql`, with its bound parameters."""
    return text(resources.files("vaultra.db").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8"))
