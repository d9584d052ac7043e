"""What the comparison of the product with the oracle needs: the deployed rooms, over a database of their own."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from tests.functions.conftest import mailer, room, services, sign_up
from vaultra.db import engine as database

__all__ = ["engine", "mailer", "room", "services", "sign_up"]


@pytest.fixture(scope="session")
def engine(make_database: Callable[[str], str]) -> Iterator[Engine]:
    """A database in which each shop is a business of its own."""
    engine = database.create(make_database("oracle"), pool_size=4)
    yield engine
    engine.dispose()
