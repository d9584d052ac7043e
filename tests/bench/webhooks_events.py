"""The events of the webhook comparison: Stripe's fixtures, pretty-printed as Stripe sends them."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaultra_local.catalogue import ROOT

FIXTURES = ROOT / "tests" / "data" / "stripe_fixtures.json.gz"
SECRET = "whsec_that_only_the_benchmarks_use"
ACCOUNTS = 101
"""Connected accounts that take turns, each of a business of its own. A prime number, so that all get every kind."""

ORDER = "ccccpccccd"
"""What is sent, over and over: 80 % charges, 10 % payouts, 10 % disputes."""

NOW_MARK = 987654321
# What Stripe changes from event to event. The sender puts its own value in place of each @NAME@.
NUMBER, ACCOUNT = "@NUMBER@", "@ACCOUNT@"


@dataclass(frozen=True)
class Kind:
    """One letter of `ORDER`: the event's type, its object, and what the object says instead of the fixture."""

    letter: str
    type: str
    resource: str
    fields: dict[str, Any]


KINDS = (
    Kind(
        "c",
        "charge.succeeded",
        "charge",
        {"id": f"ch_{NUMBER}", "amount_captured": 100, "captured": True, "paid": True, "status": "succeeded"},
    ),
    Kind("p", "payout.paid", "payout", {"id": f"po_{NUMBER}", "status": "paid", "arrival_date": NOW_MARK}),
    Kind(
        "d",
        "charge.dispute.created",
        "dispute",
        {"id": f"dp_{NUMBER}", "charge": f"ch_{NUMBER}", "status": "needs_response"},
    ),
)


def fixtures() -> dict[str, dict[str, Any]]:
    """Stripe's example of each object, by its type."""
    with gzip.open(FIXTURES) as file:
        found: dict[str, dict[str, Any]] = json.load(file)
    return found


def template(kind: Kind) -> str:
    """An event's body with marks in place of its ids, its account and its times."""
    every = fixtures()
    subject = {**every[kind.resource], "created": NOW_MARK, "livemode": True, **kind.fields}
    event = {
        "id": f"evt_{NUMBER}",
        "object": "event",
        "account": ACCOUNT,
        "api_version": every["event"]["api_version"],
        "created": NOW_MARK,
        "data": {"object": subject},
        "livemode": True,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind.type,
    }
    body = json.dumps(event, indent=2)
    if body.count("@") != 2 * (body.count(NUMBER) + body.count(ACCOUNT)):
        raise ValueError("a fixture holds the sign that marks what changes")
    return body.replace(str(NOW_MARK), "@NOW@")


def example(kind: Kind, *, number: str, account: str, now: int) -> bytes:
    """One event as it is sent."""
    filled = template(kind).replace(NUMBER, number).replace(ACCOUNT, account).replace("@NOW@", str(now))
    return filled.encode()


def write_templates(folder: Path) -> Path:
    """Put what the sender reads into a folder; gives the file that lists it."""
    lines = [f"order {ORDER}", f"accounts {ACCOUNTS}"]
    for kind in KINDS:
        body = folder / kind.resource
        body.write_text(template(kind))
        lines.append(f"{kind.letter} {body}")
    listed = folder / "events"
    listed.write_text("\n".join(lines) + "\n")
    return listed


def stored_by_peers(sent: int) -> int:
    """How many of the first so many events a peer stores: neither of them keeps payouts."""
    rounds, rest = divmod(sent, len(ORDER))
    return rounds * (len(ORDER) - ORDER.count("p")) + rest - ORDER[:rest].count("p")
