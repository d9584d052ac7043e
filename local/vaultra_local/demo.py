"""The demo's owner and businesses, made through the public API as a person would make them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from vaultra_local.stripe_sim.cdnow import ACCOUNT_ID as CDNOW_ACCOUNT
from vaultra_local.stripe_sim.software_business import ACCOUNT_ID as SOFTWARE_ACCOUNT
from vaultra_local.stripe_sim.troubled_shop import ACCOUNT_ID as SHOP_ACCOUNT

EMAIL = "demo@vaultra.example"
PASSWORD = "demo-password"  # noqa: S105 - printed on the terminal, and good for this machine only
OWNER_NAME = "Demo owner"
LONGEST_BACKFILL_SECONDS = 300
POLL_SECONDS = 0.5

Say = Callable[[str], None]


@dataclass(frozen=True)
class DemoBusiness:
    """A business of the demo and the simulator's account it is connected to."""

    name: str
    account_id: str
    profile: dict[str, Any]


BUSINESSES = (
    DemoBusiness(
        "CDNOW (real history)",
        CDNOW_ACCOUNT,
        {"industry": "ecommerce", "legal_entity": "CDNOW, Inc.", "founded_at": "1994-02-01"},
    ),
    DemoBusiness("Fernhill Studio", SOFTWARE_ACCOUNT, {"industry": "software"}),
    DemoBusiness("Quillwater Goods", SHOP_ACCOUNT, {"industry": "retail"}),
)


class SeedFailed(RuntimeError):
    """The demo's data could not be made; the message says what answered what."""


def seed(base_url: str, say: Say) -> None:
    """Make what is missing: the owner, the businesses, their connections; wait for their first scores.

    Args:
        base_url: The gateway, without a trailing slash.
        say: Told one line per step.
    """
    with httpx.Client(base_url=base_url, timeout=60, follow_redirects=False) as client:
        client.headers["Authorization"] = f"Bearer {_token(client)}"
        known = {business["name"]: business["id"] for business in _json(client.get("/api/v1/auth/me"))["businesses"]}
        for demo in BUSINESSES:
            business_id = known.get(demo.name) or _create(client, demo)
            if not _status(client, business_id)["connected"]:
                _connect(client, business_id, demo.account_id)
        ids = {b["name"]: b["id"] for b in _json(client.get("/api/v1/auth/me"))["businesses"]}
        for demo in BUSINESSES:
            score = _first_score(client, ids[demo.name])
            say(f"{demo.name}: {score['score']} of 100, {score['tier_label']}")


def wait_for_history(base_url: str, say: Say) -> None:
    """Tell how the rest of the history comes in; returns when all of it is there."""
    with httpx.Client(base_url=base_url, timeout=60) as client:
        client.headers["Authorization"] = f"Bearer {_token(client)}"
        for business in _json(client.get("/api/v1/auth/me"))["businesses"]:
            for state in _until_idle(client, business["id"]):
                progress = state["sync"]
                say(f"{business['name']}: {progress['percent']}% of the history, {progress['objects']:,} objects")


def _token(client: httpx.Client) -> str:
    answer = client.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
    if answer.status_code == 401:
        account = {"email": EMAIL, "password": PASSWORD, "name": OWNER_NAME}
        answer = client.post("/api/v1/auth/signup", json=account)
    return str(_json(answer)["token"])


def _create(client: httpx.Client, demo: DemoBusiness) -> str:
    return str(_json(client.post("/api/v1/users/businesses", json={"name": demo.name, **demo.profile}))["id"])


def _connect(client: httpx.Client, business_id: str, account_id: str) -> None:
    """The OAuth round trip, with the simulator's page answered by script."""
    answer = client.get(
        "/api/v1/integrations/stripe/connect",
        params={"business_id": business_id},
        headers={"Accept": "application/json"},
    )
    approval = httpx.URL(_json(answer)["url"]).copy_add_param("sim_account", account_id)
    callback = httpx.get(approval).headers.get("location", "")
    landing = client.get(callback).headers.get("location", "")
    if "/dashboard/" not in landing:
        raise SeedFailed(f"Connecting {account_id} ended at {landing or callback or 'no redirect'}")


def _first_score(client: httpx.Client, business_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + LONGEST_BACKFILL_SECONDS
    while time.monotonic() < deadline:
        answer = client.get("/api/v1/readiness", params={"business_id": business_id})
        if answer.status_code != 404:
            return _json(answer)
        time.sleep(POLL_SECONDS)
    raise SeedFailed(f"No score after {LONGEST_BACKFILL_SECONDS} s: see the logs")


def _until_idle(client: httpx.Client, business_id: str) -> Iterator[dict[str, Any]]:
    deadline = time.monotonic() + LONGEST_BACKFILL_SECONDS
    while time.monotonic() < deadline:
        state = _status(client, business_id)
        if state.get("sync", {}).get("phase", "idle") == "idle":
            return
        yield state
        time.sleep(POLL_SECONDS)
    raise SeedFailed(f"The history is not complete after {LONGEST_BACKFILL_SECONDS} s: see the logs")


def _status(client: httpx.Client, business_id: str) -> dict[str, Any]:
    return _json(client.get("/api/v1/integrations/stripe/status", params={"business_id": business_id}))


def _json(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code not in (200, 201):
        raise SeedFailed(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:300]}")
    body: dict[str, Any] = answer.json()
    return body
