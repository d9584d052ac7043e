"""The operator's commands: what they print and change, that a dry run changes nothing, and that twice is once."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, text

from tests.connected import statuses
from tests.fakes import FakeEmbedder, FakePublisher, FakeStripe
from tests.local import estate
from tests.local.estate import ACCOUNT, BUSINESS, EMAIL, STRANGER, contents
from tests.stripe_payloads import NOON
from vaultra import services as wiring
from vaultra.config import RuntimeSettings
from vaultra.db.engine import create
from vaultra.errors import Unavailable
from vaultra.services import Services
from vaultra.telemetry import configure
from vaultra_local import catalogue, cli, state
from vaultra_local.scheduler import paused, write_paused

CHANGING = {
    "dlq replay": ["--all"],
    "dlq drop": ["1", "2"],
    "account resync": [ACCOUNT],
    "account reconcile": [ACCOUNT],
    "account disconnect": [ACCOUNT],
    "recompute": ["--all", "--since", "2026-11-01"],
    "events redrive": [ACCOUNT],
    "sessions end": ["--user", EMAIL],
    "keys reseal": [],
    "knowledge ingest": [],
    "mails drop": ["--before", "2026-11-20T11:00"],
    "people delete": [str(estate.USER)],
    "jobs run": ["reconcile"],
    "jobs pause": ["--all"],
    "jobs resume": ["sweep"],
}
# What changes no row: it only announces, or the schedule has no row.
NO_ROWS = {"events redrive", "jobs run", "jobs pause", "jobs resume"}
LOOKING = {
    "dlq list": [],
    "dlq show": ["1"],
    "account list": [],
    "account show": [ACCOUNT],
    "events parked": [],
    "jobs list": [],
}
JOBS = ", ".join(sorted(job.name.replace("_", "-") for f in catalogue.load() for job in f.schedule))
changing = pytest.mark.parametrize("command", CHANGING)
Json = dict[str, Any]


@pytest.fixture
def engine(fresh_engine: Engine) -> Engine:
    with fresh_engine.begin() as conn:
        estate.fill(conn)
    return fresh_engine


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """The embedded scheduler's, with one job that is paused."""
    write_paused(tmp_path / "scheduler.json", frozenset({"sweep"}))
    return tmp_path / "scheduler.json"


