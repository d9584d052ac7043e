"""What the functions find in their environment on one machine."""

from collections.abc import Mapping

from vaultra.config import Settings

SIMULATOR_KEY = "sk_test_simulator"
SIMULATOR_CLIENT = "ca_simulator"
SIGN_IN_CLIENT = "vaultra-demo"
SIGN_IN_SECRET = "sign-in-simulator"  # noqa: S105 - good for the simulator only
STRIPE_VARIABLES = ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_CONNECT_CLIENT_ID")


def of_demo(
    given: Mapping[str, str], secrets: Mapping[str, str], port: int, simulator_port: int, mailbox_port: int
) -> dict[str, str]:
    """For the demo: none of the caller's settings, so that nothing of theirs is touched; the simulator is Stripe."""
    ours = {name.upper() for settings in Settings.__subclasses__() for name in settings.model_fields}
    simulator = f"http://127.0.0.1:{simulator_port}"
    return {
        **{name: value for name, value in given.items() if name not in ours - {"LOG_LEVEL"}},
        **secrets,
        **_addresses(port),
        "STRIPE_SECRET_KEY": SIMULATOR_KEY,
        "STRIPE_CONNECT_CLIENT_ID": SIMULATOR_CLIENT,
        "STRIPE_API_BASE": simulator,
        "STRIPE_REQUESTS_PER_SECOND": "0",  # the simulator has no limit to keep to
        "STRIPE_CONNECT_BASE": simulator,
        "SMTP_URL": mailbox_url(mailbox_port),
    }


def of_sign_in_simulator(port: int) -> dict[str, str]:
    """What makes the simulator on this port Google."""
    return {
        "GOOGLE_CLIENT_ID": SIGN_IN_CLIENT,
        "GOOGLE_CLIENT_SECRET": SIGN_IN_SECRET,
        "GOOGLE_ISSUER_URL": f"http://127.0.0.1:{port}",
    }


def of_dev(
    given: Mapping[str, str], secrets: Mapping[str, str], port: int, mailbox_port: int
) -> tuple[dict[str, str], list[str]]:
    """For development: what the caller's environment names, completed; and hints on what is missing."""
    environment = {**_addresses(port), **{name: value for name, value in given.items() if value}}
    for name in ("JWT_SECRET", "TOKEN_ENCRYPTION_KEYS"):
        environment.setdefault(name, secrets[name])
    hints = []
    if "PUBSUB_EMULATOR_HOST" in environment:
        environment.setdefault("GOOGLE_CLOUD_PROJECT", "vaultra-local")
    elif environment.pop("GOOGLE_CLOUD_PROJECT", None) is not None:
        hints.append("GOOGLE_CLOUD_PROJECT is left aside: without PUBSUB_EMULATOR_HOST the embedded broker is used.")
    if "SMTP_URL" not in environment:
        environment["SMTP_URL"] = mailbox_url(mailbox_port)
        hints.append(f"SMTP_URL is not set: mails stay on this machine, at http://127.0.0.1:{port}/mailbox/")
    missing = [name for name in STRIPE_VARIABLES if name not in environment]
    if missing:
        hints.append(f"Not set: {', '.join(missing)}. What needs them answers an error until they are.")
    return environment, hints


def mailbox_url(port: int) -> str:
    """The SMTP_URL of this machine's own mailbox."""
    return f"smtp://127.0.0.1:{port}"


def for_process(environment: Mapping[str, str], pool_size: int) -> dict[str, str]:
    """One process's environment; `pool_size` is its share of the database's connections, and its threads."""
    # Bytecode is kept, because every start imports the same; unbuffered, so that a log's last line is there
    # when a process is killed.
    kept = {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "POOL_SIZE": str(pool_size), "PYTHONUNBUFFERED": "1"}


def _addresses(port: int) -> dict[str, str]:
    site = f"http://127.0.0.1:{port}"
    return {"SITE_URL": site, "PUBLIC_API_URL": f"{site}/api/v1"}
