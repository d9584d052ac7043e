"""The pipeline: what runs in which order, and what its scripts say to gcloud."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from vaultra_local import catalogue
from vaultra_local.catalogue import ROOT
from vaultra_local.site import IMMUTABLE, REVALIDATED

BUILD = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())
STEPS: dict[str, dict[str, Any]] = {step["id"]: step for step in BUILD["steps"]}
DEPLOY = ROOT / "deploy"
# Writes down what it is asked, and lists the services of a file.
GCLOUD = """#!/bin/sh
printf '%s\\n' "$*" >>"$ASKED"
case "$*" in
"run services list"*) cat "$LISTED" ;;
"run jobs execute"*) echo operate-abc12 ;;
"logging read"*) cat "$LISTED" ;;
"run jobs executions describe"*) echo 2026-11-20T12:00:00Z ;;
"secrets versions access"*) cat "$LISTED" ;;
"secrets versions add"*) cat >"$LISTED" && echo projects/p/secrets/s/versions/2 ;;
esac
"""


def before(step: str) -> set[str]:
    """Every step that is over when this one starts."""
    direct = set(STEPS[step].get("waitFor", ()))
    return direct | {earlier for one in direct for earlier in before(one)}


# --- the order -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("package", "operate-image"),
        ("operate-image", "migration-job"),
        ("settle-functions", "knowledge"),
        ("knowledge", "site"),
        ("test", "package"),
        ("audit", "migration-job"),
        ("plan-tests", "migration-job"),
        ("package", "migrate-image"),
        ("migrate-image", "migration-job"),
        ("migration-job", "migrate"),
        ("migrate", "apply"),
        ("keep-revisions", "apply"),
        ("apply", "smoke-functions"),
        ("smoke-functions", "settle-functions"),
        ("settle-functions", "site"),
        ("site", "smoke-site"),
        ("smoke-site", "settle-site"),
    ],
)
def test_the_order(first: str, then: str) -> None:
    assert first in before(then)


def test_every_step_but_the_first_waits_for_an_earlier_one() -> None:
    names = list(STEPS)
    assert len(names) == len(BUILD["steps"])
    for number, name in enumerate(names):
        waits = STEPS[name].get("waitFor", [])
        assert set(waits) <= set(names[:number])
        assert bool(waits) == (number > 0)


def test_what_may_fail_is_settled_by_the_step_after_its_smoke_test() -> None:
    """A failure that is allowed must end in a settling step, which fails and takes back."""
    for name, proof in [("settle-functions", "dist/functions-are-well"), ("settle-site", "dist/site-is-well")]:
        assert not STEPS[name].get("allowFailure")
        assert STEPS[name]["args"][:2] == ["deploy/settle.sh", proof]
        [smoke] = STEPS[name]["waitFor"]
        assert f"touch {proof}" in STEPS[smoke]["args"][-1]
    may_fail = {name for name, step in STEPS.items() if step.get("allowFailure")}
    assert may_fail <= before("settle-site") | before("settle-functions")
    assert may_fail == {"apply", "smoke-functions", "site", "smoke-site"}


def test_a_smoke_test_asks_only_what_was_really_done() -> None:
    assert STEPS["apply"]["args"][-1].endswith("&& touch dist/applied")
    assert STEPS["smoke-functions"]["args"][-1].startswith("test -f dist/applied &&")
    assert STEPS["site"]["args"][-1].endswith("&& touch dist/site-uploaded")
    assert STEPS["smoke-site"]["args"][-1].startswith("test -f dist/site-uploaded &&")


def test_every_image_has_a_version() -> None:
    for step in BUILD["steps"]:
        assert re.search(r":\d[\w.-]*$", step["name"]), step["name"]


def test_no_step_names_a_function() -> None:
    text = (ROOT / "cloudbuild.yaml").read_text() + "".join(path.read_text() for path in DEPLOY.glob("*.sh"))
    for function in catalogue.load():
        for name in (function.name, function.hyphenated):
            assert not re.search(rf"\b{name}\b", text), name


def test_every_script_exists_and_reads_as_a_shell_script() -> None:
    pages = (ROOT / "cloudbuild.yaml").read_text() + (ROOT / "docs" / "OPERATIONS.md").read_text()
    named = set(re.findall(r"deploy/[\w.-]+\.sh", pages))
    assert named == {f"deploy/{path.name}" for path in DEPLOY.glob("*.sh")}
    for name in named:
        subprocess.run(["sh", "-n", str(ROOT / name)], check=True)
        assert os.access(ROOT / name, os.X_OK), name


# --- taking back -----------------------------------------------------------------------------


class Cloud:
    """A folder in which `gcloud` is a stand-in that writes down what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.listed, self._asked = folder / "listed", folder / "asked"
        (folder / "bin").mkdir()
        gcloud = folder / "bin" / "gcloud"
        gcloud.write_text(GCLOUD)
        gcloud.chmod(0o755)
        self.listed.write_text("")

    def run(self, script: str, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "ASKED": str(self._asked),
            "LISTED": str(self.listed),
            "REGION": "us-central1",
            "PAUSE": "0",
        }
        command = ["sh", str(DEPLOY / script), *arguments]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    @property
    def asked(self) -> list[str]:
        return self._asked.read_text().splitlines() if self._asked.exists() else []


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path)


