"""What the tests of the use cases share."""

import pytest

from tests import stripe_payloads as raw
from tests.fakes import FakeStripe
from tests.stripe_payloads import ACCOUNT, NOON
from vaultra.config import RuntimeSettings
from vaultra.telemetry import configure


@pytest.fixture(autouse=True)
def _quiet() -> None:
    """Logs as in production: a terminal's tracebacks show every local variable, and take seconds."""
    configure(RuntimeSettings(log_level="CRITICAL"))


@pytest.fixture
def stripe() -> FakeStripe:
    """A Stripe with one account, and nothing that happened there."""
    stripe = FakeStripe()
    stripe.as_of = NOON
    stripe.put(ACCOUNT, "account", raw.account())
    stripe.put(ACCOUNT, "balance", raw.balance())
    return stripe
