"""RELIABILITY row O14: what is deployed does not start with the settings of a demo, not with one of them."""

import os
import re
import subprocess
import sys

import pytest

from tests.packages.check import SECRETS, SETTINGS
from vaultra.production import REFUSED, demo_settings
from vaultra_local import environment
from vaultra_local.catalogue import FUNCTIONS, ROOT

# As Terraform and Secret Manager give them.
DEPLOYED = {
    **SETTINGS,
    **SECRETS,
    "GOOGLE_CLIENT_ID": "1234-abc.apps.googleusercontent.com",
    "GOOGLE_CLIENT_SECRET": "GOCSPX-of-no-account",
    "STRIPE_CONNECT_CLIENT_ID": "ca_OfNoAccount",
}
DEMO = {
    **environment.of_demo({}, {}, 8080, 8081, 8082),
    **environment.of_sign_in_simulator(8083),
    "OPENAI_BASE_URL": "http://127.0.0.1:11434/v1",
    "PUBSUB_EMULATOR_HOST": "127.0.0.1:8085",
    "SCHEDULE_RECORD": "scheduler.json",
    "VAULTRA_FAILPOINTS": "committed=exit",
}


def test_o14_what_terraform_and_secret_manager_give_is_accepted() -> None:
    assert demo_settings(DEPLOYED) == []


@pytest.mark.parametrize("where", ["staging", "prod"])
def test_o14_every_setting_of_the_demo_is_refused_one_by_one(where: str) -> None:
    refused = [
        name for name in sorted(DEMO) if demo_settings({**DEPLOYED, "VAULTRA_ENVIRONMENT": where, name: DEMO[name]})
    ]
    print(f"\nO14: {len(refused)} of {len(DEMO)} settings of the demo are refused in {where}")
    assert refused == sorted(DEMO)
    assert set(REFUSED) == set(DEMO), "a setting that is refused is tried here, and the other way round"


def test_o14_test_keys_are_for_staging_only() -> None:
    keys = {**DEPLOYED, "STRIPE_SECRET_KEY": "sk_test_51OfNoAccount"}
    assert demo_settings({**keys, "VAULTRA_ENVIRONMENT": "staging"}) == []
    assert demo_settings(keys) == ["STRIPE_SECRET_KEY"]


@pytest.mark.parametrize("where", ["", "test", "demo"])
def test_o14_where_nothing_is_deployed_everything_goes(where: str) -> None:
    assert demo_settings({**DEPLOYED, **DEMO, "VAULTRA_ENVIRONMENT": where}) == []


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        ("https://api.stripe.com", False),
        ("https://connect.stripe.com", False),
        ("http://api.stripe.com", True),
        ("https://api.stripe.com.example", True),
        ("https://evilstripe.com", True),
        ("https://api.stripe.com@127.0.0.1", True),
    ],
)
def test_o14_only_stripe_is_stripe(value: str, refused: bool) -> None:
    assert bool(demo_settings({**DEPLOYED, "STRIPE_API_BASE": value})) == refused


@pytest.mark.parametrize("module", ["vaultra_local.operate", "vaultra.db.migrate_online"])
@pytest.mark.parametrize("name", ["STRIPE_SECRET_KEY"])
def test_o14_a_job_does_not_start_with_one_and_does_not_tell_its_value(module: str, name: str) -> None:
    started = subprocess.run(
        [sys.executable, "-m", module, "jobs", "list"],
        env={**DEPLOYED, "PATH": os.environ["PATH"], name: DEMO[name]},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert started.returncode != 0
    assert started.stderr.splitlines()[-1].endswith(f"this is deployed: {name}")
    assert DEMO[name] not in started.stderr


@pytest.mark.parametrize("function", ["auth_api", "apply_stripe_event"])
def test_o14_a_function_does_not_start_with_one_either(function: str) -> None:
    started = subprocess.run(
        [sys.executable, "-c", "import main"],
        env={**DEPLOYED, "PATH": os.environ["PATH"], "STRIPE_API_BASE": DEMO["STRIPE_API_BASE"]},
        cwd=FUNCTIONS / function,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert started.returncode != 0
    assert started.stderr.splitlines()[-1].endswith("this is deployed: STRIPE_API_BASE")


def test_o14_terraform_sets_none_of_those_that_are_never_right() -> None:
    for path in (ROOT / "terraform").glob("*.tf"):
        for name in ("PUBSUB_EMULATOR_HOST", "SCHEDULE_RECORD", "VAULTRA_FAILPOINTS", "STRIPE_API_BASE"):
            assert not re.search(rf"\b{name}\b", path.read_text()), path.name
