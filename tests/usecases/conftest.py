"""What the tests of the use cases share."""

import pytest

from vaultra.config import RuntimeSettings
from vaultra.telemetry import configure


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    """Logs as in production: a terminal's tracebacks show every local variable, and take seconds."""
    configure(RuntimeSettings(log_level="CRITICAL"))
