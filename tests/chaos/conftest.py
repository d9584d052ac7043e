"""What every run of chaos needs: quiet logs."""

import logging

import pytest

from vaultra.config import RuntimeSettings
from vaultra.telemetry import configure


@pytest.fixture(autouse=True)
def _quiet() -> None:
    configure(RuntimeSettings(log_level="CRITICAL"))
    for name in ("vaultra.broker", "sqlalchemy.pool"):  # a database that goes away is what they tell of
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
