"""functions.yaml follows its schema, and the broker's subscriptions follow functions.yaml."""

from pathlib import Path

import pytest
import yaml

from vaultra_local import catalogue, cron, subscriptions
from vaultra_local.catalogue import CATALOGUE, CatalogueError


def test_the_catalogue_follows_its_schema() -> None:
    catalogue.check()


def test_every_function_has_its_folder_and_every_folder_its_entry() -> None:
    named = {function.name for function in catalogue.load()}
    folders = {path.parent.name for path in catalogue.FUNCTIONS.glob("*/main.py")}
    assert named == folders


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"concurrency": 0}, "auth_api/concurrency"),
        ({"colour": "blue"}, "auth_api: .*colour"),
        ({"trigger": {"topic": "x", "http": ["/a"]}}, "auth_api/trigger"),
        ({"secrets": ["lower"]}, "auth_api/secrets/0"),
        ({"trigger": {"http": ["/api/v1/users"]}}, "/api/v1/users belongs to"),
    ],
)
def test_a_broken_entry_is_named(change: dict[str, object], complaint: str, tmp_path: Path) -> None:
    document = yaml.safe_load(CATALOGUE.read_text())
    document["auth_api"] |= change
    broken = tmp_path / "functions.yaml"
    broken.write_text(yaml.safe_dump(document))
    with pytest.raises(CatalogueError, match=complaint):
        catalogue.check(broken)


def test_every_schedule_is_a_cron_expression_of_a_topic_function() -> None:
    for function in catalogue.load():
        for job in function.schedule:
            cron.parse(job.cron)
            assert function.topic is not None, f"{function.name} has a schedule and no topic to put its jobs on"


def test_everything_published_has_a_reader() -> None:
    functions = catalogue.load()
    read = {function.topic for function in functions}
    for function in functions:
        assert set(function.publishes) - {"metrics-computed"} <= read, function.name


def test_each_topic_function_gets_a_subscription_with_a_dead_letter_topic_somebody_reads() -> None:
    functions = catalogue.load()
    made = {s.name: s for s in subscriptions.from_catalogue(functions, "http://127.0.0.1:9")}
    metrics = made["metrics-due.compute-metrics"]
    [function] = [f for f in functions if f.name == "compute_metrics"]
    assert metrics.topic == "metrics-due"
    assert metrics.endpoint == "http://127.0.0.1:9/compute_metrics"
    assert metrics.ack_deadline_seconds == function.timeout_seconds + 60
    assert metrics.max_outstanding == function.concurrency
    assert (metrics.max_attempts, metrics.dead_letter_topic) == (7, "metrics-due.compute-metrics.dead")

    read = {s.topic: s for s in made.values()}
    for subscription in made.values():
        if subscription.dead_letter_topic is not None:
            collector = read[subscription.dead_letter_topic]
            assert collector.endpoint.endswith("/record_dead_letter")
            assert collector.dead_letter_topic is None
            assert collector.max_attempts is None
    topics = {function.topic for function in functions if function.topic is not None}
    assert {name.partition(".")[0] for name in made} == topics
