"""The product as an owner and as Stripe meet it: a running `vaultra dev`, spoken to over HTTP only."""

import datetime as dt
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests import loopback
from vaultra_local.ports import free_port

WEBHOOK_SECRET = "whsec_of_the_tests"
SECRET_KEY = "sk_test_of_the_tests"
CLIENT_ID = "ca_of_the_tests"
PASSWORD = "a password of the tests"
START_SECONDS = 60
Json = dict[str, Any]


@dataclass
class Product:
    """A running product. `log` is what the command printed."""

    url: str
    process: "subprocess.Popen[bytes]"
    log: Path
    state: Path

    def client(self) -> httpx.Client:
        return loopback.client(base_url=f"{self.url}/api/v1")


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Seconds it took; fails when it takes longer than allowed."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - began


@contextmanager
def running_product(state: Path, stripe_url: str, port: int | None = None) -> Iterator[Product]:
    """`vaultra dev` against a stand-in for Stripe; stopped by SIGINT, as a person would."""
    state.mkdir(parents=True, exist_ok=True)
    port, log = port or free_port(), state / "printed.log"
    environment = {
        **os.environ,
        "PORT": str(port),
        "VAULTRA_STATE": str(state / "state"),
        "STRIPE_API_BASE": stripe_url,
        "STRIPE_REQUESTS_PER_SECOND": "0",
        "STRIPE_CONNECT_BASE": stripe_url,
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_CONNECT_CLIENT_ID": CLIENT_ID,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "vaultra_local.cli", "dev"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    product = Product(f"http://127.0.0.1:{port}", process, log, state / "state")
    try:
        wait_until(lambda: _answers(product), START_SECONDS, "the product answers")
        yield product
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _answers(product: Product) -> bool:
    assert product.process.poll() is None, product.log.read_text()
    try:
        return loopback.get(f"{product.url}/api/v1/auth/health", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


@dataclass
class Owner:
    """Someone who signed up and has one business."""

    client: httpx.Client
    business_id: str

    @classmethod
    def sign_up(cls, product: Product) -> "Owner":
        client = product.client()
        account = {"email": f"{uuid.uuid4().hex}@example.com", "password": PASSWORD, "name": "An Owner"}
        client.headers["Authorization"] = f"Bearer {client.post('/auth/signup', json=account).json()['token']}"
        business = client.post("/users/businesses", json={"name": "A Shop"})
        assert business.status_code == 201, business.text
        return cls(client, business.json()["id"])

    def connect(self, account_id: str) -> None:
        """The OAuth round trip; the simulator's page is answered by script."""
        answer = self.client.get("/integrations/stripe/connect", headers={"Accept": "application/json"})
        approval = httpx.URL(answer.json()["url"]).copy_add_param("sim_account", account_id)
        callback = loopback.get(approval).headers["location"]
        landing = self.client.get(callback)  # the same browser: it has the cookie
        assert landing.status_code == 302, landing.text
        assert "/dashboard/" in landing.headers["location"]

    def status(self) -> Json:
        return self._get("/integrations/stripe/status")

    def metrics(self) -> Json:
        return self._get("/metrics")

    def readiness(self) -> Json:
        return self._get("/readiness")

    def recommendations(self) -> list[str]:
        """The titles of those that stand."""
        listed = self._get("/recommendations")["recommendations"]
        return [item["title"] for item in listed if item["status"] in ("pending", "accepted")]

    def has_score(self) -> bool:
        return self.client.get("/readiness").status_code == 200

    def history_is_read(self) -> bool:
        """Whether the 24 months are in, and a score says so."""
        if self.status().get("sync", {}).get("phase") != "idle" or not self.has_score():
            return False
        return not self.readiness()["provisional"]

    def _get(self, path: str) -> Json:
        answer = self.client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        body: Json = answer.json()
        return body


def computed_at(metrics: Json) -> dt.datetime:
    """When the product computed these metrics."""
    return dt.datetime.fromisoformat(metrics["computed_at"])
