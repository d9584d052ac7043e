"""What Terraform says that the code says, too: settings, headers, log lines, pages of the operator's book."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import vaultra.config
from vaultra.config import Settings
from vaultra_local import catalogue
from vaultra_local.catalogue import ROOT
from vaultra_local.site import SECURITY

TERRAFORM = ROOT / "terraform"
WITH_ALARMS = [file for file in TERRAFORM.glob("*.tf") if "google_monitoring_alert_policy" in file.read_text()]
FIELDS = {
    name.upper(): field
    for settings in vars(vaultra.config).values()
    if isinstance(settings, type) and issubclass(settings, Settings)
    for name, field in settings.model_fields.items()
}
# Set by the platform, or only where there is no platform.
NOT_OURS = {"K_SERVICE", "K_REVISION", "DATABASE_URL", "PUBSUB_EMULATOR_HOST", "VAULTRA_FAILPOINTS", "SCHEDULE_RECORD"}


def variables(file: str) -> set[str]:
    """The environment variables a file of Terraform sets."""
    source = (TERRAFORM / file).read_text()
    return set(re.findall(r"^ +([A-Z][A-Z_]+) +=", source, re.MULTILINE)) | set(
        re.findall(r'name += "([A-Z][A-Z_]+)"', source)
    )


def secrets() -> set[str]:
    return {secret for function in catalogue.load() for secret in function.secrets}


@pytest.mark.parametrize("file", ["functions.tf", "migrations.tf", "operate.tf"])
def test_every_variable_is_one_that_the_code_reads(file: str) -> None:
    assert variables(file), "nothing was found"
    assert variables(file) <= set(FIELDS)
    assert not variables(file) & (NOT_OURS | secrets())


def test_every_secret_of_the_catalogue_is_one_that_the_code_reads() -> None:
    assert secrets() <= set(FIELDS)


def test_every_secret_of_the_operators_job_is_the_catalogues() -> None:
    """Terraform takes those that the catalogue has; here it has them all."""
    named = set(re.findall(r'^    "([A-Z_]+)",$', (TERRAFORM / "operate.tf").read_text(), re.MULTILINE))
    assert {"STRIPE_SECRET_KEY", "TOKEN_ENCRYPTION_KEYS", "OPENAI_API_KEY"} <= named <= secrets()


def test_what_the_code_can_not_do_without_is_set() -> None:
    needed = {name for name, field in FIELDS.items() if field.is_required()}
    assert needed <= secrets() | variables("functions.tf")


def test_the_buckets_headers_are_the_local_sites() -> None:
    source = (TERRAFORM / "site.tf").read_text()
    for name, value in SECURITY.items():
        assert f'"{name}: {value}"' in source, name


def test_every_line_an_alarm_waits_for_is_written_somewhere() -> None:
    waited = re.findall(r'jsonPayload\.message=\\"([a-z_.]+)\\"', (TERRAFORM / "log_alerts.tf").read_text())
    assert len(waited) == len(BAD)
    code = "".join(path.read_text() for path in Path(ROOT, "shared", "vaultra").rglob("*.py"))
    for message in waited:
        assert re.search(rf'log\.(info|warning|error)\(\s*"{re.escape(message)}"', code), message
    for field in re.findall(r"jsonPayload\.(?!message)([a-z_]+)", (TERRAFORM / "log_alerts.tf").read_text()):
        assert f"{field}=" in code, field


INJECTED = """
import json, sys
from vaultra.config import RuntimeSettings
from vaultra.telemetry import configure, log

configure(RuntimeSettings(k_service="any", log_level="INFO"))
for message, fields in json.load(sys.stdin):
    log.info(message, **fields)
"""
# What the code writes when it is bad, and the same line when it is not.
BAD: list[tuple[str, dict[str, Any]]] = [
    ("event.failed", {"event_id": "evt_1", "dead": True}),
    ("request.crashed", {}),
    ("reconcile.found", {"missed": 3, "read": 10}),
    ("sync.failed", {"kind": "incremental"}),
    ("sealed_key.broken", {}),
    ("agent.model_failed", {"provider": "openai"}),
    ("tool.crashed", {}),
    ("mcp.crashed", {}),
]
HARMLESS: list[tuple[str, dict[str, Any]]] = [
    ("event.failed", {"event_id": "evt_1", "dead": False}),
    ("reconcile.found", {"missed": 0, "read": 10}),
]


def matches(term: str, record: dict[str, Any]) -> bool:
    """Whether a line of the log satisfies `jsonPayload.field=value` or `>value`, as Cloud Logging reads it."""
    found = re.fullmatch(r"jsonPayload\.(\w+)(=|>)(.+)", term)
    assert found is not None, term
    field, operator, wanted = found[1], found[2], json.loads(found[3])
    if field not in record:
        return False
    return bool(record[field] == wanted if operator == "=" else record[field] > wanted)


def fired(lines: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """The alarms on log lines that these would raise, once they went through the product's own logging."""
    done = subprocess.run(
        [sys.executable, "-c", INJECTED], input=json.dumps(lines), capture_output=True, text=True, check=True
    )
    records = [json.loads(line) for line in done.stderr.splitlines()]
    assert len(records) == len(lines)
    source = (TERRAFORM / "log_alerts.tf").read_text()
    alarms = re.findall(r'title += "([^"]+)"\n +severity = "\w+"\n +filter += "(jsonPayload.*)"\n', source)
    return [
        title
        for record in records
        for title, filtered in alarms
        if all(matches(term, record) for term in filtered.replace('\\"', '"').split(" AND "))
    ]


def test_o12_each_alarm_on_a_line_of_the_log_fires_when_the_line_is_written_and_bad() -> None:
    assert fired(BAD) == [
        "Stripe events failed for good",
        "A function met an error that nobody foresaw",
        "Stripe had events that no webhook brought",
        "Reading an account from Stripe failed",
        "An owner's key can't be opened with any of ours",
        "A model does not answer",
        "A tool of the agent met an error that nobody foresaw",
        "An owner's own assistant met an error that nobody foresaw",
    ]
    assert fired(HARMLESS) == []


def test_every_alarm_names_a_chapter_of_the_operators_book() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "docs" / "OPERATIONS.md").read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for file in WITH_ALARMS:
        source = file.read_text()
        named = set(re.findall(r'chapter += "([^"]+)"', source)) | set(
            re.findall(r"OPERATIONS\.md#([a-z0-9-]+)", source)
        )
        assert named, file.name
        assert named <= anchors


def test_no_value_of_a_secret_passes_through_terraform() -> None:
    for path in TERRAFORM.glob("*.tf"):
        source = path.read_text()
        assert "google_secret_manager_secret_version" not in source, path.name
        assert "secret_data" not in source, path.name
        assert not re.search(r"(sk_live|sk_test|whsec_)[A-Za-z0-9]", source), path.name


def test_the_page_on_deploying_tells_where_each_secret_comes_from() -> None:
    page = (ROOT / "docs" / "DEPLOY.md").read_text()
    told = set(re.findall(r"`([a-z-]+)`", "".join(re.findall(r"^\| `.*$", page, re.MULTILINE))))
    assert {secret.lower().replace("_", "-") for secret in secrets()} <= told
