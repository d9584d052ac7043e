"""The shops that the agent is examined with, once for all tests here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.agent.shops import World, opened
from vaultra.adapters.minilm import MiniLm
from vaultra.adapters.postgres_vectors import PostgresVectors
from vaultra_local.known_vectors import KnownVectors


@pytest.fixture(scope="package")
def world(make_database: Callable[[str], str]) -> Iterator[World]:
    """Every shop, and the articles, searched with the model that runs here."""
    with opened(make_database("agent_exam"), KnownVectors(MiniLm()), PostgresVectors) as world:
        yield world
