"""What every run of chaos needs: quiet logs, and the emulator where there is one."""

import logging
from collections.abc import Iterator

import pytest

from vaultra.config import RuntimeSettings
from vaultra.telemetry import configure
from vaultra_local import emulator


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    configure(RuntimeSettings(log_level="CRITICAL"))
    for name in ("vaultra.broker", "sqlalchemy.pool"):  # a database that goes away is what they tell of
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@pytest.fixture(scope="session")
def emulator_host() -> Iterator[str]:
    """A running Pub/Sub emulator."""
    jar = emulator.find_jar()
    if jar is None:
        pytest.skip("the Pub/Sub emulator is not installed here (it needs Java and gcloud's pubsub-emulator)")
    with emulator.Emulator(jar) as running:
        yield running.host
