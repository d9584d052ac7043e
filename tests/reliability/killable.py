"""Deliveries of messages to functions, each in a process of its own, which a failpoint may end anywhere.

Run as a module it takes one job a line and forks for it, so that imports are paid for once.
"""

import asyncio
import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from functions_framework.aio import create_asgi_app

from tests.functions.envelopes import envelope
from vaultra import failpoints
from vaultra import services as wiring
from vaultra.adapters.smtp import SmtpMailer
from vaultra.config import AuthSettings, MailSettings
from vaultra.db import engine as database
from vaultra.ports import Message
from vaultra.services import Services
from vaultra_local.catalogue import FUNCTIONS, ROOT

Json = dict[str, Any]
SECRET = "a-secret-of-the-tests-with-32-bytes"


class FilePublisher:
    """A broker as far as a test needs one: what it has taken is on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def publish(self, messages: Sequence[Message]) -> None:
        with self._path.open("a") as file:
            file.writelines(f"{json.dumps([m.topic, json.loads(m.data)])}\n" for m in messages)


class Killable:
    """Functions over one database, one mail server and one broker, whose processes may be killed."""

    def __init__(self, process: "subprocess.Popen[str]", settings: Json) -> None:
        self._process = process
        self._settings = settings
        self._published = Path(settings["published"])

    def deliver(self, function: str, body: Json, now: dt.datetime, fail_at: str = "") -> int:
        """Deliver a message; gives 0 when it was acknowledged, 1 when not, `failpoints.EXIT_STATUS` when it died."""
        job = {**self._settings, "function": function, "body": body, "now": now.isoformat(), "fail_at": fail_at}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(job)}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def take_published(self) -> list[tuple[str, Json]]:
        """What the broker was given since it was asked last: topic and content."""
        lines = self._published.read_text().splitlines() if self._published.exists() else []
        self._published.unlink(missing_ok=True)
        return [(topic, body) for topic, body in map(json.loads, lines)]


@contextmanager
def killable(database_url: str, smtp_port: int, folder: Path, functions: Iterable[str]) -> Iterator[Killable]:
    """A place to deliver messages to these functions."""
    settings = {"database_url": database_url, "smtp_port": smtp_port, "published": str(folder / "published")}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LOG_LEVEL": "CRITICAL"}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.reliability.killable", *functions],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Killable(process, settings)
        assert process.stdin is not None
        process.stdin.close()


def _handle(job: Json, apps: Mapping[str, Any]) -> int:
    os.environ |= {"VAULTRA_ENVIRONMENT": "test", "VAULTRA_FAILPOINTS": job["fail_at"]}
    failpoints.active.cache_clear()
    now = dt.datetime.fromisoformat(job["now"])
    services = Services(
        clock=lambda: now,
        engine=database.create(job["database_url"], pool_size=2),
        publisher=FilePublisher(Path(job["published"])),
        mailer=SmtpMailer(MailSettings(smtp_url=f"smtp://127.0.0.1:{job['smtp_port']}")),
    )
    services.auth = AuthSettings(jwt_secret=SECRET)
    wiring.use(services)
    answer = _ask(apps[job["function"]], "POST", "/", json=envelope(job["body"]))
    return 0 if answer.is_success else 1


def _ask(app: Any, method: str, path: str, **content: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://function", timeout=30) as client:
            return await client.request(method, path, **content)

    return asyncio.run(ask())


def _serve() -> None:
    apps = {name: create_asgi_app(name, str(FUNCTIONS / name / "main.py")) for name in sys.argv[1:]}
    for app in apps.values():
        _ask(app, "GET", "/health")  # what a process does once is done before it is copied
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(_handle(json.loads(line), apps))
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
