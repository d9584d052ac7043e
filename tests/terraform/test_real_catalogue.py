"""What Terraform makes of the real functions.yaml in each environment, asked of its own expressions.

Rows O4 (connections) and the schedules, routes and names that production gets. `terraform/tests/` plans the resources.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from vaultra_local import catalogue, subscriptions
from vaultra_local.catalogue import ROOT

TERRAFORM = ROOT / "terraform"
ENVIRONMENTS = sorted(path.stem for path in (TERRAFORM / "environments").glob("*.tfvars"))
FUNCTIONS = catalogue.load()
ASKED = {
    "functions": "local.functions",
    "topics": "local.topics",
    "subscriptions": "local.subscriptions",
    "collections": "local.collections",
    "publishers": "local.publishers",
    "schedules": "local.schedules",
    "secrets": "local.secrets",
    "webhooks": "local.webhook_functions",
    "http": "keys(local.http_functions)",
    "most_connections": "local.most_connections",
    "max_connections": "var.database.max_connections",
    "site_domain": "var.site_domain",
    "api_domain": "var.api_domain",
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The catalogue's locals by environment."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed here")
    folder = tmp_path_factory.mktemp("terraform")
    for name in ("catalogue.tf", "variables.tf"):  # they need no provider, so that nothing has to be downloaded
        shutil.copy(TERRAFORM / name, folder)
    question = "jsonencode({" + ", ".join(f"{name} = {expression}" for name, expression in ASKED.items()) + "})"
    environment = {**os.environ, "TF_VAR_catalogue_file": str(catalogue.CATALOGUE)}
    found = {}
    for name in ENVIRONMENTS:
        done = subprocess.run(
            ["terraform", "console", f"-var-file={TERRAFORM / 'environments' / f'{name}.tfvars'}"],
            cwd=folder,
            input=question,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found[name] = json.loads(json.loads(done.stdout))
    return found


@pytest.fixture(params=ENVIRONMENTS)
def asked(answers: dict[str, dict[str, Any]], request: pytest.FixtureRequest) -> dict[str, Any]:
    return answers[request.param]


def test_there_are_two_environments_each_with_a_state_of_its_own() -> None:
    assert ENVIRONMENTS == ["prod", "staging"]
    backends = [(TERRAFORM / "environments" / f"{name}.gcs.tfbackend").read_text() for name in ENVIRONMENTS]
    assert len(set(backends)) == len(ENVIRONMENTS)


def test_every_function_is_deployed_under_its_name_on_cloud_run(asked: dict[str, Any]) -> None:
    assert {f["entry_point"]: name for name, f in asked["functions"].items()} == {
        function.name: function.hyphenated for function in FUNCTIONS
    }


def test_o4_everything_open_at_once_and_a_deploy_fit_four_fifths_of_the_connections(asked: dict[str, Any]) -> None:
    most, allowed = asked["most_connections"], asked["max_connections"]
    print(f"O4: {most} of {allowed} connections, {most / allowed:.0%}")
    assert 0 < most <= 0.8 * allowed
    by_hand = sum(
        (f["max_instances"] + 1) * (f["pool_size"] + f["extra_connections"]) for f in asked["functions"].values()
    )
    assert most == by_hand + 10


def test_production_keeps_two_to_ten_of_what_owners_wait_for(answers: dict[str, dict[str, Any]]) -> None:
    warm = {name: f for name, f in answers["prod"]["functions"].items() if f["min_instances"]}
    assert {"auth-api", "metrics-api", "stripe-webhook"} <= set(warm)
    assert {(f["min_instances"], f["max_instances"]) for f in warm.values()} == {(2, 10)}
    assert not [f for f in answers["staging"]["functions"].values() if f["min_instances"]]


def test_production_has_the_seeds_names(answers: dict[str, dict[str, Any]]) -> None:
    assert (answers["prod"]["site_domain"], answers["prod"]["api_domain"]) == ("vaultra.com", "api.vaultra.com")


def test_metrics_are_due_every_hour_and_recommendations_at_two_at_night(asked: dict[str, Any]) -> None:
    schedules = asked["schedules"]
    assert {name: (job["job"], job["cron"], job["topic"]) for name, job in schedules.items()} == {
        job.name.replace("_", "-"): (job.name, job.cron, function.topic)
        for function in FUNCTIONS
        for job in function.schedule
    }
    assert schedules["compute-metrics"]["cron"] == "0 * * * *"
    assert schedules["generate-recommendations"]["cron"] == "0 2 * * *"


def test_subscriptions_are_those_of_the_local_broker(asked: dict[str, Any]) -> None:
    local = {one.name: one for one in subscriptions.from_catalogue(FUNCTIONS, "http://127.0.0.1:9")}
    assert set(asked["subscriptions"]) | set(asked["collections"]) == set(local)
    for name, subscription in asked["subscriptions"].items():
        timeout = asked["functions"][subscription["function"]]["timeout_seconds"]
        assert local[name].topic == subscription["topic"]
        assert min(600, timeout + 60) == local[name].ack_deadline_seconds


def test_everything_published_is_read(asked: dict[str, Any]) -> None:
    assert {one["topic"] for one in asked["publishers"].values()} <= set(asked["topics"])
    assert {one["topic"] for one in asked["subscriptions"].values()} == set(asked["topics"])


def test_webhooks_and_people_are_told_apart(asked: dict[str, Any]) -> None:
    assert asked["webhooks"] == ["stripe-webhook"]
    assert set(asked["http"]) == {function.hyphenated for function in FUNCTIONS if function.is_http}


def test_one_function_answers_for_the_apis_health() -> None:
    source = (TERRAFORM / "loadbalancer.tf").read_text()
    assert 'health_path = "/api/v1/health"' in source
    assert [f.name for f in FUNCTIONS if "/api/v1/health" in f.paths] == ["auth_api"]


def test_account_names_are_short_enough(asked: dict[str, Any]) -> None:
    assert max(len(f"fn-{name}") for name in asked["functions"]) <= 30


def test_no_file_but_the_catalogue_names_a_function() -> None:
    names = {name for function in FUNCTIONS for name in (function.name, function.hyphenated) if name != "dispatch"}
    named = {
        f"{path.name}: {name}"
        for path in TERRAFORM.glob("*.tf")
        for name in names
        if f'"{name}"' in path.read_text() or f'["{name}' in path.read_text()
    }
    assert named == set()


def test_the_stand_in_zips_of_the_plan_tests_exist() -> None:
    zips = {path.stem for path in Path(TERRAFORM, "tests", "fixtures", "zips").glob("*.zip")}
    assert zips == {"door_api", "desk_api", "bell_webhook", "do_work", "keep_time", "keep_letters"}