def test_functions_that_changed_go_back_and_the_others_are_left_alone(cloud: Cloud) -> None:
    cloud.listed.write_text("auth-api\tauth-api-00007-abc\ndispatch\tdispatch-00003-def\n")
    assert cloud.run("revisions.sh", "keep", "kept").returncode == 0
    cloud.listed.write_text("auth-api\tauth-api-00008-xyz\ndispatch\tdispatch-00003-def\nnew-one\tnew-one-00001-aaa\n")
    done = cloud.run("revisions.sh", "restore", "kept")
    assert (done.returncode, done.stdout) == (0, "auth-api: back to auth-api-00007-abc\n")
    assert all("status.traffic[0].revisionName" in line for line in cloud.asked if "services list" in line)
    updates = [line for line in cloud.asked if "update-traffic" in line]
    assert updates == [
        "run services update-traffic auth-api --region=us-central1 --to-revisions=auth-api-00007-abc=100 --quiet"
    ]


def test_a_release_that_is_well_is_left_alone(cloud: Cloud) -> None:
    (cloud.folder / "well").touch()
    done = cloud.run("settle.sh", "well", "touch", "taken-back")
    assert done.returncode == 0
    assert not (cloud.folder / "taken-back").exists()


def test_a_release_that_is_not_well_is_taken_back_and_fails(cloud: Cloud) -> None:
    done = cloud.run("settle.sh", "well", "touch", "taken-back")
    assert done.returncode == 1
    assert (cloud.folder / "taken-back").exists()


def test_a_release_that_can_not_be_taken_back_fails_too(cloud: Cloud) -> None:
    assert cloud.run("settle.sh", "well", "false").returncode == 1


@pytest.mark.parametrize("script", ["revisions.sh", "secret.sh", "site.sh"])
def test_an_unknown_word_is_refused(script: str, cloud: Cloud) -> None:
    assert cloud.run(script, "destroy", "x").returncode == 2
    assert cloud.asked == []


# --- an operator's command -------------------------------------------------------------------

TOLD = """Dead letters: 1
  id  topic
  1   mail-due
exit status 0
"""


def test_a_command_is_run_word_by_word_and_told_as_it_was_printed(cloud: Cloud) -> None:
    cloud.listed.write_text(TOLD)
    done = cloud.run("operate.sh", "sessions", "end", "--user", "an owner@example.com", "--dry-run")
    assert (done.returncode, done.stdout) == (0, TOLD.removesuffix("exit status 0\n"))
    assert cloud.asked[0] == (
        "run jobs execute operate --region=us-central1"
        " --args=^;^sessions;end;--user;an owner@example.com;--dry-run --format=value(metadata.name) --async"
    )
    assert all("operate-abc12" in line for line in cloud.asked if line.startswith("logging read"))


def test_a_command_that_failed_fails_here_with_its_status_and_its_words(cloud: Cloud) -> None:
    cloud.listed.write_text("There is no dead letter 99\nexit status 1\n")
    done = cloud.run("operate.sh", "dlq", "show", "99")
    assert (done.returncode, done.stdout) == (1, "There is no dead letter 99\n")


def test_a_command_that_ended_without_a_word_is_no_success(cloud: Cloud) -> None:
    done = cloud.run("operate.sh", "dlq", "list")
    assert (done.returncode, done.stdout) == (1, "")
    assert "operate-abc12 ended without a word" in done.stderr


@pytest.mark.parametrize("words", [[], ["dlq", "list;reboot"]])
def test_no_command_and_one_that_can_not_be_handed_over_are_refused(words: list[str], cloud: Cloud) -> None:
    assert cloud.run("operate.sh", *words).returncode == 2
    assert cloud.asked == []


# --- replacing a secret ----------------------------------------------------------------------


