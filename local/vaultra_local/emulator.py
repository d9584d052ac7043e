"""Google's Pub/Sub emulator: finding it, running it, and creating in it what the catalogue asks for."""

import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from vaultra.db.broker import Subscription
from vaultra_local.keeper import keeper

START_SECONDS = 30.0
SHORTEST_ACK_DEADLINE_SECONDS, LONGEST_ACK_DEADLINE_SECONDS = 10, 600


def find_jar() -> Path | None:
    """The emulator's jar beside the installed gcloud; None when it, or Java, is missing."""
    gcloud = shutil.which("gcloud")
    if gcloud is None or shutil.which("java") is None:
        return None
    sdk = Path(gcloud).resolve().parent.parent
    jars = sorted(
        jar
        for place in (sdk, Path("/usr/lib/google-cloud-sdk"))
        for jar in place.glob("platform/pubsub-emulator/lib/cloud-pubsub-emulator-*.jar")
    )
    return jars[-1] if jars else None


class Emulator:
    """A running emulator on a free port of 127.0.0.1; it keeps everything in memory.

    Java is started directly: `gcloud … start` leaves its Java behind when it is ended.
    """

    def __init__(self, jar: Path) -> None:
        self._jar = jar
        self._process: subprocess.Popen[bytes] | None = None
        self.host = ""

    def __enter__(self) -> "Emulator":
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.host = f"127.0.0.1:{port}"
        flags = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"]
        self._process = subprocess.Popen(
            ["java", *flags, "-jar", str(self._jar), "--host=127.0.0.1", f"--port={port}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        keeper().watch(self._process.pid)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(httpx.HTTPError):
                if httpx.get(f"http://{self.host}/", trust_env=False).status_code == 200:
                    return self
            time.sleep(0.05)
        self.__exit__()
        raise RuntimeError("the Pub/Sub emulator does not start")

    def __exit__(self, *_raised: object) -> None:
        assert self._process is not None
        self._process.kill()  # it has nothing to save
        self._process.wait()
        keeper().release(self._process.pid)


def create(host: str, project: str, subscriptions: Sequence[Subscription]) -> None:
    """Create topics and push subscriptions as Terraform does in the cloud; what exists already stays.

    Args:
        host: The emulator's `host:port`.
    """
    topics = {s.topic for s in subscriptions} | {s.dead_letter_topic for s in subscriptions if s.dead_letter_topic}
    with httpx.Client(base_url=f"http://{host}/v1/projects/{project}", trust_env=False, timeout=10) as api:
        for topic in sorted(topics):
            _put(api, f"/topics/{topic}", {})
        for subscription in subscriptions:
            _put(api, f"/subscriptions/{subscription.name}", _body(project, subscription))


def _put(api: httpx.Client, path: str, body: dict[str, object]) -> None:
    answer = api.put(path, json=body)
    if answer.status_code != httpx.codes.CONFLICT:
        answer.raise_for_status()


def _body(project: str, subscription: Subscription) -> dict[str, object]:
    deadline = round(subscription.ack_deadline_seconds)
    body: dict[str, object] = {
        "topic": f"projects/{project}/topics/{subscription.topic}",
        "pushConfig": {"pushEndpoint": subscription.endpoint},
        "ackDeadlineSeconds": min(max(deadline, SHORTEST_ACK_DEADLINE_SECONDS), LONGEST_ACK_DEADLINE_SECONDS),
        # The emulator never gives up on a message of an ordered subscription, and holds back even those without a key.
        "enableMessageOrdering": subscription.dead_letter_topic is None,
        "retryPolicy": {
            "minimumBackoff": f"{subscription.min_backoff_seconds:g}s",
            "maximumBackoff": f"{subscription.max_backoff_seconds:g}s",
        },
    }
    if subscription.dead_letter_topic is not None:
        body["deadLetterPolicy"] = {
            "deadLetterTopic": f"projects/{project}/topics/{subscription.dead_letter_topic}",
            "maxDeliveryAttempts": subscription.max_attempts,
        }
    return body


def delete(host: str, project: str) -> None:
    """Delete a project's subscriptions, so that the emulator stops pushing to them."""
    with httpx.Client(base_url=f"http://{host}/v1", trust_env=False, timeout=10) as api:
        listed = api.get(f"/projects/{project}/subscriptions").raise_for_status().json()
        for subscription in listed.get("subscriptions", []):
            api.delete(f"/{subscription['name']}").raise_for_status()
