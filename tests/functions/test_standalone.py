"""Every function starts alone in its folder, by the framework's own command, and does its work."""

import base64
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import loopback
from vaultra_local import catalogue
from vaultra_local.catalogue import Function
from vaultra_local.ports import free_port

FUNCTIONS = {function.name: function for function in catalogue.load()}
START_SECONDS = 60
# A message of each topic that finds nothing to do.
BODIES: dict[str, dict[str, Any]] = {
    "stripe-event-received": {"ids": [1]},
    "stripe-sync-due": {"run_id": str(uuid.uuid4()), "step": 0},
    "metrics-due": {"business_ids": [str(uuid.uuid4())]},
    "metrics-computed": {"business_ids": [str(uuid.uuid4())]},
    "readiness-computed": {"business_ids": [str(uuid.uuid4())]},
    "mail-due": {"mail_id": str(uuid.uuid4())},
    "digests-due": {"user_ids": [str(uuid.uuid4())]},
    "tick": {"job": "sweep"},
}
SETTINGS = {
    "JWT_SECRET": "a secret of the tests that is long enough",
    "STRIPE_SECRET_KEY": "sk_test_nobody",
    "STRIPE_CONNECT_CLIENT_ID": "ca_nobody",
    "STRIPE_WEBHOOK_SECRET": "whsec_nobody",
    "SMTP_URL": "smtp://127.0.0.1:9",
    "STRIPE_API_BASE": "http://127.0.0.1:9",
    "STRIPE_CONNECT_BASE": "http://127.0.0.1:9",
}


# Started from their folders, all of them: `test_package` starts some from their zips every day.
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def addresses(make_database: Any) -> Iterator[dict[str, str]]:
    """All functions running, each as its own process with production's server; their URLs by name."""
    environment = {**os.environ, **SETTINGS, "DATABASE_URL": make_database("standalone")}
    command = Path(sys.executable).with_name("functions-framework")
    urls, processes = {}, []
    try:
        for name, function in FUNCTIONS.items():
            port = free_port()
            process = subprocess.Popen(
                [str(command), "--target", name, "--port", str(port), "--host", "127.0.0.1"],
                cwd=function.source.parent,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            processes.append(process)
            urls[name] = f"http://127.0.0.1:{port}"
        for url in urls.values():
            _wait_for(url)
        yield urls
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(20)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            loopback.get(f"{url}/health", timeout=5)
        except httpx.HTTPError:
            assert time.monotonic() < deadline, f"{url} did not start"
            time.sleep(0.1)
        else:
            return


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_says_that_it_is_well(name: str, addresses: dict[str, str]) -> None:
    for path in ("/health", "/health/ready"):
        answer = loopback.get(addresses[name] + path, timeout=10)
        assert answer.status_code == 200, answer.text
        assert answer.json()["function"] == name


@pytest.mark.parametrize("function", [f for f in FUNCTIONS.values() if not f.is_http], ids=lambda f: f.name)
def test_it_accepts_its_message(function: Function, addresses: dict[str, str]) -> None:
    body = BODIES[function.topic] if function.topic else {"any": "thing"}
    envelope = {
        "message": {"data": base64.b64encode(json.dumps(body).encode()).decode(), "messageId": "1", "attributes": {}},
        "subscription": f"projects/p/subscriptions/{function.topic}.{function.hyphenated}",
        "deliveryAttempt": 1,
    }
    answer = loopback.post(addresses[function.name], json=envelope, timeout=20)
    assert answer.status_code == 204, answer.text


@pytest.mark.parametrize("function", [f for f in FUNCTIONS.values() if f.is_http], ids=lambda f: f.name)
def test_it_answers_below_its_paths_in_the_envelope(function: Function, addresses: dict[str, str]) -> None:
    for path in function.paths:
        answer = loopback.get(f"{addresses[function.name]}{path}/no/such/thing", timeout=10)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "NOT_FOUND"
