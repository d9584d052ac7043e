"""The whole product on one machine: it heals itself, keeps its data, and leaves no process behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

from tests import loopback
from vaultra.sealing import Sealing
from vaultra_local import environment, state
from vaultra_local.ports import free_port
from vaultra_local.postgres import erase

START_SECONDS = 60


class Product:
    """`vaultra dev` over a state folder and a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        ours = {"VAULTRA_STATE": str(self.folder), "PORT": str(self.port)}
        given = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "GOOGLE_CLOUD_PROJECT", "JWT_SECRET")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vaultra_local.cli", "dev"],
            env=given | ours,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        until(lambda: self.answers("/api/v1/openapi.json", "/api/v1/auth/me"), START_SECONDS)

    def answers(self, *paths: str) -> bool:
        try:
            return all(loopback.get(self.url + path).status_code < 500 for path in paths)
        except httpx.HTTPError:
            return False

    def post(self, path: str, body: dict[str, str]) -> httpx.Response:
        return loopback.post(f"{self.url}/api/v1{path}", json=body, timeout=20)

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal; the exit status and everything that was printed."""
        assert self.process is not None
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=20)
        return self.process.returncode, output

    def members(self) -> list[psutil.Process]:
        """Every process that belongs to it, except the one that was started."""
        needles = (str(self.folder), f"--port {self.port}")
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            command = " ".join(process.info["cmdline"] or [])
            if process.info["status"] != psutil.STATUS_ZOMBIE and any(needle in command for needle in needles):
                found.append(process)
        return found

    def member(self, module: str) -> psutil.Process:
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        [found] = [child for child in children if module in child.cmdline()]
        return found


def until(happened: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    product = Product(tmp_path / "state")
    yield product
    if product.process is not None and product.process.poll() is None:
        product.process.kill()
        product.process.communicate()
    until(lambda: not product.members(), 15)
    erase(tmp_path / "state" / "dev" / "postgres")


def test_it_heals_keeps_its_data_and_leaves_nothing_behind(product: Product) -> None:
    product.start()
    person = {"email": "ann@example.com", "password": "correct horse", "name": "Ann"}
    assert product.post("/auth/signup", person).status_code == 201

    # A process that dies is started again.
    functions = product.member("vaultra_local.server")
    functions.kill()
    until(lambda: is_back(product, functions.pid), 30)

    # kill -9 of the whole thing: its children end, the data stay.
    product.end(signal.SIGKILL)
    until(lambda: not product.members(), 15)
    product.start()
    login = {"email": person["email"], "password": person["password"]}
    assert product.post("/auth/login", login).status_code == 200

    # A second one over the same state is refused, in words.
    second = subprocess.run(
        [sys.executable, "-m", "vaultra_local.cli", "dev"],
        env=os.environ | {"VAULTRA_STATE": str(product.folder), "PORT": str(free_port())},
        capture_output=True,
        text=True,
    )
    assert second.returncode == 1
    assert "already running" in second.stdout
    assert "Traceback" not in second.stdout + second.stderr

    # The help articles are published by itself, also when the first try was killed.
    [log] = product.folder.rglob("articles.log")
    until(lambda: log.read_text().endswith("Done.\n"), 120)

    # Ctrl-C ends it quickly and quietly.
    began = time.monotonic()
    status, output = product.end(signal.SIGINT)
    assert status == 130
    assert "Traceback" not in output
    assert time.monotonic() - began < 10
    assert not product.members()


def is_back(product: Product, old: int) -> bool:
    try:
        return product.member("vaultra_local.server").pid != old
    except (ValueError, psutil.Error):
        return False


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "-m", "vaultra_local.cli", "dev"],
            env=os.environ | {"VAULTRA_STATE": str(tmp_path), "PORT": port},
            capture_output=True,
            text=True,
        )
    assert ended.returncode == 1
    assert f"Port {port} is taken" in ended.stdout


def test_generated_secrets_stay_and_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    first = state.generated_secrets(tmp_path)
    assert state.generated_secrets(tmp_path) == first
    assert len(first["JWT_SECRET"]) >= 32
    assert first["STRIPE_WEBHOOK_SECRET"].startswith("whsec_")
    assert Sealing([first["TOKEN_ENCRYPTION_KEYS"]])
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


SECRETS = {
    "JWT_SECRET": "generated",
    "STRIPE_WEBHOOK_SECRET": "whsec_generated",
    "TOKEN_ENCRYPTION_KEYS": "generated too",
}


def test_the_demo_takes_nothing_of_the_callers_settings() -> None:
    given = {
        "PATH": "/bin",
        "LOG_LEVEL": "DEBUG",
        "DATABASE_URL": "postgresql://production",
        "STRIPE_SECRET_KEY": "sk_live_1",
        "GOOGLE_CLOUD_PROJECT": "production",
        "JWT_SECRET": "theirs",
        "SMTP_URL": "smtp://their.provider",
    }
    found = environment.of_demo(given, SECRETS, 8080, 9090, 2525)
    assert found["STRIPE_API_BASE"] == found["STRIPE_CONNECT_BASE"] == "http://127.0.0.1:9090"
    assert found["SITE_URL"] == "http://127.0.0.1:8080"
    assert found["PUBLIC_API_URL"] == "http://127.0.0.1:8080/api/v1"
    assert found["JWT_SECRET"] == "generated"
    assert {"PATH", "LOG_LEVEL"} <= found.keys()
    assert not {"DATABASE_URL", "GOOGLE_CLOUD_PROJECT"} & found.keys()
    assert found["SMTP_URL"] == "smtp://127.0.0.1:2525"
    assert not {"sk_live_1", "smtp://their.provider"} & set(found.values())


def test_development_takes_what_is_named_and_hints_at_what_is_missing() -> None:
    given = {
        "DATABASE_URL": "postgresql://mine",
        "STRIPE_SECRET_KEY": "sk_test_1",
        "SITE_URL": "",
        "JWT_SECRET": "mine",
        "SMTP_URL": "smtp://mine",
    }
    found, hints = environment.of_dev(given, SECRETS, 8080, 2525)
    assert found["DATABASE_URL"] == "postgresql://mine"
    assert found["JWT_SECRET"] == "mine"
    assert found["TOKEN_ENCRYPTION_KEYS"] == "generated too"
    assert found["SITE_URL"] == "http://127.0.0.1:8080"
    assert found["SMTP_URL"] == "smtp://mine"
    assert "STRIPE_WEBHOOK_SECRET" not in found
    [hint] = hints
    assert "STRIPE_WEBHOOK_SECRET, STRIPE_CONNECT_CLIENT_ID" in hint


def test_a_project_alone_does_not_send_a_developers_messages_to_the_cloud() -> None:
    found, hints = environment.of_dev({"GOOGLE_CLOUD_PROJECT": "production"}, SECRETS, 8080, 2525)
    assert "GOOGLE_CLOUD_PROJECT" not in found
    assert any("GOOGLE_CLOUD_PROJECT" in hint for hint in hints)
    found, _ = environment.of_dev({"PUBSUB_EMULATOR_HOST": "127.0.0.1:8085"}, SECRETS, 8080, 2525)
    assert found["GOOGLE_CLOUD_PROJECT"] == "vaultra-local"


def test_a_developers_mails_stay_on_the_machine_unless_a_server_is_named() -> None:
    found, hints = environment.of_dev({}, SECRETS, 8080, 2525)
    assert found["SMTP_URL"] == environment.mailbox_url(2525) == "smtp://127.0.0.1:2525"
    assert any("http://127.0.0.1:8080/mailbox/" in hint for hint in hints)