@pytest.fixture(autouse=True)
def services(
    engine: Engine, publisher: FakePublisher, stripe: FakeStripe, record: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    monkeypatch.setenv("SCHEDULE_RECORD", str(record))
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEYS", ",".join(estate.ENCRYPTION_KEYS))
    services = Services(clock=lambda: NOON, engine=engine, publisher=publisher, stripe=stripe, embedder=FakeEmbedder())
    wiring.use(services)
    yield services
    wiring.use(None)
    configure(RuntimeSettings(log_level="CRITICAL"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Json]:
    """Run a command that succeeds; gives what it printed as JSON."""

    def main(*words: str) -> Json:
        capsys.readouterr()
        assert cli.main([*words, "--json"]) == 0, capsys.readouterr().err
        found: Json = json.loads(capsys.readouterr().out)
        return found

    return main


def words(command: str) -> list[str]:
    return [*command.split(), *{**CHANGING, **LOOKING}[command]]


def published(publisher: FakePublisher) -> list[tuple[str, Json]]:
    return [(message.topic, orjson.loads(message.data)) for message in publisher.messages]


def test_every_command_of_the_table_is_tried_here() -> None:
    assert {command.name for command in cli.COMMANDS} - {"demo", "dev", "package"} == {*CHANGING, *LOOKING}


@changing
def test_a_dry_run_changes_nothing(
    command: str, run: Callable[..., Json], engine: Engine, publisher: FakePublisher, stripe: FakeStripe, record: Path
) -> None:
    before, resting = contents(engine), paused(record)
    told = run(*words(command), "--dry-run")
    assert told["dry_run"] is True
    assert (contents(engine), paused(record)) == (before, resting)
    assert (publisher.messages, stripe.deauthorized) == ([], [])
    # And it tells what the command then does.
    assert run(*words(command)) == {**told, "dry_run": False}
    assert contents(engine) != before or command in NO_ROWS
    assert (paused(record) != resting) == (command in ("jobs pause", "jobs resume"))


@pytest.mark.parametrize("command", LOOKING)
def test_looking_changes_nothing(command: str, run: Callable[..., Json], engine: Engine) -> None:
    before = contents(engine)
    assert run(*words(command))
    assert contents(engine) == before


@changing
def test_twice_is_once(command: str, engine: Engine, publisher: FakePublisher) -> None:
    """The second time finds nothing to do, or says the same again to consumers for whom a repetition is nothing."""
    first = cli.main(words(command))
    after, announced = contents(engine), published(publisher)
    again = cli.main(words(command))
    assert contents(engine) == after
    assert all(message in announced for message in published(publisher))
    # What is gone can't be named again: the command says so instead of pretending.
    assert (first, again) == (0, 1 if command in ("dlq drop", "account disconnect", "people delete") else 0)


@changing
def test_it_leaves_one_log_line_with_a_request_id_and_marks_its_messages(
    command: str, publisher: FakePublisher, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words(command)) == 0
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    [line] = [line for line in lines if line["message"] == "operation.done"]
    assert (line["command"], line["dry_run"], len(line["request_id"])) == (command, False, 32)
    assert EMAIL not in json.dumps(lines)
    expected = "of-the-first-time" if command == "dlq replay" else line["request_id"]
    assert {message.attributes["request_id"] for message in publisher.messages} <= {expected}


def test_letters_are_listed_shown_replayed_and_dropped(
    run: Callable[..., Json], engine: Engine, publisher: FakePublisher
) -> None:
    assert [row["id"] for row in run("dlq", "list")["dead letters"]] == [1, 2, 3]
    assert [row["id"] for row in run("dlq", "list", "--since", "2026-11-20")["dead letters"]] == [1, 2]
    assert [row["topic"] for row in run("dlq", "list", "--topic", "mail-due")["dead letters"]] == ["mail-due"]
    letter = run("dlq", "show", "1")["letter"]
    assert (letter["data"], letter["error"], letter["attempts"]) == ({"ids": [1]}, "KeyError", 7)
    told = run("dlq", "replay", "--topic", "stripe-event-received")
    assert (told["letters"], told["events_revived"], told["messages"]) == (1, 1, 1)
    assert published(publisher) == [("stripe-event-received", {"ids": [1]})]
    assert [row["id"] for row in run("dlq", "list")["dead letters"]] == [2, 3]
    assert [row["id"] for row in run("dlq", "list", "--replayed")["dead letters"]] == [1, 2, 3]
    assert run("dlq", "drop", "2", "3")["letters"] == 2
    assert run("dlq", "list")["dead letters"] == []
    with engine.connect() as conn:
        assert statuses(conn) == {"pending": 2, "parked": 2}


def test_a_dropped_letters_event_is_ignored(run: Callable[..., Json], engine: Engine) -> None:
    assert run("dlq", "drop", "1")["events_ignored"] == 1
    with engine.connect() as conn:
        assert statuses(conn) == {"ignored": 1, "pending": 1, "parked": 2}


def test_a_letter_that_is_no_json_is_shown_by_its_size_and_replayed(
    run: Callable[..., Json], engine: Engine, publisher: FakePublisher
) -> None:
    with engine.begin() as conn:
        conn.execute(text("update dead_letters set data = '\\x00ff' where id = 1"))
    assert run("dlq", "show", "1")["letter"]["data"] == "2 bytes that are not JSON"
    assert run("dlq", "replay", "1")["events_revived"] == 0
    assert [message.data for message in publisher.messages] == [b"\x00\xff"]


def test_accounts_are_listed_and_shown(run: Callable[..., Json]) -> None:
    rows = run("account", "list")["accounts"]
    assert [(row["account"], row["status"], row["business"]) for row in rows] == [
        (ACCOUNT, "connected", str(BUSINESS)), (estate.GONE, "disconnected", str(estate.OTHER_BUSINESS)),
    ]  # fmt: skip
    shown = run("account", "show", ACCOUNT)
    assert [(row["kind"], row["objects"]) for row in shown["runs"]] == [("initial", 840)]
    assert [(row["status"], row["events"]) for row in shown["events"]] == [("dead", 1), ("pending", 1)]


def test_resync_and_reconcile_announce_their_runs(
    run: Callable[..., Json], engine: Engine, publisher: FakePublisher
) -> None:
    assert run("account", "resync", ACCOUNT)["kind"] == "incremental"
    assert run("account", "resync", ACCOUNT, "--all")["kind"] == "initial"
    assert run("account", "resync", "--every", "--since", "2026-11-18")["runs"] == 1
    assert run("account", "reconcile", ACCOUNT)["kind"] == "reconcile"
    with engine.connect() as conn:
        found = {str(row.id): row.kind for row in conn.execute(text("select id, kind from sync_runs"))}
    asked = [(topic, found[body["run_id"]], body["step"]) for topic, body in published(publisher)]
    assert asked == [("stripe-sync-due", kind, 0) for kind in ("incremental", "initial", "incremental", "reconcile")]


def test_parked_events_are_counted_and_released_once_their_account_is_connected(
    run: Callable[..., Json], engine: Engine, publisher: FakePublisher
) -> None:
    [row] = run("events", "parked")["parked events"]
    assert (row["account"], row["events"], row["forgotten_at"]) == (STRANGER, 2, "2026-11-23T07:00:00+00:00")
    told = run("events", "redrive", STRANGER)
    assert (told["released"], told["still_parked"], published(publisher)) == (0, 2, [])
    with engine.begin() as conn:
        conn.execute(text("update integration_accounts set external_id = :id, status = 'connected' "
                          "where status = 'disconnected'"), {"id": STRANGER})  # fmt: skip
    told = run("events", "redrive", STRANGER)
    assert (told["released"], told["still_parked"], told["events_announced"]) == (2, 0, 2)
    assert published(publisher) == [("stripe-event-received", {"ids": [3, 4]})]
    assert run("events", "parked", ACCOUNT)["parked events"] == []


def test_metrics_are_asked_for(run: Callable[..., Json], engine: Engine, publisher: FakePublisher) -> None:
    told = run("recompute", "--business", str(BUSINESS), "--since", "2026-11-19")
    assert (told["businesses"], told["days"]) == (1, 2)
    assert published(publisher) == [("metrics-due", {"business_ids": [str(BUSINESS)]})]
    with engine.connect() as conn:
        assert conn.execute(text("select business_id from metrics_due")).scalars().all() == [BUSINESS]


def test_sessions_end_for_one_and_for_everyone(run: Callable[..., Json], engine: Engine) -> None:
    with engine.begin() as conn:
        estate.add(conn, estate.models.User, email="bo@example.com", name="Bo")
        conn.execute(text("insert into sessions (user_id, address_hash, signed_in_at, expires_at) "
                          "select id, 'x', :now, 'infinity' from users where name = 'Bo'"), {"now": NOON})  # fmt: skip
    assert run("sessions", "end", "--user", "Owner@Example.com")["sessions_ended"] == 2
    assert run("sessions", "end", "--everyone")["sessions_ended"] == 1


def test_disconnecting_gives_the_access_back(run: Callable[..., Json], engine: Engine, stripe: FakeStripe) -> None:
    with engine.begin() as conn:  # connected by consent, not by the owner's key
        conn.execute(text("update integration_accounts set sealed_key = null"))
    assert run("account", "disconnect", ACCOUNT)["disconnected"] == 1
    assert stripe.deauthorized == [ACCOUNT]
    with engine.connect() as conn:
        assert set(conn.scalars(text("select status from integration_accounts"))) == {"disconnected"}


def test_jobs_are_listed_run_paused_and_resumed(run: Callable[..., Json], publisher: FakePublisher) -> None:
    assert [row["name"] for row in run("jobs", "list")["jobs"] if row["paused"]] == ["sweep"]
    assert run("jobs", "run", "sweep")["messages"] == 1, "a paused job too"
    assert published(publisher) == [("tick", {"job": "sweep"})]
    assert run("jobs", "pause", "purge")["jobs"] == "purge"
    assert run("jobs", "resume", "--all")["jobs_resumed"] == 2
    assert run("jobs", "resume", "--all")["jobs_resumed"] == 0


def test_jobs_are_paused_while_the_database_is_lost(
    services: Services, record: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    services.engine = create("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    assert cli.main(["jobs", "pause", "--all"]) == 0
    assert "stripe_sync" in paused(record)
    assert cli.main(["dlq", "list"]) == 1


def test_what_there_is_not_is_said_and_answers_1(capsys: pytest.CaptureFixture[str], engine: Engine) -> None:
    before = contents(engine)
    for command, said in (
        (["dlq", "show", "99"], "There is no dead letter 99"),
        (["dlq", "replay", "1", "98", "99"], "There is no dead letter 98, 99"),
        (["account", "show", "acct_none"], "No business has ever connected acct_none"),
        (["account", "resync", estate.GONE], "acct_1Gone is not connected"),
        (["recompute", "--business", str(estate.USER)], "This business has no connected account"),
        (["sessions", "end", "--user", "nobody@example.com"], "Nobody has this address"),
        (["people", "delete", str(BUSINESS)], f"Nobody has the id {BUSINESS}"),
        (["jobs", "run", "nightly"], f"There is no job nightly; there are {JOBS}"),
    ):
        assert cli.main(command) == 1
        captured = capsys.readouterr()
        assert (captured.out, captured.err.splitlines()[-1]) == ("", said)
    assert contents(engine) == before


def test_what_makes_no_sense_answers_2(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (
        ["dlq"],
        ["dlq", "replay"],
        ["dlq", "replay", "1", "--all"],
        ["dlq", "drop"],
        ["account", "resync"],
        ["account", "resync", ACCOUNT, "--every"],
        ["account", "resync", ACCOUNT, "--since", "yesterday"],
        ["account", "resync", ACCOUNT, "--since", "2026-11-20", "--all"],
        ["recompute", "--business", "7"],
        ["sessions", "end"],
        ["mails", "drop"],
        ["jobs", "pause"],
        ["jobs", "run"],
    ):
        with pytest.raises(SystemExit) as ended:
            cli.main(command)
        assert ended.value.code == 2
    assert "no date such as" in capsys.readouterr().err


def test_what_could_not_be_announced_still_waits(
    engine: Engine, services: Services, publisher: FakePublisher, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(FakePublisher):
        def publish(self, messages: object) -> None:
            raise Unavailable("The broker does not answer")

    services.publisher = Broken()
    assert cli.main(["dlq", "replay", "--all"]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == "The broker does not answer. It is safe to run this again."
    services.publisher = publisher
    assert cli.main(["dlq", "replay", "--all"]) == 0
    assert len(publisher.messages) == 3


def test_a_running_product_on_this_machine_is_found(
    fresh_database_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VAULTRA_STATE", str(tmp_path))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "somebody-elses")
    for name in ("DATABASE_URL", "STRIPE_SECRET_KEY"):
        monkeypatch.setenv(name, "postgresql://nowhere.invalid/")
    assert cli.main(["dlq", "list", "--local", "demo"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "There is no running `demo` on this machine."
    folder = state.folder("demo")
    folder.mkdir()
    state.keep_environment(folder, {"DATABASE_URL": fresh_database_url, "STRIPE_SECRET_KEY": "sk", "PATH": "/bin"})
    assert (folder / state.ENVIRONMENT).stat().st_mode & 0o777 == 0o600
    assert cli.main(["dlq", "list", "--local", "demo"]) == 0
    assert capsys.readouterr().out.startswith("Dead letters: 3\n")
    assert "PATH" not in json.loads((folder / state.ENVIRONMENT).read_text())