def test_a_secret_is_replaced_in_two_steps_each_of_which_may_be_repeated(cloud: Cloud) -> None:
    cloud.listed.write_text("old")
    dry = cloud.run("secret.sh", "begin", "jwt-secret", "--dry-run", typed="new")
    assert (dry.returncode, dry.stdout) == (0, "jwt-secret: would add a version with two values\n")
    assert cloud.listed.read_text() == "old"
    for said in ("jwt-secret: version 2\n", "jwt-secret: nothing to do, the latest version holds two values\n"):
        assert cloud.run("secret.sh", "begin", "jwt-secret", typed="new").stdout == said
        assert cloud.listed.read_text() == "new,old", "the first one signs"
    for said in ("jwt-secret: version 2\n", "jwt-secret: nothing to do, the latest version holds one value\n"):
        assert cloud.run("secret.sh", "end", "jwt-secret").stdout == said
        assert cloud.listed.read_text() == "new"


@pytest.mark.parametrize("typed", ["", "one,two\n"])
def test_what_is_not_one_value_is_refused(typed: str, cloud: Cloud) -> None:
    cloud.listed.write_text("old")
    assert cloud.run("secret.sh", "begin", "jwt-secret", typed=typed).returncode == 1
    assert cloud.listed.read_text() == "old"


def test_no_value_of_a_secret_is_an_argument_or_printed(cloud: Cloud) -> None:
    cloud.listed.write_text("old-value")
    done = cloud.run("secret.sh", "begin", "jwt-secret", typed="new-value\n")
    told = " ".join(cloud.asked) + done.stdout + done.stderr
    assert "old-value" not in told
    assert "new-value" not in told


# --- the site --------------------------------------------------------------------------------

FILES = [
    "index.html",
    "404.html",
    "dashboard/index.html",
    "boot.js",
    "favicon.svg",
    "api/v1/openapi.json",
    "_astro/App.abc123.js",
    "_astro/page.html.def.css",
]


def copies(cloud: Cloud, source: str) -> list[tuple[set[str], str]]:
    """What each rsync from `source` takes of FILES, in order, and its other flags: as gcloud reads --exclude."""
    found = []
    for line in cloud.asked:
        words = line.split()
        if words[:3] != ["storage", "rsync", source]:
            continue
        excludes = [word.removeprefix("--exclude=") for word in words if word.startswith("--exclude=")]
        patterns = [re.compile(pattern) for exclude in excludes for pattern in exclude.split(",")]
        taken = {file for file in FILES if not any(pattern.match(file) for pattern in patterns)}
        found.append((taken, " ".join(word for word in words[4:] if not word.startswith("--exclude="))))
    return found


def test_assets_go_first_and_pages_last(cloud: Cloud) -> None:
    assert cloud.run("site.sh", "upload", "bucket").returncode == 0
    assert cloud.asked[0].startswith("storage rsync gs://bucket dist/site-before --recursive")
    assert cloud.asked[1] == (
        "storage rsync frontend/dist/_astro gs://bucket/_astro --recursive"
        " --cache-control=public,max-age=31536000,immutable"
    )
    assets = {file for file in FILES if file.startswith("_astro/")}
    pages = {file for file in FILES if file.endswith(".html")}
    ask_again = "--recursive --cache-control=public,max-age=0,must-revalidate"
    assert copies(cloud, "frontend/dist") == [
        (set(FILES) - assets - pages, ask_again),
        (pages, ask_again),
        (set(FILES) - assets, "--recursive --delete-unmatched-destination-objects"),
    ]


def test_taking_the_site_back_puts_its_pages_back_and_leaves_every_asset(cloud: Cloud) -> None:
    assert cloud.run("site.sh", "restore", "bucket").returncode == 0
    assert len(copies(cloud, "dist/site-before")) == len(cloud.asked) == 3
    assert not [line for line in cloud.asked if "frontend" in line]
    assert all("--exclude=_astro/" in line for line in cloud.asked)


def test_the_cache_times_are_the_local_sites() -> None:
    script = (DEPLOY / "site.sh").read_text()
    assert f"for_ever='{IMMUTABLE}'" in script
    assert f"ask_again='{REVALIDATED}'" in script


def test_what_is_tested_is_what_runs() -> None:
    """One Python tests, builds and serves; one Terraform is asked for and runs."""
    assert {step["name"] for step in BUILD["steps"] if "python" in step["name"]} == {"python:3.11"}
    assert 'default     = "python311"' in (ROOT / "terraform" / "variables.tf").read_text()
    assert all("FROM python:3.11-slim" in path.read_text() for path in DEPLOY.glob("*.Dockerfile"))
    assert 'required_version = ">= 1.11' in (ROOT / "terraform" / "versions.tf").read_text()
    assert STEPS["apply"]["name"].startswith("hashicorp/terraform:1.11.")
