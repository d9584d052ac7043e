"""What a deployed process refuses to start with: settings that are for one machine, where nothing is real."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

DEPLOYED = ("staging", "prod")
LIVE = "prod"


def _is_given(value: str) -> bool:
    return bool(value)


def _not_stripes(value: str) -> bool:
    address = urlsplit(value)
    return address.scheme != "https" or not f".{address.hostname}".endswith(".stripe.com")


def _not_googles(value: str) -> bool:
    return value != "https://accounts.google.com"


def _in_clear(value: str) -> bool:
    return urlsplit(value).scheme != "https"


def _stays_here(value: str) -> bool:
    host = urlsplit(value).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _simulators(value: str) -> bool:
    return "simulator" in value or value == "vaultra-demo"


def _zero(value: str) -> bool:
    return value.strip("0") == ""


# What makes a value one of a simulator, a test or this machine. A variable that is not set is never refused.
REFUSED: Mapping[str, Callable[[str], bool]] = {
    "GOOGLE_CLIENT_ID": _simulators,
    "GOOGLE_CLIENT_SECRET": _simulators,
    "GOOGLE_ISSUER_URL": _not_googles,
    "OPENAI_BASE_URL": _in_clear,
    "PUBLIC_API_URL": _in_clear,
    "PUBSUB_EMULATOR_HOST": _is_given,
    "SCHEDULE_RECORD": _is_given,
    "SITE_URL": _in_clear,
    "SMTP_URL": _stays_here,
    "STRIPE_API_BASE": _not_stripes,
    "STRIPE_CONNECT_BASE": _not_stripes,
    "STRIPE_CONNECT_CLIENT_ID": _simulators,
    "STRIPE_REQUESTS_PER_SECOND": _zero,
    "STRIPE_SECRET_KEY": _simulators,
    "VAULTRA_FAILPOINTS": _is_given,
}
TEST_KEYS = ("sk_test_", "rk_test_")


def demo_settings(environment: Mapping[str, str]) -> list[str]:
    """The variables with which a deployed process must not start, by name; none where it is not deployed."""
    where = environment.get("VAULTRA_ENVIRONMENT")
    if where not in DEPLOYED:
        return []
    found = {name for name, is_demo in REFUSED.items() if environment.get(name) and is_demo(environment[name])}
    if where == LIVE and environment.get("STRIPE_SECRET_KEY", "").startswith(TEST_KEYS):
        found.add("STRIPE_SECRET_KEY")
    return sorted(found)


def refuse_demo_settings(environment: Mapping[str, str]) -> None:
    """End the process, naming the variables but not their values, when it is deployed with a demo's settings."""
    if found := demo_settings(environment):
        raise SystemExit(f"These settings are for one machine, and this is deployed: {', '.join(found)}")
